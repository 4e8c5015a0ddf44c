"""One fresh site for each test, and its database asked as an operator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened
