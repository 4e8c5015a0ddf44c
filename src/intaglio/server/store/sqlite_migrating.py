"""Migrations on SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence

from intaglio.server.model.plan import Row, Value
from intaglio.server.store import groupcommit
from intaglio.server.store.queries import Engine


class SQLiteDatabase:
    """One SQLite connection for `migrate`, and the turn of its database, which a database in memory does not have."""

    engine: Engine = "sqlite"

    def __init__(self, connection: sqlite3.Connection, turn: groupcommit.Turn | None = None) -> None:
        self._connection = connection
        self.turn = turn
        self._stack = contextlib.ExitStack()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for what is no migration."""
        return self._connection

    async def begin(self) -> None:
        """Begin a writing transaction; raises TimeoutError if another process does not end its own."""
        if self.turn is not None:
            self._stack.enter_context(self.turn)
        self._connection.execute("BEGIN IMMEDIATE")

    async def run(self, statement: str, values: Mapping[str, Value]) -> Sequence[Row]:
        """Run one statement."""
        return self._connection.execute(statement, values).fetchall()

    async def end(self, *, keep: bool) -> None:
        """Commit or roll back."""
        with self._stack:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT" if keep else "ROLLBACK")

    async def close(self) -> None:
        """Close the connection."""
        if self.turn is None:
            self._connection.close()
            return
        try:
            # The last connection of all copies the log into the database: as a write, in its turn.
            with self.turn:
                self._connection.close()
        finally:
            self._connection.close()
            self.turn.close()
