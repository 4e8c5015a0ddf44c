"""What is PostgreSQL's own: the pool, retries, settings of the session, what errors tell."""

from __future__ import annotations

import asyncio
import itertools
import random
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from intaglio import errors
from intaglio.server.model import grants, installation
from intaglio.server.model.plan import Ask, Plan
from intaglio.server.store import open as opening
from intaglio.server.store import postgres as engine
from tests import postgres
from tests.conformance import store_suite

postgres_server = postgres.postgres_server
_numbers = itertools.count()


@pytest.fixture
def url(postgres_server: postgres.Server) -> str:
    """Return the URL of an empty, migrated database."""
    url = postgres_server.create(f"engine{next(_numbers)}")
    asyncio.run(opening.prepare(url, store_suite.NOW))
    return url


def _run(url: str, case: Callable[[engine.PostgresStore], Awaitable[Any]], size: int = 3) -> Any:
    async def go() -> Any:
        store = await engine.PostgresStore.connect(url, size)
        try:
            return await asyncio.wait_for(case(store), 60)
        finally:
            await store.close()

    return asyncio.run(go())


async def _look(url: str, question: str) -> Any:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def refuse() -> Plan[None]:
    """Write, and then find that the whole cannot be."""
    yield from installation.keep_fact("refused", "1")
    raise errors.Misconfigured("role-unknown", "There is no such role.")


def test_what_a_plan_refuses_is_no_fault_of_the_database(url: str) -> None:
    """The plan's own error reaches the caller, and nothing of the plan is kept."""

    async def case(store: engine.PostgresStore) -> str | None:
        with pytest.raises(errors.Misconfigured) as caught:
            await store.write(refuse)
        assert caught.value.code == "role-unknown"
        return await store.read(installation.fact, "refused")

    assert _run(url, case) is None


def one_then_other(one: str, other: str) -> Plan[None]:
    """Change two rows in an order that another plan has the other way round."""
    yield from installation.keep_fact(one, "1")
    yield from installation.keep_fact(other, "2")


def twice() -> Plan[None]:
    """Ask twice though marked as single."""
    yield Ask("installation_fact", {"name": "a"})
    yield Ask("installation_fact", {"name": "a"})


twice.__dict__["single"] = True


def test_deadlocks_are_tried_again(url: str) -> None:
    """Plans that deadlock run again from their start; all of them succeed."""

    async def case(store: engine.PostgresStore) -> list[None]:
        return await asyncio.gather(
            *(store.write(one_then_other, *(("x", "y") if number % 2 else ("y", "x"))) for number in range(10))
        )

    assert _run(url, case, size=2) == [None] * 10


def test_pool_stays_in_its_bounds_and_serves_after_cancellations(url: str) -> None:
    """Callers who give up at random leave no more connections than allowed, none in a transaction, and no gap."""

    async def case(store: engine.PostgresStore) -> None:
        chance = random.Random(7)
        for _ in range(15):
            tasks = [asyncio.create_task(store.write(store_suite.set_and_count, f"f{n}")) for n in range(20)]
            for task in tasks:
                await asyncio.sleep(chance.choice([0, 0, 0.0005]))
                if chance.random() < 0.5:
                    task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {"kept"} >= {one for one in results if not isinstance(one, asyncio.CancelledError)}
        results = await asyncio.gather(*(store.write(store_suite.set_and_count, f"g{n}") for n in range(20)))
        assert results == ["kept"] * 20
        await asyncio.sleep(0.1)
        busy = "count(*) FROM pg_stat_activity WHERE application_name = 'intaglio' AND datname = current_database()"
        assert await _look(url, f"SELECT {busy}") <= 3
        assert await _look(url, f"SELECT {busy} AND state <> 'idle'") == 0

    _run(url, case)


def test_nobody_starves_in_the_pool(url: str) -> None:
    """Many callers on one connection are served in turn: none does ten times what another does."""

    async def case(store: engine.PostgresStore) -> list[int]:
        counts = [0] * 8
        end = asyncio.get_running_loop().time() + 0.3

        async def ask(worker: int) -> None:
            while asyncio.get_running_loop().time() < end:
                await store.read(installation.fact, "a")
                counts[worker] += 1

        await asyncio.gather(*(ask(worker) for worker in range(8)))
        return counts

    counts = _run(url, case, size=1)
    assert max(counts) < 10 * min(counts)


def test_commit_is_durable_though_the_server_says_otherwise(url: str, postgres_server: postgres.Server) -> None:
    """Where the database's setting is to acknowledge before flushing, the store's sessions flush first."""
    name = url.partition("@/")[2].partition("?")[0]
    asyncio.run(_look(url, f"ALTER DATABASE {name} SET synchronous_commit = off"))
    asyncio.run(_look(url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))

    async def case(store: engine.PostgresStore) -> list[str]:
        connection = await store._pool.take()
        try:
            settings = ("synchronous_commit", "default_transaction_isolation")
            return [await connection.fetchval(f"SHOW {setting}") for setting in settings]
        finally:
            store._pool.give(connection, sound=True)

    assert _run(url, case) == ["on", "read committed"]
    _run(url, lambda store: store.write(grants.code_insert, store_suite.code()))

    async def race(store: engine.PostgresStore) -> int:
        got = await asyncio.gather(*(store.write(grants.code_use, b"\x00code\xff", store_suite.NOW) for _ in range(50)))
        return sum(one is not None for one in got)

    assert _run(url, race) == 1


def test_single_plan_that_asks_twice_is_refused(url: str) -> None:
    """A plan wrongly marked `single` is stopped, not run without a transaction."""

    async def case(store: engine.PostgresStore) -> None:
        with pytest.raises(errors.IntaglioError) as met:
            await store.read(twice)
        assert met.value.code == "storage-refused"

    _run(url, case)


def test_errors_quote_no_values(url: str) -> None:
    """The driver quotes values in its messages; neither our error nor its chain shows them."""

    async def case(store: engine.PostgresStore) -> None:
        token = store_suite.access(b"", scope="canary-value", expires_at="canary-number")
        with pytest.raises(errors.IntaglioError) as met:
            await store.write(grants.access_insert, token)
        assert "canary" not in "".join(traceback.format_exception_only(met.value)) + str(met.value.detail)
        assert met.value.__cause__ is None
        assert met.value.__suppress_context__
        with pytest.raises(errors.IntaglioError) as met:
            await store.write(store_suite.clients.insert, store_suite.client("canary-client"))
        assert "canary" not in str(met.value.detail)
        assert met.value.__suppress_context__

    _run(url, case)


def test_lost_table_is_unavailable(url: str) -> None:
    """A database that changed under the program fails closed."""
    asyncio.run(_look(url, "DROP TABLE installation_facts"))

    async def case(store: engine.PostgresStore) -> None:
        for attempt in (store.read(installation.fact, "a"), store.write(store_suite.increment)):
            with pytest.raises(errors.Unavailable) as met:
                await attempt
            assert met.value.detail["reason"] == "42P01"

    _run(url, case)
