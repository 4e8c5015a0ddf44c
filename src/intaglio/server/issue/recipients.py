"""To whom a token is encrypted, and when it must be: a client's key, chosen by use, alg and kid from its key set.

OpenID Connect Registration 1.0 section 2 (`*_encrypted_response_alg`, `*_encrypted_response_enc`), OpenID Connect Core
10.2 (encryption), RFC 7516 section 4.1 (`kid`, `cty`), RFC 7519 section 5.2 (`cty` of a nested token).

Only public keys are encrypted to: a client's secret is kept as a hash, and never is a key here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from intaglio import codec
from intaglio.errors import Refused
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Tenant
from intaglio.tokens import encryptionkeys, jwe
from intaglio.tokens.encryptionkeys import EncryptionKey

DEFAULT_ENC = "A128CBC-HS256"
"""OpenID Connect Registration 1.0 section 2: what an `alg` without `enc` means."""


class Recipient(msgspec.Struct, frozen=True):
    """The key that a token is encrypted to, and how."""

    key: EncryptionKey
    alg: str
    enc: str


def is_demanded(client: Client, tenant: Tenant, *, front_channel: bool) -> bool:
    """Tell whether the client or its tenant demands that an ID token be encrypted where it is about to go."""
    levels = (client.encrypt_id_token, tenant.encrypt_id_tokens)
    return "always" in levels or (front_channel and "front_channel" in levels)


def choose(document: str, alg: str, enc: str = "") -> Recipient:
    """Return the recipient of a JWK Set (JSON text): a key for `alg`, one that says so before one that may serve.

    Raises `Refused` with `forbidden-algorithm` for an `alg` that is symmetric or unknown or an unknown `enc`,
    `encryption-key-unknown` if no key fits, `malformed-key` for a text that is no key set.
    """
    # SECURITY: no secret is ever a recipient's key (test_a_symmetric_alg_is_refused).
    if alg not in jwe.PUBLIC:
        raise Refused("forbidden-algorithm", detail={"received": alg[:64], "expected": list(jwe.PUBLIC)})
    return _chosen(document, alg, enc or DEFAULT_ENC)


@lru_cache(maxsize=512)
def _chosen(document: str, alg: str, enc: str) -> Recipient:
    try:
        keys = encryptionkeys.read_public_set(codec.decode_json_object(document.encode()))
    except codec.CodecError as fault:
        raise Refused("malformed-key", detail={"rule": str(fault)}) from None  # the rule says it all
    return Recipient(encryptionkeys.choose_recipient(_by_fitness(keys, alg), alg, enc), alg, enc)


def _by_fitness(keys: Iterable[EncryptionKey], alg: str) -> list[EncryptionKey]:
    # RFC 7517 4.2, 4.4: what its owner marked for this purpose comes first; else the order of the set counts.
    return sorted(keys, key=lambda key: (key.alg != alg, key.use != "enc"))


def seal(token: str, recipient: Recipient) -> str:
    """Return a signed token encrypted to the recipient: signed, then encrypted (OpenID Connect Core 10.2)."""
    # RFC 7519 5.2: a nested token says so.
    return _encrypted(token.encode("ascii"), recipient, {"cty": "JWT"})


def seal_claims(payload: bytes, recipient: Recipient) -> str:
    """Return claims that are encrypted without being signed (OpenID Connect Core 5.3.2)."""
    return _encrypted(payload, recipient, {})


def _encrypted(payload: bytes, recipient: Recipient, header: dict[str, str]) -> str:
    members = {"typ": "JWT", **header}
    return jwe.encrypt(payload, recipient.key, alg=recipient.alg, enc=recipient.enc, header=members)
