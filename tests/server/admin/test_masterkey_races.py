"""Two who change the keys of one database at the same moment, on PostgreSQL: its writers do not wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from intaglio.errors import IntaglioError
from intaglio.server.admin import masterkey, recovery, resealing
from intaglio.server.admin.resealing import Pace
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.model import vaultkeys
from intaglio.server.model.plan import Store
from intaglio.server.registry.deeds import Actor
from intaglio.server.store import open as opening
from tests import postgres

postgres_server = postgres.postgres_server
NOW = 1_800_000_000
A, B, C = (LocalKey(bytes(range(first, first + 32))) for first in (0, 100, 200))
ACTOR = Actor("operator:test", NOW)


async def _at_once(*works: Awaitable[object]) -> list[object]:
    """Do all of them at once; return what came of each, a refusal among them."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert all(not isinstance(one, BaseException) or isinstance(one, IntaglioError) for one in outcomes), outcomes
    return list(outcomes)


def _refused(outcomes: list[object]) -> int:
    return sum(isinstance(one, IntaglioError) for one in outcomes)


async def _begin(left: Store, right: Store) -> None:
    """Four processes begin in an empty database: all have the same keys."""
    vaults = await asyncio.gather(*(Lock(store, A).open(NOW) for store in (left, right, left, right)))
    assert len({vault.derive("a") for vault in vaults}) == 1
    assert len(await left.read(vaultkeys.every)) == 1


async def _rotate(left: Store, right: Store) -> None:
    """Two rotate to two master keys: one is refused, and two open."""
    works = (masterkey.rotate(store, Lock(store, A), new, ACTOR) for store, new in ((left, B), (right, C), (left, B)))
    outcomes = await _at_once(*works)
    assert _refused(outcomes) in (1, 2)
    names = {row.wrapped_by for row in await left.read(vaultkeys.every)}
    assert len(names) == 2
    for one in (A, B, C):
        if one.name in names:
            await Lock(left, one).open(NOW)


async def _retire(left: Store, right: Store) -> None:
    """Each of two gives up the other's: one master key stays, and it opens."""
    names = {row.wrapped_by for row in await left.read(vaultkeys.every)}
    other = next(one for one in (B, C) if one.name in names)
    outcomes = await _at_once(
        masterkey.retire(left, Lock(left, A), other.name, ACTOR),
        masterkey.retire(right, Lock(right, other), A.name, ACTOR),
    )
    assert _refused(outcomes) == 1
    (row,) = await left.read(vaultkeys.every)
    await Lock(left, A if row.wrapped_by == A.name else other).open(NOW)


async def _reseal(left: Store, right: Store) -> None:
    """Two seal anew: there is one new key, and no more than one is refused."""
    (row,) = await left.read(vaultkeys.every)
    own = next(one for one in (A, B, C) if one.name == row.wrapped_by)
    now = [NOW]

    async def wait(seconds: float) -> None:
        now[0] += round(seconds)
        await asyncio.sleep(0)

    works = (resealing.reseal(store, Lock(store, own), ACTOR, Pace(lambda: now[0], wait)) for store in (left, right))
    outcomes = await _at_once(*works)
    assert _refused(outcomes) <= 1
    vault = await Lock(left, own).open(now[0])
    assert len([key for key in vault.bundle.keys if key.closes_at is None]) == 1


async def _recover(left: Store, right: Store) -> None:
    """Two begin anew with two master keys: one set of keys is there in the end, and it opens."""
    lost = [LocalKey(bytes(range(first, first + 32))) for first in (40, 60)]
    works = (recovery.recover(store, Lock(store, own), ACTOR) for store, own in zip((left, right), lost, strict=True))
    await _at_once(*works)
    (row,) = await left.read(vaultkeys.every)
    await Lock(left, next(one for one in lost if one.name == row.wrapped_by)).open(NOW)


STORIES: tuple[Callable[[Store, Store], Awaitable[None]], ...] = (_begin, _rotate, _retire, _reseal, _recover)


def test_two_at_once_never_leave_a_database_that_does_not_open(postgres_server: postgres.Server) -> None:
    """Begin, rotate, retire, reseal, recover: whoever loses is told so, and the keys open with the one that won."""
    url = postgres_server.create("masterkey")

    async def story() -> None:
        await opening.prepare(url, NOW)
        left, right = await opening.open_store(url), await opening.open_store(url)
        try:
            for one in STORIES:
                await one(left, right)
        finally:
            await left.close()
            await right.close()

    asyncio.run(story())
