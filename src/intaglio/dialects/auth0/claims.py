"""The ID token's claims: the scopes' claims are always in it, and the subject names its connection.

Auth0's page "ID token structure"; OpenID Connect Core 5.1.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol.facts import Facts, Person

PROFILE = ("nickname", "name", "picture", "updated_at", "family_name", "given_name", "middle_name")


def subject(user_id: str) -> Subject:
    """Return `auth0|` and 24 hex digits, derived once from the user's UUID and never changed."""
    return Subject("auth0|" + hashlib.sha256(b"intaglio/auth0/subject/" + user_id.encode()).hexdigest()[:24])


def person_claims(person: Person, scope: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims that the scopes release; a scope named after one claim releases that claim."""
    known = {"nickname": person.username, "name": person.username, **person.claims}
    # VENDOR: updated_at is ISO 8601 text with milliseconds in this dialect, not a number.
    moment = datetime.fromtimestamp(person.updated_at, UTC)
    known["updated_at"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    wanted = list(PROFILE) if "profile" in scope else []
    for word in scope:
        wanted += standard.SCOPE_CLAIMS.get(word, ()) if word in ("email", "phone", "address") else ()
        wanted += [word] if word in known and word not in standard.SCOPE_CLAIMS else []
    return {name: known[name] for name in dict.fromkeys(wanted) if known.get(name) is not None}


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token; `at_hash` belongs to the front channel alone, `nonce` not to a refresh."""
    assert facts.person is not None
    claims: dict[str, Any] = {
        **person_claims(facts.person, facts.scope),
        "iss": facts.issuer,
        "sub": subject(facts.person.user_id),
        "aud": facts.audience,
        "iat": facts.now,
        "exp": facts.now + facts.lifetime,
    }
    optional = {"sid": facts.session_id, "nonce": facts.nonce, "auth_time": facts.auth_time}
    claims.update((name, value) for name, value in optional.items() if value)
    return claims
