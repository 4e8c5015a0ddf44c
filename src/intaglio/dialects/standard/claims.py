"""Which claims an ID token and UserInfo hold.

OpenID Connect Core 2 (ID token), 5.1 (standard claims), 5.4 (scopes), 12.2 (after a refresh).
"""

from __future__ import annotations

from typing import Any

from intaglio.names import Subject
from intaglio.protocol.facts import Facts, Person

PROFILE = (
    "name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate"
    " zoneinfo locale updated_at"
).split()
SCOPE_CLAIMS: dict[str, tuple[str, ...]] = {
    "profile": tuple(PROFILE),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""OpenID Connect Core 5.4: the claims that each scope asks for."""


def subject(user_id: str) -> Subject:
    """Return the subject of a user: the UUID itself (Core 8, public subjects)."""
    return Subject(user_id)


def person_claims(person: Person, scope: tuple[str, ...]) -> dict[str, Any]:
    """Return the person's claims that the scopes release, in the specification's order; unknown ones are left out."""
    known = {"preferred_username": person.username, "updated_at": person.updated_at, **person.claims}
    wanted = [name for word in scope for name in SCOPE_CLAIMS.get(word, ())]
    return {name: known[name] for name in dict.fromkeys(wanted) if known.get(name) is not None}


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token.

    The scopes' claims are in it only if no access token is issued with which UserInfo would give them (Core 5.4).
    """
    assert facts.person is not None
    claims: dict[str, Any] = {
        "iss": facts.issuer,
        "sub": subject(facts.person.user_id),
        "aud": facts.audience,
        "exp": facts.now + facts.lifetime,
        "iat": facts.now,
        "auth_time": facts.auth_time,
    }
    optional = {
        "nonce": facts.nonce,
        "at_hash": facts.at_hash,
        "acr": facts.acr,
        "amr": list(facts.amr),
        "sid": facts.session_id,
    }
    claims.update((name, value) for name, value in optional.items() if value)
    if not facts.delivered_with_access_token:
        claims.update(person_claims(facts.person, facts.scope))
    return claims
