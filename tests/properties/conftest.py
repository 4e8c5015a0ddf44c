"""One site for a module: Hypothesis asks it thousands of times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness


@pytest.fixture(scope="module")
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened
