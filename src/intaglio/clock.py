"""The clock that is handed in, and the system's: the only reader of wall time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole seconds since 1970-01-01T00:00:00Z (NumericDate, RFC 7519 section 2)."""

    def now(self) -> int:
        """Return the present instant."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> int:
        """Return the machine's present instant."""
        return int(time.time())


class FixedClock:
    """A clock that stands where it is put and moves when it is told."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """Return the instant at which the clock stands."""
        return self._now

    def advance(self, seconds: int) -> None:
        """Move the clock by `seconds`."""
        self._now += seconds
