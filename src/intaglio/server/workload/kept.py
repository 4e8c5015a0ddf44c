"""Access tokens that were handed out and are handed out again while enough is left of them."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from intaglio.protocol.principals import Bearing

LEFT = 600
"""Seconds that have to be left: clients renew from five minutes before the end, and then want another token."""


class Kept(msgspec.Struct, frozen=True):
    """A token and what it says."""

    token: str
    bearing: Bearing

    def __repr__(self) -> str:
        return "Kept(…)"


class KeptTokens:
    """Tokens by whom they are for; one a process. Bounded: at `limit` entries it forgets everything."""

    def __init__(self, limit: int = 4096) -> None:
        self._entries: dict[Hashable, Kept] = {}
        self._limit = limit

    def __repr__(self) -> str:
        return "KeptTokens(…)"

    def get(self, key: Hashable, now: int) -> Kept | None:
        """Return what was kept, if more than `LEFT` seconds are left of it."""
        kept = self._entries.get(key)
        return kept if kept is not None and kept.bearing.expires_at - now > LEFT else None

    def keep(self, key: Hashable, kept: Kept) -> Kept:
        """Keep a token and return it."""
        if len(self._entries) >= self._limit:
            self._entries.clear()
        self._entries[key] = kept
        return kept
