"""Collects what the tests prove about each row of `docs/capabilities.toml` and reports it at the end of the run.

The run may be in parts: what takes no notice of its surroundings runs in several processes; then what measures time or
fills the machine runs `alone`, and beside it what only `waits` for time to pass. The others hand their outcomes to the
part that prints the table in files.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
import tomllib
from typing import Any

import pytest

HERE = pathlib.Path(__file__).parent
ROWS = HERE.parent / "docs" / "capabilities.toml"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
PATIENCE = 180.0
"""Seconds for which the table waits for another part of the run."""
ALONE = (
    "cli/test_main.py",
    "cli/test_token_get.py",
    "gate",
    "packaging",
    "proof",
    "sdk",
    "server/admin/test_scale.py",
    "server/agent",
    "stories/test_ready.py",
    "test_client.py",
)
"""What measures time, fills the machine or belongs together in one process: it runs by itself."""


WINDOW = ("browser", "stories", "cli/test_login.py")
"""What opens browsers, all of which come to one application's address: one process of the tests has them all."""


def _known() -> list[str]:
    with ROWS.open("rb") as file:
        return [name for group in tomllib.load(file)["group"] for name in group["rows"]]


def _is_in(place: str, places: tuple[str, ...]) -> bool:
    return any(place == one or place.startswith(one + "/") for one in places)


class Witnesses:
    """The outcome of every test that carries a capability marker; `rows` has them by row, test and witness."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, tuple[str, str]]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which test proves which row; a row that is not in the list stops the run."""
        known = set(_known())
        for item in items:
            waits = item.get_closest_marker("waits") is not None
            if _is_in(item.path.relative_to(HERE).as_posix(), ALONE) and not waits:
                item.add_marker(pytest.mark.alone)
            for marker in item.iter_markers("capability"):
                name, witness = marker.kwargs["name"], marker.kwargs["witness"]
                if name not in known:
                    raise pytest.UsageError(f"{item.nodeid}: no capability '{name}' in docs/capabilities.toml")
                # A property travels with the report, from whichever process ran the test.
                item.user_properties.append(("capability", [name, witness]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of a test's phases."""
        for kind, value in report.user_properties:
            if kind == "capability":
                name, witness = value
                self._note(name, report.nodeid, witness, report)

    def _note(self, name: str, test: str, witness: str, report: pytest.TestReport) -> None:
        tests = self.rows.setdefault(name, {})
        before = tests.get(test, ("", ""))[0]
        if report.failed or before == FAILED:
            tests[test] = (FAILED, witness)
        elif report.skipped:
            tests[test] = (SKIPPED, witness)
        elif report.when == "call" and not before:
            tests[test] = (PASSED, witness)

    def state(self, name: str) -> tuple[str, str]:
        """Return the state of a row and its witnesses: failed before passed before skipped before not there."""
        tests = self.rows.get(name, {})
        outcomes = {outcome for outcome, _ in tests.values()}
        witnesses = ", ".join(sorted({witness for _, witness in tests.values()}))
        for state in (FAILED, PASSED, SKIPPED):
            if state in outcomes:
                return state, witnesses
        return "not there", witnesses

    def keep(self, file: pathlib.Path) -> None:
        """Write the outcomes for the second part of the run."""
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whoever waits for the file finds it whole.
        begun = file.with_suffix(".begun")
        begun.write_text(json.dumps(self.rows), "utf-8")
        begun.replace(file)

    def take(self, file: pathlib.Path) -> None:
        """Add the outcomes of the first part."""
        for name, tests in json.loads(file.read_text("utf-8")).items():
            self.rows.setdefault(name, {}).update({test: tuple(outcome) for test, outcome in tests.items()})


class Table:
    """The table of rows and witnesses at the end of a run."""

    def __init__(self, witnesses: Witnesses, files: list[pathlib.Path]) -> None:
        self.witnesses, self.files = witnesses, files

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, and under it the rows that have no passing witness."""
        for file in self.files:
            self._take(file)
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

    def _take(self, file: pathlib.Path) -> None:
        """Add what another part of the run proved, which may still be running; what it never told is not there."""
        deadline = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        if file.exists():
            self.witnesses.take(file)


class Handing:
    """Hands the outcomes of the first part over."""

    def __init__(self, witnesses: Witnesses, file: pathlib.Path) -> None:
        self.witnesses, self.file = witnesses, file

    def pytest_sessionfinish(self) -> None:
        """Write the file once the last test has ended."""
        self.witnesses.keep(self.file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests together in one process, for they share what was started for them; and all windows in one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            place = nodeid.partition("::")[0].removeprefix(HERE.name + "/")
            return "window" if _is_in(place, WINDOW) else place

    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `make test` gives."""
    parser.addoption("--capabilities", action="store_true", help="print the capabilities and their witnesses")
    parser.addoption("--outcomes-to", metavar="FILE", help="write what the tests proved to a file")
    parser.addoption("--outcomes-from", metavar="FILE", action="append", help="add what another part of the run proved")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; the table is printed only when it is asked for."""
    config.addinivalue_line("markers", "capability(name, witness): proves a row of docs/capabilities.toml")
    witnesses = Witnesses()
    config.pluginmanager.register(witnesses, "capability-witnesses")
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    if config.getoption("--outcomes-to"):
        config.pluginmanager.register(Handing(witnesses, pathlib.Path(config.getoption("--outcomes-to"))), "outcomes")
    if config.getoption("--capabilities"):
        files = [pathlib.Path(file) for file in config.getoption("--outcomes-from") or ()]
        config.pluginmanager.register(Table(witnesses, files), "capability-table")
