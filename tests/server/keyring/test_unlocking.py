"""From a master key and a database to the vault: new databases, those of before, and what thieves and faults do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import msgspec
import pytest

from intaglio.errors import Misconfigured
from intaglio.names import RingId
from intaglio.server.keyring import datakeys, envelope, rotate, unlocking
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation, signingkeys
from intaglio.server.model.vaultkeys import WrappedKeys
from tests.server.keyring import vaults
from tests.server.keyring.vaults import NEW, NOW, OLD, THIRD, Base


@pytest.fixture
def base() -> Iterator[Base]:
    """An empty database."""
    with vaults.base() as made:
        yield made


def refused(base: Base, lock: Lock, vault: Vault) -> str:
    """Return the code by which a running process refuses what the database holds now; empty if it takes it."""
    try:
        base.run(lock.look(vault, base.clock.now()))
    except Misconfigured as fault:
        return fault.code
    return ""


def under(master: LocalKey, bundle: Bundle) -> WrappedKeys:
    """Return a bundle wrapped by a master key."""
    return envelope.new(bundle, master, NOW)[0]


# --- a new database


def test_a_new_database_has_keys_of_its_own(base: Base) -> None:
    """They are random, and nothing is sealed or derived under the master key itself."""
    vault = base.open()
    assert list(base.rows()) == [OLD.name]
    assert not vault.bundle.derived
    assert vault.derive("pairwise-subjects") != Vault(OLD.octets).derive("pairwise-subjects")
    with pytest.raises(Misconfigured):
        Vault(OLD.octets).open(vault.seal(b"x", "a"), "a")
    secrets = {vault.bundle.root, vault.bundle.keys[0].octets, OLD.octets}
    assert len(secrets) == 3
    row = base.rows()[OLD.name]
    assert not any(secret.hex() in f"{row.wrapped}{row.sealed}{row!r}{vault.bundle!r}" for secret in secrets)


def test_a_second_start_finds_the_same_keys(base: Base) -> None:
    """Whatever was sealed opens; what is derived is the same."""
    first, second = base.open(), base.open()
    assert second.open(first.seal(b"x", "a"), "a") == b"x"
    assert first.derive("a") == second.derive("a")


def test_two_processes_that_begin_at_once_have_the_same_keys(base: Base) -> None:
    """One of them makes the keys, the other takes them."""

    async def both() -> list[Vault]:
        return await asyncio.gather(*(Lock(base.store, OLD).open(NOW) for _ in range(4)))

    assert len({vault.derive("a") for vault in base.run(both())}) == 1


def test_another_master_key_opens_nothing(base: Base) -> None:
    """`master-key-wrong`, which names the master key that is needed, and neither key."""
    base.open()
    with pytest.raises(Misconfigured) as caught:
        base.open(NEW)
    assert caught.value.code == "master-key-wrong"
    assert caught.value.detail == {"expected": OLD.name, "received": NEW.name}


def test_a_name_tells_nothing_of_its_key() -> None:
    """It is another for another key, and the same wherever the key is kept."""
    assert OLD.name == LocalKey(OLD.octets).name
    assert len({OLD.name, NEW.name, THIRD.name}) == 3
    assert OLD.octets.hex()[:8] not in f"{OLD.name}{OLD!r}"


# --- a database of before


def test_a_database_of_before_opens_unchanged(base: Base) -> None:
    """The master key goes on being the only key; nothing is written."""
    before = base.of_before()
    proof = base.read(installation.fact, unlocking.PROOF)
    vault = base.open()
    assert vault.open(before.seal(b"x", "a"), "a") == b"x"
    assert before.open(vault.seal(b"x", "a"), "a") == b"x"
    assert vault.derive("client-secrets") == before.derive("client-secrets")
    assert base.rows() == {}
    assert base.read(installation.fact, unlocking.PROOF) == proof
    assert base.is_refused(NEW) == "master-key-wrong"


# --- what a thief or a fault does to the rows


def test_swapped_rows_open_nothing(base: Base) -> None:
    """The parts of two rows cannot be exchanged, and a row is not another master key's."""
    base.open()
    bundle = datakeys.fresh(NOW)
    one, two = under(OLD, bundle), under(NEW, bundle)
    change = msgspec.structs.replace
    for forged in (
        change(one, sealed=two.sealed),
        change(one, wrapped=two.wrapped),
        change(two, wrapped_by=OLD.name),
        change(one, version=9),
        change(one, sealed=one.sealed[:-2] + ("AA" if one.sealed[-2:] != "AA" else "BB")),
        change(one, sealed=one.wrapped, wrapped=one.sealed),
        change(one, wrapped="", sealed=""),
    ):
        base.put(forged)
        assert base.is_refused() == "vault-keys-unusable"


def test_keys_of_another_installation_are_refused(base: Base) -> None:
    """Two installations with one master key: a row that was carried over does not open what is kept here."""
    base.open()
    base.put(under(OLD, datakeys.fresh(NOW)))
    assert base.is_refused() == "master-key-wrong"


def test_deleted_rows_do_not_bring_back_the_master_key(base: Base) -> None:
    """Without its rows a database does not fall back to the master key."""
    base.open()
    base.put()
    assert base.is_refused() == "master-key-wrong"


