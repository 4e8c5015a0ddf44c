"""One site for a module that only asks, a fresh one for each test that changes things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness
from tests.server.adminapi.office import Office


@pytest.fixture
def office() -> Iterator[Office]:
    """A site with an owner."""
    with harness.site() as opened:
        yield Office(opened)


@pytest.fixture(scope="module")
def shared() -> Iterator[Office]:
    """A site with an owner, for every test of a module."""
    with harness.site() as opened:
        yield Office(opened)
