"""Providers as exchanges find them: read once a second, compiled once, keys of one place shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from intaglio.clock import FixedClock
from intaglio.dialects import registry
from intaglio.dialects.dialect import Vocabulary
from intaglio.protocol.federation import ProviderName
from intaglio.server.devmode import seeds
from intaglio.server.model import pools as records
from intaglio.server.model.plan import Plan, Store
from intaglio.server.workload import pools
from intaglio.server.workload.pools import Known, Providers
from tests import foreign, harness

T = TypeVar("T")
NAME = ProviderName(seeds.PROJECT_NUMBER, foreign.POOL, foreign.PROVIDER)


class Counting:
    """A store that counts what is asked of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads = 0

    async def read(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Read."""
        self.reads += 1
        return await self.store.read(plan, *args)

    async def write(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Write."""
        return await self.store.write(plan, *args)

    async def close(self) -> None:
        """Close."""


@pytest.fixture
def words() -> Vocabulary:
    """The words of the dialect that knows workloads."""
    found = registry.DIALECTS["google"].vocabulary
    assert found is not None
    return found


def test_a_provider_is_read_once_a_second_and_compiled_once(site: harness.Site, words: Vocabulary) -> None:
    """However many exchanges there are; and again when it has changed."""
    foreign.plant(site)
    store = Counting(site.store)
    providers = Providers(store, FixedClock(harness.NOW))

    def find(now: int) -> Known:
        found = site.run(providers.find(seeds.TENANT_ID, NAME, words, now))
        assert found is not None
        return found

    first = find(harness.NOW)
    assert all(find(harness.NOW) is first for _ in range(50))
    assert store.reads == 1
    assert find(harness.NOW + 1) is first
    assert store.reads == 2
    foreign.change(site, attribute_condition="assertion.sub == 'x'")
    assert find(harness.NOW + 2) is not first
    providers.forget()
    assert find(harness.NOW + 2).provider.attribute_condition == "assertion.sub == 'x'"


def test_what_is_absent_is_remembered_for_the_second_too(site: harness.Site, words: Vocabulary) -> None:
    """A flood of invented names of one kind is no flood of questions."""
    store = Counting(site.store)
    providers = Providers(store, FixedClock(harness.NOW))
    for _ in range(20):
        assert site.run(providers.find(seeds.TENANT_ID, NAME, words, harness.NOW)) is None
    assert store.reads == 1


def test_keys_of_one_place_are_shared_and_bounded(
    site: harness.Site, words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two providers of an issuer ask once; the oldest place is forgotten where there are too many."""
    monkeypatch.setattr(pools, "MAXIMUM_ISSUERS", 2)
    providers = Providers(site.store, FixedClock(harness.NOW))
    pool = site.read(records.by_id, seeds.TENANT_ID, seeds.PROJECT, foreign.POOL)

    def keys(**changes: Any) -> Any:
        return providers.compiled(foreign.provider(jwks="", **changes), pool, seeds.PROJECT_NUMBER, words).keys

    first = keys(issuer="https://a.example")
    assert keys(issuer="https://a.example") is first
    assert keys(issuer="https://a.example", discovery_uri="https://b.example/doc") is not first
    keys(issuer="https://c.example")
    assert keys(issuer="https://a.example") is not first
