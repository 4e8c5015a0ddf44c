"""From a database's URL to a store, and to its migrations.

`sqlite:///name.db` is relative to the working directory, `sqlite:////folder/name.db` is absolute, `sqlite:///:memory:`
lives as long as the process; `postgresql://user:password@host/database` is what libpq takes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib import parse

from intaglio.errors import Misconfigured
from intaglio.server.model.plan import Store
from intaglio.server.store import driving, groupcommit, migrate, sqlite
from intaglio.server.store.queries import Engine
from intaglio.server.store.sqlite_migrating import SQLiteDatabase

_EXPECTED = "sqlite:///path, sqlite:///:memory: or postgresql://user@host/database"


def sqlite_path(url: str) -> str | None:
    """Return the path in an SQLite URL, or None for a PostgreSQL URL.

    Raises `Misconfigured` (`database-url-invalid`); no part of the URL beyond its scheme is repeated.
    """
    scheme = url.partition(":")[0] if ":" in url else ""
    if scheme in ("postgresql", "postgres") and url.startswith(f"{scheme}://"):
        return None
    path = parse.unquote(url[len("sqlite:///") :])
    if not url.startswith("sqlite:///") or not path or "\0" in path or "?" in url or "#" in url:
        raise Misconfigured(
            "database-url-invalid",
            f"The database URL cannot be used; expected {_EXPECTED}.",
            detail={"expected": _EXPECTED, "received": f"a URL with the scheme '{scheme[:20]}'"},
            hint="Correct the database URL in the configuration.",
        )
    return path


@contextlib.asynccontextmanager
async def migrating(url: str, *, create: bool) -> AsyncIterator[migrate.Database]:
    """Open a database for migrations and for moving all of it; raises as `prepare` does."""
    path = sqlite_path(url)
    database: migrate.Database
    if path is None:
        from intaglio.server.store import postgres  # noqa: PLC0415 -- the driver takes 60 ms to import

        database = await postgres.connect_for_migrations(url)
    else:
        database = _file_database(path, create=create)
    try:
        yield database
    except (sqlite3.Error, TimeoutError) as exc:
        raise driving.unavailable(type(exc).__name__) from exc
    finally:
        await database.close()


def _file_database(path: str, *, create: bool) -> SQLiteDatabase:
    if path == sqlite.MEMORY:
        return SQLiteDatabase(sqlite.connect(path, sqlite.WRITER_PATIENCE_MS))
    file = Path(path)
    if not create and not _exists(path):
        raise unmigrated()
    try:
        if create:
            _make_folder(file.absolute().parent)
        connection = sqlite.connect(path, sqlite.WRITER_PATIENCE_MS)
        return SQLiteDatabase(connection, groupcommit.Turn(sqlite.lock_path(path), sqlite.WRITER_PATIENCE_MS))
    except (OSError, sqlite3.Error) as exc:
        raise Misconfigured(
            "database-unusable",
            "The database file cannot be opened.",
            detail={"path": path, "reason": type(exc).__name__},
            hint="Check the path, who may read and write it and its folder, and that it is an SQLite database.",
        ) from exc


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sqlite.flush_folder(folder.parent)


def _exists(path: str) -> bool:
    return Path(path).exists()


def unmigrated() -> Misconfigured:
    """Return the refusal of a database that this version cannot use yet."""
    return Misconfigured(
        "migrations-pending",
        "The database lacks migrations that this version needs.",
        hint="Run `intaglio migrate up`.",
    )


async def prepare(url: str, now: int, *, contract: bool = False) -> list[migrate.Status]:
    """Apply pending migrations, making an SQLite file if there is none, and return the status.

    Contractions of a database in use wait for `contract`: that no program of a version before runs any more.

    Raises `Misconfigured` (`database-url-invalid`, `database-unusable`, `storage-on-network`, `database-newer`,
    `migration-changed`) and `Unavailable` (`storage-unavailable`).
    """
    async with migrating(url, create=True) as database:
        return await migrate.up(database, now, contract=contract)


async def status(url: str) -> list[migrate.Status]:
    """Return where a database stands; raises as `prepare` does, save the refusals of what was changed or is newer."""
    path = sqlite_path(url)
    # A database in memory has no file either, and is migrated when it is opened.
    if path is not None and not _exists(path):
        return [migrate.Status(one.number, one.name, None, "pending", one.phase) for one in migrate.known("sqlite")]
    async with migrating(url, create=False) as database:
        return await migrate.status(database)


async def pending(url: str) -> list[migrate.Migration]:
    """Return what is to be applied to a database, in order; changes nothing. Raises as `status` does."""
    numbers = {one.number for one in await status(url) if one.state == "pending"}
    return [one for one in migrate.known(_engine(url)) if one.number in numbers]


def _engine(url: str) -> Engine:
    return "postgresql" if sqlite_path(url) is None else "sqlite"


async def open_store(url: str) -> Store:
    """Open the store of a migrated database; one in memory is migrated here.

    Raises as `prepare` does, and `Misconfigured` (`migrations-pending`).
    """
    path = sqlite_path(url)
    if path == sqlite.MEMORY:
        store = sqlite.SQLiteStore(path)
        # NOTE: nobody can ask when the migrations of a database in memory were applied, so no instant is asked for.
        await migrate.up(SQLiteDatabase(store.connection), 0)
        return store
    async with migrating(url, create=False) as database:
        states = await migrate.status(database)
    migrate.check(states)
    if migrate.waits(states):
        raise unmigrated()
    if path is not None:
        return sqlite.SQLiteStore(path)
    from intaglio.server.store import postgres  # noqa: PLC0415 -- the driver takes 60 ms to import

    return await postgres.PostgresStore.connect(url)
