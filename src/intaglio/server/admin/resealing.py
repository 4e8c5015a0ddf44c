"""Sealing anew everything that is kept, under a new key, while everything runs.

NIST SP 800-57 part 1 revision 5 section 5.3.5 (replacing a compromised key), section 8.3.4 (destruction).

The new key is known to every process before any seals with it; texts move over in small batches, each exchanged only if
it is still as it was read; the old keys open until nothing of them can be in use any more: the longest life of a text
that is kept by others alone (a workload's access token, a cookie of a gate). What is derived stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from intaglio.errors import Misconfigured
from intaglio.server.admin import masterkey
from intaglio.server.admin.masterkey import INSTALLATION
from intaglio.server.credentials import clientsecrets
from intaglio.server.issue import accountsigning
from intaglio.server.keyring import datakeys, rotate, unlocking
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import installation, sealed, vaultkeys
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.sealed import Place
from intaglio.server.model.vaultkeys import WrappedKeys
from intaglio.server.registry import connectionrules, deeds
from intaglio.server.registry.deeds import Actor

BATCH = 200
AHEAD_SECONDS = 5
"""A new key seals this long after it was made: each process looks every second."""
SETTLE_SECONDS = 2
"""What was sealed before the new key began is written within this time."""
KEEP_SECONDS = 13 * 3600
"""How long old keys open after a resealing: longer than any sealed text lives outside of the database (12 h)."""

Read = Callable[[tuple[str, ...], int], Plan[list[Place]]]
Exchange = Callable[[Place, bytes], Plan[bool]]


class Kind(msgspec.Struct, frozen=True):
    """A kind of rows that hold something sealed: how they are read and written, and for what each text is sealed."""

    name: str
    width: int
    read: Read
    exchange: Exchange
    purposes: Callable[[Place], Iterator[tuple[str, str]]]


def _of_signing_key(place: Place) -> Iterator[tuple[str, str]]:
    yield place.text.decode(), rotate.PURPOSE + place.key[1]


def _of_client(place: Place) -> Iterator[tuple[str, str]]:
    for kept in _members(place).get("secrets", ()):
        yield kept.get("sealed", ""), clientsecrets.PURPOSE


def _of_connection(place: Place) -> Iterator[tuple[str, str]]:
    record = _members(place)
    yield record.get("sealed_secret", ""), connectionrules.SECRET
    yield record.get("sealed_jwks", ""), connectionrules.KEYS


def _of_account_key(place: Place) -> Iterator[tuple[str, str]]:
    yield _members(place).get("sealed_private", ""), accountsigning.PURPOSE + place.key[2]


def _members(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(place.text)
    return found


KINDS = (
    Kind("signing_keys", 2, sealed.signing_keys, sealed.exchange_signing_key, _of_signing_key),
    Kind("clients", 2, sealed.clients, sealed.exchange_client, _of_client),
    Kind("connections", 2, sealed.connections, sealed.exchange_connection, _of_connection),
    Kind("account_keys", 3, sealed.account_keys, sealed.exchange_account_key, _of_account_key),
)
"""Everything that is kept sealed, but sign-ins under way at other providers, which end within minutes."""


class Resealed(msgspec.Struct, frozen=True):
    """What was done: the key that seals now, texts by kind, and when the old keys close."""

    key_id: str
    texts: dict[str, int]
    closes_at: int


class Pace(msgspec.Struct, frozen=True):
    """How a resealing goes on: `now` tells the time, `wait` lets seconds pass, `say` tells how far it is."""

    now: Callable[[], int]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    say: Callable[[str], None] = lambda _: None


async def reseal(store: Store, lock: Lock, actor: Actor, pace: Pace, keep_seconds: int = KEEP_SECONDS) -> Resealed:
    """Seal everything under a new key; one that was interrupted is gone on with.

    Raises `Misconfigured`: `master-key-changing`, `master-key-alone`, `vault-keys-changed`.
    """
    masterkey.require_one(await store.read(vaultkeys.every))
    vault, row = await lock.read(pace.now())
    bundle = vault.bundle
    # A key that closes was replaced; where two do not close, the newer one is to replace the older, and has not yet.
    staying = [key for key in bundle.keys if key.closes_at is None]
    if len(staying) < 2:
        bundle = datakeys.with_next(bundle, pace.now(), pace.now() + AHEAD_SECONDS)
        row = await _write(store, lock, row, bundle, actor, "masterkey.reseal")
    target = bundle.keys[-1]
    while pace.now() < target.active_at:
        pace.say(f"every process learns of the new key: {target.active_at - pace.now()} s")
        await pace.wait(min(1.0, target.active_at - pace.now()))
    opening = Vault.holding(bundle, pace.now(), closed=True)
    done = await _rounds(store, opening, target.key_id, pace)
    await _prove(store, opening, target.key_id)
    closes_at = pace.now() + keep_seconds
    closed = datakeys.closing(datakeys.without_closed(bundle, pace.now()), target.key_id, closes_at)
    await _write(store, lock, row, closed, actor, "masterkey.close")
    return Resealed(target.key_id, done, closes_at)


async def _rounds(store: Store, vault: Vault, key_id: str, pace: Pace) -> dict[str, int]:
    """Go through everything until nothing was left to do in a round that began when all was done for a while."""
    done = {kind.name: 0 for kind in KINDS}
    settled = False
    while True:
        moved = {kind.name: await _move(store, vault, key_id, kind, pace) for kind in KINDS}
        done = {name: count + moved[name] for name, count in done.items()}
        if settled and not any(moved.values()):
            return done
        settled = not any(moved.values())
        await pace.wait(SETTLE_SECONDS if settled else 0)


async def _write(
    store: Store, lock: Lock, row: WrappedKeys | None, bundle: Bundle, actor: Actor, action: str
) -> WrappedKeys:
    assert row is not None
    bundle = msgspec.structs.replace(bundle, version=row.version + 1)
    kept = lock.again(bundle, row)
    await store.write(_exchange, row.version, kept, action, bundle.keys[-1].key_id, actor)
    return kept


def _exchange(before: int, kept: WrappedKeys, action: str, key_id: str, actor: Actor) -> Plan[None]:
    yield from vaultkeys.lock()
    # A further master key may have come since: it would wrap keys of before.
    if len((yield from vaultkeys.every())) != 1 or not (yield from vaultkeys.exchange(before, kept)):
        raise masterkey.changed()
    yield from deeds.note(INSTALLATION, actor, action, "masterkey", key=key_id)


async def _move(store: Store, vault: Vault, key_id: str, kind: Kind, pace: Pace) -> int:
    """Seal the texts of a kind under the key; return how many were not yet."""
    moved, after = 0, ("",) * kind.width
    while True:
        page = await store.read(kind.read, after, BATCH)
        changes, count = await asyncio.to_thread(_page, vault, key_id, kind, page)
        if changes:
            await store.write(_exchange_all, kind, changes)
        moved += count
        if len(page) < BATCH:
            return moved
        after = page[-1].key
        pace.say(f"{kind.name}: {moved} sealed anew")


def _exchange_all(kind: Kind, changes: list[tuple[Place, bytes]]) -> Plan[None]:
    for place, text in changes:
        # What somebody else changed meanwhile is found again by the next round.
        yield from kind.exchange(place, text)


def _page(vault: Vault, key_id: str, kind: Kind, page: list[Place]) -> tuple[list[tuple[Place, bytes]], int]:
    changes, moved = [], 0
    for place in page:
        text, count = _again(vault, key_id, kind, place)
        moved += count
        if count:
            changes.append((place, text))
    return changes, moved


def _again(vault: Vault, key_id: str, kind: Kind, place: Place) -> tuple[bytes, int]:
    """Return the row's text with everything in it sealed under the key, and how many texts were sealed anew."""
    text, count = place.text, 0
    for old, purpose in kind.purposes(place):
        if old and vault.key_of(old) != key_id:
            text = text.replace(old.encode(), _resealed(vault, old, purpose, kind, place).encode())
            count += 1
    return text, count


def _resealed(vault: Vault, old: str, purpose: str, kind: Kind, place: Place) -> str:
    try:
        return vault.seal(vault.open(old, purpose), purpose)
    except Misconfigured as exc:
        raise Misconfigured(
            "sealed-text-unusable",
            "Something that is kept does not open, so nothing was given up.",
            detail={
                "expected": "a text under one of the keys",
                "received": exc.code,
                "row": f"{kind.name} {place.key}",
            },
            hint="Restore the row from a backup or remove it, and run this again.",
        ) from exc


async def _prove(store: Store, vault: Vault, key_id: str) -> None:
    proof = await store.read(installation.fact, unlocking.PROOF)
    if proof is not None and vault.key_of(proof) != key_id:
        fresh = vault.seal(vault.open(proof, unlocking.PROOF), unlocking.PROOF)
        await store.write(installation.exchange_fact, unlocking.PROOF, proof, fresh)
