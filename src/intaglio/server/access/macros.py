"""Macros (all, exists, exists_one, map, filter): what is done for each member of a list, and the bounds of it.

CEL language definition, "Macros". The work of a macro is that of its body, times the list; a stranger's token decides
how long the list is. The library copies lists where it adds to them, and the whole result of `map` and `filter` for
each member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intaglio.server.access import lexemes
from intaglio.server.access.lexemes import Lexeme

NAMES = frozenset({"all", "exists", "exists_one", "map", "filter"})
MOST = 4
MAKERS = frozenset({"map", "filter"})

MOST_SUMS = 2
"""Signs of addition inside one macro: each makes a longer list or text, once for each member."""

MOST_INSIDE = 100
"""Lexemes inside all macros together."""

LONGEST = 512
"""Members of the list that a macro goes through."""

LONGEST_COPIED = 256
"""The same where lists are copied on the way: by `map`, `filter` and additions."""


def calls(found: Sequence[Lexeme]) -> list[int]:
    """Return the numbers of the macros' opening brackets."""
    return [
        number
        for number in range(2, len(found))
        if lexemes.is_sign(found, number, "(")
        and found[number - 1].text in NAMES
        and lexemes.is_sign(found, number - 2, ".")
    ]


def longest(found: Sequence[Lexeme], partners: Mapping[int, int]) -> int | None:
    """Return how many members lists may have, None where nothing is done for each of them."""
    opened = calls(found)
    if not opened:
        return None
    copied = any(found[one - 1].text in MAKERS or _sums(found, one, partners[one]) for one in opened)
    return LONGEST_COPIED if copied else LONGEST


def check(text: str, found: Sequence[Lexeme], partners: Mapping[int, int]) -> None:
    """Raise `Misconfigured` (`expression-invalid`) for macros that could take long."""
    opened = calls(found)
    if len(opened) > MOST:
        lexemes.refuse(f"more than {MOST} of all, exists, exists_one, map, filter", text, 0)
    makers = [one for one in opened if found[one - 1].text in MAKERS]
    if len(makers) > 1:
        lexemes.refuse("more than one of map and filter", text, found[makers[1] - 1].start)
    for one in opened:
        _inside(text, found, one, partners)
        _before(text, found, one, partners)
    if sum(partners[one] - one for one in opened) > MOST_INSIDE:
        lexemes.refuse(f"more than {MOST_INSIDE} names and signs in macros", text, found[opened[0] - 1].start)
    if opened and sum(lexemes.is_sign(found, number, ",") for number in range(len(found))) > LONGEST_COPIED:
        lexemes.refuse(f"more than {LONGEST_COPIED} members beside a macro", text, 0)


def _sums(found: Sequence[Lexeme], begin: int, end: int) -> list[int]:
    return [number for number in range(begin, end) if lexemes.is_sign(found, number, "+")]


def _inside(text: str, found: Sequence[Lexeme], opened: int, partners: Mapping[int, int]) -> None:
    for inner in calls(found):
        if opened < inner < partners[opened]:
            lexemes.refuse("a macro inside another", text, found[inner - 1].start)
    sums = _sums(found, opened, partners[opened])
    if len(sums) > MOST_SUMS:
        lexemes.refuse(f"more than {MOST_SUMS} additions in a macro", text, found[sums[MOST_SUMS]].start)


def _before(text: str, found: Sequence[Lexeme], opened: int, partners: Mapping[int, int]) -> None:
    """Refuse a list that is put together for the macro: it could be longer than any that was handed in."""
    sums = _sums(found, _begin(found, opened - 2, partners), opened)
    if sums:
        lexemes.refuse("no list that is put together goes through a macro", text, found[sums[0]].start)


def _begin(found: Sequence[Lexeme], dot: int, partners: Mapping[int, int]) -> int:
    """Return where the value begins behind which a dot stands."""
    openers = {closed: opened for opened, closed in partners.items()}
    at = dot - 1
    while True:
        if at in openers:
            at = openers[at]
            before = found[at - 1] if at else None
            is_part = before is not None and (before.kind == "name" or before.text in (")", "]", "}"))
            if is_part and found[at].text in "([":
                at -= 1
                continue
        if not lexemes.is_sign(found, at - 1, "."):
            return max(at, 0)
        at -= 2
