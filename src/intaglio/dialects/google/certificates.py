"""The two forms in which the keys are published: PEM certificates by kid, and a JWK Set (RFC 7517 section 5)."""

from __future__ import annotations

import base64
from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.names import Kid
from intaglio.protocol.discovery import KeysAnswer
from intaglio.protocol.facts import PublishedKey
from intaglio.wire.message import Response


def kid(key: PublishedKey) -> Kid:
    """Return a key's name: the SHA-1 of its certificate in hex digits."""
    return Kid(base64.urlsafe_b64decode(key.x5t + "==").hex())


def publishes(key: PublishedKey) -> bool:
    """Tell whether the key belongs into the key set: RS256 alone, for one client fails on any other key."""
    return key.alg == "RS256"


def write_keys(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys: `certificates` is a map from kid to PEM, `jwks` a JWK Set."""
    if answer.form == "certificates":
        return _document({kid(key): key.pem for key in answer.keys}, answer.max_age)
    keys = [{**key.members, "use": "sig", "alg": key.alg, "kid": kid(key)} for key in answer.keys]
    return _document({"keys": keys}, answer.max_age)


def _document(body: dict[str, Any], max_age: int) -> Response:
    # RFC 9111 5.2.2.2: an old answer may not stand in for a new one, or revoked keys would live on in caches.
    control = f"public, max-age={max_age}, must-revalidate, no-transform"
    headers = (("content-type", "application/json; charset=UTF-8"), ("cache-control", control))
    return Response(200, headers, codec.encode_json(body))
