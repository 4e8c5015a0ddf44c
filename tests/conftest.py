"""Collects what the tests prove about each row of `docs/capabilities.toml` and reports it at the end of the run."""

from __future__ import annotations

import pathlib
import tomllib

import pytest

ROWS = pathlib.Path(__file__).parent.parent / "docs" / "capabilities.toml"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def _known() -> list[str]:
    with ROWS.open("rb") as file:
        return [name for group in tomllib.load(file)["group"] for name in group["rows"]]


class Witnesses:
    """The outcome of every test that carries a capability marker."""

    def __init__(self) -> None:
        self.claims: dict[str, list[tuple[str, str]]] = {}
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which test proves which row; a row that is not in the list stops the run."""
        known = set(_known())
        for item in items:
            for marker in item.iter_markers("capability"):
                name, witness = marker.kwargs["name"], marker.kwargs["witness"]
                if name not in known:
                    raise pytest.UsageError(f"{item.nodeid}: no capability '{name}' in docs/capabilities.toml")
                self.claims.setdefault(name, []).append((item.nodeid, witness))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of a test's phases."""
        if report.failed:
            self.outcomes[report.nodeid] = FAILED
        elif report.skipped:
            self.outcomes.setdefault(report.nodeid, SKIPPED)
        elif report.when == "call":
            self.outcomes.setdefault(report.nodeid, PASSED)

    def state(self, name: str) -> tuple[str, str]:
        """Return the state of a row and its witnesses: failed before passed before skipped before not there."""
        claims = self.claims.get(name, [])
        outcomes = {self.outcomes.get(test, "not run") for test, _ in claims}
        witnesses = ", ".join(sorted({witness for _, witness in claims}))
        for state in (FAILED, PASSED, SKIPPED):
            if state in outcomes:
                return state, witnesses
        return "not there" if not claims else "not run", witnesses


class Table:
    """The table of rows and witnesses at the end of a run."""

    def __init__(self, witnesses: Witnesses) -> None:
        self.witnesses = witnesses

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, and under it the rows that have no passing witness."""
        states = {name: self.witnesses.state(name) for name in _known()}
        terminalreporter.section("capabilities")
        for name, (state, witnesses) in states.items():
            if witnesses:
                terminalreporter.write_line(f"{name:<28} {state:<9} {witnesses}")
        missing = [name for name, (state, _) in states.items() if state != PASSED]
        terminalreporter.write_line("")
        terminalreporter.write_line(f"{len(states) - len(missing)} of {len(states)} rows have a passing witness.")
        if missing:
            terminalreporter.write_line("Not there (no passing witness): " + ", ".join(missing))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--capabilities`, which `make test` gives."""
    parser.addoption("--capabilities", action="store_true", help="print the capabilities and their witnesses")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; the table is printed only when it is asked for."""
    config.addinivalue_line("markers", "capability(name, witness): proves a row of docs/capabilities.toml")
    witnesses = Witnesses()
    config.pluginmanager.register(witnesses, "capability-witnesses")
    if config.getoption("--capabilities"):
        config.pluginmanager.register(Table(witnesses), "capability-table")
