"""Provider metadata and keys.

OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2, RFC 7517 section 5, RFC 9126 section 5, RFC 9207 section 3.
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import pushed
from intaglio.names import Kid
from intaglio.protocol.authorize import ACR_VALUES, RESPONSE_MODES, RESPONSE_TYPES
from intaglio.protocol.device import GRANT
from intaglio.protocol.discovery import DiscoveryAnswer, DiscoveryQuery, KeysAnswer, KeysQuery
from intaglio.protocol.facts import PublishedKey
from intaglio.protocol.requestobject import ENCRYPTION_ALGS, SIGNING_ALGS
from intaglio.protocol.scopes import SCOPE_CLAIMS
from intaglio.tokens import algorithms, jwe
from intaglio.wire.message import Request, Response

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]
AUTH_ALGS = [*algorithms.KEYED, *(name for name, one in algorithms.ALGORITHMS.items() if one.family != "ml-dsa")]
"""What the assertions of clients may be signed with."""
TOKEN_CLAIMS = "iss sub aud exp iat auth_time nonce acr at_hash c_hash s_hash amr sid".split()


def read_discovery(request: Request, ctx: Context) -> DiscoveryQuery:
    """Read a request for the metadata."""
    return DiscoveryQuery()


def metadata(answer: DiscoveryAnswer) -> dict[str, Any]:
    """Return the metadata document; it lists what is there and nothing else."""
    base, inside = answer.base, answer.programs
    return {
        "issuer": answer.issuer,
        "authorization_endpoint": base + "/authorize",
        "token_endpoint": inside + "/token",
        "userinfo_endpoint": inside + "/userinfo",
        "jwks_uri": inside + "/jwks",
        "revocation_endpoint": inside + "/revoke",
        "introspection_endpoint": inside + "/introspect",
        "end_session_endpoint": base + "/logout",
        **({"check_session_iframe": base + "/session"} if answer.session_management else {}),
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        **({"registration_endpoint": inside + "/register"} if answer.registration else {}),
        "device_authorization_endpoint": inside + "/device_authorization",
        "scopes_supported": ["openid", *SCOPE_CLAIMS, "offline_access"],
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "client_credentials", GRANT],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": list(answer.signing_algs),
        "id_token_encryption_alg_values_supported": list(jwe.PUBLIC),
        "id_token_encryption_enc_values_supported": list(jwe.ENCRYPTIONS),
        "userinfo_signing_alg_values_supported": list(answer.signing_algs),
        "userinfo_encryption_alg_values_supported": list(jwe.PUBLIC),
        "userinfo_encryption_enc_values_supported": list(jwe.ENCRYPTIONS),
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS[:-1],
        "token_endpoint_auth_signing_alg_values_supported": AUTH_ALGS,
        "revocation_endpoint_auth_signing_alg_values_supported": AUTH_ALGS,
        "introspection_endpoint_auth_signing_alg_values_supported": AUTH_ALGS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account", *(["create"] * answer.sign_up)],
        "claims_supported": [*TOKEN_CLAIMS, *(name for names in SCOPE_CLAIMS.values() for name in names)],
        "claim_types_supported": ["normal", "aggregated", "distributed"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        # `none` is not for everybody, so it is not listed: it works for clients that registered it.
        "request_object_signing_alg_values_supported": list(SIGNING_ALGS),
        "request_object_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "request_object_encryption_enc_values_supported": list(jwe.ENCRYPTIONS),
        "acr_values_supported": list(ACR_VALUES),
        "display_values_supported": ["page"],
        "ui_locales_supported": ["en"],
        "authorization_response_iss_parameter_supported": True,
    }


def document(body: dict[str, Any], max_age: int) -> Response:
    """Return a public JSON document that may be kept for `max_age` seconds."""
    headers = (("content-type", "application/json"), ("cache-control", f"public, max-age={max_age}"))
    return Response(200, headers, codec.encode_json(body))


def whole(answer: DiscoveryAnswer) -> dict[str, Any]:
    """Return the document of the standard dialect itself, with what the others say in their own way."""
    return metadata(answer) | pushed.members(answer.programs)


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata."""
    return document(whole(answer), 300)


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
    return document({"keys": [*keys, *answer.encryption]}, answer.max_age)
