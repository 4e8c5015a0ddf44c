"""The list of promises: who proves what is read from the sources, and the run tells what came of it."""

from __future__ import annotations

import importlib.util
import pathlib
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest
from tests.capability import capability

SCRIPT = pathlib.Path(__file__).parent.parent.parent / "scripts" / "capabilities.py"
SPEC = importlib.util.spec_from_file_location("capabilities_script", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)

SOURCE = """
WITNESS = "curl"
ROWS = {"a": "row-a", "b": "row-b"}
pytestmark = capability("whole", witness="make")

def _sides(alg):
    return [capability(ROWS[alg], witness=WITNESS)]

@capability("one", WITNESS)
@other
def test_one(): ...

class TestTwo:
    @capability("two", witness="node")
    async def test_inside(self): ...
"""


def test_claims_are_read_from_the_source() -> None:
    """Markers of functions, methods, modules and tables are found, and named by their test."""
    assert list(script.claims_of(SOURCE, "t.py")) == [
        ("whole", "make", "t.py"),
        ("row-a", "curl", "t.py"),
        ("row-b", "curl", "t.py"),
        ("one", "curl", "t.py::test_one"),
        ("two", "node", "t.py::TestTwo::test_inside"),
    ]


@pytest.mark.parametrize("argument", ["name()", 'f"row-{x}"', "UNKNOWN", "1"])
def test_name_that_cannot_be_read_is_refused(argument: str) -> None:
    """A name that is only known at run time stops the script with the place."""
    with pytest.raises(SystemExit, match=r"t\.py:1"):
        list(script.claims_of(f'pytestmark = capability({argument}, witness="x")', "t.py"))


def test_capability_without_witness_is_refused() -> None:
    """A capability has a name and a witness."""
    with pytest.raises(ValueError, match="witness"):
        capability("serve", witness="")


def _report(test: str, when: str, outcome: str) -> Any:
    properties = [("capability", ["serve", "curl"]), ("another", "x")]
    told = {name: outcome == name for name in ("failed", "skipped")}
    return SimpleNamespace(nodeid=test, when=when, user_properties=properties, **told)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ({"t::a": "passed", "t::b": "failed"}, "failed"),
        ({"t::a": "passed", "t::b": "skipped"}, "passed"),
        ({"t::a": "skipped"}, "skipped"),
        ({}, "not there"),
    ],
)
def test_row_has_the_worst_outcome(outcomes: dict[str, str], state: str) -> None:
    """A failed test outweighs one that passed; only skipped tests are no proof."""
    witnesses = conftest.Witnesses()
    for test, outcome in outcomes.items():
        witnesses.pytest_runtest_logreport(_report(test, "call", outcome))
    assert witnesses.state("serve") == (state, "curl" if outcomes else "")


def test_outcomes_are_handed_on(tmp_path: pathlib.Path) -> None:
    """What the first part of a run proved counts in the second, beside what that proves itself."""
    first, second = conftest.Witnesses(), conftest.Witnesses()
    first.pytest_runtest_logreport(_report("t::a", "call", "failed"))
    first.keep(tmp_path / "new" / "outcomes")
    second.take(tmp_path / "new" / "outcomes")
    second.pytest_runtest_logreport(_report("t::b", "call", "passed"))
    assert second.state("serve") == ("failed", "curl")
    assert set(second.rows["serve"]) == {"t::a", "t::b"}


def test_row_without_a_test_is_not_there() -> None:
    """A row that no test names is not there."""
    assert conftest.Witnesses().state("serve") == ("not there", "")


def test_failure_after_the_call_counts() -> None:
    """A test that passed and then failed in its clean-up has failed."""
    witnesses = conftest.Witnesses()
    for when, outcome in (("setup", "passed"), ("call", "passed"), ("teardown", "failed")):
        witnesses.pytest_runtest_logreport(_report("t", when, outcome))
    assert witnesses.state("serve") == ("failed", "curl")
