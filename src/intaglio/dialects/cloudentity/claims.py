"""The claims of ID tokens and of UserInfo: those of Cloudentity's sample, in the order of the alphabet.

Cloudentity's page on ID tokens ("Sample ID Token"); OpenID Connect Core 2, 3.3.2.11, 5.1 and 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol import personal
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person
from intaglio.protocol.userinfo import UserinfoAnswer

OWN_PROVIDER = "default"
"""What the workspace's own user store is called as an identity provider."""

SUPPORTED = (
    "acr aid amr at_hash aud auth_time c_hash email email_verified exp iat idp iss jti nbf nonce rat s_hash scp sid st"
    " sub tid"
).split()
"""What the metadata lists besides the claims of the scopes."""

DERIVED = ("preferred_username", "updated_at")
"""What this server knows of everybody; it is in an ID token where the user's record says so or a request names it."""

RESERVED = frozenset("aid idp idp_method idp_sub rat scope scp st tid".split())
"""Names that no claim rule may set."""


def subject(user_id: str, pairwise: str = "") -> Subject:
    """Return the subject of a user: the UUID itself, or the pairwise identifier."""
    return standard.subject(user_id, pairwise)


def person_claims(
    person: Person, scope: tuple[str, ...], requested: Mapping[str, ClaimRequest] | None = None
) -> dict[str, Any]:
    """Return the claims that the scopes release and the request names.

    Whoever has no e-mail address has an empty one under the scope `email`, as in the sample; nobody confirmed it. What
    this server knows of everybody, and no record says, is told only where it is requested.
    """
    known = {"preferred_username": person.username, "updated_at": person.updated_at, **person.claims}
    wanted = [name for name in standard.of_scopes(scope) if name not in DERIVED or name in person.claims]
    claims = standard.release(known, person.elsewhere, wanted, requested)
    if "email" in scope and "email" not in claims.get("_claim_names", {}):
        claims.setdefault("email", "")
        claims.setdefault("email_verified", False)
    return claims


def provider(circumstances: Circumstances) -> str:
    """Return the identity provider through which the person signed in: the connection's name, or our own."""
    return circumstances.connection or OWN_PROVIDER


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token; the scopes' are in it whatever comes beside it."""
    assert facts.person is not None
    own = subject(facts.person.user_id)
    claims: dict[str, Any] = {
        **person_claims(facts.person, facts.scope, facts.requested),
        "aid": facts.tenant_slug,
        "amr": list(facts.amr),
        "aud": facts.audience,
        "auth_time": facts.auth_time,
        "exp": facts.now + facts.lifetime,
        "iat": facts.now,
        "idp": provider(facts.circumstances),
        "iss": facts.issuer,
        "jti": facts.token_id,
        "nbf": facts.now,
        "rat": facts.circumstances.requested_at or facts.now,
        "scp": list(facts.scope),
        "st": "public" if facts.subject in ("", own) else "pairwise",
        "sub": facts.subject or own,
        "tid": facts.owner,
    }
    return dict(sorted((claims | _optional(facts)).items()))


def _optional(facts: Facts) -> dict[str, str]:
    known = {
        "acr": facts.acr,
        "at_hash": facts.at_hash,
        "c_hash": facts.c_hash,
        "idp_sub": facts.circumstances.idp_subject,
        "nonce": facts.nonce,
        # FAPI 1.0 Advanced 5.2.2.1: beside a code the ID token vouches for the state as well.
        "s_hash": facts.s_hash if facts.c_hash else "",
        "sid": facts.session_id if facts.hears_of_logout else "",
    }
    return {name: value for name, value in known.items() if value}


def userinfo(answer: UserinfoAnswer) -> dict[str, Any]:
    """Return the claims of UserInfo: the scopes', and those that say where they come from."""
    told, person = answer.circumstances, answer.person
    claims = {
        **standard.person_claims(person, answer.scope, answer.requested),
        **person_claims(person, answer.scope, answer.requested),
        "aid": answer.tenant_slug,
        "aud": answer.client_id,
        "idp": provider(told),
        "idp_method": "oidc" if told.connection else "static",
        "sub": answer.subject,
        "tid": answer.owner,
    }
    if told.idp_subject:
        claims["idp_sub"] = told.idp_subject
    return dict(sorted((personal.merged(claims, answer.custom) if answer.custom else claims).items()))
