"""What is written and counted of each request: one line, and the meters."""

from __future__ import annotations

from time import perf_counter

from intaglio.clock import Clock
from intaglio.server.telemetry.meters import Meters
from intaglio.server.telemetry.requestlog import RequestLog
from intaglio.wire.message import Noted, Request

GONE = 499
"""The status under which a request is told whose client went away before it was answered."""
NO_ROUTE = "(none)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observer:
    """Tells of requests that were answered: to a log, to the meters, to both or to neither."""

    def __init__(self, clock: Clock, meters: Meters | None = None, log: RequestLog | None = None) -> None:
        self._clock = clock
        self._meters = meters
        self._log = log
        self.now = perf_counter

    def __repr__(self) -> str:
        return "Observer(…)"

    def close(self) -> None:
        """Write what is still to be written."""
        if self._log is not None:
            self._log.flush()

    def tell(self, request: Request, noted: Noted, dialect: str, status: int, begun: float) -> None:
        """Tell of a request that began at `begun` (of `now()`) and is answered with `status`."""
        seconds = perf_counter() - begun
        route, method = noted.route or NO_ROUTE, request.method
        # What a client makes up is no name of a series.
        method = method if method in METHODS else "other"
        meters = self._meters
        if meters is not None:
            meters.request(dialect, route, method, status, seconds)
            if noted.code:
                meters.count("intaglio_refusals_total", dialect, noted.code, noted.reason)
            if noted.issued:
                meters.count("intaglio_tokens_issued_total", dialect, noted.issued)
            if noted.sign_in:
                meters.count("intaglio_sign_ins_total", noted.sign_in)
        if self._log is not None:
            told = (request.peer, dialect, noted.tenant, noted.code, noted.reason)
            self._log.write(self._clock.now(), request.ref, method, route, status, seconds, told)
