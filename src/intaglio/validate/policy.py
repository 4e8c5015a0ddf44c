"""What a validator expects of every token, checked once when it is made; and what is known of the one sign-in.

OpenID Connect Core 3.1.3.7; RFC 8725 sections 3.1 (algorithms), 3.8 and 3.9 (issuer and audience).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from intaglio.errors import Misconfigured
from intaglio.tokens import algorithms as known
from intaglio.validate.ruleset import RuleSet
from intaglio.validate.standard import STANDARD

if TYPE_CHECKING:
    from intaglio.tokens.encryptionkeys import DecryptionKeys
    from intaglio.tokens.sharedsecret import SharedSecret

MAXIMUM_LEEWAY = 300
DEFAULT_LEEWAY = 60
ALL_ALGORITHMS = tuple(known.ALGORITHMS)
SECRET_ALGORITHM = "HS256"
_JUDGED = {"organization": "organization", "emails": "email", "authorized_parties": "azp"}


class AnyAudience:
    """The type of `UNSAFE_ANY_AUDIENCE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSAFE_ANY_AUDIENCE"


UNSAFE_ANY_AUDIENCE: Final = AnyAudience()
"""In place of an audience: tokens for anybody are accepted. Whoever gets a token from a user can then be that user."""


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


def _check_algorithms(names: object, *, with_secret: bool) -> None:
    usable = (*ALL_ALGORITHMS, SECRET_ALGORITHM) if with_secret else ALL_ALGORITHMS
    # RFC 8725 3.1, 3.2: only what was chosen, and never `none`.
    if not names or not isinstance(names, tuple) or not all(name in usable for name in names):
        _refuse("algorithms", "a tuple of " + ", ".join(usable))


def _check_seconds(name: str, value: object, most: int | None) -> None:
    # bool is an int to Python, and True is no leeway.
    if type(value) is not int or value < 0 or (most is not None and value > most):
        _refuse(name, "whole seconds from 0" + ("" if most is None else f" to {most}"))


class Occasion(msgspec.Struct, frozen=True):
    """What is known of the one sign-in that a token answers; raises `Misconfigured` (`expectation-unusable`).

    `nonce` was sent and must come back. With `access_token` a present `at_hash` must match, and `require_at_hash`
    demands one (the token came through the browser). With `code` the token must carry the matching `c_hash`, with
    `state` the matching `s_hash`. `max_age` is in seconds since the person signed in.
    """

    nonce: str | None = None
    access_token: str | None = None
    code: str | None = None
    state: str | None = None
    max_age: int | None = None
    require_at_hash: bool = False

    def __post_init__(self) -> None:
        for value in (self.nonce, self.access_token, self.code, self.state):
            if value is not None and (value.__class__ is not str or not value):
                _refuse("nonce, access_token, code or state", "a string that is not empty, or None")
        if self.max_age is not None:
            _check_seconds("max_age", self.max_age, None)
        if self.require_at_hash and self.access_token is None:
            _refuse("require_at_hash", "an access_token to compare with")

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name)]
        return f"Occasion({', '.join(given)})"


NO_OCCASION = Occasion()


class Expectation(msgspec.Struct, frozen=True, dict=True):
    """What must hold for a token to be believed; raises `Misconfigured` (code `expectation-unusable`) on nonsense.

    `issuer` and `audience` (one or several that count as us) are compared as exact strings. `also` lists audiences
    that may stand beside ours. `authorized_parties` bounds `azp` where it is given, `organization` and `emails` what
    their dialects say of those. `leeway` is in seconds, at most 300. `algorithms` are names of
    `tokens.algorithms.ALGORITHMS`, and HS256 with a `secret` only. `decryption` opens encrypted tokens;
    `require_encrypted` refuses others.
    """

    issuer: str | tuple[str, ...]
    audience: str | tuple[str, ...] | AnyAudience
    leeway: int = DEFAULT_LEEWAY
    algorithms: tuple[str, ...] = ALL_ALGORITHMS
    also: tuple[str, ...] = ()
    authorized_parties: tuple[str, ...] | None = None
    organization: str | None = None
    emails: tuple[str, ...] | None = None
    secret: SharedSecret | None = None
    decryption: DecryptionKeys | None = None
    require_encrypted: bool = False
    rules: RuleSet = STANDARD

    def __post_init__(self) -> None:
        _check_names("issuer", self.issuer)
        if not isinstance(self.audience, AnyAudience):
            _check_names("audience", self.audience)
        _check_names("also", self.also, may_be_empty=True)
        for name in ("authorized_parties", "emails"):
            if getattr(self, name) is not None:
                _check_names(name, getattr(self, name))
        _check_text("organization", self.organization)
        _check_algorithms(self.algorithms, with_secret=self.secret is not None)
        _check_seconds("leeway", self.leeway, MAXIMUM_LEEWAY)
        for name, judge in _JUDGED.items():
            # What is expected and what no rule looks at would look as if it were checked.
            if getattr(self, name) is not None and all(rule.judge != judge for rule in self.rules.rules):
                _refuse(name, f"None: the rules of {self.rules.name} do not look at it")
        if self.require_encrypted and self.decryption is None:
            _refuse("decryption", "the keys that tokens are encrypted to")

    @cached_property
    def issuers(self) -> frozenset[str]:
        """The issuers that count, as a set, in every spelling that the dialect accepts; templates are not in it."""
        exact = _set(self.issuer) - frozenset(self.templates)
        if not self.rules.bare_issuer:
            return exact
        return exact | {issuer.removeprefix("https://") for issuer in exact}

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The issuers in which the dialect's placeholder stands for a tenant."""
        place = self.rules.placeholder
        return tuple(sorted(issuer for issuer in _set(self.issuer) if place and place in issuer))

    @cached_property
    def any_audience(self) -> bool:
        """Whether the audience is not checked."""
        return isinstance(self.audience, AnyAudience)

    @cached_property
    def audiences(self) -> frozenset[str]:
        """The audiences that count as us, as a set; empty if any does."""
        return frozenset() if isinstance(self.audience, AnyAudience) else _set(self.audience)

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
