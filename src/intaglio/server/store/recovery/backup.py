"""Backups: one SQLite file that holds a database of either engine as it was at one instant, and its own manifest.

SQLite documentation, "Using the SQLite Online Backup API": pages are copied within one reading transaction, so that
writers neither wait nor make the copy begin anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib import parse

from intaglio import __version__
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.store import driving, migrate, mounts, sqlite
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import manifest as manifests
from intaglio.server.store.recovery import schema, sides, transfer
from intaglio.server.store.recovery.manifest import Manifest
from intaglio.server.store.recovery.sides import Counted, Side, Tell
from intaglio.server.store.recovery.sqlite_side import SQLiteSide
from intaglio.server.store.sqlite_migrating import SQLiteDatabase

_PAGES = 1024


async def back_up(url: str, file: Path, now: int, tell: Tell) -> Manifest:
    """Write a backup of a database into a new file, private to its owner, and return what it holds.

    The file appears under its name when it is complete, checked and flushed. Raises `Misconfigured` (`backup-exists`,
    `backup-unusable`, `storage-on-network`, and those of `transfer.opened` and `transfer.applied`), `Unavailable`
    (`storage-unavailable`) and `IntaglioError` (`copy-differs`).
    """
    mounts.refuse_network(file)
    with _appearing(file) as unfinished:
        async with transfer.opened(url, create=False) as source, transfer.instant(source):
            numbers = await transfer.applied(source)
            counted = await _copied(source, unfinished, numbers, now, tell)
        made = Manifest(now, __version__, source.engine, tuple(sorted(numbers)), tuple(counted))
        _finish(unfinished, made)
    return made


async def _copied(source: Side, file: Path, numbers: frozenset[int], now: int, tell: Tell) -> list[Counted]:
    tables = schema.tables(numbers)
    if isinstance(source, SQLiteSide):
        left = [await sides.tally(source, table, tell) for table in tables]
        _copy_pages(source.connection, file, tell)
        with contextlib.closing(_connected(file)) as connection:
            there = SQLiteSide(SQLiteDatabase(connection))
            transfer.compare(left, [await sides.tally(there, table, tell) for table in tables])
        return left
    async with transfer.opened(_url(file), create=True) as target:
        await transfer.migrate_alike(target, numbers, now)
        return await transfer.move(source, target, tables, tell)


def _url(file: Path) -> str:
    return "sqlite:///" + parse.quote(str(file))


def _copy_pages(source: sqlite3.Connection, file: Path, tell: Tell) -> None:
    def progress(_: int, remaining: int, total: int) -> None:
        tell("copying", "pages", total - remaining, total)

    with contextlib.closing(_connected(file)) as target:
        # The source is in a reading transaction: what others write meanwhile does not make this begin anew.
        source.backup(target, pages=_PAGES, progress=progress)


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _finish(file: Path, manifest: Manifest) -> None:
    """Make the copy one file that needs no other, with its manifest, and let SQLite check it."""
    with contextlib.closing(_connected(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        manifests.write(connection, manifest)
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not sound or connection.execute("PRAGMA foreign_key_check").fetchall():
            raise IntaglioError(
                "copy-differs",
                "The database is damaged, or its backup is; no backup was kept.",
                hint="Run `PRAGMA integrity_check` on the database with SQLite's own program.",
            )


@contextlib.contextmanager
def _appearing(file: Path) -> Iterator[Path]:
    """Yield the name of an unfinished file beside a file to be, to which it is given only if all went well."""
    file = file.absolute()
    if file.exists():
        raise _exists(file)
    try:
        folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=file.parent))
    except OSError as exc:
        raise _unusable(file, type(exc).__name__) from exc
    try:
        unfinished = folder / "backup.db"
        os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield unfinished
        _publish(unfinished, file)
    except sqlite3.Error as exc:
        raise driving.unavailable(getattr(exc, "sqlite_errorname", type(exc).__name__)) from exc
    except OSError as exc:
        raise _unusable(file, type(exc).__name__) from exc
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(unfinished: Path, file: Path) -> None:
    try:
        # A link, unlike a renaming, never takes the place of a file that somebody else has made meanwhile.
        os.link(unfinished, file)
    except FileExistsError as exc:
        raise _exists(file) from exc
    except OSError:
        # A file system without links.
        if file.exists():
            raise _exists(file) from None  # That there are no links is not the reason.
        unfinished.rename(file)
    sqlite.flush_folder(file.parent)


def _exists(file: Path) -> Misconfigured:
    return Misconfigured(
        "backup-exists",
        "There is a file of that name already; it was left as it is.",
        detail={"path": str(file)},
        hint="Name a file that does not exist.",
    )


def _unusable(file: Path, reason: str) -> Misconfigured:
    return Misconfigured(
        "backup-unusable",
        "The backup cannot be read or written.",
        detail={"path": str(file), "reason": reason},
        hint="Name a file that `intaglio db backup` made, in a folder that you may use. A database file is no backup: "
        "`intaglio db copy --from` takes it.",
    )


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[tuple[SQLiteSide, Manifest]]:
    """Open a backup, which nobody writes to, without making any file beside it."""
    mounts.refuse_network(file)
    try:
        uri = f"file:{parse.quote(str(file.absolute()))}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            yield SQLiteSide(SQLiteDatabase(connection)), manifests.read(connection)
    except (sqlite3.Error, ValueError) as exc:
        raise _unusable(file, type(exc).__name__) from exc


async def check(file: Path, tell: Tell) -> Manifest:
    """Return the manifest of a backup whose rows are those that it tells of.

    Raises `Misconfigured` (`backup-unusable`, `backup-damaged`, `storage-on-network`, `database-newer`,
    `migration-changed`).
    """
    with _reading(file) as (side, manifest):
        await _checked(side, manifest, file, tell)
    return manifest


async def _checked(side: SQLiteSide, manifest: Manifest, file: Path, tell: Tell) -> tuple[schema.Table, ...]:
    tables = schema.tables(await transfer.applied(side))
    found = [await sides.tally(side, table, tell) for table in tables]
    wrong = [one.table for one in manifest.tables if one not in found]
    if wrong or len(found) != len(manifest.tables):
        raise Misconfigured(
            "backup-damaged",
            "The backup does not hold what it held when it was made; nothing was restored.",
            detail={"path": str(file), "tables": ", ".join(wrong)},
            hint="Use another backup.",
        )
    return tables


async def restore(
    file: Path, url: str, now: int, tell: Tell, *, replace: bool = False
) -> tuple[Manifest, list[migrate.Status]]:
    """Write a checked backup into an empty database of either engine; return its manifest and what is migrated there.

    The database gets the migrations that the backup has; later ones are applied afterwards, as in every upgrade. Raises
    as `check` and `transfer.copy` do, and `Misconfigured` (`databases-same`); then the database has no rows, or with
    `replace` those that it had.
    """
    _refuse_itself(file, opening.sqlite_path(url))
    with _reading(file) as (side, manifest):
        tables = await _checked(side, manifest, file, tell)
        async with transfer.opened(url, create=True) as target:
            await transfer.migrate_alike(target, await transfer.applied(side), now)
            await transfer.move(side, target, tables, tell, replace=replace)
    return manifest, await opening.status(url)


def _refuse_itself(file: Path, path: str | None) -> None:
    # NOTE: closing the backup would take away the locks on the database if it were the same file (see store/sqlite.py).
    if path is not None and file.exists() and Path(path).exists() and file.samefile(path):
        raise Misconfigured(
            "databases-same",
            "The backup is the database itself.",
            detail={"path": str(file)},
            hint="Name another file, or another database.",
        )
