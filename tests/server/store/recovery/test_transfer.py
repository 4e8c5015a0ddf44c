"""All of a database into another one: every table, every kind of value, equal or nothing."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from intaglio import errors
from intaglio.server.store import migrate, mounts
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import schema, sides, transfer
from intaglio.server.store.recovery.sides import Counted
from tests import postgres
from tests.capability import capability
from tests.conformance import store_suite
from tests.server.store.recovery import filling

postgres_server = postgres.postgres_server
_numbers = itertools.count()
NOW = store_suite.NOW


def quiet(*_: object) -> None:
    """Tell nobody how far it is."""


def copied(source: str, target: str, *, replace: bool = False) -> list[Counted]:
    """Copy a database."""
    return asyncio.run(transfer.copy(source, target, NOW, quiet, replace=replace))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with rows in every table."""
    file = tmp_path_factory.mktemp("full") / "full.db"
    asyncio.run(opening.prepare(f"sqlite:///{file}", NOW))
    filling.fill(file, 601)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/target.db"
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        yield server.create(f"transfer{next(_numbers)}")


@capability("db-copy", witness="SQLite and PostgreSQL")
def test_round_trip_is_equal(full: str, target: str, tmp_path: Path) -> None:
    """There and back again every row of every table is the same: counts, checksums, and the rows themselves."""
    there = copied(full, target)
    assert {one.rows for one in there} == {601}
    assert len({one.checksum for one in there}) == len(there)
    assert copied(target, f"sqlite:///{tmp_path}/back.db") == there
    with sqlite3.connect(full[10:]) as before, sqlite3.connect(tmp_path / "back.db") as after:
        for table in schema.tables(filling.NUMBERS):
            query = table.select("sqlite")
            assert before.execute(query).fetchall() == after.execute(query).fetchall(), table.name
    assert {one.state for one in asyncio.run(opening.status(target))} == {"applied"}


def test_order_does_not_follow_the_locale(full: str, target: str) -> None:
    """A side reads in the order of octets, in batches of bounded size."""
    copied(full, target)

    async def read() -> list[list[object]]:
        async with transfer.opened(target, create=False) as side, transfer.instant(side):
            users = next(table for table in schema.tables(filling.NUMBERS) if table.name == "users")
            return [[row[users.columns.index("tenant_id")] for row in rows] async for rows in side.rows(users)]

    batches = asyncio.run(read())
    assert max(map(len, batches)) <= sides.BATCH
    found = [str(name) for names in batches for name in names]
    assert found == sorted(found, key=str.encode)


def test_full_database_is_refused(full: str, target: str, tmp_path: Path) -> None:
    """A database with one row in it is not written to, unless it may be replaced; then nothing of it is left."""
    store_suite.StoreSuite.run(_migrated(target), lambda store: store.write(store_suite.increment))
    with pytest.raises(errors.Misconfigured) as met:
        copied(full, target)
    assert met.value.code == "rows-exist"
    assert met.value.detail["received"] == "rows in installation_facts"
    assert copied(target, f"sqlite:///{tmp_path}/kept.db")[0] != copied(full, f"sqlite:///{tmp_path}/other.db")[0]
    there = copied(full, target, replace=True)
    assert {one.rows for one in there} == {601}


def _migrated(url: str) -> str:
    asyncio.run(opening.prepare(url, NOW))
    return url


def test_database_in_use_is_refused(full: str, target: str) -> None:
    """While a node is connected, nothing is written, not even into an empty database; the node goes on."""
    _migrated(target)

    async def case() -> None:
        store = await opening.open_store(target)
        try:
            assert await store.read(store_suite.two_facts) is not None
            with pytest.raises(errors.Misconfigured) as met:
                await transfer.copy(full, target, NOW, quiet)
            assert met.value.code == "database-in-use"
            await store.write(store_suite.increment)
        finally:
            await store.close()

    asyncio.run(case())


def test_database_onto_itself_is_refused(full: str) -> None:
    """A database is not copied onto itself."""
    with pytest.raises(errors.Misconfigured) as met:
        copied(full, full, replace=True)
    assert met.value.code == "database-in-use"
    assert asyncio.run(_facts(full)) == 601


async def _facts(url: str) -> int:
    async with transfer.opened(url, create=False) as side:
        return await side.count(schema.tables(filling.NUMBERS)[0])


def test_what_fails_half_way_leaves_nothing(full: str, target: str) -> None:
    """If the last row cannot be kept, none is: the target is empty, and can be used the next time."""

    async def case() -> None:
        async with transfer.opened(full, create=False) as source, transfer.opened(target, create=True) as side:
            await transfer.migrate_alike(side, filling.NUMBERS, NOW)
            tables = schema.tables(filling.NUMBERS)
            async with transfer.instant(source):
                await transfer.move(source, side, [*tables, tables[-1]], quiet)

    with pytest.raises(errors.IntaglioError) as met:
        asyncio.run(case())
    assert met.value.code == "copy-refused"
    assert {one.rows for one in copied(full, target)} == {601}


