"""After the loss of the master key: what stays, what is made anew, what somebody has to do, what never opens again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.server import compose
from intaglio.server.admin import connections as admin_connections
from intaglio.server.admin import masterkey, recovery, resealing
from intaglio.server.admin.recovery import Found, Lost
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.devmode import seeds
from intaglio.server.keyring import lifecycle, rotate
from intaglio.server.keyring.masterkeys import MasterKey
from intaglio.server.keyring.rings import Keyring
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import accountkeys, sealed, signingkeys, vaultkeys
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.server.registry.connectionrules import Wanted
from tests import harness, workloads
from tests.capability import capability
from tests.server.admin import sealedsite
from tests.server.admin.sealedsite import NEW, OLD, SealedSite


@pytest.fixture
def site() -> Iterator[SealedSite]:
    """A database of the version that knew one key alone, with something of every kind that is sealed."""
    with sealedsite.of_before() as made:
        yield made


def look(site: SealedSite, master: MasterKey = NEW) -> Found:
    """Tell what would be lost."""
    return site.run(recovery.look(site.store, site.lock(master), site.clock.now()))


def recover(site: SealedSite, master: MasterKey = NEW, *, force: bool = False) -> Lost:
    """Begin with new keys."""
    return site.run(recovery.recover(site.store, site.lock(master), site.actor(), force=force))


def ring(site: SealedSite) -> list[SigningKeyRecord]:
    """Return the default tenant's signing keys."""
    found: list[SigningKeyRecord] = site.read(signingkeys.of_ring, seeds.TENANT_ID)
    return found


def test_looking_changes_nothing(site: SealedSite) -> None:
    """It tells what would be lost, and another look tells the same; the true master key still opens everything."""
    site.change_client("web", subject_type="pairwise")
    found = look(site)
    assert not found.opens
    assert f"{seeds.TENANT_ID}/sealed" in found.lost.clients
    assert f"{seeds.TENANT_ID}/web" in found.lost.clients
    assert f"{seeds.TENANT_ID}/spa" not in found.lost.clients
    assert found.lost.connections == (f"{seeds.TENANT_ID}/upstream",)
    assert found.lost.pairwise == (f"{seeds.TENANT_ID}/web",)
    assert (found.lost.signing_keys, found.lost.account_keys) == (1, 1)
    assert look(site) == found
    site.works(site.open(OLD))


def test_where_the_master_key_opens_nothing_is_lost(site: SealedSite) -> None:
    """Before a change of the master key and after it, also when keys were closed and forgotten."""
    assert look(site, OLD) == Found(opens=True, lost=Lost((), (), (), 0, 0))
    site.run(masterkey.rotate(site.store, site.lock(OLD), NEW, site.actor()))
    site.run(masterkey.retire(site.store, site.lock(NEW), "", site.actor()))

    async def wait(seconds: float) -> None:
        site.clock.advance(round(seconds))

    for _ in range(2):
        how = resealing.Pace(site.clock.now, wait)
        site.run(resealing.reseal(site.store, site.lock(NEW), site.actor(), how, 0))
        site.clock.advance(9)
    assert look(site, NEW) == Found(opens=True, lost=Lost((), (), (), 0, 0))
    assert recover(site, NEW).is_nothing
    site.works(site.open(NEW))


@capability("masterkey-recover", witness="the database, opened under the new master key")
def test_the_rest_is_usable_after_a_recovery(site: SealedSite) -> None:
    """People sign in, tokens of before verify until they expire, new ones are signed by a new key."""
    app, browser = harness.App(site), harness.Browser(site)
    before = app.tokens(browser)
    old = ring(site)[0]
    lost = recover(site)
    assert lost.clients
    vault = site.open(NEW)
    site.clock.advance(2)
    retired = ring(site)[0]
    assert (retired.retired_at, retired.gone_at) == (harness.NOW, harness.NOW + lifecycle.KEEP_BEHIND)
    assert retired.sealed_private == ""
    keyring = Keyring(site.store, vault, site.clock)
    fresh = site.run(keyring.signing(compose.ring_of(seeds.TENANT_ID), "RS256"))
    assert fresh.key_id != old.key_id
    assert keyring.open(fresh)
    published, _ = site.run(keyring.published(compose.ring_of(seeds.TENANT_ID)))
    assert {key.key_id for key in published} == {old.key_id, fresh.key_id}
    assert before["refresh_token"]
    assert site.user("alice").password_hash


def test_clients_and_connections_are_given_secrets_again(site: SealedSite) -> None:
    """Old secrets are gone and prove nothing; new ones do."""
    recover(site)
    site.clock.advance(1)
    vault = site.open(NEW)
    secrets = ClientSecrets(vault.derive("client-secrets"), vault)
    assert site.client("web").secrets == ()
    assert site.client("sealed").secrets == ()
    kept = secrets.keep("another-good-secret", site.clock.now(), sealed=True)
    site.change_client("sealed", secrets=(kept,))
    assert [one.reveal() for one in secrets.sealed(site.client("sealed").secrets, site.clock.now())]
    connection = site.run(admin_connections.show(site.store, site.tenant, "upstream"))
    assert (connection.sealed_secret, connection.sealed_jwks) == ("", "")
    wanted = Wanted(client_secret=Secret("again"))
    site.run(admin_connections.update(site.store, vault, site.actor(), site.tenant, "upstream", wanted))
    assert look(site).lost.is_nothing
    recover(site)
    assert len(site.client("sealed").secrets) == 1


