"""The audit log is sealed by one process for all; what another program does to the database is found."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from intaglio import clock as clocks
from intaglio import ids
from intaglio.names import TenantId
from intaglio.server.admin import auditlog
from intaglio.server.admin.auditlog import Filter, Verdict
from intaglio.server.jobs import sealing
from intaglio.server.jobs.sealing import Sealer
from intaglio.server.model import audit, duties, installation, sealchain, seals
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store
from intaglio.server.store import open as opening
from intaglio.server.store.recovery import transfer
from tests import postgres
from tests.capability import capability

postgres_server = postgres.postgres_server
NOW = 1_800_000_000
KEY = bytes(range(32))
ONE, TWO = TenantId("tenant-1"), TenantId("tenant-2")
Program = Callable[[str], Awaitable[None]]
Case = Callable[[Store, Program], Awaitable[None]]
_numbers = itertools.count()


class Database(msgspec.Struct, frozen=True):
    """A migrated database, by its URL."""

    url: str

    def run(self, case: Case) -> None:
        """Run a case on an open store, with another program that runs statements beside it."""

        async def go() -> None:
            store = await opening.open_store(self.url)
            try:
                await asyncio.wait_for(case(store, self.program), 60)
            finally:
                await store.close()

        asyncio.run(go())

    async def program(self, statement: str) -> None:
        """Run a statement as a program that is not ours."""
        if self.url.startswith("sqlite"):
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            with connection:
                assert connection.execute(statement).rowcount
            connection.close()
            return
        import asyncpg

        connected = await asyncpg.connect(self.url)
        assert await connected.execute(statement)
        await connected.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Return an empty, migrated database of each engine."""
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").create(f"sealing{next(_numbers)}")
    asyncio.run(opening.prepare(url, NOW))
    return Database(url)


def entry(text: str, tenant_id: TenantId = ONE, at: int = NOW) -> Entry:
    """Return an entry."""
    return Entry(tenant_id, ids.ordered(at), at, text, "user:alice", "projects/p", "allowed", detail={"é": "\"'"})


def sealer(store: Store, at: int = NOW, keep_days: int = 0, key: bytes = KEY) -> Sealer:
    """Return what seals, at an instant."""
    return Sealer(store, clocks.FixedClock(at), key, keep_days)


async def sealed(store: Store, *texts: str, at: int = NOW) -> None:
    """Keep entries, and have them sealed together."""
    await store.write(audit.insert, [entry(text, at=at) for text in texts])
    one = sealer(store, at)
    assert await one.seal() == len(texts)
    await store.write(duties.lay_down, seals.DUTY, one._holder)


async def verified(store: Store, key: bytes = KEY) -> Verdict:
    """Check the log."""
    return await auditlog.verify(store, key)


async def kinds(store: Store, key: bytes = KEY) -> list[str]:
    """Return what a check finds, in a word each."""
    return [fault.kind for fault in (await verified(store, key)).faults]


@capability("audit-sealing", witness="SQLite and PostgreSQL")
def test_what_waits_is_sealed_in_batches(database: Database) -> None:
    """Entries of all tenants get the numbers of seals, at most a batch each; the log is whole and tells its head."""

    async def case(store: Store, program: Program) -> None:
        assert await sealer(store).seal() == 0
        assert (await verified(store)).head == "0:" + "00" * 32
        many = [entry(f"deed {number}", (ONE, TWO)[number % 2]) for number in range(sealing.BATCH + 10)]
        await store.write(audit.insert, many)
        assert (await verified(store)).unsealed == len(many)
        assert await sealer(store).seal() == len(many)
        told = await verified(store)
        assert (told.whole, told.seals, told.entries, told.unsealed, told.first) == (True, 2, len(many), 0, 1)
        assert told.head.startswith("2:")
        assert {one.seal for one in await store.read(audit.page, ONE, audit.LAST, 1000)} == {1, 2}
        assert not await store.read(seals.waiting)

    database.run(case)


