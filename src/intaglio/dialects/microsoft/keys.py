"""Signing keys as the key documents of both versions show them, and what token headers say of them.

Microsoft's page "Signing key rollover"; RFC 7517 section 4.
"""

from __future__ import annotations

from typing import Any

from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority
from intaglio.dialects.standard import discovery
from intaglio.names import Kid
from intaglio.protocol.discovery import KeysAnswer
from intaglio.protocol.facts import PublishedKey
from intaglio.wire.message import Response


def kid(key: PublishedKey) -> Kid:
    """Return a key's name: the base64url SHA-1 thumbprint of its certificate."""
    return Kid(key.x5t)


def publishes(key: PublishedKey) -> bool:
    """Tell whether the key belongs into the key set: RSA keys for RS256 alone."""
    return key.alg == "RS256"


def header(key: PublishedKey, variant: str) -> dict[str, str]:
    """Return what a token's header says of its key besides `kid`: v1.0 repeats the name as `x5t`."""
    return {"x5t": str(kid(key))} if variant == authority.V1 else {}


def write(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys as a JWK Set; those of v2.0 say which issuers they sign for."""
    keys = [_member(key, ctx) for key in answer.keys]
    return discovery.document({"keys": keys}, answer.max_age)


def _member(key: PublishedKey, ctx: Context) -> dict[str, Any]:
    # VENDOR: no `alg`, as its keys have none; SDKs take `x5t` and `kid` for the same text.
    member: dict[str, Any] = {"kty": key.members["kty"], "use": "sig", "kid": kid(key), "x5t": key.x5t}
    member |= {"n": key.members["n"], "e": key.members["e"], "x5c": [key.x5c]}
    if ctx.variant == authority.V2:
        # One ring signs for every tenant of the authority: a validator puts the token's own tenant there.
        member["issuer"] = f"{authority.authority(ctx.base)}/{authority.TEMPLATE}/v2.0"
    return member
