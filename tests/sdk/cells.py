"""The acceptance matrix: each cell is one test, marked with its area; the count is printed at the end.

`@cells.cell("identity")` on a test makes each of its parameters a cell.
"""

from __future__ import annotations

import collections

import pytest

AREAS = {
    "identity": "Metadata server: ID tokens, by client and format",
    "audience": "Metadata server: audiences in each client's encoding",
    "metadata": "Metadata server: what is refused, changes, universe, freshness",
    "id-token": "IAM Credentials: generateIdToken",
    "access-token": "IAM Credentials: generateAccessToken",
    "signing": "IAM Credentials: signBlob and signJwt",
    "sts": "STS: files, addresses, programs, bodies, errors",
    "key": "Keys of service accounts, by client",
    "verifier": "Verifiers of the libraries",
    "rotation": "Rotation of the keys, by verifier",
    "receiver": "Receivers",
    "page": "The samples of Google's page, as they stand",
}
PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


def cell(area: str) -> pytest.MarkDecorator:
    """Return the marker that says: each test of this function is a cell of the area."""
    return pytest.mark.cell(AREAS[area])


class Matrix:
    """Counts the cells and what became of them."""

    def __init__(self) -> None:
        self.area: dict[str, str] = {}
        self.outcome: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the cells."""
        for item in items:
            if (marker := item.get_closest_marker("cell")) is not None:
                self.area[item.nodeid] = marker.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the worst outcome of each test."""
        if report.failed:
            self.outcome[report.nodeid] = FAILED
        elif report.skipped:
            self.outcome.setdefault(report.nodeid, SKIPPED)
        elif report.when == "call":
            self.outcome.setdefault(report.nodeid, PASSED)

    def lines(self) -> list[str]:
        """Return the table of areas and the sum."""
        counts: dict[str, collections.Counter[str]] = {area: collections.Counter() for area in AREAS.values()}
        for test, area in self.area.items():
            if test in self.outcome:
                counts[area][self.outcome[test]] += 1
        table = [f"{area:<64} {_told(count)}" for area, count in counts.items() if count.total()]
        return [*table, f"{'Cells of the matrix':<64} {_told(sum(counts.values(), collections.Counter()))}"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, if any cell was run."""
        if any(test in self.outcome for test in self.area):
            terminalreporter.section("acceptance matrix of the google dialect")
            for line in self.lines():
                terminalreporter.write_line(line)


def _told(count: collections.Counter[str]) -> str:
    more = "".join(f", {count[word]} {word}" for word in (FAILED, SKIPPED) if count[word])
    return f"{count[PASSED]} of {count.total()} passed{more}"
