"""Provider metadata and keys.

Auth0's page "Configure Applications with OIDC Discovery"; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

from intaglio.dialects.coding import Context
from intaglio.dialects.standard import discovery
from intaglio.names import Kid
from intaglio.protocol.device import GRANT
from intaglio.protocol.discovery import DiscoveryAnswer, KeysAnswer
from intaglio.protocol.facts import PublishedKey
from intaglio.wire.message import Response

PUSHED = "/oauth/par"
INTROSPECTION = "/oauth/introspect"
"""Not the vendor's: access tokens are opaque here, and an API has to ask somebody whom one is for."""
SCOPES = (
    "openid profile offline_access name given_name family_name nickname email email_verified picture created_at phone"
    " address"
).split()
CLAIMS = (
    "aud auth_time created_at email email_verified exp family_name given_name iat iss name nickname phone_number"
    " picture sub"
).split()
ABSENT = (
    "check_session_iframe",
    "acr_values_supported",
    "request_object_encryption_alg_values_supported",
    "request_object_encryption_enc_values_supported",
)
"""Members of the standard's metadata that have nothing behind them here."""


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata."""
    base, inside = answer.base, answer.programs
    body = discovery.metadata(answer) | {
        "authorization_endpoint": base + "/authorize",
        "token_endpoint": inside + "/oauth/token",
        "device_authorization_endpoint": inside + "/oauth/device/code",
        "userinfo_endpoint": inside + "/userinfo",
        "jwks_uri": inside + "/.well-known/jwks.json",
        "revocation_endpoint": inside + "/oauth/revoke",
        "end_session_endpoint": base + "/oidc/logout",
        "introspection_endpoint": inside + INTROSPECTION,
        "pushed_authorization_request_endpoint": inside + PUSHED,
        "require_pushed_authorization_requests": False,
        "response_modes_supported": ["query", "fragment", "form_post", "web_message"],
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "client_credentials", GRANT],
        "scopes_supported": SCOPES,
        "claims_supported": CLAIMS,
    }
    if answer.registration:
        body["registration_endpoint"] = inside + "/oidc/register"
    return discovery.document({name: value for name, value in body.items() if name not in ABSENT}, 300)


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
