"""When keys are to be asked for again: a pure state machine over one URL's keys.

OpenID Connect Core 10.1.1 (rotation), RFC 9111 section 5.2.2.1 (max-age).

    empty ──received──▶ fresh ──soft lifetime──▶ stale ──received──▶ fresh
      ▲                   │ unknown kid, once per 30 s ──▶ asks again
      └──hard lifetime────┴── a fetch that fails leaves the last good keys in place
"""

from __future__ import annotations

import re

import msgspec

from intaglio.tokens.jwk import KeySet

SOFT_LIFETIME = 300
HARD_LIFETIME = 24 * 3600
SHORTEST_LIFETIME = 60
LONGEST_SOFT_LIFETIME = 12 * 3600
"""Half of the hard lifetime: an issuer that is away when its keys grow old has as long to come back."""
COOLDOWN_SECONDS = 30
EMPTY_COOLDOWN_SECONDS = 5
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,10})\"?(?=$|[,\s])", re.IGNORECASE)


def lifetime_of(cache_control: str | None) -> int:
    """Return for how many seconds keys are fresh: the answer's max-age within 60 s and 12 h, else 300."""
    if cache_control is None:
        return SOFT_LIFETIME
    lowered = cache_control.lower()
    if "no-store" in lowered or "no-cache" in lowered:
        return SHORTEST_LIFETIME
    found = _MAX_AGE.search(lowered)
    return min(max(int(found[1]), SHORTEST_LIFETIME), LONGEST_SOFT_LIFETIME) if found else SOFT_LIFETIME


class _Held(msgspec.Struct, frozen=True):
    """Good keys and when they were got; replaced as a whole, so that a thread that looks sees no half of it."""

    keys: KeySet
    received_at: int
    soft_lifetime: int


class RotatingKeys:
    """One URL's keys and when they were got; decides when to ask again and asks nobody itself.

    Keys are fresh for the soft lifetime and used for the hard lifetime (24 h) if asking again fails.
    """

    def __init__(self) -> None:
        self._held: _Held | None = None
        self._asked_at: int | None = None

    def usable(self, now: int) -> KeySet | None:
        """Return the last good keys unless they are past the hard lifetime."""
        held = self._held
        # A clock that was set back must not keep keys for ever, so that the distance counts, not its sign.
        return held.keys if held is not None and abs(now - held.received_at) < HARD_LIFETIME else None

    def must_ask(self, now: int, kid: str | None) -> bool:
        """Return whether the issuer is to be asked now, given that a token with `kid` is waiting."""
        held, asked_at = self._held, self._asked_at
        since = None if asked_at is None else abs(now - asked_at)
        if held is None or abs(now - held.received_at) >= HARD_LIFETIME:
            # Negative answers are kept for a moment: a flood of tokens is no flood of calls.
            return since is None or since >= EMPTY_COOLDOWN_SECONDS
        if since is not None and since < COOLDOWN_SECONDS:
            # A stranger picks the kid; without this bound each invented one would cost the issuer a call.
            return False
        stale = abs(now - held.received_at) >= held.soft_lifetime
        return stale or (kid is not None and not held.keys.named(kid))

    def asked(self, now: int) -> None:
        """Note that the issuer is being asked, or that it just failed, so that nobody else asks as well."""
        self._asked_at = now

    def received(self, keys: KeySet, now: int, cache_control: str | None = None) -> None:
        """Take new keys; those that are no longer published drop out at once."""
        self._held = _Held(keys, now, lifetime_of(cache_control))
