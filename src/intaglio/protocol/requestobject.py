"""Request objects: which parameters of an authorization request one may hold, and what of it is believed.

OpenID Connect Core 6, RFC 9101 (JWT-secured authorization requests) sections 4, 5 and 10.8, RFC 8725 section 3.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio import codec

SIGNING_ALGS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
    "HS256",
)
"""The algorithms that a request object may be signed with; `none` is for clients that registered it and nobody else."""

ENCRYPTION_ALGS = ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW")
"""The algorithms by which a request object may be encrypted to the issuer's key."""

DEFAULT_ENCRYPTION = "A128CBC-HS256"
"""Registration 1.0 section 2: what an application has registered that names the algorithm of the key alone."""

PARAMETERS = frozenset(
    "client_id redirect_uri response_type response_mode scope state nonce code_challenge code_challenge_method prompt"
    " max_age login_hint id_token_hint acr_values claims display ui_locales claims_locales".split()
)
"""The parameters of an authorization request that are read; others are ignored (RFC 6749 section 3.1)."""

FORBIDDEN = ("request", "request_uri")
TYPE = "oauth-authz-req+jwt"


class RequestObjectError(ValueError):
    """The object cannot be used; the message names the rule, never a value."""


def kind(header: Mapping[str, Any]) -> str:
    """Return what the header says that the object is: `TYPE`, or empty for the untyped objects of OpenID Connect.

    Raises `RequestObjectError` for every other type.
    """
    typ = header.get("typ", "")
    word = typ.lower().removeprefix("application/") if isinstance(typ, str) else None
    if word in ("", "jwt"):
        return ""
    # RFC 8725 3.11, RFC 9101 10.8: a logout token, an access token or a proof is no request, whoever signed it.
    if word != TYPE:
        raise RequestObjectError(f"typ is {TYPE}, JWT or absent")
    return TYPE


def _text(name: str, value: Any) -> str:
    if name == "claims":
        # OpenID Connect Core 6.1: what is JSON text in a parameter is a JSON object here.
        if isinstance(value, dict):
            return codec.encode_json(value).decode("utf-8")
        raise RequestObjectError("claims is an object")
    if name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    raise RequestObjectError(f"{name} is text" if name != "max_age" else "max_age is a number")


def parameters(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the request's parameters that the object's members are, as texts; unknown members are ignored.

    Raises `RequestObjectError` for a member of another type than the parameter has, and for an object that leads on to
    another one.
    """
    # RFC 9101 4: neither of the two may be inside; an object that names another would be fetched without end.
    if any(name in members for name in FORBIDDEN):
        raise RequestObjectError("request and request_uri do not belong inside")
    return {name: _text(name, members[name]) for name in members if name in PARAMETERS}
