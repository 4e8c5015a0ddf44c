"""Keys of service accounts that workloads hold themselves: made here and handed out once, or brought as certificates.

RFC 5280 (certificates), RFC 5958 (PKCS #8).
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.errors import Misconfigured, Refused
from intaglio.ids import Secret
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor
from intaglio.tokens import certificates, jwk, pem

ALG = "RS256"
MAX_KEYS = 10
"""Keys that holders may have of one account."""
LIFETIME = 10 * 365 * 86400
"""Seconds for which the certificate of a created key is valid where the key does not expire."""
LONGEST = LIFETIME


class Made(msgspec.Struct, frozen=True):
    """A new key and its private part, which is kept nowhere."""

    key: AccountKey
    private_pem: Secret


def key_id(certificate: bytes) -> str:
    """Return a key's name: the SHA-1 of its certificate in hex digits; a name, no protection."""
    return codec.decode_base64url(certificates.thumbprint_sha1(certificate)).hex()


def make(account: ServiceAccount, now: int, lifetime: int | None = None) -> Made:
    """Make an RSA key of 2048 bits, not yet kept; takes some 50 to 120 ms.

    `lifetime` (seconds) ends it by itself. Raises `Misconfigured` (`lifetime-invalid`).
    """
    if lifetime is not None and not 3600 <= lifetime <= LONGEST:
        raise fields.refuse("lifetime-invalid", "The lifetime cannot be used.", f"3600 to {LONGEST} seconds", lifetime)
    private = jwk.generate(ALG)
    begins, span = now - certificates.EARLIER, (lifetime or LIFETIME) + certificates.EARLIER
    certificate = certificates.self_signed(private, common_name=account.unique_id, not_before=begins, lifetime=span)
    key = AccountKey(
        tenant_id=account.tenant_id,
        unique_id=account.unique_id,
        key_id=key_id(certificate),
        alg=ALG,
        origin="created",
        certificate=certificate,
        created_at=now,
        expires_at=now + lifetime if lifetime is not None else None,
    )
    return Made(key, Secret(pem.private_to_pem(private)))


def accept(account: ServiceAccount, certificate_pem: str, now: int) -> AccountKey:
    """Return the key of a certificate that somebody brings, not yet kept.

    Raises `Misconfigured` (`certificate-invalid`) for anything but an X.509 certificate in PEM over an RSA key of
    2048 bits or more that is valid now; what proves a private key must not come here.
    """
    if "PRIVATE KEY" in certificate_pem:
        raise _bad("a certificate alone: the private key stays with its holder", "a private key")
    try:
        der = pem.certificate_from_pem(certificate_pem)
        certificates.public_key(der, ALG)
        begins, ends = certificates.validity(der)
    except Refused as exc:
        raise _bad("an X.509 certificate in PEM over an RSA key of 2048 bits or more", exc.detail.get("rule")) from exc
    if not begins <= now < ends:
        raise _bad("a certificate that is valid now", f"valid from {begins} to {ends}")
    return AccountKey(
        tenant_id=account.tenant_id,
        unique_id=account.unique_id,
        key_id=key_id(der),
        alg=ALG,
        origin="uploaded",
        certificate=der,
        created_at=now,
        expires_at=ends,
    )


def _bad(expected: str, received: object) -> Misconfigured:
    return fields.refuse("certificate-invalid", "The certificate cannot be used.", expected, received)


def add(actor: Actor, account: ServiceAccount, key: AccountKey) -> Plan[AccountKey]:
    """Keep a new key; raises `Misconfigured` (`keys-too-many`, `key-exists`)."""
    held = [one for one in (yield from accountkeys.of_account(key.tenant_id, key.unique_id)) if one.origin != "system"]
    if len(held) >= MAX_KEYS:
        hint = f"Delete one: intaglio service-account key list {account.email}"
        raise fields.refuse("keys-too-many", "The account has enough keys.", f"at most {MAX_KEYS}", len(held), hint)
    try:
        yield from accountkeys.insert(key)
    except Conflict as exc:
        raise fields.refuse("key-exists", "The account has this key.", "another key", key.key_id) from exc
    action = "service-account-key.create" if key.origin == "created" else "service-account-key.upload"
    told = {"email": account.email, "key_id": key.key_id}
    yield from deeds.note(key.tenant_id, actor, action, account.resource, after=key, **told)
    return key


def find(account: ServiceAccount, name: str, *, system: bool = False) -> Plan[AccountKey]:
    """Find a key of an account that its holders have, or with `system` any; raises `Misconfigured` (`key-unknown`)."""
    for key in (yield from accountkeys.of_account(account.tenant_id, account.unique_id)):
        if key.key_id == name and (system or key.origin != "system"):
            return key
    hint = f"List them with: intaglio service-account key list {account.email}"
    raise fields.refuse("key-unknown", "The account has no such key.", "the key_id of a key", name, hint)


def switch(actor: Actor, account: ServiceAccount, name: str, *, enabled: bool) -> Plan[AccountKey]:
    """Disable a key, or enable it again; raises `Misconfigured` (`key-unknown`)."""
    key = yield from find(account, name)
    changed = msgspec.structs.replace(key, disabled_at=None if enabled else key.disabled_at or actor.now)
    yield from accountkeys.replace(changed)
    action = "service-account-key.enable" if enabled else "service-account-key.disable"
    told = {"email": account.email, "key_id": name}
    yield from deeds.note(key.tenant_id, actor, action, account.resource, before=key, after=changed, **told)
    return changed


def delete(actor: Actor, account: ServiceAccount, name: str) -> Plan[None]:
    """Remove a key for good: nothing that it signed is believed any more. Raises `Misconfigured` (`key-unknown`)."""
    key = yield from find(account, name)
    yield from accountkeys.delete(key.tenant_id, key.unique_id, name)
    detail = {"email": account.email, "key_id": name}
    yield from deeds.note(key.tenant_id, actor, "service-account-key.delete", account.resource, before=key, **detail)
