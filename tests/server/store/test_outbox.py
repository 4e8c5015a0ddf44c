"""The outbox on every engine."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from intaglio.server.store import open as opening
from tests import postgres
from tests.capability import capability
from tests.conformance import outbox_suite, store_suite

postgres_server = postgres.postgres_server
_numbers = itertools.count()


@capability("outbox-engines", witness="SQLite and PostgreSQL")
class TestSQLiteFile(outbox_suite.OutboxSuite):
    """SQLite in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty, migrated file."""
        url = f"sqlite:///{tmp_path}/store.db"
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url


class TestSQLiteMemory(outbox_suite.OutboxSuite):
    """SQLite in memory."""

    @pytest.fixture
    def url(self) -> str:
        """Return the URL of a database in memory."""
        return "sqlite:///:memory:"


@capability("outbox-engines", witness="SQLite and PostgreSQL")
class TestPostgres(outbox_suite.OutboxSuite):
    """PostgreSQL."""

    @pytest.fixture
    def url(self, postgres_server: postgres.Server) -> str:
        """Return the URL of an empty, migrated database."""
        url = postgres_server.create(f"outbox{next(_numbers)}")
        asyncio.run(opening.prepare(url, store_suite.NOW))
        return url
