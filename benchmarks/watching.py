"""What a request costs more because it is watched: microseconds beside the same request unwatched, in turns.

`.venv/bin/python benchmarks/watching.py`. The application is called in this process, without a network; lines go to a
pipe that another program reads.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from intaglio.server.http.app import App
from intaglio.server.http.observing import Observer
from intaglio.server.http.proxies import Proxies
from intaglio.server.run.metering import MeteredStore
from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.meters import Meters
from intaglio.server.telemetry.requestlog import RequestLog
from tests import harness

ROUNDS = 9
REQUESTS = 300
PEER = "192.0.2.1"
HEADERS = [
    ("content-type", harness.FORM),
    ("authorization", harness.basic("machine", "machine-secret")),
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-proto", "https"),
]


async def _ask(site: harness.Site, body: bytes) -> None:
    for _ in range(REQUESTS):
        method, path = ("POST", "/default/token") if body else ("GET", "/default/jwks")
        answer = await site.raw(method, harness.STANDARD, path, headers=HEADERS, body=body, peer=PEER)
        assert answer.status == 200, answer.text


def measure(site: harness.Site, descriptor: int) -> dict[str, dict[str, float]]:
    """Return the least microseconds a request of each kind took, in each manner."""
    doors = {harness.STANDARD + number: one for number, one in enumerate(site.listeners)}
    meters = Meters(Board().take(0))

    def app(log: int | None, *, counted: bool, proxies: bool = False) -> App:
        observer = Observer(site.clock, meters if counted else None, None if log is None else RequestLog(log))
        return App(site.hall, doors, proxies=Proxies([PEER]) if proxies else None, observer=observer)

    manners = {
        "unwatched": app(None, counted=False),
        "metrics": app(None, counted=True),
        "lines": app(descriptor, counted=False),
        "metrics and lines": app(descriptor, counted=True),
        "and behind a proxy": app(descriptor, counted=True, proxies=True),
    }
    plain, timed = site.house.store, MeteredStore(site.house.store, meters)
    found: dict[str, dict[str, float]] = {}
    for kind, body in (("keys", b""), ("token", b"grant_type=client_credentials")):
        best = dict.fromkeys(manners, float("inf"))
        for _ in range(ROUNDS):
            for name, one in manners.items():
                site.app, site.house.store = one, plain if name in ("unwatched", "lines") else timed
                begun = time.perf_counter()
                site.run(_ask(site, body))
                best[name] = min(best[name], (time.perf_counter() - begun) / REQUESTS * 1e6)
        site.house.store = plain
        found[kind] = best
    return found


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    reading, writing = os.pipe()
    with subprocess.Popen(["cat"], stdin=reading, stdout=subprocess.DEVNULL), harness.site(development=False) as site:
        os.close(reading)
        for kind, told in measure(site, writing).items():
            for name, microseconds in told.items():
                more = microseconds - told["unwatched"]
                print(f"{kind:<6} {name:<20} {microseconds:7.1f} us  {more:+6.1f}")
        os.close(writing)


if __name__ == "__main__":
    main()
