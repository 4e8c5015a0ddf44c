r"""Regular expressions of conditions: RE2's syntax, in the form in which the library's engine means the same.

RE2, "Syntax". The engine is linear in the text but takes RE2's bounds of repetition tenfold, means letters and
digits of every script by `\w` and `\d`, and knows operators inside of classes; none of that is CEL's.
"""

from __future__ import annotations

import functools
import re

import msgspec

LONGEST = 512
"""Characters of a pattern."""

LONGEST_TEXT = 4096
"""Characters of a text that is searched."""

MOST_REPEATS = 1000
"""How often something may be repeated, with what it stands in."""

MOST_PROPERTIES = 32
"""Classes such as \\pL, each of which is a table of its own, counted as often as anything is repeated."""

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_REPEAT = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
_GROUP = re.compile(r"\((?:\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|[imsU]*(?:-[imsU]+)?(?:\)|:)))?")
_POSIX = re.compile(r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]")
_PROPERTY = re.compile(r"[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})")
_CODE = re.compile(r"x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})")


class Pattern(msgspec.Struct, frozen=True):
    """A pattern for the engine. `cost` is what a search with it takes, in units of a tenth to half a millisecond."""

    text: str
    cost: int


class PatternRefused(ValueError):
    """The pattern is not RE2's, or repeats too much."""


@functools.lru_cache(maxsize=256)
def translate(pattern: str) -> Pattern:
    """Return the pattern as the engine has to have it; raises `PatternRefused`."""
    if len(pattern) > LONGEST:
        raise PatternRefused(f"matches takes a pattern of at most {LONGEST} characters")
    return _Reader(pattern).read()


class _Reader:
    """Reads one pattern from left to right. `_weights` are the repeats inside of each group that is open."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._pieces: list[str] = []
        self._weights: list[int] = [1]
        self._last = 1
        self._is_repeated = False
        self._properties = 0
        self._most = 1

    def read(self) -> Pattern:
        while self._at < len(self._pattern):
            self._one(self._pattern[self._at])
        properties = self._properties * self._most
        if properties > MOST_PROPERTIES:
            raise PatternRefused(f"matches takes at most {MOST_PROPERTIES} properties, repetitions counted")
        return Pattern("".join(self._pieces), 1 + self._most // 50 + properties)

    def _one(self, letter: str) -> None:
        if letter == "\\":
            self._take(2, self._escape(self._pattern[self._at + 1 : self._at + 2], inside=False))
        elif letter == "[":
            self._class()
        elif letter == "(":
            self._open()
        elif letter == ")":
            self._take(1, ")")
            self._last = self._weights.pop() if len(self._weights) > 1 else 1
            self._note(self._last)
        elif letter == "{":
            self._repeat()
        elif letter in "*+?":
            self._star()
        else:
            self._take(1, letter)

    def _take(self, count: int, piece: str) -> None:
        self._pieces.append(piece)
        self._at += count
        self._last = 1
        self._is_repeated = False

    def _again(self, sign: str) -> None:
        """Take a sign of repetition, with the one behind it that makes it modest."""
        if self._is_repeated:
            raise PatternRefused("matches takes one repetition at a time")
        modest = "?" if self._pattern.startswith("?", self._at + len(sign)) else ""
        self._take(len(sign + modest), sign + modest)
        self._is_repeated = True

    def _star(self) -> None:
        last = self._last
        self._again(self._pattern[self._at])
        self._last = last

    def _note(self, weight: int) -> None:
        self._weights[-1] = max(self._weights[-1], weight)

    def _open(self) -> None:
        match = _GROUP.match(self._pattern, self._at)
        if match is None or (match[0] == "(" and self._pattern.startswith("(?", self._at)):
            raise PatternRefused("matches takes groups as RE2 has them")
        self._take(len(match[0]), match[0])
        if not match[0].endswith(")"):
            self._weights.append(1)

    def _repeat(self) -> None:
        match = _REPEAT.match(self._pattern, self._at)
        if match is None:
            raise PatternRefused(r"matches takes a brace only for a repetition, else as \{")
        times = max(int(match[1]), int(match[3] or 0), 1)
        weight = self._last * times
        if weight > MOST_REPEATS:
            raise PatternRefused(f"matches repeats at most {MOST_REPEATS} times")
        self._again(match[0])
        self._last = weight
        self._most = max(self._most, weight)
        self._note(weight)

    def _escape(self, letter: str, *, inside: bool) -> str:
        if letter.lower() in _CLASSES and letter:
            letters = _CLASSES[letter.lower()]
            if letter.islower():
                return letters if inside else f"[{letters}]"
            return f"[^{letters}]"
        if letter == "b" and not inside:
            if self._pattern.startswith("{", self._at + 2):
                raise PatternRefused(r"matches repeats no \b")
            return r"(?-u:\b)"
        whole = {"p": _PROPERTY, "P": _PROPERTY, "x": _CODE}.get(letter)
        if whole is not None:
            match = whole.match(self._pattern, self._at + 1)
            if match is None:
                raise PatternRefused(rf"matches takes \{letter} as RE2 has it")
            self._properties += letter != "x"
            self._at += len(match[0]) - 1
            return "\\" + match[0]
        is_mark = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter not in "<> _"
        if letter and (is_mark or letter in "afnrtv" or (letter in "Az" and not inside)):
            return "\\" + letter
        raise PatternRefused("matches knows no such escape")

    def _class(self) -> None:
        pieces = ["["]
        at = self._at
        self._at += 1
        if self._pattern.startswith("^", self._at):
            pieces.append("^")
            self._at += 1
        is_first = True
        while is_first or not self._pattern.startswith("]", self._at):
            pieces.append(self._member())
            is_first = False
        self._at, end = at, self._at + 1
        self._take(end - at, "".join([*pieces, "]"]))

    def _member(self) -> str:
        """Return one letter, a range of letters, or a class by name."""
        low, is_letter = self._letter()
        rest = self._pattern[self._at : self._at + 2]
        if not (is_letter and rest.startswith("-") and rest != "-]"):
            return low
        self._at += 1
        high, is_letter = self._letter()
        if not is_letter:
            raise PatternRefused("matches takes a range from letter to letter")
        return f"{low}-{high}"

    def _letter(self) -> tuple[str, bool]:
        """Return what stands next in a class, and whether it is a single letter."""
        rest = self._pattern[self._at : self._at + 20]
        if not rest:
            raise PatternRefused("matches takes a class that ends")
        if rest.startswith("[:"):
            posix = _POSIX.match(rest)
            if posix is None:
                raise PatternRefused("matches knows no such class")
            self._at += len(posix[0])
            return posix[0], False
        if rest[0] == "\\":
            piece = self._escape(rest[1:2], inside=True)
            self._at += 2
            return piece, rest[1].lower() not in "dswp"
        self._at += 1
        # The engine takes [ for a class inside, and doubled marks for operations on classes; RE2 for themselves.
        return ("\\" + rest[0] if rest[0] in "[]^&~-" else rest[0]), True
