"""Making keys, rotating them, and withdrawing them in an emergency: plans over one ring."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import IntaglioError
from intaglio.names import RingId
from intaglio.server.keyring import lifecycle
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import signingkeys
from intaglio.server.model.plan import Plan
from intaglio.server.model.signingkeys import SigningKeyRecord
from intaglio.tokens import certificates, jwk, pem

CERTIFICATE_LIFETIME = 10 * 365 * 86400
PURPOSE = "signing-key/"


def make(vault: Vault, ring_id: RingId, alg: str, now: int) -> SigningKeyRecord:
    """Make a key with its certificate, not yet kept; an RSA key of 2048 bits takes some 50 to 120 ms.

    The certificate begins an hour early, so that a clock that is behind accepts it.
    """
    key = jwk.generate(alg)
    key_id = ids.new_uuid()
    certificate = certificates.self_signed(
        key, common_name=f"Intaglio {key_id}", not_before=now - 3600, lifetime=CERTIFICATE_LIFETIME
    )
    sealed = vault.seal(pem.private_to_der(key), PURPOSE + key_id)
    return SigningKeyRecord(ring_id, key_id, alg, sealed, certificate, created_at=now, active_at=now)


def ensure(fresh: SigningKeyRecord, now: int) -> Plan[SigningKeyRecord]:
    """Keep the fresh key unless the ring has a current key of its algorithm; return the one that is current."""
    yield from signingkeys.lock_ring(fresh.ring_id)
    keys = yield from signingkeys.of_ring(fresh.ring_id)
    signing = lifecycle.current(keys, fresh.alg, now)
    if signing is not None:
        return signing
    yield from signingkeys.insert(fresh)
    return fresh


def rotate(fresh: SigningKeyRecord, now: int, ahead: int = lifecycle.PUBLISH_AHEAD) -> Plan[SigningKeyRecord]:
    """Publish a successor that signs from `ahead` seconds on, and return it.

    If a successor is waiting already it is returned, and the fresh key is dropped: rotating twice makes no two keys.
    """
    yield from signingkeys.lock_ring(fresh.ring_id)
    keys = yield from signingkeys.of_ring(fresh.ring_id)
    waiting = lifecycle.upcoming(keys, fresh.alg, now)
    if waiting is not None:
        return waiting
    signing = lifecycle.current(keys, fresh.alg, now)
    begins = now + ahead if signing is not None else now
    successor = msgspec.structs.replace(fresh, active_at=begins)
    yield from signingkeys.insert(successor)
    if signing is not None:
        yield from _retire(signing, begins)
    return successor


def _retire(key: SigningKeyRecord, at: int) -> Plan[None]:
    gone = at + lifecycle.KEEP_BEHIND
    yield from signingkeys.set_instants(msgspec.structs.replace(key, retired_at=at, gone_at=gone))


def _stay(signing: SigningKeyRecord | None, withdrawn: SigningKeyRecord) -> Plan[None]:
    """Let the signing key go on where the successor that would have relieved it is withdrawn."""
    if signing is not None and signing.retired_at == withdrawn.active_at:
        yield from signingkeys.set_instants(msgspec.structs.replace(signing, retired_at=None, gone_at=None))


def begin(ring_id: RingId, key_id: str, begins: int, now: int) -> Plan[SigningKeyRecord]:
    """Have a waiting key sign from another instant on, not before `now`, and return it.

    The key that it relieves signs until then. Raises `IntaglioError` (`key-not-found`, `key-not-waiting`).
    """
    yield from signingkeys.lock_ring(ring_id)
    keys = yield from signingkeys.of_ring(ring_id)
    key = _found(keys, key_id)
    if lifecycle.state(key, now) != "next":
        raise IntaglioError("key-not-waiting", "The key does not wait for its turn.")
    begins = max(begins, now)
    waiting = msgspec.structs.replace(key, active_at=begins)
    yield from signingkeys.set_instants(waiting)
    signing = lifecycle.current(keys, key.alg, now)
    if signing is not None and signing.retired_at == key.active_at:
        yield from _retire(signing, begins)
    return waiting


def delete(ring_id: RingId, key_id: str, now: int) -> Plan[SigningKeyRecord]:
    """Forget a key that is not published any more, and return it.

    Raises `IntaglioError` (`key-not-found`, `key-published`).
    """
    yield from signingkeys.lock_ring(ring_id)
    key = _found((yield from signingkeys.of_ring(ring_id)), key_id)
    # A key that leaves without having been withdrawn would leave a ring that signs with nothing.
    if lifecycle.is_published(key, now):
        raise IntaglioError("key-published", "The key is in the published set.")
    yield from signingkeys.delete(ring_id, key_id)
    return key


def _found(keys: list[SigningKeyRecord], key_id: str) -> SigningKeyRecord:
    for key in keys:
        if key.key_id == key_id:
            return key
    raise IntaglioError("key-not-found", "The ring has no such key.")


def revoke(ring_id: RingId, key_id: str, fresh: SigningKeyRecord | None, now: int) -> Plan[SigningKeyRecord]:
    """Withdraw a key at once and return it.

    If it was the signing key, the waiting successor signs from now on, or `fresh` if there is none.
    Raises `IntaglioError` (`key-not-found`, `key-not-replaceable`).
    """
    yield from signingkeys.lock_ring(ring_id)
    keys = yield from signingkeys.of_ring(ring_id)
    key = _found(keys, key_id)
    was = lifecycle.state(key, now)
    withdrawn = msgspec.structs.replace(key, revoked_at=now, retired_at=min(key.retired_at or now, now), gone_at=now)
    yield from signingkeys.set_instants(withdrawn)
    others = [k for k in keys if k.key_id != key_id]
    if was == "next":
        yield from _stay(lifecycle.current(others, key.alg, now), key)
    if was == "current" and lifecycle.current(others, key.alg, now) is None:
        waiting = lifecycle.upcoming(others, key.alg, now)
        if waiting is not None:
            yield from signingkeys.set_instants(msgspec.structs.replace(waiting, active_at=now))
        elif fresh is not None:
            yield from signingkeys.insert(fresh)
        else:
            raise IntaglioError("key-not-replaceable", "There is no key to take its place.")
    return withdrawn
