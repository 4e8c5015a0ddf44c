"""Readers and writers of Auth0's endpoints, where they differ from the standard's."""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.auth0 import claims
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import discovery, logout, oauth, userinfo
from intaglio.names import Kid
from intaglio.protocol.discovery import DiscoveryAnswer, KeysAnswer
from intaglio.protocol.facts import PublishedKey
from intaglio.protocol.logout import LogoutQuery
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params


def read_token(request: Request, ctx: Context) -> Any:
    """Read a token request: a form, or JSON in which null counts as absent."""
    return oauth.token_query(request, coding.single(_body(request)))


def _body(request: Request) -> Params:
    # VENDOR: the Python SDK posts JSON with null members, the others post forms.
    return coding.json_params(request) if request.media_type() == "application/json" else coding.form_params(request)


def read_logout(request: Request, ctx: Context) -> LogoutQuery:
    """Read a logout request of the older form, whose target is named `returnTo`."""
    return logout.query(coding.query_params(request), "returnTo")


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata."""
    base = answer.base
    body = discovery.metadata(answer) | {
        "authorization_endpoint": base + "/authorize",
        "token_endpoint": base + "/oauth/token",
        "userinfo_endpoint": base + "/userinfo",
        "jwks_uri": base + "/.well-known/jwks.json",
        "revocation_endpoint": base + "/oauth/revoke",
        "end_session_endpoint": base + "/oidc/logout",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "claims_supported": (
            "aud auth_time email email_verified exp family_name given_name iat iss name nickname phone_number picture"
            " sub"
        ).split(),
    }
    for name in (
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "registration_endpoint",
        "device_authorization_endpoint",
        "acr_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
    ):
        body.pop(name, None)
    return discovery.document(body, 300)


def kid(key: PublishedKey) -> Kid:
    """Return a key's name: the base64url SHA-1 thumbprint of its certificate."""
    return Kid(key.x5t)


def publishes(key: PublishedKey) -> bool:
    """Tell whether the key belongs into the key set: RSA keys alone, for the SDKs read each one as RSA."""
    return key.members["kty"] == "RSA"


def write_keys(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys as a JWK Set with one certificate each."""
    keys = [
        {**key.members, "use": "sig", "alg": key.alg, "kid": kid(key), "x5t": key.x5t, "x5c": [key.x5c]}
        for key in answer.keys
    ]
    return discovery.document({"keys": keys}, min(answer.max_age, 300))


def write_userinfo(answer: UserinfoAnswer, ctx: Context) -> Response:
    """Write the profile."""
    if answer.jwt:
        return userinfo.write_jwt(answer)
    return message.json_response(200, codec.encode_json(claims.userinfo(answer)))