def test_text_that_the_other_engine_does_not_keep(postgres_server: postgres.Server, tmp_path: Path) -> None:
    """A text with U+0000, which only SQLite keeps, stops the copy; the error names the table and not the text."""
    url = _migrated(f"sqlite:///{tmp_path}/odd.db")
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.execute("INSERT INTO installation_facts VALUES ('canary', ?)", ("canary\0",))
    with pytest.raises(errors.IntaglioError) as met:
        copied(url, postgres_server.create(f"transfer{next(_numbers)}"))
    assert (met.value.code, met.value.detail["table"]) == ("copy-refused", "installation_facts")
    assert "canary" not in repr(met.value.detail)


def test_what_arrives_changed_is_not_kept(full: str, target: str) -> None:
    """A row that changes on its way is found by the checksum, and nothing is kept."""

    async def case() -> None:
        async with transfer.opened(full, create=False) as source, transfer.opened(target, create=True) as side:
            await transfer.migrate_alike(side, filling.NUMBERS, NOW)
            spoilt: Any = Forgetful(side)
            async with transfer.instant(source):
                await transfer.move(source, spoilt, schema.tables(filling.NUMBERS), quiet)

    with pytest.raises(errors.IntaglioError) as met:
        asyncio.run(case())
    assert met.value.code == "copy-differs"
    assert met.value.detail == {"tables": "users"}
    assert {one.rows for one in copied(full, target)} == {601}


class Forgetful:
    """A side that spoils one octet in one row of one table, as a bad disk does."""

    def __init__(self, side: sides.Side) -> None:
        self._side = side

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    async def add(self, table: schema.Table, rows: Any) -> None:
        """Add rows; in one of them the last letter of a record is another."""
        if table.name == "users":
            place = table.columns.index("record")
            first = list(rows[0])
            first[place] = bytes(first[place])[:-1] + b"!"
            rows = [tuple(first), *rows[1:]]
        await self._side.add(table, rows)


@capability("db-network", witness="mountinfo(5) of an NFS share")
def test_network_file_system_is_refused(full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither side may lie on a network file system."""
    info = tmp_path / "mountinfo"
    info.write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", info)
    with pytest.raises(errors.Misconfigured) as met:
        copied(full, f"sqlite:///{tmp_path}/far.db")
    assert met.value.code == "storage-on-network"
    (tmp_path / "far.db").touch()
    with pytest.raises(errors.Misconfigured) as met:
        copied(f"sqlite:///{tmp_path}/far.db", full)
    assert met.value.code == "storage-on-network"


def test_database_in_memory_is_refused(full: str) -> None:
    """A database in memory can neither be read nor written by another process."""
    for source, other in ((full, "sqlite:///:memory:"), ("sqlite:///:memory:", full)):
        with pytest.raises(errors.Misconfigured) as met:
            copied(source, other)
        assert met.value.code == "database-in-memory"


def test_older_database_is_copied_as_it_is(target: str, tmp_path: Path) -> None:
    """A database of an older version gets a copy of that version; the rest is applied afterwards."""
    old = f"sqlite:///{tmp_path}/old.db"

    async def prepare() -> None:
        async with opening.migrating(old, create=True) as database:
            await migrate.up(database, NOW, migrate.known("sqlite")[:5])

    asyncio.run(prepare())
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("INSERT INTO tenants VALUES ('t', 'acme', 'default', 1, x'7b7d')")
    assert sum(one.rows for one in copied(old, target)) == 1
    states = [one.state for one in asyncio.run(opening.status(target))]
    assert states == ["applied"] * 5 + ["pending"] * (len(states) - 5)
    assert {one.state for one in asyncio.run(opening.prepare(target, NOW))} == {"applied"}
    with pytest.raises(errors.Misconfigured) as met:
        copied(old, target)
    assert met.value.code == "migrations-differ"


def test_newer_database_is_refused(full: str, tmp_path: Path) -> None:
    """What a later version added cannot be copied by this one, not even where it may run beside it."""
    copied(full, f"sqlite:///{tmp_path}/newer.db")
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 1)")
        connection.execute("INSERT INTO schema_phases VALUES (9999, 'expand')")
    asyncio.run(opening.prepare(f"sqlite:///{tmp_path}/newer.db", NOW))
    with pytest.raises(errors.Misconfigured) as met:
        copied(f"sqlite:///{tmp_path}/newer.db", f"sqlite:///{tmp_path}/target.db")
    assert met.value.code == "database-newer"


def test_missing_database_is_told(tmp_path: Path) -> None:
    """A source that is not there is refused, and neither file is made."""
    with pytest.raises(errors.Misconfigured) as met:
        copied(f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/target.db")
    assert met.value.code == "migrations-pending"
    assert list(tmp_path.iterdir()) == []
