"""What a fuzz target is, and one attempt at it: what may happen, how long it may take."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec

from intaglio.errors import IntaglioError

CODE = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
SECONDS = 0.25
"""Of processor time for one input; nearly all take less than a thousandth of that."""


class Broken(Exception):
    """A promise of the target does not hold for this input."""


class Target(msgspec.Struct, frozen=True):
    """A function of octets, the errors that it may raise, and inputs to begin with.

    `run` raises `Broken` where a promise does not hold: a round trip, an agreement, or that it never believes.
    """

    name: str
    run: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...] = ()
    seeds: tuple[bytes, ...] = (b"",)
    seconds: float = SECONDS


def attempt(target: Target, octets: bytes) -> bool:
    """Try one input; return whether it was accepted. Raises for everything that the target does not allow."""
    began = time.thread_time()
    accepted = True
    try:
        target.run(octets)
    except target.allowed as error:
        accepted = False
        if isinstance(error, IntaglioError) and not CODE.fullmatch(error.code):
            raise Broken(f"{error.code!r} is no stable code") from error
    spent = time.thread_time() - began
    if spent > target.seconds:
        raise Broken(f"{target.name} took {spent:.2f} s for {len(octets)} octets")
    return accepted


def demand(condition: object, promise: str) -> None:
    """Raise `Broken` unless a promise holds."""
    if not condition:
        raise Broken(promise)
