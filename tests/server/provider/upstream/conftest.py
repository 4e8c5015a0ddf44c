"""One fresh site for each test, and another provider that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness, upstreams


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


@pytest.fixture
def liar(site: harness.Site) -> upstreams.Liar:
    """A provider with a connection `op` to it, which tells the truth until a test changes what it says."""
    made = upstreams.Liar(site)
    made.connect()
    return made
