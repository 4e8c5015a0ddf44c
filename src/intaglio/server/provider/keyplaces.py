"""Where clients publish their keys: the last good set of each address, when to ask again, one fetch at a time.

OpenID Connect Core 10.1.1 and 10.2.1 (rotation), RFC 7517 section 5.
"""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.tokens.jwk import KeySet
from intaglio.validate.rotation import COOLDOWN_SECONDS, EMPTY_COOLDOWN_SECONDS, HARD_LIFETIME

MAXIMUM_PLACES = 256
"""Addresses that are remembered in a process; with the bound of a document this bounds the memory."""


class Held(msgspec.Struct, frozen=True):
    """A key set as it was fetched: its JSON text, the keys in it that check signatures, and how long it is fresh."""

    text: str
    keys: KeySet
    received_at: int
    soft_lifetime: int


class KeyPlace:
    """One address. Its set is fresh for the soft lifetime, and used for 24 h if asking again fails."""

    __slots__ = ("_asked_at", "_held", "fetch")

    def __init__(self) -> None:
        self._held: Held | None = None
        self._asked_at: int | None = None
        self.fetch: asyncio.Task[None] | None = None

    def usable(self, now: int) -> Held | None:
        """Return the last good set unless it is past the hard lifetime."""
        held = self._held
        return held if held is not None and abs(now - held.received_at) < HARD_LIFETIME else None

    def is_due(self, now: int, kid: str | None, *, doubted: bool) -> bool:
        """Tell whether the client is to be asked now: nothing is held, it is stale, or lacks the key called `kid`.

        `doubted` says that the held keys did not check a signature.
        """
        since = None if self._asked_at is None else abs(now - self._asked_at)
        held = self.usable(now)
        if held is None:
            return since is None or since >= EMPTY_COOLDOWN_SECONDS
        # SECURITY: a stranger picks the kid; without this bound each invented one would cost a call
        # (test_unknown_kids_are_no_flood_of_calls).
        if since is not None and since < COOLDOWN_SECONDS:
            return False
        stale = abs(now - held.received_at) >= held.soft_lifetime
        return stale or doubted or (kid is not None and not held.keys.named(kid))

    def asked(self, now: int) -> None:
        """Note that the client is being asked."""
        self._asked_at = now

    def received(self, held: Held) -> None:
        """Take a new set; keys that are no longer published drop out at once."""
        self._held = held


class KeyPlaces:
    """The addresses that were asked lately; the oldest is forgotten where there are too many."""

    def __init__(self) -> None:
        self._places: dict[str, KeyPlace] = {}

    def of(self, uri: str) -> KeyPlace:
        """Return what is known of an address."""
        place = self._places.get(uri)
        if place is None:
            if len(self._places) >= MAXIMUM_PLACES:
                del self._places[next(iter(self._places))]
            place = self._places[uri] = KeyPlace()
        return place
