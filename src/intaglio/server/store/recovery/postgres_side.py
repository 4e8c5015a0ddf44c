"""All of a PostgreSQL database.

PostgreSQL documentation, section 13.2.2: a REPEATABLE READ transaction sees one instant, and nobody waits for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from intaglio.server.model.plan import Row
from intaglio.server.store import driving, migrate, postgres_faults, queries
from intaglio.server.store.postgres import PostgresDatabase
from intaglio.server.store.queries import Engine
from intaglio.server.store.recovery import sides
from intaglio.server.store.recovery.schema import Table

_OTHERS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'intaglio' AND pid <> pg_backend_pid()"""
# However the server is set: this takes as long as it takes, but does not wait for locks for ever.
_PATIENCE = """SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL lock_timeout = '10s'"""

# PostgreSQL documentation, appendix A: data exceptions, and violations of integrity.
_REFUSED = ("22", "23")


@contextlib.contextmanager
def _told(table: str) -> Iterator[None]:
    try:
        yield
    except postgres_faults.FAILURES as exc:
        # The driver's message may quote values.
        state = postgres_faults.reason(exc)
        if state.startswith(_REFUSED):
            raise sides.refused(table, state) from None  # As above.
        raise driving.unavailable(state, table=table) from None  # As above.


class PostgresSide:
    """One PostgreSQL database, by one connection."""

    engine: Engine = "postgresql"

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._connection: Any = database.connection

    @property
    def database(self) -> migrate.Database:
        """The same connection for migrations."""
        return self._database

    async def begin_reading(self) -> None:
        """Begin to see one instant: PostgreSQL fixes it with the first statement."""
        with _told(""):
            await self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await self._connection.execute(_PATIENCE)
            await self._connection.fetch("SELECT 1 FROM pg_class LIMIT 1")

    async def begin_writing(self, tables: Sequence[Table], *, replace: bool) -> None:
        """Begin to write, alone; raises `Misconfigured` (`database-in-use`, `rows-exist`)."""
        with _told(""):
            await self._connection.execute("BEGIN")
            await self._connection.execute(_PATIENCE)
            await self._connection.fetch(queries.load_migrating("postgresql")["migration_lock"].text)
            if await self._connection.fetchval(_OTHERS):
                raise sides.in_use()
            names = ", ".join(table.quoted for table in tables)
            await self._connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            if replace:
                await self._connection.execute(f"TRUNCATE {names}")
                return
            for table in tables:
                if await self._connection.fetch(f"SELECT 1 FROM {table.quoted} LIMIT 1"):  # noqa: S608 - our own name
                    raise sides.rows_exist(table)

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        with _told(table.name):
            found: int = await self._connection.fetchval(f"SELECT count(*) FROM {table.quoted}")  # noqa: S608 - ours
        return found

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table in the order of its key, a batch at a time."""
        with _told(table.name):
            cursor = await self._connection.cursor(table.select("postgresql"))
            while rows := await cursor.fetch(sides.BATCH):
                yield [tuple(row) for row in rows]

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        with _told(table.name):
            await self._connection.copy_records_to_table(table.name, records=rows, columns=table.columns)

    async def end(self, *, keep: bool) -> None:
        """Commit what was written, or forget it; end the transaction that reads."""
        with _told(""):
            # NOTE: PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
            if await self._connection.execute("COMMIT" if keep else "ROLLBACK") != "COMMIT" and keep:
                raise driving.unavailable("rolled-back")
