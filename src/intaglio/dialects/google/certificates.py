"""Discovery and the two forms in which the keys are published: PEM certificates by kid, and a JWK Set."""

from __future__ import annotations

import base64

from intaglio.dialects.coding import Context
from intaglio.dialects.standard import discovery
from intaglio.names import Kid
from intaglio.protocol.discovery import DiscoveryAnswer, KeysAnswer
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
        return discovery.document({kid(key): key.pem for key in answer.keys}, answer.max_age)
    keys = [{**key.members, "use": "sig", "alg": key.alg, "kid": kid(key)} for key in answer.keys]
    return discovery.document({"keys": keys}, answer.max_age)


def write_discovery(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata: here only what verifies a workload's token."""
    body = {
        "issuer": answer.issuer,
        "jwks_uri": answer.base + "/oauth2/v3/certs",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"],
    }
    return discovery.document(body, 300)
