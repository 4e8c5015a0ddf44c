"""What a backup says about itself, inside itself: when, of what, how many rows, which checksums."""

from __future__ import annotations

import sqlite3

import msgspec

from intaglio.server.store.queries import Engine
from intaglio.server.store.recovery.sides import Counted


class Manifest(msgspec.Struct, frozen=True):
    """A backup in a few words. `migrations` are the numbers of those that the database had."""

    taken_at: int
    version: str
    engine: Engine
    migrations: tuple[int, ...]
    tables: tuple[Counted, ...]


def write(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Put the manifest into a backup."""
    connection.execute("CREATE TABLE backup_manifest (record TEXT NOT NULL)")
    connection.execute("INSERT INTO backup_manifest (record) VALUES (?)", (msgspec.json.encode(manifest).decode(),))


def read(connection: sqlite3.Connection) -> Manifest:
    """Return the manifest of a backup; raises sqlite3.Error and ValueError where there is none that can be read."""
    rows = connection.execute("SELECT record FROM backup_manifest").fetchall()
    # A file from elsewhere holds values of any type (test_a_manifest_of_another_type_is_refused).
    if len(rows) != 1 or not isinstance(rows[0][0], str):
        raise ValueError("a backup has one manifest")
    return msgspec.json.decode(rows[0][0], type=Manifest)
