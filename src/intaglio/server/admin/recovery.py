"""After the loss of the master key: new keys, and what was sealed or hashed under the old ones taken away and told.

Nobody can open what the lost master key wrapped. What needs no key stays: users and their passwords, sessions,
consents, grants with their refresh tokens, clients with keys of their own, policies. The rest is made anew where a
machine can do it (signing keys), and listed where a person has to (secrets of clients and of connections).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from intaglio.errors import Misconfigured
from intaglio.server.admin.masterkey import IN_USE_SECONDS, INSTALLATION, changed
from intaglio.server.admin.resealing import BATCH, KINDS, Kind
from intaglio.server.keyring import datakeys, envelope, lifecycle, unlocking
from intaglio.server.keyring.masterkeys import MasterKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import clients, installation, sealed, signingkeys, vaultkeys
from intaglio.server.model.plan import Plan, Store, decode
from intaglio.server.model.sealed import Place
from intaglio.server.model.vaultkeys import WrappedKeys
from intaglio.server.registry import deeds, fields, rules
from intaglio.server.registry.deeds import Actor

LOST = frozenset({"master-key-wrong", "sealing-key-unknown", "vault-keys-unusable", "vault-keys-missing"})
"""What a start says where the configured master key does not open what is kept."""


class Lost(msgspec.Struct, frozen=True):
    """Who has to do something, each as `tenant/name`.

    `clients` need a new secret, `connections` theirs once more; to `pairwise` clients people have other subjects now.
    `signing_keys` and `account_keys` tell how many of these sign no more; others are made when they are needed.
    """

    clients: tuple[str, ...]
    connections: tuple[str, ...]
    pairwise: tuple[str, ...]
    signing_keys: int
    account_keys: int

    @property
    def is_nothing(self) -> bool:
        """Whether nobody has to do anything, for nothing is lost."""
        return not (self.clients or self.connections or self.signing_keys or self.account_keys)


class Found(msgspec.Struct, frozen=True):
    """Whether there is something to recover, and what would be lost."""

    opens: bool
    lost: Lost


async def look(store: Store, lock: Lock, now: int) -> Found:
    """Tell what would be lost, and change nothing."""
    vault = await _opened(lock, now)
    return Found(vault is not None, await _each(store, vault, None))


async def recover(store: Store, lock: Lock, actor: Actor, *, force: bool = False) -> Lost:
    """Make new keys under the configured master key, and take away what only the lost ones opened.

    One that was interrupted is gone on with. Raises `Misconfigured`: `master-key-in-use` if a process said lately that
    it runs with a master key that wraps the present keys, unless `force`.
    """
    vault = await _opened(lock, actor.now)
    if vault is None:
        rows = await store.read(vaultkeys.every)
        if not force:
            _refuse_running(rows, actor.now)
        await _begin(store, lock.master, rows, actor)
        vault = await _opened(lock, actor.now)
        if vault is None:
            raise changed()
    lost = await _each(store, vault, actor)
    await _finish(store, lock, actor)
    return lost


async def _finish(store: Store, lock: Lock, actor: Actor) -> None:
    """Keep that nothing of before is left: from now on no secret of a client is taken for one of before."""
    vault, row = await lock.read(actor.now)
    if row is None or vault.bundle.recovered_at is None:
        return
    bundle = msgspec.structs.replace(vault.bundle, version=row.version + 1, recovered_at=None)
    if not await store.write(vaultkeys.exchange, row.version, lock.again(bundle, row)):
        raise changed()


async def _opened(lock: Lock, now: int) -> Vault | None:
    """Return the vault, if the master key opens it; it opens what closed keys sealed as well."""
    try:
        return Vault.holding((await lock.open(now)).bundle, now, closed=True)
    except Misconfigured as fault:
        # SECURITY: a token that is missing or was given a wrong PIN is no lost master key
        # (test_a_wrong_pin_is_no_lost_master_key).
        if fault.code not in LOST:
            raise
        return None


def _refuse_running(rows: list[WrappedKeys], now: int) -> None:
    for row in rows:
        if row.used_at is not None and now - row.used_at < IN_USE_SECONDS:
            raise fields.refuse(
                "master-key-in-use",
                "A process still runs with the keys that are to be given up.",
                f"nobody for {IN_USE_SECONDS} s",
                f"{row.wrapped_by}, {now - row.used_at} s ago",
                "That process can still rotate: its master key is not lost. Otherwise stop it, or say --force.",
            )


async def _begin(store: Store, master: MasterKey, rows: list[WrappedKeys], actor: Actor) -> None:
    version = max((row.version for row in rows), default=0) + 1
    bundle = datakeys.recovered(actor.now, version)
    keys, _ = await asyncio.to_thread(envelope.new, bundle, master, actor.now)
    proof = Vault.holding(bundle, actor.now).seal(unlocking.PROOF_TEXT, unlocking.PROOF)
    await store.write(_replace, rows, keys, proof, actor)


def _replace(rows: list[WrappedKeys], keys: WrappedKeys, proof: str, actor: Actor) -> Plan[None]:
    yield from vaultkeys.lock()
    # Of two who recover at once one finds the other's keys: with both, some of what is sealed then would be lost again.
    if [(row.wrapped_by, row.version) for row in (yield from vaultkeys.every())] != [
        (row.wrapped_by, row.version) for row in rows
    ]:
        raise changed()
    yield from vaultkeys.delete_every()
    yield from vaultkeys.insert(keys)
    yield from installation.keep_fact(unlocking.PROOF, proof)
    yield from deeds.note(INSTALLATION, actor, "masterkey.recover", "masterkey", new=keys.wrapped_by)


# --- what is lost


class _Tally:
    """What is lost, as it is found; with an `actor` it is taken away at once."""

    def __init__(self, store: Store, vault: Vault | None, actor: Actor | None) -> None:
        self._store = store
        self._vault = vault
        self._actor = actor
        self.clients: list[str] = []
        self.connections: list[str] = []
        self.pairwise: list[str] = []
        self.keys = {"signing_keys": 0, "account_keys": 0}

    async def take(self, kind: Kind, place: Place) -> None:
        """Look at a row."""
        if kind.name == "clients":
            await self._client(kind, place)
        elif any(_is_lost(self._vault, text) for text, _ in kind.purposes(place)):
            await self._other(kind, place)

    async def _client(self, kind: Kind, place: Place) -> None:
        client = decode(place.text, clients.Client)
        name = f"{client.tenant_id}/{client.client_id}"
        if client.subject_type == "pairwise":
            self.pairwise.append(name)
        vault = self._vault
        old = [one for one in client.secrets if _is_hash_lost(vault, one.created_at) or _is_lost(vault, one.sealed)]
        if old:
            if rules.needs_secret(client):
                self.clients.append(name)
            left = tuple(one for one in client.secrets if one not in old)
            await self._put(kind, place, secrets=msgspec.to_builtins(left))

    async def _other(self, kind: Kind, place: Place) -> None:
        if kind.name == "connections":
            record = msgspec.json.decode(place.text)
            self.connections.append(f"{record['tenant_id']}/{record['name']}")
            await self._put(kind, place, sealed_secret="", sealed_jwks="")
            return
        self.keys[kind.name] += 1
        if kind.name == "account_keys":
            await self._put(kind, place, sealed_private="")
        elif self._actor is not None:
            await self._store.write(_retire, place, self._actor.now)

    async def _put(self, kind: Kind, place: Place, **members: object) -> None:
        """Give a record other members; those that this version does not know stay."""
        if self._actor is not None:
            record: dict[str, object] = msgspec.json.decode(place.text)
            await self._store.write(kind.exchange, place, msgspec.json.encode(record | members))


async def _each(store: Store, vault: Vault | None, actor: Actor | None) -> Lost:
    """Go through what is sealed or hashed under keys that are not there; with an `actor` it is taken away."""
    tally = _Tally(store, vault, actor)
    async for kind, place in _places(store):
        await tally.take(kind, place)
    return Lost(
        tuple(tally.clients),
        tuple(tally.connections),
        tuple(tally.pairwise),
        signing_keys=tally.keys["signing_keys"],
        account_keys=tally.keys["account_keys"],
    )


async def _places(store: Store) -> AsyncIterator[tuple[Kind, Place]]:
    for kind in KINDS:
        after = ("",) * kind.width
        while True:
            page = await store.read(kind.read, after, BATCH)
            for place in page:
                yield kind, place
            if len(page) < BATCH:
                break
            after = page[-1].key


def _is_lost(vault: Vault | None, text: str) -> bool:
    return bool(text) and (vault is None or vault.key_of(text) is None)


def _is_hash_lost(vault: Vault | None, created_at: int) -> bool:
    """Tell whether a hash was made under a key that is lost."""
    if vault is None:
        return True
    recovered_at = vault.bundle.recovered_at
    return recovered_at is not None and created_at <= recovered_at


def _retire(place: Place, now: int) -> Plan[None]:
    """Let a signing key sign no more; what it signed is believed until it has expired.

    One that waits for its turn is withdrawn: it has signed nothing.
    """
    ring, key_id = place.key
    yield from signingkeys.lock_ring(ring)
    for key in (yield from signingkeys.of_ring(ring)):
        if key.key_id != key_id:
            continue
        was = lifecycle.state(key, now)
        if was == "current":
            gone = now + lifecycle.KEEP_BEHIND
            yield from signingkeys.set_instants(msgspec.structs.replace(key, retired_at=now, gone_at=gone))
        elif was == "next":
            yield from signingkeys.set_instants(msgspec.structs.replace(key, revoked_at=now, gone_at=now))
    yield from sealed.exchange_signing_key(place, b"")
