"""What a rule is: data. A judge by name, its settings, its citation, and its words with places for values.

The same rows are read by the fast path, by the report and by the page that validates in the browser, so that there is
one list of rules and one wording. OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    `judge` names a function of `judges.JUDGES`, which gets `settings`. `expected` and `received` are templates for
    `words.render`. `idle` holds pairs of a condition (`words.holds`) and a sentence: a rule that did not fail and of
    which a condition holds had nothing to check, and is reported as skipped with that sentence.
    """

    name: str
    judge: str
    spec: str
    expected: str
    received: str
    idle: tuple[tuple[str, str], ...] = ()
    settings: dict[str, Any] = {}


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one dialect, in order, and what it takes for granted.

    `leeway` is in seconds. `bare_issuer` accepts the issuer without its `https://` too. `placeholder` is the part of an
    issuer that stands for the value of the claim `tenant_claim`; `placeholder_asks` is what takes its place in the
    address of the discovery document, and `discovery_hosts` tells at which other host an issuer's document lies.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    leeway: int = 60
    algorithms: tuple[str, ...] | None = None
    bare_issuer: bool = False
    placeholder: str = ""
    tenant_claim: str = ""
    placeholder_asks: str = ""
    discovery_hosts: dict[str, str] = {}
