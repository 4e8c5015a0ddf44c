"""The matrix counts what was run, and says what failed and what was skipped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk import cells


def _report(nodeid: str, when: Any, outcome: Any) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, outcome, None, when)


def test_the_worst_outcome_of_a_cell_counts() -> None:
    """A cell whose end fails has failed; one that is skipped is no pass; what was not run is not counted."""
    matrix = cells.Matrix()
    matrix.area = dict.fromkeys(("good", "ending", "skipped", "elsewhere"), cells.AREAS["key"])
    for nodeid in ("good", "ending"):
        matrix.pytest_runtest_logreport(_report(nodeid, "setup", "passed"))
        matrix.pytest_runtest_logreport(_report(nodeid, "call", "passed"))
    matrix.pytest_runtest_logreport(_report("ending", "teardown", "failed"))
    matrix.pytest_runtest_logreport(_report("skipped", "setup", "skipped"))
    area, total = matrix.lines()
    assert area.startswith(cells.AREAS["key"])
    assert area.endswith("1 of 3 passed, 1 failed, 1 skipped")
    assert total.endswith("1 of 3 passed, 1 failed, 1 skipped")


def test_an_unknown_area_is_a_mistake() -> None:
    """A cell belongs to an area of the matrix."""
    with pytest.raises(KeyError):
        cells.cell("no such area")