def test_recovery_opens_nothing_of_before(site: SealedSite) -> None:
    """No text of the old keys is taken for one of the new, and nothing sealed under the lost ones is left."""
    forged = site.vault.seal(b"x", "a")
    recover(site)
    with pytest.raises(Misconfigured, match="sealing-key-unknown"):
        site.open(NEW).open(forged, "a")
    kids = set(site.kids())
    assert kids == {site.open(NEW).bundle.keys[0].key_id}
    assert site.is_refused(OLD) == "master-key-wrong"
    assert site.open(NEW).derive("pairwise-subjects") != site.vault.derive("pairwise-subjects")


class _Failing:
    """A store that goes away when the third client is written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left = 3
        self.read = store.read
        self.close = store.close

    async def write(self, plan: Callable[..., Plan[Any]], *args: Any) -> Any:
        """Run a plan, or fail."""
        self._left -= plan is sealed.exchange_client
        if not self._left:
            raise ConnectionResetError
        return await self._store.write(plan, *args)


def test_an_interrupted_recovery_is_gone_on_with(site: SealedSite) -> None:
    """New keys and old texts: what was not taken away yet is found again."""
    (key,) = ring(site)
    failing = _Failing(site.store)
    with pytest.raises(ConnectionResetError):
        site.run(recovery.recover(failing, Lock(failing, NEW), site.actor()))
    site.clock.advance(60)
    found = look(site)
    assert found.opens
    assert f"{seeds.TENANT_ID}/web" in found.lost.clients
    assert found.lost.connections
    lost = recover(site)
    assert (lost.clients, lost.connections) == (found.lost.clients, found.lost.connections)
    assert look(site).lost.is_nothing
    assert site.client("web").secrets == ()
    assert key.key_id in {one.key_id for one in ring(site)}


def test_a_key_that_waits_is_withdrawn(site: SealedSite) -> None:
    """It has signed nothing, so nobody needs it."""
    waiting = rotate.make(site.vault, seeds.TENANT_ID, "RS256", harness.NOW)
    site.write(signingkeys.insert, msgspec.structs.replace(waiting, active_at=harness.NOW + 3600))
    recover(site)
    states = {key.key_id: lifecycle.state(key, site.clock.now() + 1) for key in ring(site)}
    assert states[waiting.key_id] == "revoked"
    assert sorted(states.values()) == ["previous", "revoked"]


def test_what_service_accounts_signed_is_still_believed(site: SealedSite) -> None:
    """Their public keys stay until they expire; a new one signs."""
    recover(site)
    target = workloads.seeded(site)
    (kept,) = site.read(accountkeys.of_account, target.tenant_id, target.unique_id)
    assert kept.sealed_private == ""
    assert kept.is_usable(site.clock.now())
    assert kept.certificate


def test_running_processes_stand_in_the_way(site: SealedSite) -> None:
    """Who says that it runs with the old keys has the master key: it is not lost."""
    site.run(masterkey.rotate(site.store, site.lock(OLD), OTHER, site.actor()))
    site.write(vaultkeys.use, OTHER.name, site.clock.now())
    with pytest.raises(Misconfigured) as caught:
        recover(site)
    assert caught.value.code == "master-key-in-use"
    site.works(site.open(OLD))
    assert recover(site, force=True).clients


class Broken:
    """A token that was given a wrong PIN, or is not there."""

    name = "pkcs11:token=x;object=y"

    def __init__(self, code: str) -> None:
        self._code = code

    def wrap(self, key: bytes) -> str:
        """Refuse."""
        raise Misconfigured(self._code)

    def unwrap(self, wrapped: str) -> bytes:
        """Refuse."""
        raise Misconfigured(self._code)


@pytest.mark.parametrize("act", [look, recover])
def test_a_wrong_pin_is_no_lost_master_key(site: SealedSite, act: Callable[[SealedSite, MasterKey], object]) -> None:
    """A token that cannot be used now may be used tomorrow: nothing is taken away."""
    honest = _Honest()
    site.run(masterkey.rotate(site.store, site.lock(OLD), honest, site.actor()))
    rows = site.rows()
    with pytest.raises(Misconfigured) as caught:
        act(site, Broken("token-unusable"))
    assert caught.value.code == "token-unusable"
    assert site.rows() == rows
    site.works(site.run(Lock(site.store, honest).open(site.clock.now())))


class _Honest:
    """A token that does what it says."""

    name = Broken.name

    def wrap(self, key: bytes) -> str:
        """Give it back as text."""
        return key.hex()

    def unwrap(self, wrapped: str) -> bytes:
        """Give it back."""
        return bytes.fromhex(wrapped)


OTHER = type(OLD)(bytes(range(150, 182)))


def test_a_recovered_database_derives_afresh(site: SealedSite) -> None:
    """Subjects, hashes and successors are under a new root, which is random."""
    recover(site)
    derived = {site.open(NEW).derive(name) for name in ("a", "b")}
    assert derived.isdisjoint({Vault(one.octets).derive(name) for one in (OLD, NEW) for name in ("a", "b")})
