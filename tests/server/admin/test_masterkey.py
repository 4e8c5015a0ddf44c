"""Changing the master key under a running installation, sealing anew, and what thieves and faults make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec
import pytest

from intaglio import errors, ids
from intaglio.errors import Misconfigured
from intaglio.server.admin import connections as admin_connections
from intaglio.server.admin import masterkey, resealing
from intaglio.server.admin.masterkey import INSTALLATION
from intaglio.server.admin.resealing import Pace
from intaglio.server.keyring import unlocking
from intaglio.server.keyring.masterkeys import LocalKey, MasterKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import connections, installation, signingkeys, vaultkeys
from intaglio.server.registry import connectionrules
from tests.server.admin import sealedsite
from tests.server.admin.sealedsite import NEW, OLD, SECRET, SealedSite

THIRD = LocalKey(bytes(range(200, 232)))


@pytest.fixture
def site() -> Iterator[SealedSite]:
    """A database of the version that knew one key alone, with something of every kind that is sealed."""
    with sealedsite.of_before() as made:
        yield made


def rotate(site: SealedSite, old: MasterKey = OLD, new: MasterKey = NEW) -> masterkey.Rotated:
    """Change the master key."""
    return site.run(masterkey.rotate(site.store, site.lock(old), new, site.actor()))


def retire(site: SealedSite, own: MasterKey = NEW, name: str = "", *, force: bool = False) -> masterkey.Wrapping:
    """Give a master key up."""
    return site.run(masterkey.retire(site.store, site.lock(own), name, site.actor(), force=force))


def pace(site: SealedSite, then: Callable[[], None] = lambda: None) -> Pace:
    """Let time pass at once, and something happen in it."""

    async def wait(seconds: float) -> None:
        site.clock.advance(round(seconds))
        then()

    return Pace(site.clock.now, wait)


def reseal(site: SealedSite, own: MasterKey = NEW, keep: int = 100, how: Pace | None = None) -> resealing.Resealed:
    """Seal everything anew."""
    return site.run(resealing.reseal(site.store, site.lock(own), site.actor(), how or pace(site), keep))


def code_of(work: Callable[[], object]) -> str:
    """Return the code by which something is refused."""
    with pytest.raises(Misconfigured) as caught:
        work()
    return caught.value.code


# --- rotate


def test_both_master_keys_open_after_a_rotation(site: SealedSite) -> None:
    """Whoever starts with either one works; who runs since before, of this version or the one before, goes on."""
    lock = site.lock()
    running = site.run(lock.open(site.clock.now()))
    rotate(site)
    site.run(lock.look(running, site.clock.now()))
    for vault in (running, site.vault, site.open(OLD), site.open(NEW)):
        site.works(vault)
        assert vault.derive("pairwise-subjects") == site.vault.derive("pairwise-subjects")
        assert site.vault.open(vault.seal(b"x", "a"), "a") == b"x"
    assert site.is_refused(THIRD) == "master-key-wrong"
    assert set(site.rows()) == {OLD.name, NEW.name}


def test_rotating_twice_is_rotating_once(site: SealedSite) -> None:
    """The same new one again changes nothing, a third has to wait, and the present one is refused."""
    rotate(site)
    before = site.rows()
    assert rotate(site).again
    assert site.rows() == before
    assert code_of(lambda: rotate(site, new=THIRD)) == "master-key-changing"
    assert code_of(lambda: rotate(site, new=OLD)) == "master-key-same"
    assert code_of(lambda: rotate(site, old=THIRD, new=NEW)) == "master-key-wrong"
    assert site.rows() == before


class Liar:
    """A token that answers wrongly."""

    def __init__(self, unwrapped: Callable[[bytes], bytes]) -> None:
        self._given = b""
        self._unwrapped = unwrapped

    name = "pkcs11:token=liar;object=x"

    def wrap(self, key: bytes) -> str:
        """Take a key."""
        self._given = key
        return "wrapped"

    def unwrap(self, wrapped: str) -> bytes:
        """Give something else back."""
        return self._unwrapped(self._given)


@pytest.mark.parametrize(
    "answer", [lambda key: bytes(32), lambda key: key[::-1], lambda key: key[:31], lambda key: b"", lambda key: key * 2]
)
def test_a_token_that_wraps_wrongly_is_found_out_at_once(site: SealedSite, answer: Callable[[bytes], bytes]) -> None:
    """Nothing is changed: the old master key stays the one that opens."""
    assert code_of(lambda: rotate(site, new=Liar(answer))) == "master-key-untrue"
    assert site.rows() == {}
    site.works(site.open(OLD))


def test_a_token_that_lies_later_opens_nothing(site: SealedSite) -> None:
    """Another key of 32 octets, or something else, is no key: `vault-keys-unusable`."""
    rotate(site, new=Liar(lambda key: key))
    honest = site.rows()["pkcs11:token=liar;object=x"]
    for answer in (lambda key: bytes(32), lambda key: b"short", lambda key: ids.random_octets(32)):
        lock = Lock(site.store, Liar(answer))
        assert code_of(lambda lock=lock: site.run(lock.open(site.clock.now()))) == "vault-keys-unusable"
    assert site.rows()["pkcs11:token=liar;object=x"] == honest


def test_a_token_that_is_away_is_no_wrong_key(site: SealedSite) -> None:
    """What the token says of itself is told as it is."""

    def away(_: bytes) -> bytes:
        raise errors.Unavailable("token-unavailable", "away")

    with pytest.raises(errors.Unavailable):
        rotate(site, new=Liar(away))
    assert site.rows() == {}


# --- retire


def test_a_retired_master_key_opens_nothing(site: SealedSite) -> None:
    """Not for who starts with it, nor for who tries it on a copy made since; the new one does."""
    rotate(site)
    assert retire(site).name == OLD.name
    assert site.is_refused(OLD) == "master-key-wrong"
    assert list(site.rows()) == [NEW.name]
    site.works(site.open(NEW))


def test_the_one_that_is_configured_is_not_retired(site: SealedSite) -> None:
    """Nor one that is not there, nor the last one."""
    assert code_of(lambda: retire(site, OLD, OLD.name)) == "master-key-configured"
    assert code_of(lambda: retire(site, OLD)) == "master-key-unknown"
    rotate(site)
    assert code_of(lambda: retire(site, NEW, NEW.name)) == "master-key-configured"
    assert code_of(lambda: retire(site, NEW, THIRD.name)) == "master-key-unknown"
    assert set(site.rows()) == {OLD.name, NEW.name}


def test_the_new_one_is_not_given_up_by_mistake(site: SealedSite) -> None:
    """Whoever retires before configuring the new master key is refused, unless it is named."""
    rotate(site)
    site.write(vaultkeys.use, OLD.name, site.clock.now())
    assert code_of(lambda: retire(site, OLD)) == "master-key-newer"
    retire(site, force=True)
    site.clock.advance(1)
    rotate(site, NEW, THIRD)
    assert code_of(lambda: retire(site, NEW)) == "master-key-newer"
    assert set(site.rows()) == {NEW.name, THIRD.name}
    assert retire(site, NEW, THIRD.name).name == THIRD.name
    site.works(site.open(NEW))


def test_no_row_is_given_up_for_an_older_one(site: SealedSite) -> None:
    """Somebody who can write to the database put a row of before a resealing back: the newer one stays."""
    rotate(site)
    retire(site)
    older = site.rows()[NEW.name]
    reseal(site)
    rotate(site, NEW, THIRD)
    newer = site.rows()[THIRD.name]
    site.write(vaultkeys.delete, NEW.name)
    site.write(vaultkeys.insert, older)
    assert code_of(lambda: retire(site, NEW, THIRD.name)) != ""
    assert site.rows()[THIRD.name] == newer
    site.works(site.open(THIRD))
    assert code_of(lambda: rotate(site, THIRD, NEW)) == "vault-keys-changed"


def test_a_master_key_in_use_is_retired_by_force_alone(site: SealedSite) -> None:
    """A process that said in the last three minutes that it runs with it would not start again."""
    rotate(site)
    site.write(vaultkeys.use, OLD.name, site.clock.now())
    site.clock.advance(masterkey.IN_USE_SECONDS - 1)
    assert code_of(lambda: retire(site)) == "master-key-in-use"
    site.clock.advance(1)
    retire(site)


def test_force_retires_one_in_use_and_its_process_goes_on(site: SealedSite) -> None:
    """It keeps the keys that it has."""
    lock = site.lock()
    rotate(site)
    running = site.run(lock.open(site.clock.now()))
    site.write(vaultkeys.use, OLD.name, site.clock.now())
    retire(site, force=True)
    site.run(lock.look(running, site.clock.now()))
    site.works(running)


def test_two_who_retire_each_other_leave_one(site: SealedSite) -> None:
    """Each has the other's master key; at least one row stays, or nothing would ever open again."""
    rotate(site)

    async def both() -> list[object]:
        work = (
            masterkey.retire(site.store, site.lock(NEW), OLD.name, site.actor()),
            masterkey.retire(site.store, site.lock(OLD), NEW.name, site.actor()),
        )
        return await asyncio.gather(*work, return_exceptions=True)

    outcomes = site.run(both())
    assert sum(isinstance(one, Misconfigured) for one in outcomes) == 1
    assert len(site.rows()) == 1


