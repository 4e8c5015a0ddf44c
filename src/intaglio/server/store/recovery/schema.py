"""The tables of a schema, their columns, and the order in which rows can be put in: read from the migrations."""

from __future__ import annotations

import contextlib
import graphlib
import sqlite3
from collections.abc import Collection

import msgspec

from intaglio.server.store import migrate
from intaglio.server.store.queries import Engine


class Table(msgspec.Struct, frozen=True):
    """A table: `columns` in alphabetical order, `key` in which its rows are told apart, `texts` among its columns."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    texts: frozenset[str]

    def select(self, engine: Engine) -> str:
        """Return what reads all rows, in the same order on both engines: by bytes, whatever the database's locale."""
        byte_order = ' COLLATE "C"' if engine == "postgresql" else ""
        order = ", ".join(_quoted(name) + (byte_order if name in self.texts else "") for name in self.key)
        return f"SELECT {self._names()} FROM {self.quoted} ORDER BY {order}"  # noqa: S608 - names of our own schema

    def insert(self) -> str:
        """Return what adds a row to SQLite."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.quoted} ({self._names()}) VALUES ({marks})"  # noqa: S608 - names of our own schema

    @property
    def quoted(self) -> str:
        """The name as SQL takes it."""
        return _quoted(self.name)

    def _names(self) -> str:
        return ", ".join(map(_quoted, self.columns))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def tables(numbers: Collection[int]) -> tuple[Table, ...]:
    """Return the tables that the migrations of these numbers make, each behind those that it refers to.

    The schema is made in memory and looked at: what a list by hand would forget is there.
    """
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for migration in migrate.known("sqlite"):
            for statement in migration.statements if migration.number in numbers else ():
                connection.execute(statement)
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        names = [name for (name,) in connection.execute(named)]
        found = {name: _table(connection, name) for name in names}
        graph = {name: _parents(connection, name) - {name} for name in names}
    return tuple(found[name] for name in graphlib.TopologicalSorter(graph).static_order())


def _table(connection: sqlite3.Connection, name: str) -> Table:
    rows = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
    columns = tuple(sorted(column for column, _, _ in rows))
    key = tuple(column for column, _, place in sorted(rows, key=lambda row: row[2]) if place)
    return Table(name, columns, key or columns, frozenset(column for column, kind, _ in rows if kind == "TEXT"))


def _parents(connection: sqlite3.Connection, name: str) -> set[str]:
    return {parent for (parent,) in connection.execute('SELECT "table" FROM pragma_foreign_key_list(?)', (name,))}
