"""Where an issuer's keys come from: a fixed set, or one that is fetched and kept fresh by a pure state machine.

OpenID Connect Core 10.1.1 (rotation), RFC 7517 section 5, RFC 9111 section 5.2.2.1 (max-age).

    empty ──received──▶ fresh ──soft lifetime──▶ stale ──received──▶ fresh
      ▲                   │ unknown kid, once per 30 s ──▶ asks again
      └──hard lifetime────┴── a fetch that fails leaves the last good keys in place
"""

from __future__ import annotations

import re
from typing import Protocol

from intaglio.errors import Refused, Unavailable
from intaglio.tokens.jwk import KeySet, read_set
from intaglio.validate import discovery
from intaglio.wire.flow import Flow

SOFT_LIFETIME = 300
HARD_LIFETIME = 24 * 3600
SHORTEST_LIFETIME = 60
COOLDOWN_SECONDS = 30
EMPTY_COOLDOWN_SECONDS = 5
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,10})\"?(?=$|[,\s])", re.IGNORECASE)


class KeySource(Protocol):
    """Gives an issuer's keys; the flow asks the issuer only where it must."""

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return keys to check a token with that names `kid` if nobody need be asked, else None."""
        ...

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return keys to check a token with that names `kid`; raises `Unavailable` if there are none."""
        ...


class FixedKeys:
    """Keys that were handed over once."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return the keys."""
        del now, kid
        return self._keys

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return the keys; nothing is asked."""
        del now, kid
        yield from ()
        return self._keys


def lifetime_of(cache_control: str | None) -> int:
    """Return for how many seconds keys are fresh: the answer's max-age within 60 s and 24 h, else 300."""
    if cache_control is None:
        return SOFT_LIFETIME
    lowered = cache_control.lower()
    if "no-store" in lowered or "no-cache" in lowered:
        return SHORTEST_LIFETIME
    found = _MAX_AGE.search(lowered)
    return min(max(int(found[1]), SHORTEST_LIFETIME), HARD_LIFETIME) if found else SOFT_LIFETIME


class RotatingKeys:
    """One URL's keys and when they were got; decides when to ask again and asks nobody itself.

    Keys are fresh for the soft lifetime and used for the hard lifetime (24 h) if asking again fails.
    """

    def __init__(self) -> None:
        self._keys: KeySet | None = None
        self._received_at = 0
        self._soft_lifetime = SOFT_LIFETIME
        self._asked_at: int | None = None

    def usable(self, now: int) -> KeySet | None:
        """Return the last good keys unless they are past the hard lifetime."""
        # A clock that was set back must not keep keys for ever, so that the distance counts, not its sign.
        if self._keys is not None and abs(now - self._received_at) < HARD_LIFETIME:
            return self._keys
        return None

    def must_ask(self, now: int, kid: str | None) -> bool:
        """Return whether the issuer is to be asked now, given that a token with `kid` is waiting."""
        keys = self.usable(now)
        since = None if self._asked_at is None else abs(now - self._asked_at)
        if keys is None:
            # Negative answers are kept for a moment: a flood of tokens is no flood of calls.
            return since is None or since >= EMPTY_COOLDOWN_SECONDS
        if since is not None and since < COOLDOWN_SECONDS:
            # A stranger picks the kid; without this bound each invented one would cost the issuer a call.
            return False
        stale = abs(now - self._received_at) >= self._soft_lifetime
        return stale or (kid is not None and not keys.named(kid))

    def asked(self, now: int) -> None:
        """Note that the issuer is being asked, so that nobody else asks as well."""
        self._asked_at = now

    def received(self, keys: KeySet, now: int, cache_control: str | None = None) -> None:
        """Take new keys; those that are no longer published drop out at once."""
        self._keys = keys
        self._received_at = now
        self._soft_lifetime = lifetime_of(cache_control)


class RemoteKeys:
    """An issuer's keys by discovery; raises `Unavailable` only while there are no usable keys at all.

    `jwks_uri` skips discovery. The address that discovery gave is looked up again after the hard lifetime and
    whenever asking it fails.
    """

    def __init__(self, issuer: str, *, jwks_uri: str | None = None) -> None:
        self._issuer = issuer
        self._fixed_uri = jwks_uri
        self._found_uri: str | None = None
        self._found_at = 0
        self._state = RotatingKeys()

    def ready(self, now: int, kid: str | None) -> KeySet | None:
        """Return keys to check a token with that names `kid` if the issuer need not be asked now, else None."""
        return None if self._state.must_ask(now, kid) else self._state.usable(now)

    def current(self, now: int, kid: str | None) -> Flow[KeySet]:
        """Return keys to check a token with that names `kid`, asking the issuer where it is time to."""
        fault: Unavailable | None = None
        if self._state.must_ask(now, kid):
            self._state.asked(now)
            try:
                yield from self._ask(now)
            except Unavailable as raised:
                self._found_uri = None
                fault = raised
        keys = self._state.usable(now)
        if keys is None:
            raise Unavailable(
                "keys-unavailable",
                "The issuer's keys could not be had.",
                detail={"issuer": self._issuer, "cause": None if fault is None else fault.code},
                hint="See whether the issuer's discovery document and its keys can be reached from here.",
            ) from fault
        return keys

    def _uri(self, now: int) -> Flow[str]:
        if self._fixed_uri is not None:
            return self._fixed_uri
        if self._found_uri is None or abs(now - self._found_at) >= HARD_LIFETIME:
            metadata = yield from discovery.fetch(self._issuer)
            self._found_uri, self._found_at = metadata.jwks_uri, now
        return self._found_uri

    def _ask(self, now: int) -> Flow[None]:
        uri = yield from self._uri(now)
        reply = yield discovery.get(uri)
        try:
            keys = read_set(discovery.members(reply))
        except Refused as refusal:
            raise Unavailable("bad-answer", detail={"url": uri, **refusal.detail}) from refusal
        # An empty set in place of a good one is an accident more often than a farewell; the last good keys stay.
        if not keys.keys:
            raise Unavailable("bad-answer", detail={"url": uri, "rule": "no usable key", "skipped": list(keys.skipped)})
        self._state.received(keys, now, reply.header("cache-control"))
