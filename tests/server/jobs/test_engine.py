"""The engine: at least once, bounded in everything, and no faulty entry stands in another's way."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from intaglio import clock as clocks
from intaglio.errors import Unavailable
from intaglio.server.jobs import engine as engines
from intaglio.server.jobs.engine import Engine
from intaglio.server.model import outbox
from intaglio.server.model.outbox import Entry, Undelivered
from intaglio.server.model.plan import Store
from intaglio.server.store import open as opening
from tests.conformance.store_suite import NOW, entry

Case = Callable[[Store, clocks.FixedClock], Awaitable[None]]


def _run(case: Case) -> None:
    async def go() -> None:
        store = await opening.open_store("sqlite:///:memory:")
        await case(store, clocks.FixedClock(NOW))
        await store.close()

    asyncio.run(go())


def test_what_is_done_is_gone() -> None:
    """An entry is done once and removed; one that is not due yet waits."""
    done: list[str] = []

    async def act(one: Entry) -> None:
        done.append(one.entry_id)

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        await store.write(outbox.insert, entry("now"))
        await store.write(outbox.insert, entry("later", due_at=NOW + 5))
        engine = Engine(store, clock, {"kind": act})
        await engine.drain()
        assert done == ["now"]
        clock.advance(5)
        await engine.drain()
        assert done == ["now", "later"]
        assert await store.read(outbox.oldest, NOW + 10_000) is None

    _run(case)


@pytest.mark.parametrize(
    "failure",
    [Undelivered("the client answered 500"), Unavailable("unreachable"), ValueError("a fault"), TimeoutError()],
)
def test_failures_are_tried_again_and_given_up(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Pauses grow, attempts are bounded, and the last line in the log bears the entry's reference."""
    tried: list[int] = []

    async def act(one: Entry) -> None:
        raise failure

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        await store.write(outbox.insert, entry(give_up_at=NOW + 1_000_000))
        engine = Engine(store, clock, {"kind": act})
        while (due_at := await store.read(outbox.oldest, NOW + 1_000_000)) is not None:
            clock.advance(due_at - clock.now())
            tried.append(clock.now())
            await engine.drain()

    with caplog.at_level(logging.WARNING):
        _run(case)
    pauses = [after - before for before, after in itertools.pairwise(tried)]
    assert len(tried) == engines.ATTEMPTS
    assert pauses == sorted(pauses)
    assert 2 <= pauses[0] <= 3
    assert pauses[-1] <= engines.LONGEST_PAUSE * 5 // 4
    last = [record for record in caplog.records if record.levelno == logging.ERROR][-1]
    assert last.getMessage().startswith("gave up")
    assert '"ref": "entry-1"' in last.getMessage()


def test_time_is_bounded_too() -> None:
    """After `give_up_at` there is no other attempt, but there is always one."""
    tried: list[str] = []

    async def act(one: Entry) -> None:
        tried.append(one.entry_id)
        raise Undelivered("no")

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        await store.write(outbox.insert, entry("old", give_up_at=NOW - 10))
        await store.write(outbox.insert, entry("short", give_up_at=NOW + 1, target="another"))
        await Engine(store, clock, {"kind": act}).drain()
        assert sorted(tried) == ["old", "short"]
        assert await store.read(outbox.oldest, NOW + 10_000) is None

    _run(case)


def test_final_failures_and_unknown_kinds_end_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """What no other attempt could change is not tried again."""

    async def act(one: Entry) -> None:
        raise Undelivered("destination-refused", final=True)

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        await store.write(outbox.insert, entry("final"))
        await store.write(outbox.insert, entry("strange", kind="strange"))
        await Engine(store, clock, {"kind": act}).drain()
        assert await store.read(outbox.oldest, NOW + 10_000) is None

    _run(case)
    assert sum("gave up" in record.getMessage() for record in caplog.records) == 2


def test_a_target_that_hangs_keeps_nobody_waiting() -> None:
    """Forty entries for a target that never answers: four are tried at a time, and others are done."""
    at_once, most = Counter[str](), Counter[str]()
    done: list[str] = []
    all_well = asyncio.Event()

    async def act(one: Entry) -> None:
        at_once[one.target] += 1
        most[one.target] = max(most[one.target], at_once[one.target])
        try:
            if one.target == "hangs":
                await asyncio.Event().wait()
            done.append(one.entry_id)
            if len(done) == 20:
                all_well.set()
        finally:
            at_once[one.target] -= 1

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        for number in range(40):
            await store.write(outbox.insert, entry(f"hangs-{number}", target="hangs"))
        for number in range(20):
            await store.write(outbox.insert, entry(f"well-{number}", target="well"))
        working = asyncio.create_task(Engine(store, clock, {"kind": act}).forever())
        async with asyncio.timeout(10):
            await all_well.wait()
        working.cancel()
        await asyncio.wait([working], timeout=0.1)
        assert most["hangs"] == engines.SHARE

    _run(case)


def test_what_a_dead_worker_held_comes_back() -> None:
    """A worker that dies holding an entry loses nothing: another does it when the lease has run out."""
    done: list[str] = []

    async def act(one: Entry) -> None:
        done.append(one.entry_id)

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        await store.write(outbox.insert, entry())
        await store.write(outbox.claim, "dead", NOW, NOW + engines.LEASE, 4, 10)
        engine = Engine(store, clock, {"kind": act})
        await engine.drain()
        assert done == []
        clock.advance(engines.LEASE)
        await engine.drain()
        assert done == ["entry-1"]

    _run(case)


def test_an_idle_outbox_is_not_written() -> None:
    """A look at an empty outbox takes no lock and flushes nothing."""

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        class Reading:
            async def read(self, *given: object) -> object:
                return await store.read(*given)  # type: ignore[arg-type]

        await Engine(Reading(), clock, {}).drain()  # type: ignore[arg-type]

    _run(case)


def test_an_outage_of_the_storage_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    """The engine says that it cannot look, or that it stumbled, and looks again until it can."""
    done = asyncio.Event()

    async def act(one: Entry) -> None:
        done.set()

    async def case(store: Store, clock: clocks.FixedClock) -> None:
        troubles: list[Exception] = [Unavailable("storage-unavailable"), ValueError("a fault of ours")]

        class Troubled:
            async def read(self, *given: object) -> object:
                if troubles:
                    raise troubles.pop(0)
                return await store.read(*given)  # type: ignore[arg-type]

            async def write(self, *given: object) -> object:
                return await store.write(*given)  # type: ignore[arg-type]

        await store.write(outbox.insert, entry())
        working = asyncio.create_task(Engine(Troubled(), clock, {"kind": act}).forever())  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            await done.wait()
        working.cancel()
        await asyncio.wait([working])

    _run(case)
    told = caplog.text
    assert "cannot be read" in told
    assert "stumbled" in told