@capability("audit-sealing", witness="SQLite and PostgreSQL")
def test_one_of_several_seals(database: Database) -> None:
    """Of many that want to seal at once one does, and another when its duty has ended; nothing is sealed twice."""

    async def case(store: Store, program: Program) -> None:
        await store.write(audit.insert, [entry(f"deed {number}") for number in range(40)])
        crowd = [sealer(store) for _ in range(6)]
        done = [one for one in await asyncio.gather(*(one.seal() for one in crowd)) if one]
        assert done == [40]
        assert (await verified(store)).whole
        await store.write(audit.insert, [entry("later")])
        # Whoever has the duty goes on; the others wait until it is over.
        now = [await one.seal() for one in crowd]
        assert now.count(None) + now.count(0) == 5
        assert now.count(1) == 1
        await store.write(audit.insert, [entry("after its death")])
        assert await sealer(store, NOW + sealing.HELD + 1).seal() == 1
        assert (await verified(store)).whole

    database.run(case)


def test_a_seal_is_the_same_on_every_engine(database: Database) -> None:
    """A log that moves to another engine, or is read by another program, has the seals that it had."""

    async def case(store: Store, program: Program) -> None:
        made = [Entry(ONE, f"{n:02}", NOW, "a\u00e9", "user:\U0001f600", "r", "allowed", f"ref_{n}") for n in range(3)]
        await store.write(audit.insert, made)
        assert await sealer(store).seal() == 3
        values = [tuple(audit.row(one).values()) for one in reversed(made)]
        expected = sealchain.sealed(KEY, 1, NOW, sealchain.START, values)
        assert (await verified(store)).head == f"1:{expected.digest.hex()}"

    database.run(case)


def test_a_log_moves_with_its_seals(tmp_path: Path, postgres_server: postgres.Server) -> None:
    """Copied to the other engine the log is whole, its head is the one that was noted, and sealing goes on."""
    source = Database(f"sqlite:///{tmp_path}/log.db")
    target = Database(postgres_server.create(f"sealing{next(_numbers)}"))
    asyncio.run(opening.prepare(source.url, NOW))
    heads: list[str] = []

    async def before(store: Store, program: Program) -> None:
        await sealed(store, "a", "b")
        await sealed(store, "c")
        heads.append((await verified(store)).head)

    async def after(store: Store, program: Program) -> None:
        assert (await verified(store)).whole
        assert (await verified(store)).head == heads[0]
        await sealed(store, "d")
        assert (await auditlog.verify(store, KEY, auditlog.read_head(heads[0]))).entries == 1

    source.run(before)
    asyncio.run(transfer.copy(source.url, target.url, NOW, lambda *told: None))
    target.run(after)


DEEDS = {
    "changed": "UPDATE audit_log SET outcome = 'denied' WHERE action = 'b'",
    "record": "UPDATE audit_log SET record = (SELECT record FROM audit_seals LIMIT 1) WHERE action = 'b'",
    "moved": "UPDATE audit_log SET seal = 1 WHERE action = 'b'",
    "unsealed": "UPDATE audit_log SET seal = NULL WHERE action = 'b'",
    "removed": "DELETE FROM audit_log WHERE action = 'b'",
    "dated": "UPDATE audit_log SET at = at - 86400 WHERE action = 'b'",
    "inserted": "INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, record, seal)"
    " SELECT tenant_id, 'x', at, action, principal, resource, outcome, record, seal FROM audit_log WHERE action = 'b'",
    "seal": "UPDATE audit_seals SET entries = 5 WHERE number = 2",
    "sealed_at": "UPDATE audit_seals SET sealed_at = 5 WHERE number = 2",
}


@capability("audit-verify", witness="sqlite3 and psql's protocol")
def test_what_another_program_does_is_found(database: Database) -> None:
    """Each deed on an entry of the middle seal, or on that seal, is found there, and the log was whole before."""

    async def case(store: Store, program: Program) -> None:
        for text in ("a", "b", "c"):
            await sealed(store, text, text * 2)
        assert await kinds(store) == []

    database.run(case)
    for name, statement in DEEDS.items():
        if database.url.startswith("sqlite"):
            _try_on_copy(database, name, statement)
        else:
            _try_in_place(database, name, statement)


