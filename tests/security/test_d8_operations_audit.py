"""The audit log under attack by somebody who has the database, and neither the key nor the program."""

from __future__ import annotations

import msgspec
import pytest

from intaglio.server.jobs import sealing
from intaglio.server.model import audit, duties, seals
from intaglio.server.model.plan import Store
from tests import postgres
from tests.server.jobs import test_sealing as logs
from tests.server.jobs.test_sealing import NOW, Database, Program

postgres_server = postgres.postgres_server
database = logs.database
DAY = 86400


@pytest.mark.parametrize("key", ["as it was", "another"])
def test_nobody_has_the_log_pruned_before_its_time(database: Database, key: str) -> None:
    """A seal that was made to look old, or another key's, is not removed, and no anchor is written that hides it."""

    async def case(store: Store, program: Program) -> None:
        await logs.sealed(store, "a deed that should not be known")
        await logs.sealed(store, "another")
        await program("UPDATE audit_seals SET sealed_at = 1")
        if key == "another":
            record = msgspec.json.encode({"mac": "00" * 32, "key": "0123456789abcdef"}).hex()
            octets = f"x'{record}'" if database.url.startswith("sqlite") else f"'\\x{record}'::bytea"
            await program(f"UPDATE audit_seals SET record = {octets}")  # noqa: S608 - values of this test
        assert await logs.sealer(store, NOW, keep_days=30).prune() == 0
        assert len(await store.read(audit.page, logs.ONE, audit.LAST, 10)) == 2
        assert not (await logs.verified(store)).whole

    database.run(case)


def test_what_was_changed_is_not_tidied_away(database: Database) -> None:
    """Where entries were changed nothing is removed when their time is over: what was done stays to be seen."""

    async def case(store: Store, program: Program) -> None:
        await logs.sealed(store, "a deed")
        await program("UPDATE audit_log SET principal = 'user:bob'")
        assert await logs.sealer(store, NOW + 40 * DAY, keep_days=30).prune() == 0
        assert await logs.kinds(store) == ["changed"]

    database.run(case)


@pytest.mark.parametrize("until", [NOW + DAY, 2**62])
def test_nobody_has_a_duty_for_ever(database: Database, until: int) -> None:
    """A duty that was taken by hand, or under a clock that was ahead, is somebody else's soon: sealing goes on."""

    async def case(store: Store, program: Program) -> None:
        await store.write(audit.insert, [logs.entry("a deed")])
        held = f"('{seals.DUTY}', 'mallory', {until})"
        await program(f"INSERT INTO duties (name, holder, until) VALUES {held}")  # noqa: S608 - values of this test
        assert await logs.sealer(store).seal() == 1
        # Who holds it with a clock that is a little ahead of ours keeps it.
        assert await store.write(duties.take, "other", "holder", NOW + 5, sealing.HELD)
        assert not await store.write(duties.take, "other", "thief", NOW, sealing.HELD)

    database.run(case)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_seals SET digest = 'text'",
        "UPDATE audit_seals SET record = 7",
        "UPDATE audit_seals SET sealed_at = 'text', entries = x'00'",
        "UPDATE audit_log SET at = x'ff', record = 7.5",
        "UPDATE installation_facts SET value = x'ff' WHERE name = 'audit-head'",
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_digest_of_another_type_is_found(database: Database, statement: str) -> None:
    """A digest that is no octets, and the like (SQLite keeps anything), is a fault of the log, and sealing goes on."""

    async def case(store: Store, program: Program) -> None:
        await logs.sealed(store, "a deed")
        await program(statement)
        assert not (await logs.verified(store)).whole
        # What is old and whole may go, whatever was done to the other end.
        gone = int("audit-head" in statement)
        assert await logs.sealer(store, NOW + 40 * DAY, keep_days=30).prune() == gone
        await store.write(audit.insert, [logs.entry("another")])
        assert await logs.sealer(store, NOW + 1).seal() == 1
        assert not (await logs.verified(store)).whole

    database.run(case)


def test_a_clock_that_was_set_back_does_not_end_pruning(database: Database) -> None:
    """Seals whose instants are not in order are removed as far as the first one that is kept, and the log is whole."""

    async def case(store: Store, program: Program) -> None:
        for at in (NOW, NOW + 5 * DAY, NOW + DAY):
            await logs.sealed(store, "a deed", at=at)
        assert await logs.sealer(store, NOW + 32 * DAY, keep_days=30).prune() == 1
        assert (await logs.verified(store)).whole

    database.run(case)
