"""Find where two values part, so that expected and received can be compared at a glance."""

from __future__ import annotations

import itertools

import msgspec


class Difference(msgspec.Struct, frozen=True):
    """One line cut in three: what both share at the start, what only this one has, what both share at the end."""

    head: str
    own: str = ""
    tail: str = ""


def against(value: str, other: str) -> tuple[Difference, ...]:
    """Return the lines of `value`; the one nearest to a line of `other` is cut where they part, the rest stay whole."""
    lines, others = value.splitlines(), other.splitlines()
    if not lines or not others:
        return tuple(Difference(line) for line in lines)
    pairs = itertools.product(range(len(lines)), others)
    nearest, counterpart = min(pairs, key=lambda pair: _distance(lines[pair[0]], pair[1]))
    return tuple(_cut(line, counterpart) if at == nearest else Difference(line) for at, line in enumerate(lines))


def _distance(one: str, two: str) -> int:
    return len(_cut(one, two).own) + len(_cut(two, one).own)


def _cut(line: str, other: str) -> Difference:
    start = _shared(line, other)
    rest, other_rest = line[start:], other[start:]
    split = len(rest) - _shared(rest[::-1], other_rest[::-1])
    return Difference(line[:start], rest[:split], rest[split:])


def _shared(one: str, two: str) -> int:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False))
    return sum(1 for _ in same)
