"""Our functions as one evaluation gets them: calls are counted, for a stranger's token decides how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from intaglio.server.access import bounds, functions, patterns

MOST = 100_000
"""Members of lists and maps that may be handed over in one evaluation; a text counts one for 64 characters."""

SEARCHES = 256
"""What all searches of one evaluation may cost, in units of `patterns.Pattern`."""

Search = Callable[[str, str], bool]
"""Tells whether a part of a text matches a pattern in the engine's own form."""

_OWN = {bounds.own(name): function for name, function in functions.OWN.items()}
_MATCHES, _SPLIT = bounds.own("matches"), bounds.own("split")


class _Purse:
    """What one evaluation may spend."""

    __slots__ = ("longest", "members", "searches")

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.members = MOST
        self.searches = SEARCHES

    def pay(self, value: Any) -> None:
        """Pay for one value that passes between the library and us: each is copied, with all its members."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            self.members -= 1 + (len(one) // 64 if isinstance(one, str) else 0)
            if self.members < 0:
                raise ValueError("the functions have been called enough for one evaluation")
            if isinstance(one, list):
                waiting += one
            elif isinstance(one, dict):
                waiting += one.values()


def metered(called: frozenset[str], longest: int, search: Search) -> dict[str, Callable[..., Any]]:
    """Return those of our functions that an expression calls; no list that `split` makes has more than `longest`."""
    purse = _Purse(longest)
    known = {name: _counted(_OWN[name], purse) for name in called if name in _OWN}
    if _SPLIT in known:
        known[_SPLIT] = _counted(_short(purse), purse)
    if _MATCHES in called:
        known[_MATCHES] = _counted(_searching(purse, search), purse)
    return known


def _counted(function: Callable[..., Any], purse: _Purse) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        purse.pay(list(arguments))
        made = function(*arguments)
        purse.pay(made)
        return made

    return call


def _short(purse: _Purse) -> Callable[..., list[str]]:
    def split(*arguments: Any) -> list[str]:
        found = functions.split(*arguments)
        if len(found) > purse.longest:
            raise ValueError(f"a macro goes through at most {purse.longest} members")
        return found

    return split


def _searching(purse: _Purse, search: Search) -> Callable[[Any, Any], bool]:
    def matches(text: Any, pattern: Any) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            raise TypeError("matches takes texts")
        if len(text) > patterns.LONGEST_TEXT:
            raise ValueError(f"matches takes a text of at most {patterns.LONGEST_TEXT} characters")
        wanted = patterns.translate(pattern)
        purse.searches -= wanted.cost
        if purse.searches < 0:
            raise ValueError("matches has searched enough for one evaluation")
        return search(text, wanted.text)

    return matches
