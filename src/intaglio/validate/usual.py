"""The standard's rules in one expression, for the token that nearly every token is; a shortcut and nothing more.

What is not of the usual shape, and what does not hold, goes through the rules one by one. The shortcut may say no where
the rules say yes, never the reverse: a property test compares the two. OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

from intaglio.tokens import hashes
from intaglio.tokens.claims import IDToken
from intaglio.validate import judges, standard
from intaglio.validate.facts import Facts
from intaglio.validate.ruleset import Rule

COVERED: tuple[Rule, ...] = standard.STANDARD.rules
"""The rules that hold when `holds` is true."""


def holds(token: IDToken, facts: Facts) -> bool:
    """Return whether a token of the usual shape keeps all the rules that are covered."""
    expectation, occasion = facts.expectation, facts.occasion
    latest = facts.now + expectation.leeway
    return (
        facts.header.get("typ", "JWT") == "JWT"
        and (token.iss in expectation.issuers or judges.is_of_tenant(token.iss, facts))
        and token.aud[0] in expectation.audiences
        and facts.now < token.exp + expectation.leeway
        and token.iat <= latest
        and (token.nbf is None or token.nbf <= latest)
        and (occasion.nonce is None or token.nonce == occasion.nonce)
        and (token.azp is None or (token.azp != "" and expectation.authorized_parties is None))
        and "events" not in token.claims
        and (occasion.max_age is None and occasion.code is None and occasion.state is None)
        and _fits(token, facts)
    )


def _fits(token: IDToken, facts: Facts) -> bool:
    access_token = facts.occasion.access_token
    if token.at_hash is None:
        return not facts.occasion.require_at_hash
    return access_token is None or token.at_hash == hashes.half_hash(facts.header["alg"], access_token)
