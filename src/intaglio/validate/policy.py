"""What a validator expects of a token, checked once when it is made.

OpenID Connect Core 3.1.3.7; RFC 8725 sections 3.1 (algorithms), 3.8 and 3.9 (issuer and audience).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NoReturn

import msgspec

from intaglio.errors import Misconfigured
from intaglio.tokens import algorithms

MAXIMUM_LEEWAY = 300
DEFAULT_LEEWAY = 60
ALL_ALGORITHMS = tuple(algorithms.ALGORITHMS)


class Expectation(msgspec.Struct, frozen=True, dict=True):
    """What must hold for a token to be believed; raises `Misconfigured` (code `expectation-unusable`) on nonsense.

    `issuer` and `audience` (one or several that count as us) are compared as exact strings. `also` lists audiences
    that may stand beside ours. `authorized_parties` bounds `azp` where it is given. `leeway` and `max_age` are
    seconds; `leeway` is at most 300. With `access_token`, a present `at_hash` must match;
    `require_at_hash` demands one. Algorithms are names of `tokens.algorithms.ALGORITHMS`.
    """

    issuer: str | tuple[str, ...]
    audience: str | tuple[str, ...]
    nonce: str | None = None
    access_token: str | None = None
    max_age: int | None = None
    leeway: int = DEFAULT_LEEWAY
    algorithms: tuple[str, ...] = ALL_ALGORITHMS
    also: tuple[str, ...] = ()
    authorized_parties: tuple[str, ...] | None = None
    require_at_hash: bool = False

    def __post_init__(self) -> None:
        _check_names("issuer", self.issuer)
        _check_names("audience", self.audience)
        _check_names("also", self.also, may_be_empty=True)
        if self.authorized_parties is not None:
            _check_names("authorized_parties", self.authorized_parties)
        _check_algorithms(self.algorithms)
        _check_seconds("leeway", self.leeway, MAXIMUM_LEEWAY)
        if self.max_age is not None:
            _check_seconds("max_age", self.max_age, None)
        _check_text("nonce", self.nonce)
        _check_text("access_token", self.access_token)
        if self.require_at_hash and self.access_token is None:
            _refuse("require_at_hash", "an access_token to compare with")

    @cached_property
    def issuers(self) -> frozenset[str]:
        """The issuers that count, as a set."""
        return _set(self.issuer)

    @cached_property
    def audiences(self) -> frozenset[str]:
        """The audiences that count as us, as a set."""
        return _set(self.audience)

    @cached_property
    def trusted_audiences(self) -> frozenset[str]:
        """The audiences that may be in a token at all, as a set."""
        return self.audiences | _set(self.also)

    @cached_property
    def allowed_algorithms(self) -> frozenset[str]:
        """The algorithms that are allowed, as a set."""
        return frozenset(self.algorithms)

    def __repr__(self) -> str:
        return f"Expectation(issuer={self.issuer!r}, audience={self.audience!r}, …)"


def _refuse(name: str, expected: str) -> NoReturn:
    raise Misconfigured(
        "expectation-unusable",
        f"What is expected of tokens cannot be used: {name}.",
        detail={"name": name, "expected": expected},
        hint=f"Set {name} to {expected}.",
    )


def _set(value: str | tuple[str, ...]) -> frozenset[str]:
    return frozenset((value,)) if isinstance(value, str) else frozenset(value)


def _check_names(name: str, value: object, *, may_be_empty: bool = False) -> None:
    names: Iterable[Any] = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else (None,)
    listed = tuple(names)
    if not listed and not may_be_empty:
        _refuse(name, "at least one string")
    # RFC 8725 3.8, 3.9: an empty expectation would match what a careless issuer leaves empty.
    if not all(isinstance(entry, str) and entry and entry.strip() == entry for entry in listed):
        _refuse(name, "strings (one, or a tuple) that are not empty and have no space around them")


def _check_text(name: str, value: object) -> None:
    # An empty value would be a check that looks as if it ran.
    if value is not None and (not isinstance(value, str) or not value):
        _refuse(name, "a string that is not empty, or None")


def _check_algorithms(names: object) -> None:
    known = isinstance(names, tuple) and all(name in algorithms.ALGORITHMS for name in names)
    # RFC 8725 3.1, 3.2: only what was chosen, and never `none`.
    if not names or not known:
        _refuse("algorithms", "a tuple of " + ", ".join(algorithms.ALGORITHMS))


def _check_seconds(name: str, value: object, most: int | None) -> None:
    # bool is an int to Python, and True is no leeway.
    if type(value) is not int or value < 0 or (most is not None and value > most):
        _refuse(name, "whole seconds from 0" + ("" if most is None else f" to {most}"))