# --- reseal


def test_everything_is_sealed_under_the_new_key(site: SealedSite) -> None:
    """Every sealed text of the database names it, whatever its table; all of it opens, and what is derived stays."""
    assert set(site.kids()) == {"0"}
    count = len(site.kids())
    rotate(site)
    retire(site)
    done = reseal(site)
    assert site.kids() == [done.key_id] * count
    assert sum(done.texts.values()) == count - 1  # and the proof
    vault = site.open(NEW)
    site.works(vault)
    assert vault.derive("refresh-successors") == site.vault.derive("refresh-successors")


def test_resealing_waits_for_the_end_of_a_rotation(site: SealedSite) -> None:
    """With no wrapped keys, or with two master keys, there is nobody who could write the new key for all."""
    assert code_of(lambda: reseal(site, OLD)) == "master-key-alone"
    rotate(site)
    assert code_of(lambda: reseal(site)) == "master-key-changing"


def test_an_old_master_key_and_a_database_of_now_open_nothing(site: SealedSite) -> None:
    """A thief who has the first master key and what is kept after the change has no secret of it."""
    rotate(site)
    retire(site)
    thief = [text for text in site.sealed_texts() if sealedsite.opens(text, OLD.octets)]
    assert thief, "before the resealing they open: this test can fail"
    reseal(site)
    assert [text for text in site.sealed_texts() if sealedsite.opens(text, OLD.octets)] == []
    for row in site.rows().values():
        stolen = msgspec.structs.replace(row, wrapped_by=OLD.name)
        with pytest.raises(errors.IntaglioError):
            OLD.unwrap(stolen.wrapped)


