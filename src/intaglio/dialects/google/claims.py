"""The claims of people's and of workloads' ID tokens, and of userinfo.

Google's page on OpenID Connect ("An ID token's payload") and its page on getting an ID token; OpenID Connect Core 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio.dialects.google import instances
from intaglio.dialects.standard import claims as standard
from intaglio.names import Subject
from intaglio.protocol import personal
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Facts, Person, Workload
from intaglio.protocol.userinfo import UserinfoAnswer

PROFILE = ("name", "picture", "given_name", "family_name", "locale")
"""What the scope `profile` releases here."""

SUPPORTED = (
    "aud azp email email_verified exp family_name given_name iat iss locale name picture sub nonce at_hash auth_time"
).split()
"""What the metadata lists."""

RESERVED = frozenset({"azp", "email", "email_verified", "google", "hd"})
"""What no claim rule makes: what this dialect says of workloads, of addresses, and of the domains that these are of."""


def subject(user_id: str, pairwise: str = "") -> Subject:
    """Return 21 digits, derived once from the user's UUID and never changed."""
    number = int.from_bytes(hashlib.sha256(b"intaglio/google/subject/" + (pairwise or user_id).encode()).digest())
    return Subject("1" + str(number % 10**20).zfill(20))


def person_claims(
    person: Person, scope: tuple[str, ...], requested: Mapping[str, ClaimRequest] | None = None
) -> dict[str, Any]:
    """Return the person's claims that the scopes release and the request names."""
    known = {"preferred_username": person.username, "updated_at": person.updated_at, **person.claims}
    wanted = standard.of_scopes(word for word in scope if word != "profile")
    wanted += PROFILE if "profile" in scope else ()
    return standard.release(known, person.elsewhere, wanted, requested)


def id_token(facts: Facts) -> dict[str, Any]:
    """Return a workload's claims, or a person's: `aud` is one text, every instant a whole number."""
    if facts.workload is None:
        return _of_person(facts)
    return _of_workload(facts, facts.workload)


def _of_workload(facts: Facts, account: Workload) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "aud": facts.audience,
        "azp": account.email if account.party_by_email else account.unique_id,
        "exp": facts.now + facts.lifetime,
        "iat": facts.now,
        "iss": facts.issuer,
        "sub": account.unique_id,
    }
    if account.tells_email:
        claims |= {"email": account.email, "email_verified": True}
    if account.tells_organization:
        # There are no organizations here; who asks is told so.
        claims["google"] = {"organization_number": None}
    if account.machine is not None and (told := instances.described(account.machine, licenses=account.licenses)):
        claims["google"] = told
    return claims


def _of_person(facts: Facts) -> dict[str, Any]:
    assert facts.person is not None
    # Google names the authorized party of every token; the scopes' claims are in the ID token whatever comes beside it.
    bare = msgspec.structs.replace(facts, delivered_with_access_token=True, requested={})
    own = {"azp": facts.audience, "sub": facts.subject or subject(facts.person.user_id)}
    return {**standard.id_token(bare), **own, **person_claims(facts.person, facts.scope, facts.requested)}


def userinfo(answer: UserinfoAnswer) -> dict[str, Any]:
    """Return the claims of userinfo, `sub` first."""
    claims = {"sub": answer.subject, **person_claims(answer.person, answer.scope, answer.requested)}
    return personal.merged(claims, answer.custom) if answer.custom else claims
