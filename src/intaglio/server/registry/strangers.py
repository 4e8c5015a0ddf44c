"""Whether a condition lets strangers in: it is tried with a token of somebody else, who chooses what can be chosen.

D6 50 of the security list. A claim is free if a stranger can have it say anything: a branch, an audience that one asks
for. A part of a condition that looks at nothing else is worth to strangers whatever they need.
"""

from __future__ import annotations

from collections.abc import Mapping as Members
from collections.abc import Sequence
from typing import Any

from intaglio.server.access import clauses, expressions, lexemes
from intaglio.server.access.clauses import Clause
from intaglio.server.access.expressions import ExpressionFailed
from intaglio.server.access.lexemes import Lexeme
from intaglio.server.registry import looseness
from intaglio.server.registry.mappings import ASSERTION, CONDITION_LIMIT, Mapping
from intaglio.server.registry.sharedissuers import Shared

_WHOLE = "*"
"""Stands for a claim that nobody can tell, or for all of them."""
_LOOSE = {"open-text", "open-prefix"}


def admits(shared: Shared, issuer: str, condition: str, mapping: Mapping) -> bool:
    """Tell whether a token of somebody else gets in, or one that its holder had made for the purpose."""
    assertion: dict[str, Any] = {"aud": "stranger", **shared.stranger, "iss": issuer}
    guessed = mapping.guess(assertion)
    if not mapping.admits(assertion, guessed):
        return True
    trial = _Trial(shared, mapping, mapping.variables(assertion, guessed))
    return trial.may_be(clauses.clauses(condition)[0], worth=True)


class _Trial:
    """One stranger at one condition."""

    def __init__(self, shared: Shared, mapping: Mapping, variables: Members[str, Any]) -> None:
        self._shared = shared
        self._mapping = mapping
        self._variables = variables

    def may_be(self, clause: Clause, *, worth: bool) -> bool:
        """Tell whether a stranger can bring about that a part is worth this."""
        if clause.kind == "not":
            return self.may_be(clause.parts[0], worth=not worth)
        if clause.kind == "part":
            return self._is_chosen(clause.text) or self._value(clause.text) is worth
        found = [self.may_be(part, worth=worth) for part in clause.parts]
        return all(found) if (clause.kind == "and") == worth else any(found)

    def _value(self, text: str) -> Any:
        names = frozenset(self._variables)
        try:
            return expressions.compile(text, limit=CONDITION_LIMIT, variables=names).evaluate(self._variables)
        except ExpressionFailed:
            return None

    def _is_chosen(self, text: str) -> bool:
        claims = self._claims(lexemes.read(text))
        loose = any(finding.code in _LOOSE for finding in looseness.patterns(text))
        return bool(claims) and claims <= self._shared.free | (self._shared.chosen if loose else frozenset())

    def _claims(self, found: Sequence[Lexeme]) -> set[str]:
        """Return the claims that an expression looks at, directly or by way of the mapping."""
        claims: set[str] = set()
        for number, one in enumerate(found):
            if one.kind != "name" or lexemes.is_sign(found, number - 1, "."):
                continue
            member = _member(found, number)
            if one.text == ASSERTION:
                claims.add(member)
            elif one.text in self._variables:
                name = f"{one.text}.{member}"
                text = self._mapping.written.get(name)
                claims |= self._claims(lexemes.read(text)) if text is not None else {_WHOLE}
        return claims


def _member(found: Sequence[Lexeme], number: int) -> str:
    """Return which member of the variable of a number is meant: `x.name` or `x['name']`."""
    rest = found[number + 1 : number + 4]
    if len(rest) > 1 and rest[0].text == "." and rest[1].kind == "name":
        return rest[1].text
    if len(rest) == 3 and rest[0].text == "[" and rest[1].kind == "text" and rest[2].text == "]":
        return looseness.plain(rest[1].text)
    return _WHOLE