def _try_on_copy(database: Database, name: str, statement: str) -> None:
    source = Path(database.url.removeprefix("sqlite:///"))
    copy = source.with_name(f"{name}.db")
    copy.write_bytes(source.read_bytes())
    other = Database(f"sqlite:///{copy}")

    async def case(store: Store, program: Program) -> None:
        await program(statement)
        assert 2 in {fault.seal for fault in (await verified(store)).faults}, name

    other.run(case)


def _try_in_place(database: Database, name: str, statement: str) -> None:
    """Do it, and undo it from what was there before."""

    async def case(store: Store, program: Program) -> None:
        await program("CREATE TABLE log_before AS SELECT * FROM audit_log")
        await program("CREATE TABLE seals_before AS SELECT * FROM audit_seals")
        await program(statement)
        assert 2 in {fault.seal for fault in (await verified(store)).faults}, name
        for back in (
            "DELETE FROM audit_log",
            "INSERT INTO audit_log SELECT * FROM log_before",
            "DROP TABLE log_before",
        ):
            await program(back)
            await program(back.replace("log", "seals"))
        assert await kinds(store) == []

    database.run(case)


def test_a_log_that_was_cut_off_stays_so(database: Database) -> None:
    """What was cut off is missed, and is missed for ever, though sealing goes on; so is a head that was taken away."""

    async def case(store: Store, program: Program) -> None:
        for text in ("a", "b", "c", "d"):
            await sealed(store, text)
        await program("DELETE FROM audit_log WHERE seal >= 3")
        await program("DELETE FROM audit_seals WHERE number >= 3")
        assert await kinds(store) == ["truncated"]
        await sealed(store, "e")
        assert await kinds(store) == ["missing", "changed"]
        await program("DELETE FROM installation_facts WHERE name = 'audit-head'")
        assert await kinds(store) == ["missing", "changed", "head"]
        await sealed(store, "f")
        assert await kinds(store) == ["missing", "changed", "missing"]
        await program("DELETE FROM audit_seals WHERE number = 1")
        assert await kinds(store) == ["missing", "changed", "missing", "changed", "missing", "stray"]

    database.run(case)


def test_a_noted_head_has_to_be_there(database: Database) -> None:
    """A check goes on behind a head that was noted; a log that was replaced by an earlier state of itself is found."""

    async def case(store: Store, program: Program) -> None:
        await sealed(store, "a")
        await sealed(store, "b")
        fact = await store.read(installation.fact, sealchain.HEAD)
        early = auditlog.read_head((await verified(store)).head)
        await sealed(store, "c")
        noted = auditlog.read_head((await verified(store)).head)
        assert (await auditlog.verify(store, KEY, early)).entries == 1
        assert (await auditlog.verify(store, KEY, noted)).whole
        await program("DELETE FROM audit_log WHERE seal = 3")
        await program("DELETE FROM audit_seals WHERE number = 3")
        await store.write(installation.keep_fact, sealchain.HEAD, fact)
        assert (await verified(store)).whole, "the database as it was is whole for whoever noted nothing"
        later = await auditlog.verify(store, KEY, noted)
        assert later.faults[0].kind == "noted"
        assert early is not None
        other = msgspec.structs.replace(early, digest=b"\x01" * 32)
        assert (await auditlog.verify(store, KEY, other)).faults[0].kind == "noted"

    database.run(case)


@capability("audit-retention", witness="SQLite and PostgreSQL")
def test_what_is_old_is_removed_in_whole_seals(database: Database) -> None:
    """Seals of before the span go with their entries; the rest is whole, and begins where our own anchor says."""
    day = 86400

    async def case(store: Store, program: Program) -> None:
        for number in range(12):
            await sealed(store, f"day {number}", at=NOW + number * day)
        keeper = sealer(store, NOW + 12 * day, keep_days=2)
        assert await keeper.prune() == 10
        assert await keeper.prune() == 0
        told = await verified(store)
        assert (told.whole, told.first, told.entries) == (True, 11, 2)
        left = await store.read(audit.page, ONE, audit.LAST, 50)
        assert [one.action for one in left] == ["day 11", "day 10"]
        await sealed(store, "new", at=NOW + 12 * day)
        assert await sealer(store, NOW + 40 * day, keep_days=2).prune() == 3
        told = await verified(store)
        assert (told.whole, told.entries, told.first) == (True, 0, 0)
        await sealed(store, "newer", at=NOW + 41 * day)
        assert (await verified(store)).whole
        assert await kinds(store, b"o" * 32) == ["anchor", "key", "head"]

    database.run(case)


