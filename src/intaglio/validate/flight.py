"""One fetch in flight: of many callers that come at once one asks, and the others wait for its end.

Knows nothing of keys; threads and event loops wait alike.
"""

from __future__ import annotations

import concurrent.futures
import threading

WAIT_SECONDS = 10.0
LONGEST_SECONDS = 90
"""The longest that a fetch can take: two documents, four calls each, ten seconds a call; rounded up."""


class Flight:
    """A fetch that is under way: whose thread it runs on, since when, and the end that others wait for."""

    def __init__(self, now: int) -> None:
        self.began_at = now
        self.over: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.get_ident()
        # Who stops waiting cancels its own view of this, which would cancel this as well, were it not running.
        self.over.set_running_or_notify_cancel()

    def wait(self) -> None:
        """Wait for the end, for 10 s at most."""
        # Waiting on the thread whose event loop does the asking would wait for oneself.
        if self._thread != threading.get_ident():
            concurrent.futures.wait((self.over,), WAIT_SECONDS)

    async def awaited(self) -> None:
        """Wait for the end, for 10 s at most, without blocking the event loop."""
        import asyncio  # noqa: PLC0415  (30 ms, which programs that block need not pay)

        over = asyncio.wrap_future(self.over)
        try:
            await asyncio.wait((over,), timeout=WAIT_SECONDS)
        finally:
            over.cancel()  # else the end would be told to an event loop that may be closed by then


class Turns:
    """Who asks and who waits; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flight: Flight | None = None

    def underway(self, now: int) -> Flight | None:
        """Return the fetch under way, or None."""
        flight = self._flight
        # An event loop that was stopped half-way ends nothing; what cannot run any more is not waited for.
        return flight if flight is not None and abs(now - flight.began_at) < LONGEST_SECONDS else None

    def board(self, now: int) -> tuple[Flight, bool]:
        """Return the fetch under way, and whether it is the caller's own, who must then `land` it whatever happens."""
        with self._lock:
            flight = self.underway(now)
            if flight is not None:
                return flight, False
            self._flight = Flight(now)
            return self._flight, True

    def land(self, flight: Flight) -> None:
        """Say that a fetch is over, well or not, to all who wait for it."""
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.over.set_result(None)
