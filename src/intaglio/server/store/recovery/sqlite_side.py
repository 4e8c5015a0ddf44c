"""All of an SQLite database.

SQLite, "Isolation In SQLite": in the write-ahead log a reading transaction sees one instant, and nobody waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence

from intaglio.server.model.plan import Row
from intaglio.server.store import groupcommit, migrate
from intaglio.server.store.queries import Engine
from intaglio.server.store.recovery import sides
from intaglio.server.store.recovery.schema import Table
from intaglio.server.store.sqlite_migrating import SQLiteDatabase

_ALONE_MS = 1_000


class SQLiteSide:
    """One SQLite database; `turn` is what its other processes wait for, where it has any."""

    engine: Engine = "sqlite"

    def __init__(self, database: SQLiteDatabase, turn: groupcommit.Turn | None = None) -> None:
        self._database = database
        self._turn = turn
        self.connection = database.connection
        self._writes = False

    @property
    def database(self) -> migrate.Database:
        """The same connection for migrations."""
        return self._database

    async def begin_reading(self) -> None:
        """Begin to see one instant: SQLite fixes it with the first page that is read."""
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT 1 FROM sqlite_master").fetchone()

    async def begin_writing(self, tables: Sequence[Table], *, replace: bool) -> None:
        """Begin to write, alone; raises `Misconfigured` (`database-in-use`, `rows-exist`)."""
        if self._turn is not None:
            self._turn.__enter__()
        self._writes = True
        self._be_alone()
        self.connection.execute("BEGIN EXCLUSIVE")
        for table in reversed(tables):
            if replace:
                self.connection.execute(f"DELETE FROM {table.quoted}")  # noqa: S608 - a name of our own schema
            elif self.connection.execute(f"SELECT 1 FROM {table.quoted} LIMIT 1").fetchall():  # noqa: S608 - as above
                raise sides.rows_exist(table)

    def _be_alone(self) -> None:
        """Leave the write-ahead log, which SQLite allows to the only connection alone; the next opening enters it."""
        patience = self.connection.execute("PRAGMA busy_timeout").fetchone()[0]
        self.connection.execute(f"PRAGMA busy_timeout = {_ALONE_MS}")
        try:
            alone = self.connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        except sqlite3.OperationalError as exc:
            raise sides.in_use() from exc
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {patience:d}")
        if not alone:
            raise sides.in_use()
        # Outside the write-ahead log a commit is the removal of a file, which only this makes outlive a power cut.
        self.connection.execute("PRAGMA synchronous = EXTRA")

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        found: int = self.connection.execute(f"SELECT count(*) FROM {table.quoted}").fetchone()[0]  # noqa: S608 - ours
        return found

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table in the order of its key, a batch at a time."""
        cursor = self.connection.execute(table.select("sqlite"))
        while rows := cursor.fetchmany(sides.BATCH):
            yield rows

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        try:
            self.connection.executemany(table.insert(), rows)
        except sqlite3.IntegrityError as exc:
            raise sides.refused(table.name, exc.sqlite_errorname) from exc

    async def end(self, *, keep: bool) -> None:
        """End the transaction; after one that wrote, the write-ahead log is entered again."""
        try:
            if self.connection.in_transaction:
                self.connection.execute("COMMIT" if keep else "ROLLBACK")
            if self._writes:
                self.connection.execute("PRAGMA journal_mode = WAL")
        finally:
            if self._writes and self._turn is not None:
                self._turn.give()
            self._writes = False
