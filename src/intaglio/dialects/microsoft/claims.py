"""The claims of ID tokens: v1.0's, v2.0's, and those of people who belong to no organisation.

Microsoft's pages "ID tokens" (its two samples) and "ID token claims reference".
"""

from __future__ import annotations

import hashlib
from typing import Any

from intaglio import codec
from intaglio.dialects.microsoft import account, authority, claims_v1, claims_v2, optional
from intaglio.names import Subject
from intaglio.protocol.facts import Facts

SCOPES = optional.SCOPES
_ZERO = bytes(16)


def subject(user_id: str, pairwise: str = "") -> Subject:
    """Return 32 octets in base64url, other ones for each application; half of them are zero for personal accounts."""
    octets = codec.decode_base64url(pairwise) if pairwise else _derived(user_id)
    if account.is_personal(user_id):
        octets = _ZERO + octets[16:]
    return Subject(codec.encode_base64url(octets))


def _derived(user_id: str) -> bytes:
    return hashlib.sha256(b"intaglio/microsoft/subject/" + user_id.encode()).digest()


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims in the order of their version's samples; the version is that of the endpoint."""
    if facts.variant == authority.V1:
        return claims_v1.claims(facts)
    if account.is_personal(account.person(facts).user_id):
        return claims_v2.of_personal_account(facts)
    return claims_v2.claims(facts)
