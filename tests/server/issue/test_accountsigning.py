"""The key that the server signs with for an account: made once, replaced in time, published as long as it is needed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.names import TenantId
from intaglio.server.devmode import seeds
from intaglio.server.issue import accountsigning
from intaglio.server.issue.accountsigning import AHEAD, BEHIND, SIGNS_FOR, AccountSigner
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.serviceaccounts import ServiceAccount
from tests import harness, workloads
from tests.harness import MASTER_KEY, NOW


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


@functools.cache
def account() -> ServiceAccount:
    """Return an account that no database knows."""
    return ServiceAccount(TenantId(seeds.TENANT_ID), "a@b.c", "1" * 21, "p", NOW)


def keys(site: harness.Site, one: ServiceAccount) -> list[AccountKey]:
    """Return an account's keys, oldest first."""
    found = site.read(accountkeys.of_account, one.tenant_id, one.unique_id)
    return sorted(found, key=lambda key: key.created_at)


def test_a_key_is_made_once(site: harness.Site) -> None:
    """Of many who ask at once, and of two processes' one after the other: each account has one key of its own."""
    target, other = workloads.seeded(site), workloads.seeded(site, seeds.ACCOUNT)
    signer = AccountSigner(site.store, site.vault)

    async def many() -> list[tuple[str, str]]:
        return await asyncio.gather(*(signer.blob(target, b"x", NOW) for _ in range(20)))

    assert len(set(site.run(many()))) == 1
    again = AccountSigner(site.store, site.vault)
    assert site.run(again.blob(target, b"x", NOW)) == site.run(signer.blob(target, b"x", NOW))
    assert site.run(signer.blob(other, b"x", NOW)) != site.run(signer.blob(target, b"x", NOW))
    assert [len(keys(site, one)) for one in (target, other)] == [1, 1]


def test_a_successor_is_published_a_day_before_it_signs(site: harness.Site) -> None:
    """Then it signs; the first stays published until what it signed has ended, and goes."""
    target = workloads.seeded(site)
    signer = AccountSigner(site.store, site.vault)
    first, _ = site.run(signer.blob(target, b"x", NOW))
    late = NOW + SIGNS_FOR - AHEAD
    assert site.run(signer.blob(target, b"x", late - 1))[0] == first
    assert len(keys(site, target)) == 1
    assert site.run(signer.blob(target, b"x", late))[0] == first
    assert len(keys(site, target)) == 2
    assert site.run(signer.blob(target, b"x", NOW + SIGNS_FOR - 1))[0] == first
    second, _ = site.run(signer.blob(target, b"x", NOW + SIGNS_FOR))
    assert second != first
    old = keys(site, target)[0]
    assert old.is_usable(NOW + SIGNS_FOR + BEHIND - 1)
    assert not old.is_usable(NOW + SIGNS_FOR + BEHIND)


def test_after_a_long_rest_a_new_key_signs_at_once(site: harness.Site) -> None:
    """Nobody has cached what was not published; a dead key signs nothing."""
    target = workloads.seeded(site)
    signer = AccountSigner(site.store, site.vault)
    first, _ = site.run(signer.jwt(target, b"{}", NOW))
    second, _ = site.run(signer.jwt(target, b"{}", NOW + 10 * SIGNS_FOR))
    assert first != second


def test_a_disabled_key_signs_nothing(site: harness.Site) -> None:
    """Who disables it makes the server make another."""
    target = workloads.seeded(site)
    signer = AccountSigner(site.store, site.vault)
    first, _ = site.run(signer.jwt(target, b"{}", NOW))
    site.write(accountkeys.replace, msgspec.structs.replace(keys(site, target)[0], disabled_at=NOW))
    assert site.run(signer.jwt(target, b"{}", NOW + 1))[0] != first


def test_what_is_kept_is_sealed(site: harness.Site) -> None:
    """The private part opens with the installation's key alone, and prints nowhere."""
    target = workloads.seeded(site)
    signer = AccountSigner(site.store, site.vault)
    site.run(signer.jwt(target, b"{}", NOW))
    (record,) = keys(site, target)
    assert record.sealed_private.count(".") == 4
    assert record.sealed_private not in repr(record)
    assert repr(signer) == "AccountSigner(…)"
    with pytest.raises(Exception, match="master-key-wrong"):
        site.run(AccountSigner(site.store, Vault(bytes(32))).jwt(target, b"{}", NOW))


def test_opened_keys_are_bounded(site: harness.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least used leaves memory, and is opened again when it is needed."""
    monkeypatch.setattr(accountsigning, "MAX_OPEN", 1)
    signer = AccountSigner(site.store, site.vault)
    both = [workloads.seeded(site), workloads.seeded(site, seeds.ACCOUNT)]
    first = [site.run(signer.blob(one, b"x", NOW)) for one in both]
    assert len(signer._opened) == 1
    assert [site.run(signer.blob(one, b"x", NOW)) for one in both] == first
    signer.close()


@functools.cache
def _made() -> AccountKey:
    return accountsigning.make(Vault(MASTER_KEY), account(), NOW)


@given(st.lists(st.integers(0, 4 * SIGNS_FOR), max_size=6), st.integers(0, 5 * SIGNS_FOR))
def test_who_signs_is_published_and_never_due_for_long(ages: list[int], later: int) -> None:
    """Whatever keys there are: what signs is usable for BEHIND more seconds, and it is the oldest that may."""
    now = NOW + later
    all_keys = [
        msgspec.structs.replace(
            _made(), key_id=str(place), created_at=NOW + age, expires_at=NOW + age + SIGNS_FOR + BEHIND
        )
        for place, age in enumerate(ages)
        if NOW + age <= now
    ]
    found = accountsigning.signing(all_keys, now)
    if found is None:
        assert accountsigning.is_due(all_keys, now)
        return
    assert found.is_usable(now + BEHIND)
    assert all(key.created_at >= found.created_at for key in all_keys if now < key.created_at + SIGNS_FOR)
    newest = max(key.created_at for key in all_keys)
    assert accountsigning.is_due(all_keys, now) == (now >= newest + SIGNS_FOR - AHEAD)


@pytest.mark.parametrize("origin", ["created", "uploaded"])
def test_a_workload_s_own_key_signs_nothing_here(origin: str) -> None:
    """Its private part is not kept; only the system's own keys are looked at."""
    assert accountsigning.signing([msgspec.structs.replace(_made(), origin=origin)], NOW) is None
