"""Limits in windows of time: what one process counts, what it learns from the others, what it tells who asks."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import Unavailable
from intaglio.server.limits import rates
from intaglio.server.limits.rates import Rate, Rates, TooMany
from intaglio.server.model import duties
from intaglio.server.model import rates as kept
from intaglio.server.model.plan import Store
from intaglio.server.store import open as opening
from tests import postgres
from tests.capability import capability

NOW = 1_800_000_000
KEY = b"k" * 32
NAME = "tokens-by-client"
WHOSE = ("tenant", "web")
LIMITS = {NAME: Rate(3, 60)}

postgres_server = postgres.postgres_server
_numbers = itertools.count()


def _spent(counting: Rates, times: int, now: int = NOW, whose: tuple[str, ...] = WHOSE) -> int:
    """Return how many of some attempts were let through."""
    through = 0
    for _ in range(times):
        try:
            counting.spend(now, (NAME, whose))
        except TooMany:
            continue
        through += 1
    return through


def test_so_many_and_no_more() -> None:
    """In a window as many are let through as the limit says; the next window begins anew."""
    counting = Rates(LIMITS, KEY)
    assert _spent(counting, 5) == 3
    assert _spent(counting, 5, NOW + 59) == 0
    assert _spent(counting, 5, NOW + 60) == 3


def test_everybody_has_their_own() -> None:
    """Who has used their part up takes nothing from others, however names are cut."""
    counting = Rates(LIMITS, KEY)
    assert _spent(counting, 5) == 3
    assert _spent(counting, 5, whose=("tenant", "spa")) == 3
    assert _spent(counting, 5, whose=("tenantw", "eb")) == 3


def test_what_is_not_limited_is_free() -> None:
    """Without a limit of that name nothing is counted and nothing told."""
    counting = Rates({}, KEY)
    assert counting.is_open
    assert _spent(counting, 100) == 100
    assert counting.fields(NAME, WHOSE, NOW) == ()


@capability("limit-headers", witness="the fields' own specification")
def test_the_fields_tell_what_is_left_and_when_to_come_back() -> None:
    """RateLimit-Policy has quota and window, RateLimit what is left and the seconds, Retry-After the same seconds."""
    counting = Rates(LIMITS, KEY)
    counting.spend(NOW + 20, (NAME, WHOSE))
    policy = ("ratelimit-policy", '"tokens-by-client";q=3;w=60')
    assert counting.fields(NAME, WHOSE, NOW + 20) == (policy, ("ratelimit", '"tokens-by-client";r=2;t=40'))
    assert _spent(counting, 5, NOW + 20) == 2
    with pytest.raises(TooMany) as refused:
        counting.spend(NOW + 30, (NAME, WHOSE))
    spent = ("ratelimit", '"tokens-by-client";r=0;t=30')
    assert refused.value.fields == (policy, spent, ("retry-after", "30"))
    assert refused.value.code == "too_many_requests"


def test_asking_in_vain_costs_nothing() -> None:
    """What was refused is not counted: nobody is kept out for longer by asking again."""
    counting = Rates(LIMITS, KEY)
    _spent(counting, 50)
    assert counting.fields(NAME, WHOSE, NOW)[1][1].startswith('"tokens-by-client";r=0')


def test_one_part_used_up_spends_nothing_of_the_others() -> None:
    """Where one limit refuses, the others are as they were."""
    counting = Rates({NAME: Rate(3, 60), "tokens-by-tenant": Rate(1, 60)}, KEY)
    parts = ((NAME, WHOSE), ("tokens-by-tenant", ("tenant",)))
    counting.spend(NOW, *parts)
    for _ in range(5):
        with pytest.raises(TooMany):
            counting.spend(NOW, *parts)
    assert _spent(counting, 5) == 2


def test_a_clock_that_steps_back_opens_no_new_window() -> None:
    """A second that comes again is counted in the window that is open."""
    counting = Rates(LIMITS, KEY)
    assert _spent(counting, 5, NOW + 60) == 3
    assert _spent(counting, 5, NOW + 59) == 0


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.booleans()), max_size=60))
def test_two_processes_pass_a_limit_by_what_they_had_not_told(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever the order of asking and telling: each process alone never passes it, and both together by one's part."""

    async def go() -> None:
        store = await opening.open_store("sqlite:///:memory:")
        nodes, through = (Rates(LIMITS, KEY), Rates(LIMITS, KEY)), [0, 0]
        for which, times, tells in steps:
            through[which] += _spent(nodes[which], times)
            if tells:
                await nodes[which].exchange(store, NOW)
        assert max(through) <= 3
        await nodes[0].exchange(store, NOW)
        await nodes[1].exchange(store, NOW)
        assert sum(through) <= 6
        await store.close()

    asyncio.run(go())