def test_nothing_is_removed_where_the_beginning_is_broken(database: Database) -> None:
    """Removing what is old does not tidy away that something was done to it."""

    async def case(store: Store, program: Program) -> None:
        for number in range(3):
            await sealed(store, f"deed {number}")
        await program("DELETE FROM audit_seals WHERE number = 1")
        assert await sealer(store, NOW + 86400 * 9, keep_days=1).prune() == 0
        assert (await verified(store)).seals == 2

    database.run(case)


@capability("audit-export", witness="SQLite and PostgreSQL")
def test_every_entry_is_passed_on_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages follow one another without gap or overlap, the oldest first, of one tenant or of all; filters narrow."""
    monkeypatch.setattr(auditlog, "PAGE", 3)

    async def exported(store: Store, tenant_id: TenantId | None, wanted: Filter) -> list[str]:
        pages = [one async for one in auditlog.export(store, tenant_id, wanted)]
        return [found.action for page in pages for found in page]

    async def case(store: Store, program: Program) -> None:
        await store.write(audit.insert, [entry(f"{n}", (ONE, TWO)[n % 2], NOW + n) for n in range(14)])
        assert await exported(store, ONE, Filter()) == ["0", "2", "4", "6", "8", "10", "12"]
        assert len(set(await exported(store, None, Filter()))) == 14
        assert await exported(store, TWO, Filter(since=NOW + 3, until=NOW + 9)) == ["3", "5", "7"]
        assert await exported(store, None, Filter(action="5")) == ["5"]
        assert await exported(store, None, Filter(principal="user:bob")) == []
        assert await exported(store, TenantId("nobody"), Filter()) == []
        page = await auditlog.page(store, ONE, since=NOW + 2, until=NOW + 7, principal="user:alice")
        assert [one.action for one in page] == ["6", "4", "2"]

    database.run(case)


def test_whose_entries_they_are_is_known_before_and_after_a_seal(database: Database) -> None:
    """A page of one principal or resource has what is sealed and what is not yet, the newest first, without gaps."""

    async def case(store: Store, program: Program) -> None:
        made = [msgspec.structs.replace(entry(f"{n}", at=NOW + n), principal=f"user:{n % 2}") for n in range(12)]
        await store.write(audit.insert, made[:8])
        assert await sealer(store).seal() == 8
        await store.write(audit.insert, [*made[8:], entry("elsewhere", TWO)])
        for whose in ({"principal": "user:1"}, {"principal": "user:1", "resource": "projects/p"}):
            first = await auditlog.page(store, ONE, limit=4, **whose)
            rest = await auditlog.page(store, ONE, limit=4, before=first[-1].entry_id, **whose)
            assert [one.action for one in (*first, *rest)] == ["11", "9", "7", "5", "3", "1"]
        assert [one.action for one in await auditlog.page(store, ONE, resource="projects/p", until=NOW + 2)] == [
            "1",
            "0",
        ]

    database.run(case)


def test_a_sealer_goes_on_after_a_failure(tmp_path: Path) -> None:
    """A database that does not answer for a moment stops nobody for good; at the end what waits is sealed."""
    url = f"sqlite:///{tmp_path}/log.db"
    asyncio.run(opening.prepare(url, NOW))

    async def case(store: Store, program: Program) -> None:
        await store.write(audit.insert, [entry("one")])
        await program("ALTER TABLE audit_seals RENAME TO away")
        one = sealer(store)
        assert await one._look() == sealing.EVERY
        await program("ALTER TABLE away RENAME TO audit_seals")
        assert await one._look() == sealing.EVERY
        assert (await verified(store)).entries == 1
        going = asyncio.ensure_future(one.forever())
        await asyncio.sleep(0)
        await store.write(audit.insert, [entry("two")])
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        told = await verified(store)
        assert (told.entries, told.unsealed) == (2, 0)
        await store.write(audit.insert, [entry("three")])
        assert await sealer(store).seal() == 1

    Database(url).run(case)
