"""Claim rules as operators write them: which can be kept, and what somebody should think about.

Auth0's page on custom claims (names), OpenID Connect Core 5.1 and 5.4 (standard claims and their scopes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from intaglio.dialects import registry
from intaglio.protocol import personal
from intaglio.protocol.scopes import SCOPE_OF
from intaglio.server.issue import personalise, templates
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.registry import fields

MOST_RULES = 50
"""Rules of one tenant, and of one client."""

_CLAIM = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")


def check(rule: ClaimRule) -> ClaimRule:
    """Return a rule as it is kept.

    Raises `Misconfigured`: `claim-invalid` and `claim-reserved` for the claim's name, `claim-rule-invalid` for what
    does not go together, `template-invalid`, `expression-invalid`, `scope-invalid`, `value-unknown`, `name-invalid`.
    """
    if not _CLAIM.fullmatch(rule.claim):
        expected = "1 to 255 visible ASCII characters, no quotation mark and no backslash"
        raise fields.refuse("claim-invalid", "The claim's name cannot be used.", expected, ascii(rule.claim))
    if rule.claim in personal.PROTOCOL:
        hint = "Give it a name of your own, such as https://app.example.com/claims/name."
        public = "The issuer and the protocols alone say this claim."
        raise fields.refuse("claim-reserved", public, "another name", rule.claim, hint)
    if bool(rule.template) == bool(rule.expression):
        received = "both" if rule.template else "neither"
        raise fields.refuse(
            "claim-rule-invalid", "A rule makes its claim in one way.", "template or expression", received
        )
    if rule.template:
        templates.read(rule.template)
    else:
        personalise.expression(rule.expression)
    if rule.condition:
        personalise.condition(rule.condition)
    tokens = fields.all_of("token", rule.tokens, personalise.TOKENS)
    if not tokens:
        raise fields.refuse("claim-rule-invalid", "A rule is for some token.", "id_token, userinfo or both", "none")
    name = fields.display_name("name", rule.name) if rule.name else ""
    scopes = fields.scopes(fields.few("scopes", rule.scopes))
    return msgspec.structs.replace(rule, name=name, tokens=tokens, scopes=scopes)


def warnings(rule: ClaimRule) -> tuple[str, ...]:
    """Return what somebody should know who adds a rule: where its claim will not be."""
    found = [
        f"The dialect {name} keeps the claim {rule.claim} for itself: the rule adds nothing there."
        for name, dialect in registry.DIALECTS.items()
        if personal.is_reserved(rule.claim, dialect.reserved_claims)
    ]
    scope = SCOPE_OF.get(rule.claim)
    if scope is not None:
        found.append(f"{rule.claim} is a standard claim: it is added where the scope {scope} is granted.")
    return tuple(found)


def added(rules: Sequence[ClaimRule], rule: ClaimRule) -> tuple[ClaimRule, ...]:
    """Return rules with one more, which comes last; raises `Misconfigured` (`claim-rule-exists`, `too-many`)."""
    if any(one.label == rule.label for one in rules):
        hint = "Remove the other one first, or give this one a name of its own."
        raise fields.refuse("claim-rule-exists", "There is a rule of this name.", "a free name", rule.label, hint)
    if len(rules) >= MOST_RULES:
        raise fields.refuse("too-many", "There are too many claim rules.", f"at most {MOST_RULES}", len(rules))
    return (*rules, rule)


def without(rules: Sequence[ClaimRule], name: str) -> tuple[ClaimRule, ...]:
    """Return rules without the one of this name; raises `Misconfigured` (`claim-rule-unknown`)."""
    left = tuple(one for one in rules if one.label != name)
    if len(left) == len(rules):
        hint = "List them with: intaglio claim-rule list"
        raise fields.refuse("claim-rule-unknown", "There is no such claim rule.", "the name of a rule", name, hint)
    return left
