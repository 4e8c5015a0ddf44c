"""The ID token's claims: the scopes' claims are always in it, and the subject names its connection.

Auth0's page "ID token structure"; OpenID Connect Core 5.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol import personal
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person
from intaglio.protocol.scopes import NO_CLAIM, SCOPE_CLAIMS
from intaglio.protocol.userinfo import UserinfoAnswer

PROFILE = ("nickname", "name", "picture", "updated_at", "family_name", "given_name", "middle_name")


def subject(user_id: str, pairwise: str = "") -> Subject:
    """Return `auth0|` and 24 hex digits, derived once from the user's UUID and never changed."""
    told = b"intaglio/auth0/subject/" + (pairwise or user_id).encode()
    return Subject("auth0|" + hashlib.sha256(told).hexdigest()[:24])


def person_claims(
    person: Person, scope: tuple[str, ...], requested: Mapping[str, ClaimRequest] | None = None
) -> dict[str, Any]:
    """Return the claims that the scopes release and the request names; a scope named after one claim releases it."""
    email = str(person.claims.get("email", ""))
    name = email or person.username
    known = {"nickname": name.partition("@")[0], "name": name, **person.claims}
    # VENDOR: updated_at is ISO 8601 text with milliseconds in this dialect, not a number.
    moment = datetime.fromtimestamp(person.updated_at, UTC)
    known["updated_at"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    known["created_at"] = datetime.fromtimestamp(person.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    wanted = list(PROFILE) if "profile" in scope else []
    for word in scope:
        wanted += SCOPE_CLAIMS.get(word, ()) if word in ("email", "phone", "address") else ()
        wanted += [word] if word not in SCOPE_CLAIMS and word not in NO_CLAIM else []
    return standard.release(known, person.elsewhere, wanted, requested)


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token; `at_hash` belongs to the front channel alone, `nonce` not to a refresh."""
    assert facts.person is not None
    claims: dict[str, Any] = {
        **person_claims(facts.person, facts.scope, facts.requested),
        "iss": facts.issuer,
        "sub": facts.subject or subject(facts.person.user_id),
        "aud": facts.audience,
        "iat": facts.now,
        "exp": facts.now + facts.lifetime,
    }
    signed_in = facts.circumstances
    optional = {
        "at_hash": facts.at_hash if facts.through_browser else "",
        "c_hash": facts.c_hash,
        "sid": facts.session_id,
        "nonce": facts.nonce,
        "auth_time": facts.auth_time,
        "org_id": signed_in.organization,
        # VENDOR: the SDKs lower-case what they expect, and nothing else.
        "org_name": signed_in.organization_name.lower(),
    }
    claims.update((name, value) for name, value in optional.items() if value)
    return claims


def userinfo(answer: UserinfoAnswer) -> dict[str, Any]:
    """Return the profile, `sub` first."""
    claims = {"sub": answer.subject, **person_claims(answer.person, answer.scope, answer.requested)}
    return personal.merged(claims, answer.custom) if answer.custom else claims
