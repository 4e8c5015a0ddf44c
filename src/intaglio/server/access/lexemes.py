"""The lexemes of CEL, with their places: what bounds are checked on before the library sees a text.

CEL language definition, "Syntax" and "Lexis".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NoReturn

import msgspec

from intaglio.errors import Misconfigured

Kind = Literal["name", "text", "number", "sign"]

_BLANK = re.compile(r"(?:[ \t\n\f\r]+|//[^\n]*)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+[uU]?|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[uU]?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_SIGN = re.compile(r"&&|\|\||[=!<>]=|[-+*/%!<>?:,.()\[\]{}]")
_TEXT = re.compile(r"([rR]?[bB]?|[bB][rR])(\"\"\"|'''|\"|')")


class Lexeme(msgspec.Struct, frozen=True):
    """One lexeme: `start` and `end` count characters of the text it was read from."""

    kind: Kind
    text: str
    start: int
    end: int


def refuse(problem: str, text: str, at: int) -> NoReturn:
    """Raise `Misconfigured` (`expression-invalid`): what is wrong, and at which line and column."""
    before = text[:at]
    raise Misconfigured(
        "expression-invalid",
        "The expression cannot be used.",
        detail={
            "problem": problem,
            "line": before.count("\n") + 1,
            "column": at - (before.rfind("\n") + 1) + 1,
            "received": text[:200],
        },
        hint="Expressions are written in CEL, the Common Expression Language.",
    )


def read(text: str) -> list[Lexeme]:
    """Return the lexemes of a text, without blanks and comments; raises `Misconfigured` (`expression-invalid`)."""
    found: list[Lexeme] = []
    at = 0
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at == len(text):
            return found
        found.append(_one(text, at))
        at = found[-1].end


def _one(text: str, at: int) -> Lexeme:
    opened = _TEXT.match(text, at)
    if opened:
        end = _end_of_text(text, opened.end(), opened[2], is_raw="r" in opened[1].lower())
        return Lexeme("text", text[at:end], at, end)
    patterns: tuple[tuple[Kind, re.Pattern[str]], ...] = (("name", _NAME), ("number", _NUMBER), ("sign", _SIGN))
    for kind, pattern in patterns:
        match = pattern.match(text, at)
        if match:
            return Lexeme(kind, match[0], at, match.end())
    refuse(f"the character {text[at]!a} has no meaning here", text, at)


def _end_of_text(text: str, at: int, quote: str, *, is_raw: bool) -> int:
    begin = at
    while at < len(text):
        if text.startswith(quote, at):
            return at + len(quote)
        if text[at] == "\\" and not is_raw:
            at += 1
        elif text[at] in "\r\n" and len(quote) == 1:
            break
        at += 1
    refuse("this text has no end", text, begin - len(quote))


def is_sign(found: Sequence[Lexeme], number: int, sign: str) -> bool:
    """Tell whether the lexeme of a number is there and is this sign."""
    return 0 <= number < len(found) and found[number].kind == "sign" and found[number].text == sign
