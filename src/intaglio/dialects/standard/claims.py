"""Which claims an ID token and UserInfo hold.

OpenID Connect Core 2 (ID token), 5.1 (standard claims), 5.4 (scopes), 5.5 (single claims that are requested), 5.6.2
(aggregated and distributed claims), 8 (subjects), 12.2 (after a refresh).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from intaglio.names import Subject
from intaglio.protocol import personal
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.facts import Elsewhere, Facts, Person
from intaglio.protocol.scopes import ISSUERS_OWN, NO_CLAIM, SCOPE_CLAIMS, SCOPE_OF
from intaglio.protocol.userinfo import UserinfoAnswer

PROFILE = SCOPE_CLAIMS["profile"]


def subject(user_id: str, pairwise: str = "") -> Subject:
    """Return the subject of a user: the UUID itself, or the pairwise identifier (Core 8)."""
    return Subject(pairwise or user_id)


def person_claims(
    person: Person, scope: tuple[str, ...], requested: Mapping[str, ClaimRequest] | None = None
) -> dict[str, Any]:
    """Return the person's claims that the scopes release and the request names, in the specification's order.

    A scope that is called like a claim outside the standard's scopes releases that claim. Unknown claims are left out.
    """
    known = {"preferred_username": person.username, "updated_at": person.updated_at, **person.claims}
    return release(known, person.elsewhere, of_scopes(scope), requested)


def of_scopes(scope: Iterable[str]) -> list[str]:
    """Return the names of the claims that scopes ask for (Core 5.4)."""
    wanted: list[str] = []
    for word in scope:
        wanted += SCOPE_CLAIMS.get(word) or (() if word in SCOPE_OF or word in NO_CLAIM else (word,))
    return wanted


def release(
    known: Mapping[str, Any],
    elsewhere: tuple[Elsewhere, ...],
    wanted: list[str],
    requested: Mapping[str, ClaimRequest] | None,
) -> dict[str, Any]:
    """Return what is known of the wanted and the requested claims, with references to those that come from elsewhere.

    A requested claim that is known with another than the requested value is left out (Core 5.5.1).
    """
    asked = requested or {}
    released = {name: known[name] for name in dict.fromkeys(wanted) if known.get(name) is not None}
    for name, request in asked.items():
        if known.get(name) is not None and _suits(known[name], request):
            released.setdefault(name, known[name])
    for name in ISSUERS_OWN & released.keys():
        del released[name]
    if elsewhere:
        released.update(_references(elsewhere, {*wanted, *asked} - ISSUERS_OWN - known.keys()))
    return released


def _suits(value: Any, request: ClaimRequest) -> bool:
    # Core 5.5.1: a claim that cannot be given with the value, or one of the values, is not given for this request.
    if request.value is not None:
        return _equal(value, request.value)
    return not request.values or any(_equal(value, one) for one in request.values)


def _equal(value: Any, other: Any) -> bool:
    # In JSON, true is not 1.
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _references(elsewhere: tuple[Elsewhere, ...], wanted: set[str]) -> dict[str, Any]:
    # SECURITY: a source goes out whole or not at all: its text or its endpoint tells every claim that it has, so each
    # of them must be wanted and allowed (test_a_source_goes_out_whole_or_not_at_all).
    given = [source for source in elsewhere if source.claims and wanted.issuperset(source.claims)]
    if not given:
        return {}
    names = {name: source.name for source in given for name in source.claims}
    return {"_claim_names": names, "_claim_sources": {source.name: _source(source) for source in given}}


def _source(source: Elsewhere) -> dict[str, str]:
    # Core 5.6.2: aggregated claims are a JWT, distributed ones an endpoint.
    if source.jwt:
        return {"JWT": source.jwt}
    told = {"endpoint": source.endpoint, "access_token": source.access_token}
    return {name: value for name, value in told.items() if value}


def id_token(facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token.

    The scopes' claims are in it only if no access token is issued with which UserInfo would give them (Core 5.4), and
    those that the request wants here by name.
    """
    assert facts.person is not None
    claims: dict[str, Any] = {
        "iss": facts.issuer,
        "sub": facts.subject or subject(facts.person.user_id),
        "aud": facts.audience,
        "exp": facts.now + facts.lifetime,
        "iat": facts.now,
        "auth_time": facts.auth_time,
    }
    optional = {
        "nonce": facts.nonce,
        "at_hash": facts.at_hash,
        "c_hash": facts.c_hash,
        "s_hash": facts.s_hash,
        "acr": facts.acr,
        "amr": list(facts.amr),
        "sid": facts.session_id,
    }
    claims.update((name, value) for name, value in optional.items() if value)
    if not facts.delivered_with_access_token or facts.requested:
        scope = () if facts.delivered_with_access_token else facts.scope
        claims.update(person_claims(facts.person, scope, facts.requested))
    return claims


def userinfo(answer: UserinfoAnswer) -> dict[str, Any]:
    """Return the claims of UserInfo, `sub` first (Core 5.3.2)."""
    claims = {"sub": answer.subject, **person_claims(answer.person, answer.scope, answer.requested)}
    return personal.merged(claims, answer.custom) if answer.custom else claims
