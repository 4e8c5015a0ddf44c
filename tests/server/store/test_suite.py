"""The store suite on every engine."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from intaglio.server.store import open as opening
from tests import postgres
from tests.capability import capability
from tests.conformance import store_suite

postgres_server = postgres.postgres_server
_numbers = itertools.count()


@capability("engine-sqlite", witness="SQLite")
@capability("storage-engines", witness="SQLite and PostgreSQL")
class TestSQLiteFile(store_suite.StoreSuite):
    """SQLite in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty, migrated file."""
        url = f"sqlite:///{tmp_path}/folder/store.db"
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url


class TestSQLiteMemory(store_suite.StoreSuite):
    """SQLite in memory."""

    @pytest.fixture
    def url(self) -> str:
        """Return the URL of a database in memory."""
        return "sqlite:///:memory:"


@capability("engine-postgresql", witness="a PostgreSQL server from a wheel")
@capability("storage-engines", witness="SQLite and PostgreSQL")
class TestPostgres(store_suite.StoreSuite):
    """PostgreSQL."""

    @pytest.fixture
    def url(self, postgres_server: postgres.Server) -> str:
        """Return the URL of an empty, migrated database."""
        url = postgres_server.create(f"suite{next(_numbers)}")
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url
