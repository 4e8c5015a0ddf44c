"""Provider metadata and keys.

OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2, RFC 7517 section 5, RFC 9207 section 3.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard.claims import SCOPE_CLAIMS
from intaglio.names import Kid
from intaglio.protocol.discovery import DiscoveryAnswer, DiscoveryQuery, KeysAnswer, KeysQuery
from intaglio.protocol.facts import PublishedKey
from intaglio.wire.message import Request, Response

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
TOKEN_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "amr", "sid"]


def read_discovery(request: Request, ctx: Context) -> DiscoveryQuery:
    """Read a request for the metadata."""
    return DiscoveryQuery()


def metadata(answer: DiscoveryAnswer) -> dict[str, Any]:
    """Return the metadata document; it lists what is there and nothing else."""
    base = answer.base
    return {
        "issuer": answer.issuer,
        "authorization_endpoint": base + "/authorize",
        "token_endpoint": base + "/token",
        "userinfo_endpoint": base + "/userinfo",
        "jwks_uri": base + "/jwks",
        "revocation_endpoint": base + "/revoke",
        "introspection_endpoint": base + "/introspect",
        "end_session_endpoint": base + "/logout",
        "scopes_supported": ["openid", *SCOPE_CLAIMS, "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(answer.signing_algs),
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS[:2],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [*TOKEN_CLAIMS, *(name for names in SCOPE_CLAIMS.values() for name in names)],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


def document(body: dict[str, Any], max_age: int) -> Response:
    """Return a public JSON document that may be kept for `max_age` seconds."""
    headers = (("content-type", "application/json"), ("cache-control", f"public, max-age={max_age}"))
    return Response(200, headers, codec.encode_json(body))


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata."""
    return document(metadata(answer), 300)


def read_keys(request: Request, ctx: Context) -> KeysQuery:
    """Read a request for the keys; the route states their form."""
    return KeysQuery(ctx.fixed.get("form", "jwks"))


def kid(key: PublishedKey) -> Kid:
    """Return a key's name: its RFC 7638 thumbprint."""
    return Kid(key.thumbprint)


def publishes(key: PublishedKey) -> bool:
    """Tell whether the key belongs into the key set: every key does."""
    return True


def write_keys(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys as a JWK Set."""
    keys = [
        {**key.members, "use": "sig", "alg": key.alg, "kid": kid(key), "x5c": [key.x5c], "x5t#S256": key.x5t_s256}
        for key in answer.keys
    ]
    return document({"keys": keys}, answer.max_age)
