"""Rows in every table, whatever tables there are: texts, octets, numbers and NULL at their edges."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from intaglio.server.store import migrate
from intaglio.server.store.recovery import schema

ROWS = 7
NUMBERS = frozenset(one.number for one in migrate.known("sqlite"))
# Byte order is not the order of a locale: Z before a, a before ä, U+FFFD before U+1F511.
_WORDS = ("", "a", "Z", "ä", "\U0001f511", "\ufffd", "a'b\"c")


def fill(file: Path, rows: int = ROWS) -> None:
    """Put rows into every table; a column has the same values in each, so that what refers to another row finds it."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for table in schema.tables(NUMBERS):
            about = connection.execute('SELECT name, type, "notnull" FROM pragma_table_info(?)', (table.name,))
            kinds = {name: (kind, needed) for name, kind, needed in about}
            made = [[_value(column, number, *kinds[column]) for column in table.columns] for number in range(rows)]
            connection.executemany(table.insert(), made)


def _value(column: str, number: int, kind: str, needed: int) -> Any:
    if not needed and number % 2:
        return None
    if kind == "TEXT":
        return f"{_WORDS[number % len(_WORDS)]}{number // len(_WORDS) or ''}"
    if kind == "BIGINT":
        return (-1) ** number * (2**63 - 1 - number)
    assert kind == "BYTEA", kind
    if column == "record":
        return f'{{"claims":{{"email":"{_WORDS[number % 6]}{number}@example.com"}}}}'.encode()
    return bytes([255 - number % 250, 0, 39]) * (number % 5) + number.to_bytes(4)