def test_replaced_texts_leave_the_file(site: SealedSite) -> None:
    """No page of the database, used or free, holds a text that was sealed under the old key."""
    before = site.sealed_texts()
    pages = site.store.connection.serialize  # type: ignore[attr-defined]
    assert all(text.encode() in pages() for text in before)
    rotate(site)
    retire(site)
    reseal(site)
    assert [text for text in before if text.rpartition(".")[2].encode() in pages()] == []


def test_nobody_forges_with_an_old_master_key(site: SealedSite) -> None:
    """Once the old keys are closed a text that was sealed under the first master key is refused everywhere."""
    rotate(site)
    retire(site)
    reseal(site, keep=100)
    forged = Vault(OLD.octets).seal(b"x", "workload-token/a/b")
    assert site.open(NEW).open(forged, "workload-token/a/b") == b"x"
    site.clock.advance(100)
    assert code_of(lambda: site.open(NEW).open(forged, "workload-token/a/b")) == "sealing-key-unknown"


def test_processes_learn_of_the_key_before_any_seals_with_it(site: SealedSite) -> None:
    """At no instant does one that looks every second meet a text that it cannot open."""
    rotate(site)
    retire(site)
    locks = [site.lock(NEW) for _ in range(2)]
    vaults = [site.run(lock.open(site.clock.now())) for lock in locks]
    sealed: list[tuple[str, str]] = []
    seen: set[str | None] = set()

    async def wait(seconds: float) -> None:
        site.clock.advance(round(seconds))
        text = vaults[0].seal(b"x", "a")
        for lock, vault in zip(locks, vaults, strict=True):
            await lock.look(vault, site.clock.now())
            assert vault.open(text, "a") == b"x"
        seen.add(vaults[0].key_of(text))
        sealed.append(("a", text))

    done = reseal(site, how=Pace(site.clock.now, wait))
    site.run(wait(0))
    assert seen == {"0", done.key_id}
    assert all(vaults[1].open(text, purpose) == b"x" for purpose, text in sealed)


def test_a_resealing_that_was_interrupted_goes_on(site: SealedSite) -> None:
    """It takes the key that it had made, and no further one."""
    rotate(site)
    retire(site)

    def stop() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        reseal(site, how=pace(site, stop))
    keys = site.open(NEW).bundle.keys
    assert len(keys) == 2
    assert reseal(site).key_id == keys[1].key_id
    assert set(site.kids()) == {keys[1].key_id}


