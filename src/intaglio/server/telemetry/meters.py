"""What is counted: every meter with its meaning, its labels and how it is kept.

No label names a tenant, a client, a person or an address: the number of series does not grow with an installation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Literal

import msgspec

from intaglio.server.telemetry.board import Part

Kind = Literal["counter", "gauge", "histogram"]
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WIDTH = len(SECONDS) + 2
"""Cells of a histogram: one a bucket, one beyond the last, and the sum."""


class Meter(msgspec.Struct, frozen=True):
    """One thing that is counted."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        Meter(
            "intaglio_http_requests_total",
            "counter",
            ("dialect", "route", "method", "status"),
            "Requests that were answered; status 499 stands for a client that went away.",
        ),
        Meter(
            "intaglio_http_request_seconds",
            "histogram",
            ("dialect", "route"),
            "Time from the head of a request to the end of its answer.",
        ),
        Meter(
            "intaglio_tokens_issued_total",
            "counter",
            ("dialect", "grant"),
            "Answers that gave tokens, by the grant.",
        ),
        Meter("intaglio_refusals_total", "counter", ("dialect", "code", "reason"), "Requests that were refused."),
        Meter("intaglio_sign_ins_total", "counter", ("outcome",), "Sign-ins with a password: ok, failed or limited."),
        Meter("intaglio_db_seconds", "histogram", ("op",), "Time of the database's work: read or write."),
        Meter("intaglio_sign_seconds", "histogram", ("alg",), "Time to sign an ID token, waiting included."),
        Meter("intaglio_worker_resident_octets", "gauge", ("worker",), "Memory of each worker."),
        Meter("intaglio_worker_cpu_seconds_total", "counter", ("worker",), "Processor time of each worker."),
        Meter("intaglio_worker_open_files", "gauge", ("worker",), "Open files and connections of each worker."),
        Meter("intaglio_outbox_oldest_seconds", "gauge", (), "How long the oldest thing in the outbox is overdue."),
        Meter("intaglio_ready", "gauge", (), "1 if this process would say that it is ready."),
        Meter("intaglio_build_info", "gauge", ("version", "python"), "Always 1."),
    )
}


class Meters:
    """Counts for one process. Where a name was seen before, counting is a look-up and an addition."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._cells = part.cells
        self._requests: dict[tuple[str, str, str, int], tuple[int, int]] = {}
        self._counters: dict[tuple[str, ...], int] = {}
        self._spans: dict[tuple[str, str], Callable[[float], None]] = {}

    def __repr__(self) -> str:
        return "Meters(…)"

    def request(self, dialect: str, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request and its time."""
        key = (dialect, route, method, status)
        places = self._requests.get(key)
        if places is None:
            counter = self._part.place_of("intaglio_http_requests_total", (dialect, route, method, str(status)))
            span = self._part.place_of("intaglio_http_request_seconds", (dialect, route), WIDTH)
            places = self._requests[key] = (counter, span)
        counter, span = places
        cells = self._cells
        cells[counter] += 1.0
        cells[span + bisect_left(SECONDS, seconds)] += 1.0
        cells[span + WIDTH - 1] += seconds

    def count(self, meter: str, *labels: str) -> None:
        """Add one to a counter."""
        key = (meter, *labels)
        place = self._counters.get(key)
        if place is None:
            place = self._counters[key] = self._part.place_of(meter, labels)
        self._cells[place] += 1.0

    def span(self, meter: str, label: str) -> Callable[[float], None]:
        """Return what adds a span of time, in seconds, to a histogram."""
        key = (meter, label)
        found = self._spans.get(key)
        if found is not None:
            return found
        place, cells = self._part.place_of(meter, (label,), WIDTH), self._cells
        total = place + WIDTH - 1

        def add(seconds: float) -> None:
            cells[place + bisect_left(SECONDS, seconds)] += 1.0
            cells[total] += seconds

        self._spans[key] = add
        return add
