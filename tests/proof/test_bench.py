"""What the benchmark promises: memory of a worker under load, and the last full results that were kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import contestants, run
from tests.capability import capability

RESULTS = Path(run.__file__).parent / "results"
SECONDS = 3.0


@pytest.fixture
def worker() -> Iterator[contestants.SQLite]:
    """Yield a worker on an SQLite file with sixteen people signed in."""
    made = contestants.SQLite()
    yield made
    made.stop()


@capability("bench-memory", witness="the kernel's peak of resident memory")
def test_memory_under_load(worker: contestants.SQLite) -> None:
    """A worker stays under 120 MiB during a load of code flows with password hashes beside it, and none fails."""
    hashing = threading.Timer(1.0, worker.password)
    hashing.start()
    figures = worker.measure(SECONDS)
    hashing.join()
    assert figures["count"] > 0
    assert worker.peak() < run.MEMORY_MIB * 2**20


@capability("bench-flows", witness="node oidc-provider under the same load")
def test_last_results() -> None:
    """The last full run that was kept reached the floor beside the peer, on a machine that did nothing else."""
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    full = [found for found in kept if not found["quick"] and "ratio_sqlite_to_peer" in found]
    if not full:
        pytest.skip("no full results are kept: run `make bench` where node is installed")
    assert full[-1]["ratio_sqlite_to_peer"] >= run.FLOOR
    assert full[-1]["short_of"] == []
