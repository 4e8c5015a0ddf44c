"""What stores do when somebody leaves, on every engine."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from intaglio.server.store import open as opening
from tests import postgres
from tests.conformance import leaving_suite, store_suite

postgres_server = postgres.postgres_server
_numbers = itertools.count()


class TestSQLiteFile(leaving_suite.LeavingSuite):
    """SQLite in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty, migrated file."""
        url = f"sqlite:///{tmp_path}/store.db"
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url


class TestPostgres(leaving_suite.LeavingSuite):
    """PostgreSQL."""

    @pytest.fixture
    def url(self, postgres_server: postgres.Server) -> str:
        """Return the URL of an empty, migrated database."""
        url = postgres_server.create(f"leaving{next(_numbers)}")
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url
