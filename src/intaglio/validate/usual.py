"""The standard's rules in one expression, for the token that nearly every token is; a shortcut and nothing more.

What is not of the usual shape, and what does not hold, goes through the rules one by one. The shortcut may say no where
the rules say yes, never the reverse: a property test compares the two. OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

import msgspec

from intaglio.tokens import hashes
from intaglio.tokens.claims import IDToken
from intaglio.validate import judges, standard
from intaglio.validate.facts import Facts
from intaglio.validate.policy import Expectation
from intaglio.validate.ruleset import Rule

COVERED: tuple[Rule, ...] = standard.STANDARD.rules
"""The rules that hold when `holds` is true."""


class Plan(msgspec.Struct, frozen=True):
    """What of an expectation the shortcut compares with, looked up once; `any_party` where azp is not bound."""

    issuers: frozenset[str]
    audiences: frozenset[str]
    leeway: int
    any_party: bool
    templated: bool


def plan(expectation: Expectation) -> Plan:
    """Return the plan for an expectation."""
    return Plan(
        expectation.issuers,
        expectation.audiences,
        expectation.leeway,
        expectation.authorized_parties is None,
        bool(expectation.templates),
    )


def holds(token: IDToken, facts: Facts, against: Plan) -> bool:
    """Return whether a token of the usual shape keeps all the rules that are covered."""
    occasion, leeway, now = facts.occasion, against.leeway, facts.now
    return (
        facts.header.get("typ", "JWT") == "JWT"
        and (token.iss in against.issuers or (against.templated and judges.is_of_tenant(token.iss, facts)))
        and token.aud[0] in against.audiences
        and now < token.exp + leeway
        and token.iat <= now + leeway
        and (token.nbf is None or token.nbf <= now + leeway)
        and (occasion.nonce is None or token.nonce == occasion.nonce)
        and (token.azp is None or (token.azp != "" and against.any_party))
        and "events" not in token.claims
        and occasion.max_age is None
        and occasion.code is None
        and occasion.state is None
        and (occasion.access_token is None or _fits(token, facts))
    )


def _fits(token: IDToken, facts: Facts) -> bool:
    if token.at_hash is None:
        return not facts.occasion.require_at_hash
    return token.at_hash == hashes.half_hash(facts.header["alg"], str(facts.occasion.access_token))
