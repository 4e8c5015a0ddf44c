"""The audit log is written before anybody goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from intaglio import clock as clocks
from intaglio import ids
from intaglio.errors import Unavailable
from intaglio.names import TenantId
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Plan, Store
from intaglio.server.workload.trail import Trail
from tests.harness import NOW, Site


def entry(action: str, tenant_id: TenantId = seeds.TENANT_ID) -> Entry:
    """Return an entry."""
    return Entry(tenant_id, ids.ordered(NOW), NOW, action, "user:alice@example.com", "projects/demo-project", "allowed")


class Counting:
    """A store that counts its transactions, and fails when it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.written = 0
        self.fails = False

    async def read(self, plan: Callable[..., Plan[Any]], *args: Any) -> Any:
        """Pass on."""
        return await self.store.read(plan, *args)

    async def write(self, plan: Callable[..., Plan[Any]], *args: Any) -> Any:
        """Count, and pass on or fail."""
        self.written += 1
        if self.fails:
            raise Unavailable("storage-unavailable", "The database does not answer.")
        return await self.store.write(plan, *args)

    async def close(self) -> None:
        """Leave it open: it is the site's."""


async def _actions(store: Store) -> list[str]:
    return [one.action for one in await store.read(audit.page, seeds.TENANT_ID, audit.LAST, 50)]


def test_an_entry_is_there_when_note_returns(site: Site) -> None:
    """Whoever has waited for the note finds the entry, and entries come the newest first."""

    async def noted() -> list[str]:
        trail = Trail(site.store)
        await trail.note(entry("first"))
        await trail.note(entry("second"))
        return [action for action in await _actions(site.store) if action in ("first", "second")]

    assert site.run(noted()) == ["second", "first"]


def test_entries_of_one_turn_share_a_transaction(site: Site) -> None:
    """Sixteen requests at once write once; all of their entries are there."""

    async def noted() -> tuple[int, list[str]]:
        counting = Counting(site.store)
        trail = Trail(counting)
        await asyncio.gather(*(trail.note(entry(f"deed {number}")) for number in range(16)))
        return counting.written, await _actions(site.store)

    written, actions = site.run(noted())
    assert written == 1
    assert {f"deed {number}" for number in range(16)} <= set(actions)


def test_no_log_no_deed(site: Site) -> None:
    """A log that cannot be written fails everybody who waits for it; what comes after is written again."""

    async def noted() -> tuple[list[object], list[str]]:
        counting = Counting(site.store)
        trail = Trail(counting)
        counting.fails = True
        outcomes = await asyncio.gather(trail.note(entry("lost")), trail.note(entry("lost")), return_exceptions=True)
        counting.fails = False
        await trail.note(entry("kept"))
        return list(outcomes), await _actions(site.store)

    outcomes, actions = site.run(noted())
    assert [type(one) for one in outcomes] == [Unavailable, Unavailable]
    assert "kept" in actions
    assert "lost" not in actions


def test_who_gives_up_takes_nobody_along(site: Site) -> None:
    """One that is cancelled while it waits leaves the others' entries to be written, and its own."""

    async def noted() -> list[str]:
        trail = Trail(site.store)
        leaving = asyncio.ensure_future(trail.note(entry("leaving")))
        staying = asyncio.ensure_future(trail.note(entry("staying")))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await _actions(site.store)

    assert {"leaving", "staying"} <= set(site.run(noted()))


def test_the_log_of_another_tenant_is_not_shown(site: Site) -> None:
    """Entries are read by tenant."""

    async def noted() -> list[str]:
        store = await compose.open_store("sqlite:///:memory:", clocks.FixedClock(NOW), create=True)
        try:
            await Trail(store).note(entry("elsewhere", TenantId("another")))
            return await _actions(store)
        finally:
            await store.close()

    assert site.run(noted()) == []
