"""Everything from one database into another: one instant of the one, one transaction of the other, equal or nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence

from intaglio.errors import IntaglioError, Misconfigured
from intaglio.server.store import driving, migrate, sqlite
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import schema, sides
from intaglio.server.store.recovery.schema import Table
from intaglio.server.store.recovery.sides import Counted, Side, Tally, Tell
from intaglio.server.store.recovery.sqlite_side import SQLiteSide
from intaglio.server.store.sqlite_migrating import SQLiteDatabase


@contextlib.asynccontextmanager
async def opened(url: str, *, create: bool) -> AsyncIterator[Side]:
    """Open one side.

    Raises `Misconfigured` (`database-url-invalid`, `database-in-memory`, `database-unusable`, `storage-on-network`,
    `migrations-pending`) and `Unavailable` (`storage-unavailable`).
    """
    if opening.sqlite_path(url) == sqlite.MEMORY:
        raise Misconfigured(
            "database-in-memory",
            "A database in memory is gone with its process; there is nothing to move.",
            hint="Name a file or a PostgreSQL database.",
        )
    async with opening.migrating(url, create=create) as database:
        if isinstance(database, SQLiteDatabase):
            yield SQLiteSide(database, database.turn)
        else:
            from intaglio.server.store.postgres import PostgresDatabase  # noqa: PLC0415 -- 60 ms to import the driver
            from intaglio.server.store.recovery.postgres_side import PostgresSide  # noqa: PLC0415 -- as above

            assert isinstance(database, PostgresDatabase)
            yield PostgresSide(database)


@contextlib.asynccontextmanager
async def instant(side: Side) -> AsyncIterator[None]:
    """See one instant of a side."""
    await side.begin_reading()
    try:
        yield
    finally:
        await side.end(keep=False)


async def applied(side: Side) -> frozenset[int]:
    """Return the numbers of the migrations that a database has, all of which this program has to know to move it.

    Raises `Misconfigured` (`migrations-pending`, `migration-changed`, `database-newer`).
    """
    states = await migrate.status(side.database)
    # What a later version added this one would leave behind: here an expansion is no less newer.
    migrate.check([one._replace(phase="") for one in states])
    numbers = frozenset(one.number for one in states if one.state == "applied")
    if not numbers:
        raise opening.unmigrated()
    return numbers


async def migrate_alike(side: Side, numbers: frozenset[int], now: int) -> None:
    """Give an empty database exactly the migrations of these numbers; raises `Misconfigured` (`migrations-differ`)."""
    states = await migrate.status(side.database)
    if all(one.applied_at is None for one in states):
        wanted = [one for one in migrate.known(side.engine) if one.number in numbers]
        await migrate.up(side.database, now, wanted)
        return
    if await applied(side) != numbers:
        raise Misconfigured(
            "migrations-differ",
            "The two databases do not have the same migrations.",
            detail={"expected": f"migrations {_listed(numbers)}", "received": _listed(await applied(side))},
            hint="Name a database without tables, or run `intaglio migrate up` on the one that is behind.",
        )


def _listed(numbers: frozenset[int]) -> str:
    return " ".join(map(str, sorted(numbers)))


async def move(
    source: Side, target: Side, tables: Sequence[Table], tell: Tell, *, replace: bool = False
) -> list[Counted]:
    """Copy every row of a side that sees one instant, compare what arrived with what left, and keep it if it is equal.

    Raises `Misconfigured` (`database-in-use`, `rows-exist`), `Unavailable` (`storage-unavailable`) and `IntaglioError`
    (`copy-differs`, `copy-refused`); then the target is as it was.
    """
    keep = False
    try:
        await target.begin_writing(tables, replace=replace)
        left = [await _copy(source, target, table, tell) for table in tables]
        compare(left, [await sides.tally(target, table, tell) for table in tables])
        keep = True
    except sqlite3.Error as exc:
        raise driving.unavailable(getattr(exc, "sqlite_errorname", type(exc).__name__)) from exc
    finally:
        await target.end(keep=keep)
    return left


async def _copy(source: Side, target: Side, table: Table, tell: Tell) -> Counted:
    total, sums = await source.count(table), Tally(table)
    async for rows in source.rows(table):
        await target.add(table, rows)
        sums.add(rows)
        tell("copying", table.name, sums.rows, total)
    return sums.counted()


def compare(expected: Sequence[Counted], received: Sequence[Counted]) -> None:
    """Refuse a copy that is not equal to what was copied; raises `IntaglioError` (`copy-differs`)."""
    wrong = [one.table for one, other in zip(expected, received, strict=True) if one != other]
    if wrong:
        raise IntaglioError(
            "copy-differs",
            "What arrived is not what left; nothing was kept.",
            detail={"tables": ", ".join(wrong)},
            hint="Look at the disks of both databases, then try again.",
        )


async def copy(source_url: str, target_url: str, now: int, tell: Tell, *, replace: bool = False) -> list[Counted]:
    """Copy a database into another one of either engine, and return what each table holds.

    Raises as `opened`, `applied`, `migrate_alike` and `move` do.
    """
    async with opened(source_url, create=False) as source, instant(source):
        numbers = await applied(source)
        async with opened(target_url, create=True) as target:
            await migrate_alike(target, numbers, now)
            return await move(source, target, schema.tables(numbers), tell, replace=replace)
