"""What an expression may consist of, checked on its lexemes before anything runs: names, functions, depth, work."""

from __future__ import annotations

from collections.abc import Sequence

from intaglio.server.access import functions, lexemes, macros
from intaglio.server.access.lexemes import Lexeme

DEEPEST = 16
"""Brackets inside brackets."""

LONGEST_CHAIN = 80
"""Operations inside one another, as in a + b + c or a.b.c; the library spends a kilobyte of the stack on each."""

THEIRS = frozenset({"has", "contains", "startsWith", "endsWith", "int", "double", "timestamp", "duration"})
"""What the library itself is trusted with."""

OWN = frozenset(functions.OWN) | {"matches"}
"""What the library is handed by us."""

KNOWN = macros.NAMES | THEIRS | OWN
_LITERALS = frozenset({"true", "false", "null", "in"})
_RESERVED = frozenset(
    "as break const continue else for function if import let loop package namespace return var void while".split()
)
_OPENERS = {"(": ")", "[": "]", "{": "}"}


def check(text: str, found: Sequence[Lexeme], variables: frozenset[str]) -> int | None:
    """Return how many members a list may have, None where that does not matter.

    Raises `Misconfigured` (`expression-invalid`) for whatever an expression may not have.

    A variable with a dot (`request.time`) declares one member; other members of its root are refused then.
    """
    if not found:
        lexemes.refuse("it is empty", text, 0)
    partners = _partners(text, found)
    _depth(text, found)
    macros.check(text, found, partners)
    _keys(text, found, partners)
    bound = _bound(text, found, partners)
    for number, one in enumerate(found):
        if one.kind == "name":
            _name(text, found, number, variables, bound)
        elif one.text == "." and not _follows_value(found, number):
            lexemes.refuse("a dot stands behind a value", text, one.start)
    return macros.longest(found, partners)


def _partners(text: str, found: Sequence[Lexeme]) -> dict[int, int]:
    """Return for each opening bracket's number that of the closing one."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for number, one in enumerate(found):
        if one.kind != "sign":
            continue
        if one.text in _OPENERS:
            opened.append(number)
            if len(opened) > DEEPEST:
                lexemes.refuse(f"more than {DEEPEST} brackets inside one another", text, one.start)
        elif one.text in _OPENERS.values():
            if not opened or _OPENERS[found[opened[-1]].text] != one.text:
                lexemes.refuse("this bracket closes nothing", text, one.start)
            partners[opened.pop()] = number
    if opened:
        lexemes.refuse("this bracket is never closed", text, found[opened[-1]].start)
    return partners


def _depth(text: str, found: Sequence[Lexeme]) -> None:
    # The library works on the machine's stack and takes the whole process with it when there is no more of it.
    # Each frame counts its operations since the last sign that begins another branch, and the ternaries around.
    frames: list[tuple[int, int]] = [(0, 0)]
    for one in found:
        if one.kind != "sign":
            continue
        length, ternaries = frames[-1]
        if one.text in _OPENERS:
            frames[-1] = (length + 1, ternaries)
            frames.append((0, 0))
        elif one.text in _OPENERS.values():
            frames.pop()
        elif one.text == "?":
            frames[-1] = (0, ternaries + 1)
        elif one.text in ("&&", "||", ",", ":"):
            frames[-1] = (1, ternaries)
        else:
            frames[-1] = (length + 1, ternaries)
        if sum(length + ternaries for length, ternaries in frames) > LONGEST_CHAIN:
            lexemes.refuse(f"more than {LONGEST_CHAIN} operations inside one another", text, one.start)


def _follows_value(found: Sequence[Lexeme], number: int) -> bool:
    if number == 0:
        return False
    before = found[number - 1]
    return before.text in ")]}" if before.kind == "sign" else before.kind in ("name", "text")


def _bound(text: str, found: Sequence[Lexeme], partners: dict[int, int]) -> dict[int, str]:
    """Return for the number of each lexeme inside a macro the name that the macro binds."""
    bound: dict[int, str] = {}
    for opened in macros.calls(found):
        name = found[opened + 1]
        if name.kind != "name" or not lexemes.is_sign(found, opened + 2, ",") or name.text in _LITERALS:
            lexemes.refuse("a macro takes a name first", text, name.start)
        bound |= dict.fromkeys(range(opened + 1, partners[opened]), name.text)
    return bound


def _name(text: str, found: Sequence[Lexeme], number: int, variables: frozenset[str], bound: dict[int, str]) -> None:
    one = found[number]
    is_member = lexemes.is_sign(found, number - 1, ".")
    if lexemes.is_sign(found, number + 1, "("):
        if one.text not in KNOWN:
            lexemes.refuse(f"there is no function {one.text}", text, one.start)
        if one.text in macros.NAMES and not is_member:
            lexemes.refuse(f"{one.text} stands behind a list", text, one.start)
    elif lexemes.is_sign(found, number + 1, "{") and one.text != "in":
        lexemes.refuse("messages cannot be made", text, one.start)
    elif is_member or one.text in _LITERALS or bound.get(number) == one.text:
        return
    elif one.text in _RESERVED:
        lexemes.refuse(f"{one.text} is a reserved word", text, one.start)
    else:
        _variable(text, found, number, variables)


def _variable(text: str, found: Sequence[Lexeme], number: int, variables: frozenset[str]) -> None:
    one = found[number]
    if one.text in variables:
        return
    members = sorted(name for name in variables if name.startswith(f"{one.text}."))
    if not members:
        known = ", ".join(sorted(variables)) or "none"
        lexemes.refuse(f"there is no variable {one.text}; there are: {known}", text, one.start)
    member = found[number + 2].text if lexemes.is_sign(found, number + 1, ".") and number + 2 < len(found) else ""
    if f"{one.text}.{member}" not in members or lexemes.is_sign(found, number + 3, "("):
        lexemes.refuse(f"of {one.text} there is only: {', '.join(members)}", text, one.start)


def _keys(text: str, found: Sequence[Lexeme], partners: dict[int, int]) -> None:
    # The library keeps the last of two equal keys; CEL calls them an error.
    for opened, closed in partners.items():
        if not lexemes.is_sign(found, opened, "{"):
            continue
        seen: set[str] = set()
        number = opened + 1
        while number < closed:
            key = found[number]
            if lexemes.is_sign(found, number - 1, ",") or number == opened + 1:
                if key.kind == "sign" or not lexemes.is_sign(found, number + 1, ":") or key.text in seen:
                    lexemes.refuse("a map's keys are literals, each once", text, key.start)
                seen.add(key.text)
            number = partners.get(number, number) + 1


def rewrite(text: str, found: Sequence[Lexeme]) -> str:
    """Return the text with our own functions under names that the library does not have."""
    pieces: list[str] = []
    at = 0
    for number, one in enumerate(found):
        if one.kind == "name" and one.text in OWN and lexemes.is_sign(found, number + 1, "("):
            pieces += [text[at : one.start], own(one.text)]
            at = one.end
    return "".join([*pieces, text[at:]])


def own(function: str) -> str:
    """Return the name under which the library is handed a function of ours."""
    return f"intaglio_{function}"
