"""Signing keys: list a ring, publish a successor, withdraw a key in an emergency."""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.clock import Clock
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.names import RingId, TenantId
from intaglio.server.admin import tenants
from intaglio.server.keyring import lifecycle, rings, rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor
from intaglio.wire import url

LATEST = 366 * 86_400
"""Seconds for which a key may be made to wait."""
LONGEST_TOKEN = lifecycle.KEEP_BEHIND
"""Seconds after which nothing that a key signed can be valid any more."""


class Listed(msgspec.Struct, frozen=True):
    """A key with its state at the instant of asking."""

    key: SigningKeyRecord
    state: lifecycle.State


class Withdrawn(msgspec.Struct, frozen=True):
    """A key that was revoked, and which of its tokens may still be out.

    Tokens that it signed between `signed_from` and `signed_until` may be believed by whoever has the key set cached;
    after `out_until` the last has expired.
    """

    key: SigningKeyRecord
    signed_from: int
    signed_until: int
    out_until: int


async def ring(store: Store, tenant: str, authority: str = "") -> RingId:
    """Return the ring of a tenant, by slug or UUID, or that of an authority, whose tenants share it.

    Raises `Misconfigured` (`tenant-unknown`, `authority-invalid`).
    """
    if not authority:
        return RingId((await tenants.show(store, tenant)).tenant_id)
    if not url.origin(authority):
        expected = "the base address of a listener whose tenants share their keys"
        raise fields.refuse("authority-invalid", "The authority cannot be used.", expected, authority)
    return rings.of_authority(authority)


async def page(store: Store, clock: Clock, ring_id: RingId) -> list[Listed]:
    """List a ring's keys, oldest first."""
    now = clock.now()
    keys = await store.read(signingkeys.of_ring, ring_id)
    oldest_first = sorted(keys, key=lambda key: (key.created_at, key.active_at))
    return [Listed(key, lifecycle.state(key, now)) for key in oldest_first]


async def publish_successor(
    store: Store, clock: Clock, vault: Vault, ring_id: RingId, alg: str, actor: Actor | None = None
) -> Listed:
    """Publish the next key of an algorithm; it signs a day later, at once where there is no current one.

    A successor that waits already is returned as it is. With `actor` the audit log tells of it. Raises `Misconfigured`
    (`value-unknown`).
    """
    fields.one_of("alg", alg, fields.ALGORITHMS)
    now = clock.now()
    fresh = await asyncio.to_thread(rotate.make, vault, ring_id, alg, now)
    key = await store.write(_publish, fresh, now, actor)
    return Listed(key, lifecycle.state(key, now))


def _publish(fresh: SigningKeyRecord, now: int, actor: Actor | None) -> Plan[SigningKeyRecord]:
    key = yield from rotate.rotate(fresh, now)
    if actor is not None and key.key_id == fresh.key_id:
        yield from _note(key, actor, "key.create")
    return key


def _note(key: SigningKeyRecord, actor: Actor, action: str) -> Plan[None]:
    # A ring is called like its tenant, or like the authority whose tenants share it.
    yield from deeds.note(TenantId(key.ring_id), actor, action, f"keys/{key.key_id}", alg=key.alg)


async def begin(store: Store, clock: Clock, ring_id: RingId, key_id: str, begins_at: int, actor: Actor) -> Listed:
    """Have a waiting key sign from another instant on; the key before it signs until then.

    Raises `Misconfigured` (`key-unknown`, `key-not-waiting`, `instant-invalid`).
    """
    now = clock.now()
    if not now <= begins_at <= now + LATEST:
        expected = f"an instant from now on, at most {LATEST // 86_400} days ahead, in epoch seconds"
        raise fields.refuse("instant-invalid", "The key cannot begin then.", expected, begins_at)
    key = await store.write(_begin, ring_id, key_id, begins_at, actor)
    return Listed(key, lifecycle.state(key, now))


def _begin(ring_id: RingId, key_id: str, begins_at: int, actor: Actor) -> Plan[SigningKeyRecord]:
    try:
        key = yield from rotate.begin(ring_id, key_id, begins_at, actor.now)
    except IntaglioError as exc:
        raise _refused(exc, key_id) from exc
    yield from _note(key, actor, "key.update")
    return key


async def delete(store: Store, ring_id: RingId, key_id: str, actor: Actor) -> SigningKeyRecord:
    """Forget a key that has left the published set. Raises `Misconfigured` (`key-unknown`, `key-published`)."""
    return await store.write(_delete, ring_id, key_id, actor)


def _delete(ring_id: RingId, key_id: str, actor: Actor) -> Plan[SigningKeyRecord]:
    try:
        key = yield from rotate.delete(ring_id, key_id, actor.now)
    except IntaglioError as exc:
        raise _refused(exc, key_id) from exc
    yield from _note(key, actor, "key.delete")
    return key


def _refused(fault: IntaglioError, key_id: str) -> Misconfigured:
    if fault.code == "key-not-waiting":
        expected, hint = "a key in the state next", "Publish the next one with: intaglio key create"
        return fields.refuse(fault.code, fault.public, expected, key_id, hint)
    if fault.code == "key-published":
        expected, hint = "a key that was disabled, or is gone", f"Withdraw it first: intaglio key disable {key_id}"
        return fields.refuse(fault.code, fault.public, expected, key_id, hint)
    return unknown(key_id)


async def withdraw(
    store: Store, clock: Clock, vault: Vault, ring_id: RingId, key_id: str, actor: Actor | None = None
) -> Withdrawn:
    """Revoke a key at once; another takes its place. With `actor` the audit log tells of it.

    Raises `Misconfigured` (`key-unknown`).
    """
    now = clock.now()
    known = {key.key_id: key for key in await store.read(signingkeys.of_ring, ring_id)}
    if key_id not in known:
        raise unknown(key_id)
    key = known[key_id]
    if key.revoked_at is None:
        fresh = await asyncio.to_thread(rotate.make, vault, ring_id, key.alg, now)
        try:
            key = await store.write(_revoke, ring_id, key_id, fresh, now, actor)
        except IntaglioError as exc:
            raise unknown(key_id) from exc
    signed_until = min(instant for instant in (key.retired_at, key.revoked_at, now) if instant is not None)
    return Withdrawn(key, key.active_at, max(signed_until, key.active_at), signed_until + LONGEST_TOKEN)


def _revoke(
    ring_id: RingId, key_id: str, fresh: SigningKeyRecord, now: int, actor: Actor | None
) -> Plan[SigningKeyRecord]:
    key = yield from rotate.revoke(ring_id, key_id, fresh, now)
    if actor is not None:
        yield from _note(key, actor, "key.disable")
    return key


def unknown(key_id: str) -> Misconfigured:
    """Return the refusal of a key that is not there."""
    return fields.refuse(
        "key-unknown",
        "There is no such key in this ring.",
        "the key_id of a key",
        key_id,
        "List them with: intaglio key list",
    )
