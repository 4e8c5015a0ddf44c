"""The rings at work: which key signs now, which keys are published.

A ring makes a key of an algorithm when one is first needed. What the database says is looked at anew each second, so a
rotation or a revocation takes effect everywhere within a second.
"""

from __future__ import annotations

import asyncio

from intaglio.clock import Clock
from intaglio.dialects.dialect import Dialect
from intaglio.names import RingId
from intaglio.protocol.facts import PublishedKey
from intaglio.server.keyring import lifecycle, publish, rotate
from intaglio.server.keyring.inbox import Inbox
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.tokens import jwk, pem
from intaglio.wire import url

FIRST_ALG = "RS256"
"""The algorithm that every ring has: OpenID Connect Core 15.1 makes it mandatory."""


def ring_id(dialect: Dialect, tenant_id: str, authority: str) -> RingId:
    """Return the ring that signs for a tenant in a dialect: its own, or that of the authority.

    `authority` is the base address, or any address under it, such as an issuer: its origin is the authority.
    """
    return of_authority(authority) if dialect.profile.shares_ring else RingId(tenant_id)


def of_authority(address: str) -> RingId:
    """Return the ring that the tenants of an authority share, of any address under it."""
    return RingId(f"authority:{url.origin(address)}")


def of_assertions(tenant_id: str) -> RingId:
    """Return the ring that signs a tenant's assertions of gates.

    It is a ring of its own: a client's ID token in the same algorithm can then never be taken for an assertion.
    """
    return RingId(f"{tenant_id}/assertions")


class Keyring:
    """Keys by ring. Private keys are opened once and stay in this process's memory. `inbox`: what others encrypt to."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._rings: Recent[list[SigningKeyRecord]] = Recent(1024)
        self._opened: dict[str, jwk.SigningKey] = {}
        self._published: dict[str, PublishedKey] = {}
        self._making: dict[tuple[str, str], asyncio.Lock] = {}
        self.inbox = Inbox(vault)

    def __repr__(self) -> str:
        return "Keyring(…)"

    async def keys(self, ring_id: RingId) -> list[SigningKeyRecord]:
        """Return the ring's records, oldest first."""
        now = self._clock.now()
        known = self._rings.get(ring_id, now)
        if known is None:
            known = self._rings.keep(ring_id, await self._store.read(signingkeys.of_ring, ring_id), now)
        return known

    async def signing(self, ring_id: RingId, alg: str) -> SigningKeyRecord:
        """Return the key that signs with the algorithm now, made if the ring has none."""
        record = lifecycle.current(await self.keys(ring_id), alg, self._clock.now())
        return record if record is not None else await self._make(ring_id, alg)

    async def _make(self, ring_id: RingId, alg: str) -> SigningKeyRecord:
        async with self._making.setdefault((ring_id, alg), asyncio.Lock()):
            now = self._clock.now()
            self._rings.forget()
            record = lifecycle.current(await self.keys(ring_id), alg, now)
            if record is None:
                fresh = await asyncio.to_thread(rotate.make, self._vault, ring_id, alg, now)
                record = await self._store.write(rotate.ensure, fresh, now)
                self._rings.forget()
        return record

    def open(self, record: SigningKeyRecord) -> jwk.SigningKey:
        """Return the private key of a record."""
        key = self._opened.get(record.key_id)
        if key is None:
            der = self._vault.open(record.sealed_private, rotate.PURPOSE + record.key_id)
            key = self._opened[record.key_id] = pem.private_from_der(record.alg, der)
        return key

    def public(self, record: SigningKeyRecord) -> PublishedKey:
        """Return the public forms of a record."""
        found = self._published.get(record.key_id)
        if found is None:
            found = self._published[record.key_id] = publish.published(record)
        return found

    async def published(self, ring_id: RingId, first: str = FIRST_ALG) -> tuple[tuple[PublishedKey, ...], int]:
        """Return the keys that are published, one of `first` among them, and how many seconds the set may be kept."""
        await self.signing(ring_id, first)
        now = self._clock.now()
        records = [key for key in await self.keys(ring_id) if lifecycle.is_published(key, now)]
        return tuple(self.public(key) for key in records), lifecycle.max_age(records, now)

    async def verification(self, ring_id: RingId, names: dict[str, str]) -> jwk.KeySet:
        """Return the published keys for verifying our own tokens; `names` gives each key_id its `kid`."""
        keys, _ = await self.published(ring_id)
        members = [{**k.members, "kid": names.get(k.key_id, k.thumbprint), "alg": k.alg, "use": "sig"} for k in keys]
        return jwk.read_set({"keys": members})

    async def rotate_due(self, ring_id: RingId) -> int:
        """Publish a successor for each algorithm whose key has signed long enough; return how many were made."""
        made = 0
        for alg in {key.alg for key in await self.keys(ring_id)}:
            now = self._clock.now()
            if lifecycle.is_due(await self.keys(ring_id), alg, now):
                fresh = await asyncio.to_thread(rotate.make, self._vault, ring_id, alg, now)
                await self._store.write(rotate.rotate, fresh, now)
                made += 1
        return made
