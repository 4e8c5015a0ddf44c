"""Migrations on both engines: in order, once, whole, unchanged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from intaglio import errors
from intaglio.server.store import migrate, queries
from intaglio.server.store import open as opening
from tests import postgres
from tests.capability import capability
from tests.conformance import store_suite

postgres_server = postgres.postgres_server
_numbers = itertools.count()
FILES = {
    "0001_one.sql": "CREATE TABLE one (a TEXT NOT NULL DEFAULT ';'); -- not; here\nCREATE INDEX one_a ON one (a);",
    "0002_two.sql": "CREATE TABLE two (b BIGINT);",
    "0002_two.postgresql.sql": "ALTER TABLE two ADD COLUMN c JSONB;",
}
NOW = store_suite.NOW


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        yield server.create(f"migrate{next(_numbers)}")


async def _up(url: str, files: dict[str, str], now: int = NOW, *, contract: bool = False) -> list[migrate.Status]:
    async with opening.migrating(url, create=True) as database:
        return await migrate.up(database, now, migrate.arrange(files, database.engine), contract=contract)


async def _forget_phases(url: str) -> None:
    async with opening.migrating(url, create=False) as database:
        await database.run("DROP TABLE schema_phases", {})


async def _status(url: str, files: dict[str, str]) -> list[migrate.Status]:
    async with opening.migrating(url, create=True) as database:
        return await migrate.status(database, migrate.arrange(files, database.engine))


@pytest.mark.parametrize(
    "names",
    [["1_a.sql"], ["0001_A.sql"], ["0001_a.mysql.sql"], ["0002_a.sql"], ["0001_a.sql", "0001_b.sql"], ["0001_a.txt"]],
)
def test_misnamed_files_are_refused(names: list[str]) -> None:
    """A name out of form, a gap or a double number stops the program."""
    with pytest.raises(ValueError, match="migration"):
        migrate.arrange(dict.fromkeys(names, ""), "sqlite")


def test_engines_own_text_follows_the_shared_one() -> None:
    """An engine's own file comes after the shared one and counts in that engine's checksum only."""
    changed = {**FILES, "0002_two.postgresql.sql": "SELECT 1;"}
    assert migrate.arrange(FILES, "sqlite") == migrate.arrange(changed, "sqlite")
    both = migrate.arrange(FILES, "postgresql")
    assert both[0] == migrate.arrange(changed, "postgresql")[0]
    assert both[1].checksum != migrate.arrange(changed, "postgresql")[1].checksum
    assert both[1].text.index("CREATE") < both[1].text.index("ALTER")


@capability("migrations", witness="SQLite and PostgreSQL")
def test_edited_migration_is_refused(url: str) -> None:
    """A migration whose text changed after it was applied is refused, and shows in the status."""
    asyncio.run(_up(url, FILES))
    edited = {**FILES, "0001_one.sql": "CREATE TABLE one (a TEXT);"}
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(_up(url, edited))
    assert met.value.code == "migration-changed"
    assert met.value.detail == {"migration": "0001_one"}
    assert [one.state for one in asyncio.run(_status(url, edited))] == ["changed", "applied"]


CONTRACTION = "-- It goes.\n-- phase: contract\nDROP TABLE two;"
EXPANSION = "-- It comes.\n-- phase: expand\nCREATE TABLE four (d BIGINT);"


def test_two_phases_in_one_migration_are_refused() -> None:
    """A migration either leaves older programs working or does not."""
    with pytest.raises(ValueError, match="two phases"):
        migrate.arrange({"0001_one.sql": CONTRACTION, "0001_one.sqlite.sql": EXPANSION}, "sqlite")
    with pytest.raises(ValueError, match="two phases"):
        migrate.arrange({"0001_one.sql": CONTRACTION + "\n" + EXPANSION}, "postgresql")


def test_migrations_from_now_on_say_their_phase() -> None:
    """Every migration from the eighth on says in its second line what it does to the version before."""
    for name, text in queries.migration_files().items():
        if int(name[:4]) >= 8 and name.count(".") == 1:
            assert text.splitlines()[1] in {"-- phase: expand", "-- phase: contract"}, name


@capability("migration-phases", witness="SQLite and PostgreSQL")
def test_contractions_wait(url: str) -> None:
    """A contraction waits until it is asked for, expansions behind it do not; programs of before go on until then."""
    asyncio.run(_up(url, FILES))
    later = {**FILES, "0003_three.sql": CONTRACTION, "0004_four.sql": EXPANSION}
    assert [one.state for one in asyncio.run(_up(url, later))] == ["applied", "applied", "pending", "applied"]
    assert [one.state for one in asyncio.run(_up(url, FILES))] == ["applied", "applied", "newer"]
    assert [one.state for one in asyncio.run(_up(url, later, contract=True))] == ["applied"] * 4
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(_up(url, FILES))
    assert met.value.code == "database-newer"
    assert met.value.detail == {"migration": "0003_three"}


@pytest.mark.parametrize(("phase", "opens"), [("expand", True), ("contract", False), (None, False)])
def test_store_opens_on_what_was_only_expanded(url: str, phase: str | None, opens: bool) -> None:
    """A program starts on a database with a later migration if that says that it only expands."""
    asyncio.run(opening.prepare(url, NOW))

    async def later() -> None:
        async with opening.migrating(url, create=False) as database:
            await database.run("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 1)", {})
            if phase is not None:
                text = queries.load_migrating(database.engine)["migration_phase_insert"].text
                await database.run(text, {"number": 9999, "phase": phase})

    asyncio.run(later())
    if opens:
        store_suite.StoreSuite.run(url, lambda store: store.read(store_suite.two_facts))
        return
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(opening.open_store(url))
    assert met.value.code == "database-newer"


def test_empty_database_gets_everything(url: str) -> None:
    """Where nothing was applied nobody can use what goes: contractions are applied at once."""
    later = {**FILES, "0003_three.sql": CONTRACTION}
    assert [one.state for one in asyncio.run(_up(url, later))] == ["applied"] * 3


def test_newer_database_is_refused(url: str) -> None:
    """A database with a migration of unknown phase that the code does not know is refused, and shows in the status."""
    asyncio.run(_up(url, FILES))
    asyncio.run(_forget_phases(url))
    older = {"0001_one.sql": FILES["0001_one.sql"]}
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(_up(url, older))
    assert met.value.code == "database-newer"
    assert [one.state for one in asyncio.run(_status(url, older))] == ["applied", "newer"]


def test_failed_migration_leaves_nothing(url: str) -> None:
    """A migration that fails half-way is rolled back whole; those before it stay; repaired, it applies."""
    broken = {**FILES, "0003_three.sql": "CREATE TABLE three (a TEXT); CREATE TABLE one (a TEXT);"}
    with pytest.raises(errors.Unavailable):
        asyncio.run(_up(url, broken))
    assert [one.state for one in asyncio.run(_status(url, broken))] == ["applied", "applied", "pending"]
    repaired = {**FILES, "0003_three.sql": "CREATE TABLE three (a TEXT);"}
    assert [one.state for one in asyncio.run(_up(url, repaired))] == ["applied"] * 3


def test_status_before_and_after(url: str) -> None:
    """A fresh database has everything pending; applied migrations keep the instant at which they were."""
    assert asyncio.run(_status(url, FILES)) == [
        (1, "one", None, "pending", "expand"),
        (2, "two", None, "pending", "expand"),
    ]
    first = {"0001_one.sql": FILES["0001_one.sql"]}
    assert asyncio.run(_up(url, first, 7)) == [(1, "one", 7, "applied", "expand")]
    both = [(1, "one", 7, "applied", "expand"), (2, "two", 8, "applied", "expand")]
    assert asyncio.run(_up(url, FILES, 8)) == both
    assert asyncio.run(_up(url, FILES, 9)) == both


def test_parallel_migrations_apply_once(url: str) -> None:
    """Several processes that start at once migrate one after another."""

    async def case() -> list[list[migrate.Status]]:
        async with contextlib.AsyncExitStack() as stack:
            databases = [
                await stack.enter_async_context(opening.migrating(url, create=True))
                for _ in range(5 if url.startswith("postgresql") else 1)
            ]
            known = migrate.arrange(FILES, databases[0].engine)
            return await asyncio.gather(
                *(migrate.up(database, now, known) for now, database in enumerate(databases, NOW))
            )

    results = asyncio.run(case())
    assert all(one == results[0] for one in results)


def test_pending_migrations_are_refused_at_start(url: str) -> None:
    """The store of a database that is not migrated does not open; the hint names the command; then it opens."""
    assert [one.state for one in asyncio.run(opening.status(url))] == ["pending"] * len(migrate.known("sqlite"))
    with pytest.raises(errors.Misconfigured) as met:
        asyncio.run(opening.open_store(url))
    assert met.value.code == "migrations-pending"
    assert "intaglio migrate up" in met.value.hint
    done = asyncio.run(opening.prepare(url, NOW))
    assert {one.state for one in done} == {"applied"}
    assert asyncio.run(opening.status(url)) == done
    store_suite.StoreSuite.run(url, lambda store: store.read(store_suite.two_facts))
