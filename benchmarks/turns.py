"""Contestants of one process (and one over a pipe) in turns: rates, and ratios between neighbours in time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Timed = Callable[[int], float]
"""Does its work a number of times and returns the seconds that it took."""


def here(work: Callable[[], object]) -> Timed:
    """Return what times `work` in this process, in seconds of this thread; the loop around it is part of it.

    None of the contestants here has threads of its own, so this is what they take, whoever else wants the processor.
    """

    def timed(count: int) -> float:
        began = time.thread_time()
        for _ in range(count):
            work()
        return time.thread_time() - began

    return timed


def take(contestants: Mapping[str, Timed], seconds: float, slice_seconds: float = 0.05) -> dict[str, Any]:
    """Let contestants run in turns until the time is over; the first is ours and `raw` the bound.

    Return for each its median rate and its ratio to `raw`; for ours `raw` and every other one, the median of the
    rounds' ratios, since neighbours in time had the same machine.
    """
    # What a dozen libraries left in memory is not to be walked by the collector during one contestant's turn.
    gc.collect()
    gc.freeze()
    counts = {name: _count(timed, slice_seconds) for name, timed in contestants.items()}
    rounds: list[dict[str, float]] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rounds) < 5:
        rounds.append({name: counts[name] / timed(counts[name]) for name, timed in contestants.items()})
        # Whoever came first comes last: no one always follows the same neighbour.
        contestants = dict([*list(contestants.items())[1:], *list(contestants.items())[:1]])
    return {
        name: {
            "per_second": statistics.median(one[name] for one in rounds),
            "ratio": statistics.median(one[name] / one["raw"] for one in rounds),
            "ours_over_this": statistics.median(one["Intaglio"] / one[name] for one in rounds),
        }
        for name in counts
    } | {"rounds": len(rounds)}


def _count(timed: Timed, slice_seconds: float) -> int:
    timed(3)
    count = 8
    while (spent := timed(count)) < slice_seconds / 4 and count < 2**16:
        count *= 2
    return max(2, int(count * slice_seconds / max(spent, 1e-9)))
