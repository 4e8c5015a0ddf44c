"""An expression taken apart at its &&, || and !: what each part is worth, and which of them made the whole false.

The parts are cut on our own lexemes (CEL language definition, "Syntax": || binds less than &&, that less than !).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from intaglio.server.access import expressions, lexemes
from intaglio.server.access.expressions import ExpressionFailed
from intaglio.server.access.lexemes import Lexeme

Kind = Literal["or", "and", "not", "part"]


class Clause(msgspec.Struct, frozen=True):
    """A part of an expression, with the parts it consists of; `text` is without brackets around it."""

    kind: Kind
    text: str
    parts: tuple[Clause, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """What a part is worth; `failed` is why it has no value. `depth` counts from the whole expression, 0."""

    text: str
    depth: int
    value: Any = None
    failed: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """What an expression is worth and why. `culprit` is the part for which it does not hold, empty if it holds."""

    holds: bool
    shown: tuple[Shown, ...]
    culprit: str = ""
    failed: str = ""


def clauses(text: str) -> list[Clause]:
    """Return the expression and all its parts, each before its own; raises `Misconfigured` (`expression-invalid`)."""
    return [clause for clause, _ in _walk(_cut(text, lexemes.read(text)), 0)]


def explain(text: str, variables: Mapping[str, Any], *, limit: int = expressions.CONDITION_LIMIT) -> Explanation:
    """Evaluate an expression and each of its parts; raises `Misconfigured` (`expression-invalid`)."""
    names = frozenset(variables)
    expressions.compile(text, limit=limit, variables=names)
    whole = _cut(text, lexemes.read(text))
    shown: dict[int, Shown] = {}
    for clause, depth in _walk(whole, 0):
        shown[id(clause)] = _show(clause, depth, variables, limit, names)
    top = shown[id(whole)]
    holds = top.value is True
    guilty = None if holds else _culprit(whole, shown)
    return Explanation(
        holds=holds,
        shown=tuple(shown.values()),
        culprit=guilty.text if guilty else "",
        failed=guilty.failed if guilty else "",
    )


def _show(clause: Clause, depth: int, variables: Mapping[str, Any], limit: int, names: frozenset[str]) -> Shown:
    try:
        compiled = expressions.compile(clause.text, limit=limit, variables=names)
        return Shown(clause.text, depth, compiled.evaluate(variables))
    except ExpressionFailed as exc:
        return Shown(clause.text, depth, failed=exc.reason)


def _culprit(clause: Clause, shown: Mapping[int, Shown]) -> Shown:
    """Return the innermost part without which the clause would not be false."""
    if clause.kind != "and":
        return shown[id(clause)]
    # A part that is false decides even where another failed.
    rest = [part for part in clause.parts if shown[id(part)].value is not True]
    guilty = next((part for part in rest if shown[id(part)].value is False), rest[0])
    return _culprit(guilty, shown)


def _walk(clause: Clause, depth: int) -> Iterator[tuple[Clause, int]]:
    yield clause, depth
    for part in clause.parts:
        yield from _walk(part, depth + 1)


def _cut(text: str, found: Sequence[Lexeme]) -> Clause:
    while _is_bracketed(found):
        found = found[1:-1]
    if not found:
        lexemes.refuse("a part of it is empty", text, 0)
    own = text[found[0].start : found[-1].end]
    if not any(_signs(found, "?")):
        kinds: tuple[tuple[Kind, str], ...] = (("or", "||"), ("and", "&&"))
        for kind, sign in kinds:
            places = list(_signs(found, sign))
            if places:
                bounds = zip([0, *(place + 1 for place in places)], [*places, len(found)], strict=True)
                return Clause(kind, own, tuple(_cut(text, found[begin:end]) for begin, end in bounds))
        if found[0].text == "!" and _is_negation(found):
            return Clause("not", own, (_cut(text, found[1:]),))
    return Clause("part", own)


def _is_negation(found: Sequence[Lexeme]) -> bool:
    """Tell whether the ! at the beginning is about all that follows, and not about one side of a relation."""
    relations = ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%")
    is_relation = any(True for sign in relations for _ in _signs(found, sign))
    return not is_relation and not any(one.kind == "name" and one.text == "in" for _, one in _outside(found))


def _outside(found: Sequence[Lexeme]) -> Iterator[tuple[int, Lexeme]]:
    """Return what stands outside of all brackets."""
    depth = 0
    for number, one in enumerate(found):
        if one.kind == "sign" and one.text in ")]}":
            depth -= 1
        if depth == 0:
            yield number, one
        if one.kind == "sign" and one.text in "([{":
            depth += 1


def _signs(found: Sequence[Lexeme], sign: str) -> Iterator[int]:
    return (number for number, one in _outside(found) if one.kind == "sign" and one.text == sign)


def _is_bracketed(found: Sequence[Lexeme]) -> bool:
    if len(found) < 2 or found[0].text != "(" or found[-1].text != ")":
        return False
    outside = [number for number, _ in _outside(found)]
    return outside == [0, len(found) - 1]
