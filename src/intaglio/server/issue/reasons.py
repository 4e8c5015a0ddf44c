"""Why a claim is in an ID token: by leaving out what is known, one fact at a time, and looking what the dialect says.

Nothing here knows a dialect's rules. A reason is what the claims themselves do when a fact is taken away or changed, so
that it cannot differ from what is issued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Any

import msgspec

from intaglio.protocol.facts import Facts, Person

Change = Callable[[Facts], Facts]
Claims = Callable[[Facts], dict[str, Any]]

_NO_RULES: Mapping[str, str] = MappingProxyType({})
ALWAYS = "always"
LARGEST_SET = 2
MANY = 100
"""Causes beyond which only those are looked for that are enough alone."""


class Reason(msgspec.Struct, frozen=True):
    """One claim: the `rules` of which each alone would put it there, and the `origins` of its value."""

    claim: str
    value: Any
    rules: tuple[str, ...]
    origins: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Reason({self.claim})"


def _set(**members: Any) -> Change:
    return lambda facts: msgspec.structs.replace(facts, **members)


def _without_scope(word: str) -> Change:
    return lambda facts: msgspec.structs.replace(facts, scope=tuple(one for one in facts.scope if one != word))


def _without_request(name: str) -> Change:
    def change(facts: Facts) -> Facts:
        return msgspec.structs.replace(facts, requested={k: v for k, v in facts.requested.items() if k != name})

    return change


def _without_custom(name: str) -> Change:
    def change(facts: Facts) -> Facts:
        return msgspec.structs.replace(facts, custom={k: v for k, v in facts.custom.items() if k != name})

    return change


def _named(facts: Facts, rules: Mapping[str, str]) -> Iterator[tuple[str, Change]]:
    """Yield what names single claims: rules, and the request."""
    for name in facts.custom:
        yield f"claim rule {rules.get(name, name)}", _without_custom(name)
    for name, request in facts.requested.items():
        kind = "essential" if request.essential else "voluntary"
        yield f"claims parameter, {kind} ({name})", _without_request(name)


def _causes(facts: Facts, rules: Mapping[str, str] = _NO_RULES) -> Iterator[tuple[str, Change]]:
    """Yield what can put a claim into a token, with the change that takes it away."""
    for word in facts.scope:
        yield f"scope {word}", _without_scope(word)
    yield from _named(facts, rules)
    if not facts.delivered_with_access_token:
        yield "no access token to ask UserInfo with", _set(delivered_with_access_token=True)
    if facts.refreshed:
        yield "a refresh", _set(refreshed=False)
    told = {
        "nonce": "the request has a nonce",
        "at_hash": "an access token comes with it",
        "c_hash": "a code comes with it",
        "s_hash": "the request has a state",
        "session_id": "there is a session",
        "acr": "the sign-in has a class",
    }
    for member, words in told.items():
        if getattr(facts, member):
            yield words, _set(**{member: ""})
    if facts.amr:
        yield "the sign-in has methods", _set(amr=())
    if facts.auth_time:
        yield "somebody signed in", _set(auth_time=0)
    yield from _causes_of_sign_in(facts)
    if facts.person is not None and facts.person.elsewhere:
        yield "the tenant has claim sources", lambda one: _person(one, elsewhere=())


def _causes_of_sign_in(facts: Facts) -> Iterator[tuple[str, Change]]:
    """Yield what of the person's place here, of how they signed in and of the client's settings can do that."""
    if facts.roles:
        yield "the person has roles in the application", _set(roles=())
    if facts.memberships:
        yield "the person is in groups", _set(memberships=())
    if facts.client_settings:
        yield "the application's settings for this dialect", _set(client_settings={})
    told = {"idp": "another provider vouched for the person", "peer": "the address of the sign-in is known"}
    for member, words in told.items():
        if getattr(facts.circumstances, member):
            yield words, _circumstance(**{member: ""})


def _circumstance(**members: Any) -> Change:
    return lambda facts: msgspec.structs.replace(
        facts, circumstances=msgspec.structs.replace(facts.circumstances, **members)
    )


def _person(facts: Facts, **members: Any) -> Facts:
    assert facts.person is not None
    return msgspec.structs.replace(facts, person=msgspec.structs.replace(facts.person, **members))


def _other(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {**value, "…": "…"}
    if isinstance(value, list | tuple):
        return [*value, "…"]
    return f"{value}…"


def _sources(facts: Facts, words: dict[str, str], rules: Mapping[str, str]) -> Iterator[tuple[str, Change]]:
    """Yield where values can come from, with the change of the source that shows in them."""
    told = {
        "issuer": "the tenant's issuer",
        "audience": "client_id",
        "now": "the instant of issue",
        "lifetime": "the ID token's lifetime",
        "subject": "the subject that the client is told",
        "auth_time": "the sign-in",
        "acr": "the sign-in",
        "session_id": "the session",
        "nonce": "the request's nonce",
        "at_hash": "the access token",
        "c_hash": "the code",
        "s_hash": "the request's state",
        "tenant_id": "the tenant's UUID",
        "tenant_slug": "the tenant's slug",
        "owner": "the tenant's owner",
        "token_id": "the token's own identifier",
        "roles": "the person's roles in the application",
        "tenant_domains": "the tenant's domains",
    } | words
    for member, text in told.items():
        value = getattr(facts, member)
        if value:
            yield text, _set(**{member: _other(value)})
    if facts.amr:
        yield "the sign-in", _set(amr=(*facts.amr, "…"))
    if facts.memberships:
        renamed = [msgspec.structs.replace(one, group_id=one.group_id + "…") for one in facts.memberships]
        yield "the person's groups", _set(memberships=tuple(renamed))
    if facts.circumstances.peer:
        yield "the address of the sign-in", _circumstance(peer=facts.circumstances.peer + "…")
    if facts.circumstances.idp:
        yield "who vouched for the person", _circumstance(idp="…" + facts.circumstances.idp)
    yield from _of_request(facts)
    for name, value in facts.custom.items():
        yield f"claim rule {rules.get(name, name)}", _set(custom={**facts.custom, name: _other(value)})
    if facts.person is not None:
        yield from _sources_of(facts.person)


def _of_request(facts: Facts) -> Iterator[tuple[str, Change]]:
    told = facts.circumstances
    yield "the granted scope", _set(scope=(*facts.scope, "…"))
    yield "the instant of the request", _circumstance(requested_at=(told.requested_at or facts.now) + 1)
    if told.organization:
        yield "the organization of the sign-in", _circumstance(organization=told.organization + "…")
        yield "the organization of the sign-in", _circumstance(organization_name=told.organization_name + "…")


def _sources_of(person: Person) -> Iterator[tuple[str, Change]]:
    yield "the user's UUID", lambda facts: _person(facts, user_id=person.user_id + "…")
    yield "the user's name for signing in", lambda facts: _person(facts, username=person.username + "…")
    yield "when the user's record was changed", lambda facts: _person(facts, updated_at=person.updated_at + 1)
    yield "when the user's record was made", lambda facts: _person(facts, created_at=person.created_at + 1)
    for name, value in person.claims.items():
        changed = {**person.claims, name: _other(value)}
        yield f"the user's record: {name}", _with_claims(changed)
    for source in person.elsewhere:
        others = tuple(one for one in person.elsewhere if one.name != source.name)
        yield f"claim source {source.name}", _with_elsewhere(others)


def _with_claims(claims: dict[str, Any]) -> Change:
    return lambda facts: _person(facts, claims=claims)


def _with_elsewhere(elsewhere: tuple[Any, ...]) -> Change:
    return lambda facts: _person(facts, elsewhere=elsewhere)


def explain(
    facts: Facts, claims: Claims, words: dict[str, str] | None = None, rules: Mapping[str, str] | None = None
) -> tuple[Reason, ...]:
    """Return, for each claim that `claims` makes of the facts, what put it there and where its value comes from.

    `words` say more of a source by the name of the fact: of which level a lifetime is, whom a subject is for. `rules`
    are the names of the claim rules by the claims that they made.
    """
    made = claims(facts)
    found = _rules(facts, claims, made, rules or {})
    others = [(text, claims(change(facts))) for text, change in _sources(facts, words or {}, rules or {})]
    origins = {
        name: dict.fromkeys(text for text, other in others if other.get(name) != value) for name, value in made.items()
    }
    return tuple(Reason(name, value, found[name], tuple(origins[name])) for name, value in made.items())


def _rules(facts: Facts, claims: Claims, made: dict[str, Any], rules: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    causes = dict(_causes(facts, rules))
    found: dict[str, list[frozenset[str]]] = {name: [] for name in made}
    for size in range(LARGEST_SET + 1 if len(causes) <= MANY else 2):
        for kept in map(frozenset, combinations(causes, size)):
            # A set that holds one that is enough already says nothing new.
            left = [name for name, sets in found.items() if not any(known <= kept for known in sets)]
            present = claims(_only(facts, causes, kept)) if left else {}
            for name in left:
                if name in present:
                    found[name].append(kept)
    return {name: tuple(_told(one, causes) for one in sets) or ("all of it together",) for name, sets in found.items()}


def _only(facts: Facts, causes: dict[str, Change], kept: frozenset[str]) -> Facts:
    for text, change in causes.items():
        if text not in kept:
            facts = change(facts)
    return facts


def _told(kept: frozenset[str], causes: dict[str, Change]) -> str:
    return " and ".join(text for text in causes if text in kept) or ALWAYS
