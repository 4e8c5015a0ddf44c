"""One worker and two of them, on SQLite and on PostgreSQL: whole code flows, in turns.

What two can add depends on the machine: the load and the database need processors as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import contestants
from benchmarks.contestants import CONNECTIONS, Intaglio
from tests import postgres
from tests.proof.world import World

COUNTS = (1, 2)
P99_MS = 50.0
"""What two workers on one SQLite file promise for a request."""
PASSWORD_AFTER = 0.4


class Workers(Intaglio):
    """`intaglio serve` with a number of workers."""

    def __init__(self, engine: str, count: int, url: str) -> None:
        contestants.Contestant.__init__(self)
        self.engine, self.count = engine, count
        self.name = f"{engine}, {count} worker{'s' if count > 1 else ''}"
        self.world = World(url, server__workers=str(count))
        self.world.start()
        self.pid, self.port = self.world.pid, self.world.port
        self.authorize, self.token = self.world.path + "/authorize", self.world.path + "/token"
        self.cookies = asyncio.run(self._sign_in(CONNECTIONS))

    def peak(self) -> int:
        """Return the largest resident memory of a worker."""
        return max(contestants.memory(pid, "VmHWM") for pid in (contestants.children(self.pid) or [self.pid]))


@contextlib.contextmanager
def entered() -> Iterator[list[Workers]]:
    """Run each engine with each number of workers, on databases of their own."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        urls = {("SQLite", count): f"sqlite:///{folder / f'{count}.db'}" for count in COUNTS}
        if postgres.programs() is not None:
            database = postgres.Server(fsync=True)
            stack.callback(database.remove)
            urls |= {("PostgreSQL", count): database.create(f"bench{count}") for count in COUNTS}
        made = []
        for (engine, count), url in urls.items():
            one = Workers(engine, count, url)
            stack.callback(one.stop)
            made.append(one)
        yield made


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return medians, every turn, and for each engine the median of the rounds' ratios of two workers to one."""
    turns: dict[str, list[dict[str, Any]]] = {}
    with entered() as running:
        for number in range(rounds):
            for one in running:
                beside = threading.Timer(0.5 + PASSWORD_AFTER * seconds, one.password)
                if number == rounds // 2:
                    # Somebody signs in with a password during the load: memory is to hold with it.
                    beside.start()
                figures = one.measure(seconds)
                if number == rounds // 2:
                    beside.join()
                turns.setdefault(one.name, []).append(figures)
                told = f"{figures['per_second']:7.0f} flows/s   p99 {figures['request_p99_ms']:6.1f} ms a request"
                say(f"  {one.name:<24} {told}")
        names = (
            "per_second",
            "p50_ms",
            "p99_ms",
            "request_p50_ms",
            "request_p99_ms",
            "processor_ms_per_flow",
            "others_share",
        )
        found = {
            one.name: {key: statistics.median(turn[key] for turn in turns[one.name]) for key in names}
            | {"peak_mib": one.peak() / 2**20, "turns": [turn["per_second"] for turn in turns[one.name]]}
            for one in running
        }
        engines = dict.fromkeys(one.engine for one in running)
    return {"workers": found, "two_to_one": {engine: _ratio(found, engine) for engine in engines}}


def _ratio(found: dict[str, Any], engine: str) -> float:
    """Return the median of the rounds' ratios: neighbours in time had the same machine."""
    one, two = found[f"{engine}, 1 worker"]["turns"], found[f"{engine}, 2 workers"]["turns"]
    return statistics.median(many / few for few, many in zip(one, two, strict=True))


def short_of(found: dict[str, Any]) -> list[str]:
    """Return what falls short of what was promised for two workers on one SQLite file."""
    ratio, p99 = found["two_to_one"]["SQLite"], found["workers"]["SQLite, 2 workers"]["request_p99_ms"]
    short = [f"workers: two on SQLite give {ratio:.2f} x the throughput of one"] if ratio < 1 else []
    return short + ([f"workers: p99 of two on SQLite is {p99:.0f} ms, not under {P99_MS:.0f}"] if p99 >= P99_MS else [])


def lines(found: dict[str, Any], table: Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]) -> list[str]:
    """Return the section's lines."""
    rows = [
        (
            name,
            f"{one['per_second']:.0f}",
            f"{one['request_p50_ms']:.1f}",
            f"{one['request_p99_ms']:.1f}",
            f"{one['p99_ms']:.1f}",
            f"{one['processor_ms_per_flow']:.2f}",
            f"{one['peak_mib']:.0f}",
            " ".join(f"{turn:.0f}" for turn in one["turns"]),
        )
        for name, one in found["workers"].items()
    ]
    head = (
        "",
        "flows/s",
        "request p50 ms",
        "request p99 ms",
        "flow p99 ms",
        "CPU ms/flow",
        "peak MiB a worker",
        "turns",
    )
    ratios = ", ".join(f"{engine} {ratio:.2f} x" for engine, ratio in found["two_to_one"].items())
    return [
        "",
        "## One worker and two",
        "",
        f"Whole code flows over {CONNECTIONS} connections, in turns, medians; the load runs on the same machine.",
        "",
        *table(head, rows),
        "",
        f"Two workers beside one (median of the rounds' ratios): {ratios}.",
    ]
