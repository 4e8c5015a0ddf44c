"""What a whole database is read from and written to, and its content in a few words: counts and checksums."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec

from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.model.plan import Row
from intaglio.server.store import migrate
from intaglio.server.store.queries import Engine
from intaglio.server.store.recovery.schema import Table

BATCH = 500
"""Rows that are in memory at once."""

Tell = Callable[[str, str, int, int], None]
"""Is told how far it is: what is done (`copying`, `checking`), with which table, rows so far, rows in all."""

_encode = msgspec.msgpack.Encoder().encode


class Counted(msgspec.Struct, frozen=True):
    """What is in a table. Two engines with the same rows give the same checksum (SHA-256, hexadecimal)."""

    table: str
    rows: int
    checksum: str


class Tally:
    """Counts rows and sums them up, in the order of the table's key."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._digest = hashlib.sha256(_encode([table.name, *table.columns]))
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows in; each is encoded so that where a value ends is part of it."""
        self.rows += len(rows)
        self._digest.update(b"".join([_encode(row) for row in rows]))

    def counted(self) -> Counted:
        """Return what was taken in."""
        return Counted(self._table.name, self.rows, self._digest.hexdigest())


class Side(Protocol):
    """One database, of which all is read or to which all is written."""

    @property
    def engine(self) -> Engine:
        """Whose SQL it takes."""
        ...

    @property
    def database(self) -> migrate.Database:
        """The same connection for migrations."""
        ...

    async def begin_reading(self) -> None:
        """Begin a transaction that sees one instant, and goes on seeing it whatever others write."""
        ...

    async def begin_writing(self, tables: Sequence[Table], *, replace: bool) -> None:
        """Begin a transaction that is alone with the database, whose tables are empty then.

        Raises `Misconfigured` (`database-in-use`, `rows-exist`); with `replace` the rows that are there are removed.
        """
        ...

    async def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        ...

    def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table in the order of its key, a batch at a time."""
        ...

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        ...

    async def end(self, *, keep: bool) -> None:
        """Commit what was written, or forget it; end the transaction that reads."""
        ...


async def tally(side: Side, table: Table, tell: Tell) -> Counted:
    """Return what is in a table of one side."""
    total, sums = await side.count(table), Tally(table)
    async for rows in side.rows(table):
        sums.add(rows)
        tell("checking", table.name, sums.rows, total)
    return sums.counted()


def in_use() -> Misconfigured:
    """Return the refusal of a database that others are connected to."""
    return Misconfigured(
        "database-in-use",
        "Other processes work with the database.",
        detail={"expected": "a database that nobody works with", "received": "connections of others"},
        hint="Stop every node and every command that uses it, then try again.",
    )


def refused(table: str, reason: str) -> IntaglioError:
    """Return the error for a row that a database does not take."""
    return IntaglioError(
        "copy-refused",
        "A row cannot be kept by the other database, and nothing was.",
        detail={"table": table, "reason": reason},
        hint="PostgreSQL keeps no U+0000 in texts; anything else is a fault of the program or of the first database.",
    )


def rows_exist(table: Table) -> Misconfigured:
    """Return the refusal to write into a database that holds something."""
    return Misconfigured(
        "rows-exist",
        "The database is not empty, and nothing was changed in it.",
        detail={"expected": "a database without rows", "received": f"rows in {table.name}"},
        hint="Name an empty database, or give --replace if everything in this one may go.",
    )
