"""Migrations: numbered files, applied in order, each in a transaction, under a lock, and never changed afterwards.

A migration says in its second line what it does to programs of the version before: `-- phase: expand` leaves them
working, `-- phase: contract` takes away what they may still use. Contractions are applied when somebody says that no
such program runs any more; a program accepts a database that later versions have only expanded.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from intaglio.errors import Misconfigured
from intaglio.server.model.plan import Row, Value
from intaglio.server.store import queries
from intaglio.server.store.queries import Engine

Phase = Literal["expand", "contract"]

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)(?:\.(sqlite|postgresql))?\.sql")
_PHASE = re.compile(r"^-- phase: (expand|contract)$", re.MULTILINE)


class Database(Protocol):
    """A connection on which migrations run; each engine has one."""

    engine: Engine

    async def begin(self) -> None:
        """Begin a transaction that may write."""
        ...

    async def run(self, statement: str, values: Mapping[str, Value]) -> Sequence[Row]:
        """Run one statement, in this engine's form, with values by name."""
        ...

    async def end(self, *, keep: bool) -> None:
        """Commit the transaction, or roll it back."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema: the text for both engines, followed by the engine's own.

    One without a phase is from the time when programs of two versions could not share a database.
    """

    number: int
    name: str
    text: str
    checksum: str
    phase: Phase = "expand"

    @property
    def statements(self) -> list[str]:
        """What it runs."""
        return queries.statements(self.text)


class Status(NamedTuple):
    """A migration as one database sees it.

    `state` is `applied`, `pending`, `changed` or `newer`; `phase` is `expand`, `contract`, or empty where a program
    that knew of no phases applied what this one does not know.
    """

    number: int
    name: str
    applied_at: int | None
    state: str
    phase: str


def arrange(files: Mapping[str, str], engine: Engine) -> tuple[Migration, ...]:
    """Return the migrations of an engine in order; raises ValueError for a misnamed file or a gap."""
    texts: dict[tuple[int, str], list[str]] = {}
    for file in sorted(files, key=lambda name: (name.count("."), name)):
        found = _FILE.fullmatch(file)
        if found is None:
            raise ValueError(f"not a migration's file name: {file}")
        own = texts.setdefault((int(found[1]), found[2]), [])
        if found[3] in (None, engine):
            own.append(files[file])
    if sorted(number for number, _ in texts) != list(range(1, len(texts) + 1)):
        raise ValueError("migrations are numbered from 1, without gap and without doubles")
    return tuple(_migration(number, name, "\n".join(parts)) for (number, name), parts in sorted(texts.items()))


def _migration(number: int, name: str, text: str) -> Migration:
    phases = {found[1] for found in _PHASE.finditer(text)} or {"expand"}
    if len(phases) != 1:
        raise ValueError(f"migration {number} says two phases")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(number, name, text, checksum, "contract" if "contract" in phases else "expand")


@functools.cache
def known(engine: Engine) -> tuple[Migration, ...]:
    """Return the migrations that this code brings."""
    return arrange(queries.migration_files(), engine)


async def status(database: Database, migrations: Sequence[Migration] | None = None) -> list[Status]:
    """Return where a database stands; changes nothing and refuses nothing."""
    migrations = known(database.engine) if migrations is None else migrations
    applied = await _applied(database)
    found = [_status(one, applied.pop(one.number, None)) for one in migrations]
    return found + [Status(number, row[1], row[3], "newer", row[4]) for number, row in sorted(applied.items())]


def _status(migration: Migration, row: Row | None) -> Status:
    if row is None:
        return Status(migration.number, migration.name, None, "pending", migration.phase)
    state = "applied" if row[2] == migration.checksum else "changed"
    return Status(migration.number, migration.name, row[3], state, migration.phase)


async def _ask(database: Database, name: str, values: Mapping[str, Value]) -> Sequence[Row]:
    return await database.run(queries.load_migrating(database.engine)[name].text, values)


async def _applied(database: Database) -> dict[int, Row]:
    """Return what was applied by number: number, name, checksum, instant, phase."""
    if not await _ask(database, "migrations_table_present", {}):
        return {}
    phases: dict[int, str] = {}
    if await _ask(database, "phases_table_present", {}):
        phases = {row[0]: row[1] for row in await _ask(database, "migration_phases", {})}
    return {row[0]: (*row, phases.get(row[0], "")) for row in await _ask(database, "migrations_applied", {})}


def check(states: Sequence[Status]) -> None:
    """Refuse a database that this code cannot use safely: later versions may have expanded it, and nothing else.

    Raises `Misconfigured` (`database-newer`, `migration-changed`).
    """
    for one in states:
        detail = {"migration": f"{one.number:04d}_{one.name}"}
        if one.state == "newer" and one.phase != "expand":
            raise Misconfigured(
                "database-newer",
                f"The database has migration {one.number}, which this version does not know.",
                detail=detail,
                hint="Run the version that migrated the database, or a later one.",
            )
        if one.state == "changed":
            raise Misconfigured(
                "migration-changed",
                f"Migration {one.number} was applied with another text than this version has.",
                detail=detail,
                hint="Install an unaltered release; a migration is never edited once it was applied.",
            )


def waits(states: Sequence[Status], *, contract: bool = False) -> list[Status]:
    """Return what is pending and to be applied now.

    Contractions wait until `contract` says that no program of a version before runs, or until there is nothing that one
    could use: on an empty database everything is applied.
    """
    empty = all(one.applied_at is None for one in states)
    return [one for one in states if one.state == "pending" and (contract or empty or one.phase == "expand")]


async def up(
    database: Database, now: int, migrations: Sequence[Migration] | None = None, *, contract: bool = False
) -> list[Status]:
    """Apply what is pending, in order, contractions only as `waits` tells, and return the new status.

    Raises `Misconfigured` (`database-newer`, `migration-changed`); what failed is rolled back whole.
    """
    migrations = known(database.engine) if migrations is None else migrations
    states = await status(database, migrations)
    check(states)
    wanted = {one.number for one in waits(states, contract=contract)}
    for migration in migrations:
        if migration.number in wanted:
            await _apply(database, migration, migrations, now)
    return await status(database, migrations)


async def _apply(database: Database, migration: Migration, migrations: Sequence[Migration], now: int) -> None:
    await database.begin()
    keep = False
    try:
        await _ask(database, "migration_lock", {})
        await _ask(database, "migrations_table", {})
        await _ask(database, "phases_table", {})
        # Another process may have migrated while this one waited for the lock.
        states = await status(database, migrations)
        check(states)
        if any(one.number == migration.number and one.state == "pending" for one in states):
            for statement in migration.statements:
                await database.run(statement, {})
            await _note(database, migration, now)
        keep = True
    finally:
        await database.end(keep=keep)


async def _note(database: Database, migration: Migration, now: int) -> None:
    await _ask(
        database,
        "migration_insert",
        {"number": migration.number, "name": migration.name, "checksum": migration.checksum, "applied_at": now},
    )
    await _ask(database, "migration_phase_insert", {"number": migration.number, "phase": migration.phase})
