"""One line for each request: a JSON object. Lines are written a few at a time, within a twentieth of a second.

Each write may wake the program that reads the log, which costs more than everything else about a line.
Never in it: a query, a body, a header, a raw path, a token. What it has of the path is the pattern of the route.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os

import msgspec

STDERR = 2
HOLD_SECONDS = 0.05
WHOLE_OCTETS = 4096
"""What a pipe takes at once (POSIX PIPE_BUF on Linux): lines of several processes do not mix up to there."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told of a request. `ms` is how long it took; empty text is left out."""

    at: str
    level: str
    event: str
    ref: str
    method: str
    route: str
    status: int
    ms: float
    peer: str
    dialect: str = ""
    tenant: str = ""
    code: str = ""
    reason: str = ""


class RequestLog:
    """Writes lines to a descriptor, from an event loop; `flush` writes what is held."""

    def __init__(self, descriptor: int = STDERR) -> None:
        self._descriptor = descriptor
        self._held: list[bytes] = []
        self._octets = 0
        self._encode = msgspec.json.Encoder().encode
        self._second = -1
        self._at = ""

    def write(
        self,
        now: int,
        ref: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        told: tuple[str, str, str, str, str],
    ) -> None:
        """Write the line of a request that was answered at `now` (epoch seconds) after `seconds`.

        `told` is peer, dialect, tenant, code and reason.
        """
        if now != self._second:
            self._second, self._at = now, stamp(now)
        level = "error" if status >= 500 else "info"
        ms = round(seconds * 1000, 2)
        line = Line(self._at, level, "request", ref, method, route, status, ms, *told)
        octets = self._encode(line)
        if self._octets + len(octets) >= WHOLE_OCTETS:
            self.flush()
        if not self._held:
            asyncio.get_running_loop().call_later(HOLD_SECONDS, self.flush)
        self._held.append(octets)
        self._octets += len(octets) + 1

    def flush(self) -> None:
        """Write the lines that are held, in one call of the system."""
        if self._held:
            held, self._held, self._octets = self._held, [], 0
            # A log that nobody reads any more does not stop the server.
            with contextlib.suppress(OSError):
                os.write(self._descriptor, b"\n".join(held) + b"\n")


def stamp(now: int) -> str:
    """Return an instant (epoch seconds) as RFC 3339 writes it."""
    return dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
