"""Metadata and keys of a workspace.

Cloudentity's interface of its authorization server (well-known document); OpenID Connect Discovery 1.0 section 3,
RFC 8414 section 2, RFC 9126 section 5, RFC 7517 section 5.
"""

from __future__ import annotations

from typing import Any

from intaglio.dialects.cloudentity import claims
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import discovery, pushed
from intaglio.names import Kid
from intaglio.protocol.discovery import DiscoveryAnswer, KeysAnswer
from intaglio.protocol.facts import PublishedKey
from intaglio.protocol.scopes import SCOPE_CLAIMS
from intaglio.wire.message import Response

SIGNING_ALGS = ("ES256", "RS256", "PS256")
"""What workspaces sign ID tokens with; the first is what they sign with unless something else is asked for."""

INBOX_ALG = "ECDH-ES+A256KW"
"""What the key to encrypt to says that it is for."""

# VENDOR: the official client for Go refuses a document in which the words have another order.
RESPONSE_TYPES = ("code", "id_token", "token id_token", "code id_token", "token code", "token id_token code")
"""The response types, in Cloudentity's own spelling; a request may have the words in any order."""

# OpenID Connect Discovery 3: members of the standard's document that no workspace's has.
_ABSENT = (
    "check_session_iframe",
    "claim_types_supported",
    "display_values_supported",
    "prompt_values_supported",
    "ui_locales_supported",
)


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata.

    A program reads each member with its own type, and some against the values that it knows: of the algorithms that
    encrypt ID tokens those are listed that Cloudentity has, and clients may register others as well.
    """
    base, inside = answer.base, answer.programs
    body: dict[str, Any] = discovery.metadata(answer) | {
        "authorization_endpoint": base + "/oauth2/authorize",
        "token_endpoint": inside + "/oauth2/token",
        "userinfo_endpoint": inside + "/userinfo",
        "jwks_uri": inside + "/.well-known/jwks.json",
        "revocation_endpoint": inside + "/oauth2/revoke",
        "introspection_endpoint": inside + "/oauth2/introspect",
        "end_session_endpoint": base + "/oidc/logout",
        "device_authorization_endpoint": inside + "/device/authorization",
        "response_types_supported": list(RESPONSE_TYPES),
        "id_token_encryption_alg_values_supported": ["RSA-OAEP", "RSA-OAEP-256"],
        "id_token_encryption_enc_values_supported": ["A256GCM", "A128CBC-HS256"],
        "scopes_supported": list(answer.scopes),
        "claims_supported": sorted({*claims.SUPPORTED, *(name for names in SCOPE_CLAIMS.values() for name in names)}),
    }
    body |= pushed.members(inside)
    if answer.registration:
        body["registration_endpoint"] = inside + "/oauth2/register"
    for name in _ABSENT:
        body.pop(name, None)
    return discovery.document(dict(sorted(body.items())), 300)


def kid(key: PublishedKey) -> Kid:
    """Return a key's name: the serial number of its certificate, in decimal."""
    return Kid(str(key.serial))


def publishes(key: PublishedKey) -> bool:
    """Tell whether the key belongs into the key set: those that a workspace may sign with."""
    return key.alg in SIGNING_ALGS


def write_keys(answer: KeysAnswer, ctx: Context) -> Response:
    """Write the keys as a JWK Set: the one that signs now first, the one to encrypt to at the end."""
    # VENDOR: clients take the first key of the use that they want.
    ordered = sorted(answer.keys, key=lambda key: (key.key_id not in answer.signing, SIGNING_ALGS.index(key.alg)))
    keys = [
        {
            **key.members,
            "use": "sig",
            "alg": key.alg,
            "kid": kid(key),
            "x5c": [key.x5c],
            "x5t": key.x5t,
            "x5t#S256": key.x5t_s256,
        }
        for key in ordered
    ]
    # VENDOR: clients take the algorithm of what they encrypt from the key; any other that is listed works as well.
    inbox = [{**key, "alg": INBOX_ALG} for key in answer.encryption]
    return discovery.document({"keys": [*keys, *inbox]}, answer.max_age)