def test_no_keys_are_begun_where_something_is_sealed(base: Base) -> None:
    """Without its rows and without the proof a database is not taken for a new one."""
    base.write(signingkeys.insert, rotate.make(Vault(OLD.octets), RingId("ring"), "ES256", NOW))
    assert base.is_refused() == "vault-keys-missing"
    assert base.rows() == {}


def test_a_running_process_takes_no_older_keys(base: Base) -> None:
    """Rows of an earlier day, put back, are refused by whoever runs; it goes on with what it has."""
    lock = base.lock()
    vault = base.run(lock.open(NOW))
    first = base.rows()[OLD.name]
    later = lock.again(datakeys.with_next(vault.bundle, NOW, NOW), first)
    base.put(later)
    assert refused(base, lock, vault) == ""
    sealed = vault.seal(b"x", "a")
    base.put(first)
    assert refused(base, lock, vault) == "vault-keys-unusable"
    base.put(under(OLD, msgspec.structs.replace(datakeys.fresh(NOW), version=9)))
    assert refused(base, lock, vault) == "vault-keys-unusable"
    base.put()
    assert refused(base, lock, vault) == ""
    assert vault.open(sealed, "a") == b"x"


def test_a_running_process_learns_of_a_new_key(base: Base) -> None:
    """It opens what the new key sealed as soon as it looks, and seals with it from its instant on."""
    lock, other = base.lock(), base.lock()
    vault, there = base.run(lock.open(NOW)), base.run(other.open(NOW))
    base.put(lock.again(datakeys.with_next(vault.bundle, NOW, NOW + 10), base.rows()[OLD.name]))
    for one, at in ((lock, vault), (other, there)):
        base.run(one.look(at, NOW))
    assert vault.key_of(vault.seal(b"x", "a")) == "0"
    base.run(lock.look(vault, NOW + 10))
    sealed = vault.seal(b"x", "a")
    assert vault.key_of(sealed) == vault.bundle.keys[1].key_id
    assert there.open(sealed, "a") == b"x"


def test_following_goes_on_after_a_fault(base: Base) -> None:
    """A row that cannot be used is told once, and the next good one is taken."""
    lock = base.lock()
    vault = base.run(lock.open(NOW))
    good = lock.again(datakeys.with_next(vault.bundle, NOW, NOW), base.rows()[OLD.name])
    base.put(msgspec.structs.replace(good, sealed="x"))

    async def followed() -> None:
        following = asyncio.create_task(lock.follow(vault, base.clock))
        await asyncio.sleep(0.05)
        assert len(vault.bundle.keys) == 1
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    base.run(followed())
    assert base.rows()[OLD.name].used_at is None
    base.put(good)
    base.run(_once(lock, vault, base))
    assert len(vault.bundle.keys) == 2
    assert base.rows()[OLD.name].used_at == NOW


async def _once(lock: Lock, vault: Vault, base: Base) -> None:
    following = asyncio.create_task(lock.follow(vault, base.clock))
    await asyncio.sleep(0.1)
    following.cancel()


# --- the life of a key


def test_keys_wait_seal_open_and_close() -> None:
    """One key seals at a time; a closed one opens nothing; the root stays."""
    first = datakeys.fresh(NOW)
    second = datakeys.with_next(first, NOW + 5, NOW + 10)
    closing = datakeys.closing(second, second.keys[1].key_id, NOW + 20)

    def states(bundle: Bundle, now: int) -> list[str]:
        return [datakeys.state(bundle, key, now) for key in bundle.keys]

    assert states(first, NOW) == ["sealing"]
    assert states(second, NOW + 9) == ["sealing", "waiting"]
    assert states(second, NOW + 10) == ["opening", "sealing"]
    assert states(closing, NOW + 19) == ["opening", "sealing"]
    assert states(closing, NOW + 20) == ["closed", "sealing"]
    assert (first.version, second.version, closing.version) == (1, 2, 3)
    assert {one.root for one in (first, second, closing)} == {first.root}
    sealed = Vault.holding(first, NOW).seal(b"x", "a")
    assert Vault.holding(closing, NOW + 19).open(sealed, "a") == b"x"
    with pytest.raises(Misconfigured, match="sealing-key-unknown"):
        Vault.holding(closing, NOW + 20).open(sealed, "a")
    assert Vault.holding(closing, NOW + 20, closed=True).open(sealed, "a") == b"x"
    assert datakeys.without_closed(closing, NOW + 20).keys == (closing.keys[1],)


def test_a_clock_that_is_behind_seals_with_what_all_know() -> None:
    """Before any key has begun the oldest seals."""
    assert datakeys.sealing(datakeys.fresh(NOW), NOW - 100).key_id == "0"


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'{"version":1,"root":"","keys":[]}', b'{"version":1,"root":"eA==","keys":[]}']
)
def test_other_texts_are_no_keys(text: bytes) -> None:
    """`vault-keys-unusable`, and the text is not told."""
    with pytest.raises(Misconfigured) as caught:
        datakeys.decode(text)
    assert caught.value.code == "vault-keys-unusable"
    assert "eA==" not in str(caught.value.detail)
