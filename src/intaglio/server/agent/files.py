"""Files that somebody else replaces: read again when they change and once a minute, the last good reading kept.

Kubernetes replaces a projected token long before its end; who reads the file once is refused after an hour. What a file
proves is judged by the server; what it permits is judged here, and is not kept for long once it cannot be read.
"""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Callable
from typing import Generic, TypeVar

from intaglio.clock import Clock
from intaglio.errors import IntaglioError, Misconfigured

T = TypeVar("T")
LOG = logging.getLogger("intaglio.agent")

AGAIN_SECONDS = 60
MAX_OCTETS = 64 * 1024


class Watched(Generic[T]):
    """What files hold together, read by `read`, which raises an `IntaglioError` for what it cannot use.

    `patience` is for how many seconds the last good reading is kept while there is no other; None for as long as it
    takes.
    """

    def __init__(
        self, paths: tuple[pathlib.Path, ...], read: Callable[..., T], clock: Clock, patience: int | None = None
    ) -> None:
        self._paths = paths
        self._patience = patience
        self._bad_since: int | None = None
        self._read = read
        self._clock = clock
        self._marks: tuple[tuple[int, int, int], ...] | None = None
        self._read_at = 0
        self._last: T | None = None

    def __repr__(self) -> str:
        return f"Watched({', '.join(map(str, self._paths))})"

    def get(self) -> T:
        """Return what the files hold.

        Raises `Misconfigured` (`file-unusable`) where they never were good, or have been bad for too long.
        """
        now = self._clock.now()
        try:
            marks = tuple(_mark(path) for path in self._paths)
            if self._last is None or marks != self._marks or now - self._read_at >= AGAIN_SECONDS:
                self._last = self._read(*(_octets(path) for path in self._paths))
                self._marks, self._read_at = marks, now
        except (OSError, IntaglioError) as fault:
            return self._kept(fault, now)
        self._bad_since = None
        return self._last

    def _kept(self, fault: OSError | IntaglioError, now: int) -> T:
        self._bad_since = now if self._bad_since is None else self._bad_since
        why = fault.strerror if isinstance(fault, OSError) else str(fault)
        files = ", ".join(map(str, self._paths))
        if self._last is None or (self._patience is not None and now - self._bad_since >= self._patience):
            detail = {"files": files, "received": why}
            raise Misconfigured("file-unusable", "A file that is needed cannot be used.", detail=detail) from fault
        LOG.warning("kept the last good reading of %s: %s", files, why)
        return self._last


def _mark(path: pathlib.Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _octets(path: pathlib.Path) -> bytes:
    with path.open("rb") as file:
        octets = file.read(MAX_OCTETS + 1)
    if len(octets) > MAX_OCTETS:
        raise Misconfigured("file-too-long", detail={"expected": f"at most {MAX_OCTETS} octets"})
    return octets
