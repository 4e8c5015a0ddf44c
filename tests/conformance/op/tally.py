"""Counts what the plans came to, for the lines at the end of a run."""

from __future__ import annotations

from tests.conformance.op.plans import Case
from tests.conformance.op.running import Result

RESULTS: dict[str, dict[str, Result]] = {}
CAUGHT: dict[str, bool] = {}
"""Each seeded defect, and whether it was noticed."""


def note(case: Case, result: Result) -> None:
    """Keep the result of a case."""
    RESULTS.setdefault(case.plan, {})[f"{case.module.__module__}.{case}"] = result


def lines() -> list[str]:
    """Return one line a plan, and one for each reason why something is not there."""
    told = []
    for plan, results in RESULTS.items():
        modules = {name.partition("-")[0] for name in results}
        states = [result.state for result in results.values()]
        told.append(
            f"{plan:<18} {len(modules):>3} modules {len(states):>4} variants {states.count('passed'):>4} passed"
            f" {states.count('failed'):>3} failed {states.count('not there'):>4} not there"
        )
        reasons = sorted({result.reason for result in results.values() if result.state == "not there"})
        told += [f"{'':<18}  not there: {reason}" for reason in reasons]
    if CAUGHT:
        told.append(f"{'defects':<18} {len(CAUGHT):>3} seeded {sum(CAUGHT.values()):>5} caught")
    return told