def test_a_full_memory_begins_anew_and_learns_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many ask, counters that were told are forgotten, and come back with the next telling."""
    monkeypatch.setattr(rates, "MOST", 2)

    async def go() -> None:
        store = await opening.open_store("sqlite:///:memory:")
        counting = Rates(LIMITS, KEY)
        _spent(counting, 2)
        await counting.exchange(store, NOW)
        for number in range(3):
            _spent(counting, 1, whose=("tenant", str(number)))
        assert _spent(counting, 1) == 1
        await counting.exchange(store, NOW)
        assert _spent(counting, 5) == 0
        await store.close()

    asyncio.run(go())


def test_what_could_not_be_told_is_told_later() -> None:
    """A store that does not answer loses nothing of what was counted."""

    async def go() -> None:
        store = await opening.open_store("sqlite:///:memory:")
        counting, other = Rates(LIMITS, KEY), Rates(LIMITS, KEY)
        _spent(counting, 2)
        closed = await opening.open_store("sqlite:///:memory:")
        await closed.close()
        with pytest.raises(Unavailable):
            await counting.exchange(closed, NOW)
        await counting.exchange(store, NOW)
        _spent(other, 1)
        await other.exchange(store, NOW)
        assert _spent(other, 5) == 0
        await store.close()

    asyncio.run(go())


class _Shared:
    """What the database promises on every engine; a subclass says where it is (the fixture `url`)."""

    def test_all_see_what_all_used(self, url: str) -> None:
        """Two processes share a limit through the database alone, and windows that are over go."""

        async def go(store: Store) -> None:
            first, second = Rates(LIMITS, KEY), Rates(LIMITS, KEY)
            assert _spent(first, 2) == 2
            await first.exchange(store, NOW)
            assert _spent(second, 1) == 1
            await second.exchange(store, NOW)
            assert _spent(second, 5) == 0
            late = kept.Used(b"late", NOW - 60, 7, NOW)
            assert await store.write(kept.add, [kept.Used(b"late", NOW, 1, NOW + 60), late]) == [1, 1]

        _on(url, go)

    def test_what_is_rare_is_counted_at_once(self, url: str) -> None:
        """Ten at once at each of two processes: no more than the limit come through, and each learns of the others."""

        async def go(store: Store) -> None:
            nodes, through = (Rates(LIMITS, KEY), Rates(LIMITS, KEY)), 0

            async def ask(node: Rates) -> bool:
                try:
                    await node.spend_at_once(store, NOW, (NAME, WHOSE))
                except TooMany:
                    return False
                return True

            through = sum(await asyncio.gather(*(ask(nodes[number % 2]) for number in range(20))))
            assert 0 < through <= 3
            assert not await ask(nodes[0])
            assert await ask(Rates({}, KEY))

        _on(url, go)

    def test_one_holds_a_duty(self, url: str) -> None:
        """A duty is one's until it ends or is laid down; its holder may go on with it."""

        async def go(store: Store) -> None:
            assert await store.write(duties.take, "sweep", "a", NOW, 10)
            assert not await store.write(duties.take, "sweep", "b", NOW + 9, 10)
            assert await store.write(duties.take, "sweep", "a", NOW + 9, 10)
            assert await store.write(duties.take, "sweep", "b", NOW + 19, 10)
            await store.write(duties.lay_down, "sweep", "a")
            assert not await store.write(duties.take, "sweep", "a", NOW + 19, 10)
            await store.write(duties.lay_down, "sweep", "b")
            assert await store.write(duties.take, "sweep", "a", NOW + 19, 10)

        _on(url, go)


def _on(url: str, case: object) -> None:
    async def go() -> None:
        store = await opening.open_store(url)
        try:
            await case(store)  # type: ignore[operator]
        finally:
            await store.close()

    asyncio.run(go())


@capability("limits-shared", witness="SQLite and PostgreSQL")
class TestSQLite(_Shared):
    """SQLite in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty, migrated file."""
        url = f"sqlite:///{tmp_path}/store.db"
        asyncio.run(opening.prepare(url, NOW))
        return url


@capability("limits-shared", witness="SQLite and PostgreSQL")
class TestPostgres(_Shared):
    """PostgreSQL."""

    @pytest.fixture
    def url(self, postgres_server: postgres.Server) -> str:
        """Return the URL of an empty, migrated database."""
        url = postgres_server.create(f"limits{next(_numbers)}")
        asyncio.run(opening.prepare(url, NOW))
        return url