def test_what_is_written_meanwhile_is_sealed_anew_as_well(site: SealedSite) -> None:
    """A text that a slow process put there under the old key is found by the next round."""
    rotate(site)
    retire(site)
    slow, known = site.open(NEW), site.run(admin_connections.show(site.store, site.tenant, "upstream"))
    late = [msgspec.structs.replace(known, sealed_secret=slow.seal(b"later", connectionrules.SECRET))]

    async def wait(seconds: float) -> None:
        site.clock.advance(round(seconds))
        if seconds == resealing.SETTLE_SECONDS and late:
            await site.store.write(connections.replace, late.pop())

    done = reseal(site, how=Pace(site.clock.now, wait))
    assert late == []
    assert set(site.kids()) == {done.key_id}


def test_nothing_is_given_up_while_something_does_not_open(site: SealedSite) -> None:
    """A text of an unknown key stops it: the old keys stay open, and the row is named."""
    rotate(site)
    retire(site)
    key = site.read(signingkeys.of_ring, site.client("web").tenant_id)[0]
    foreign = msgspec.structs.replace(key, key_id="foreign", sealed_private=Vault(THIRD.octets).seal(b"x", "a"))
    site.write(signingkeys.insert, foreign)
    with pytest.raises(Misconfigured) as caught:
        reseal(site)
    assert caught.value.code == "sealed-text-unusable"
    assert "foreign" in str(caught.value.detail)
    assert all(one.closes_at is None for one in site.open(NEW).bundle.keys)


def test_closed_keys_are_forgotten_at_the_next_resealing(site: SealedSite) -> None:
    """Until then they are kept, so that a straggler could be read; afterwards their octets are gone."""
    rotate(site)
    retire(site)
    first = reseal(site, keep=10).key_id
    site.clock.advance(20)
    second = reseal(site, keep=10).key_id
    kept = {key.key_id: key for key in site.open(NEW).bundle.keys}
    assert set(kept) == {first, second}
    assert kept[first].closes_at is not None
    site.works(site.open(NEW))


def test_the_log_tells_who_changed_the_keys(site: SealedSite) -> None:
    """Each act is an entry of no tenant's, with the names of the master keys and of the new key."""
    rotate(site)
    retire(site)
    done = reseal(site)
    rows = site.store.connection.execute(  # type: ignore[attr-defined]
        "SELECT action, principal, record FROM audit_log WHERE tenant_id = ? ORDER BY entry_id", (INSTALLATION,)
    ).fetchall()
    assert [row[0] for row in rows] == [
        "masterkey.rotate",
        "masterkey.retire",
        "masterkey.reseal",
        "masterkey.close",
    ]
    told = b"".join(bytes(row[2]) for row in rows).decode()
    assert OLD.name in told
    assert done.key_id in told
    assert SECRET not in told
    assert {row[1] for row in rows} == {"operator:test"}


def test_an_overview_holds_no_key(site: SealedSite) -> None:
    """Names, states and instants; and whether the first master key is still a key of its own."""
    before = site.run(masterkey.show(site.store, OLD, site.open(OLD).bundle, site.clock.now()))
    assert before.derived
    assert before.keys is not None
    assert before.keys[0].is_master_key
    rotate(site)
    retire(site)
    done = reseal(site)
    bundle = site.open(NEW).bundle
    after = site.run(masterkey.show(site.store, NEW, bundle, site.clock.now()))
    assert [(one.name, one.configured) for one in after.wrappings] == [(NEW.name, True)]
    assert after.keys is not None
    assert [(one.key_id, one.state) for one in after.keys] == [("0", "opening"), (done.key_id, "sealing")]
    for secret in (OLD.octets, NEW.octets, bundle.root, *(key.octets for key in bundle.keys)):
        assert secret.hex() not in repr(after)
        assert repr(secret) not in repr(after)
    stranger = site.run(masterkey.show(site.store, THIRD, None, site.clock.now()))
    assert stranger.keys is None


def test_the_proof_is_replaced_last(site: SealedSite) -> None:
    """While it is under the old key the version before still starts, and afterwards it says so."""
    rotate(site)
    retire(site)
    Vault(OLD.octets).open(site.read(installation.fact, unlocking.PROOF), unlocking.PROOF)
    reseal(site)
    proof = site.read(installation.fact, unlocking.PROOF)
    assert code_of(lambda: Vault(OLD.octets).open(proof, unlocking.PROOF)) == "sealing-key-unknown"
