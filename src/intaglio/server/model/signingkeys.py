"""Signing keys of a ring. The private part is sealed; the states follow from instants (see `keyring.lifecycle`)."""

from __future__ import annotations

import msgspec

from intaglio.names import RingId
from intaglio.server.model.plan import Ask, Plan, Row, single


class SigningKeyRecord(msgspec.Struct, frozen=True):
    """One key of a ring.

    `active_at`: signs from then on. `retired_at`: has stopped signing. `gone_at`: leaves the published set.
    `revoked_at`: was withdrawn in an emergency.
    """

    ring_id: RingId
    key_id: str
    alg: str
    sealed_private: str
    certificate: bytes
    created_at: int
    active_at: int
    retired_at: int | None = None
    gone_at: int | None = None
    revoked_at: int | None = None

    def __repr__(self) -> str:
        return f"SigningKeyRecord({self.key_id}, {self.alg})"


def _key(row: Row) -> SigningKeyRecord:
    ring, key, alg, sealed, certificate, *instants = row
    return SigningKeyRecord(ring, key, alg, sealed, bytes(certificate), *instants)


@single
def insert(key: SigningKeyRecord) -> Plan[None]:
    """Keep a new key."""
    yield Ask("signing_key_insert", msgspec.structs.asdict(key))


@single
def of_ring(ring_id: str) -> Plan[list[SigningKeyRecord]]:
    """List a ring's keys, oldest first (those that are long gone are deleted, so the list stays short)."""
    rows = yield Ask("signing_keys_of_ring", {"ring_id": ring_id})
    return [_key(row) for row in rows]


def lock_ring(ring_id: str) -> Plan[None]:
    """Take the ring for this transaction, so that two rotations at once make one key."""
    yield Ask("ring_lock", {"ring_id": ring_id})


@single
def set_instants(key: SigningKeyRecord) -> Plan[None]:
    """Write a key's instants as they stand in the record."""
    yield Ask(
        "signing_key_instants",
        {
            "ring_id": key.ring_id,
            "key_id": key.key_id,
            "active_at": key.active_at,
            "retired_at": key.retired_at,
            "gone_at": key.gone_at,
            "revoked_at": key.revoked_at,
        },
    )


@single
def delete(ring_id: str, key_id: str) -> Plan[None]:
    """Forget a key."""
    yield Ask("signing_key_delete", {"ring_id": ring_id, "key_id": key_id})


@single
def rings(after: str, limit: int) -> Plan[list[str]]:
    """List at most `limit` ring identifiers behind `after`, in order."""
    rows = yield Ask("ring_page", {"after": after, "limit": limit})
    return [row[0] for row in rows]
