"""One provider for the tests of a file, and the counts at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.op import tally
from tests.conformance.op.provider import Ground


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A provider that the tests of a file share; each has clients, browsers and people's sessions of its own."""
    opened = Ground()
    try:
        yield opened
    finally:
        opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the plans came to."""
    if tally.RESULTS or tally.CAUGHT:
        terminalreporter.section("the OpenID Foundation's plans, re-expressed")
        for line in tally.lines():
            terminalreporter.write_line(line)
