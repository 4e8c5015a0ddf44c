"""Signing keys: list a ring, publish a successor, withdraw a key in an emergency."""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.clock import Clock
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.names import RingId
from intaglio.server.admin import tenants
from intaglio.server.keyring import lifecycle, rings, rotate
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from intaglio.server.model.plan import Store
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.server.registry import fields
from intaglio.wire import url

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


async def publish_successor(store: Store, clock: Clock, vault: Vault, ring_id: RingId, alg: str) -> Listed:
    """Publish the next key of an algorithm; it signs a day later, at once where there is no current one.

    A successor that waits already is returned as it is. Raises `Misconfigured` (`value-unknown`).
    """
    fields.one_of("alg", alg, fields.ALGORITHMS)
    now = clock.now()
    fresh = await asyncio.to_thread(rotate.make, vault, ring_id, alg, now)
    key = await store.write(rotate.rotate, fresh, now)
    return Listed(key, lifecycle.state(key, now))


async def withdraw(store: Store, clock: Clock, vault: Vault, ring_id: RingId, key_id: str) -> Withdrawn:
    """Revoke a key at once; another takes its place. Raises `Misconfigured` (`key-unknown`)."""
    now = clock.now()
    known = {key.key_id: key for key in await store.read(signingkeys.of_ring, ring_id)}
    if key_id not in known:
        raise _unknown(key_id)
    key = known[key_id]
    if key.revoked_at is None:
        fresh = await asyncio.to_thread(rotate.make, vault, ring_id, key.alg, now)
        try:
            key = await store.write(rotate.revoke, ring_id, key_id, fresh, now)
        except IntaglioError as exc:
            raise _unknown(key_id) from exc
    signed_until = min(instant for instant in (key.retired_at, key.revoked_at, now) if instant is not None)
    return Withdrawn(key, key.active_at, max(signed_until, key.active_at), signed_until + LONGEST_TOKEN)


def _unknown(key_id: str) -> Misconfigured:
    return fields.refuse(
        "key-unknown",
        "There is no such key in this ring.",
        "the key_id of a key",
        key_id,
        "List them with: intaglio key list",
    )
