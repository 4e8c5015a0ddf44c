"""What is known of the tables, read from the migrations."""

from __future__ import annotations

import asyncio

import asyncpg

from intaglio.server.store import open as opening
from intaglio.server.store.recovery import schema
from tests import postgres
from tests.server.store.recovery import filling

postgres_server = postgres.postgres_server


def test_parents_come_first() -> None:
    """A table comes behind those that it refers to, and each has a key."""
    names = [table.name for table in schema.tables(filling.NUMBERS)]
    for parent, child in (("tenants", "clients"), ("users", "consents"), ("services", "service_audiences")):
        assert names.index(parent) < names.index(child)
    assert len(names) == len(set(names))


def test_schema_follows_the_migrations() -> None:
    """An older schema has what it had then."""
    first = {table.name: table for table in schema.tables({1})}
    now = {table.name: table for table in schema.tables(filling.NUMBERS)}
    assert "outbox" in now
    assert "outbox" not in first
    assert "claims" in now["codes"].columns
    assert "claims" not in first["codes"].columns
    assert now["consents"].key == ("tenant_id", "user_id", "client_id")


def test_both_engines_have_the_same_tables(postgres_server: postgres.Server) -> None:
    """PostgreSQL has exactly the tables and columns that are copied: none is forgotten."""
    url = postgres_server.create("recovery_schema")
    asyncio.run(opening.prepare(url, 1))

    async def columns() -> set[tuple[str, str]]:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        await connection.close()
        return {(row[0], row[1]) for row in rows if row[0] not in {"schema_migrations", "schema_phases"}}

    ours = {(table.name, column) for table in schema.tables(filling.NUMBERS) for column in table.columns}
    assert asyncio.run(columns()) == ours
