"""What a worker has of the process above it."""

from __future__ import annotations

import contextlib
import os

from intaglio.server.http.acceptor import Tally

BEAT_SECONDS = 1.0


class Seat:
    """What a worker has of the process above it: its number, its way to speak, and what all of them share."""

    def __init__(self, number: int, *, is_first: bool, beat: int, life: int, cells: memoryview) -> None:
        self.every_seconds = BEAT_SECONDS
        self.number = number
        self.is_first = is_first
        self.life: int | None = life
        """A descriptor that is at its end when the process above is gone."""
        self._beat = beat
        self._cells = cells
        self.tally = Tally(cells[1:], number)

    def __repr__(self) -> str:
        return f"Seat({self.number})"

    def all_go(self) -> bool:
        """Tell whether every worker stops, and not this one alone."""
        return bool(self._cells[0])

    def lost(self) -> None:
        """Take note that the process above is gone: then all go."""
        self._cells[0] = 1

    def ready(self) -> None:
        """Say that requests are answered."""
        self._say(b"R")

    def beat(self) -> None:
        """Give a sign of life."""
        self._say(b".")

    def stopping(self) -> None:
        """Say nothing: who stops is known above."""

    def _say(self, what: bytes) -> None:
        # The process above may be gone, or busy: both are noticed elsewhere.
        with contextlib.suppress(OSError):
            os.write(self._beat, what)
