"""The life of a signing key, told from its instants alone.

    next ──active_at──▶ current ──retired_at──▶ previous ──gone_at──▶ gone
      └───────────────────────revoked_at────────────────────▶ revoked

A key is published while it is next, current or previous: at least a day before its first use, so that whoever caches
the key set has it in time, and until the last token that it signed has expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from intaglio.server.model.signingkeys import SigningKeyRecord

State = Literal["next", "current", "previous", "revoked", "gone"]

PUBLISH_AHEAD = 24 * 3600
"""Seconds for which a key is published before it signs."""

KEEP_BEHIND = 48 * 3600
"""Seconds for which a retired key stays published: the longest ID token (24 h) and a day of caches."""

ROTATE_EVERY = 90 * 86400
"""Seconds for which a key signs before its successor takes over."""


def state(key: SigningKeyRecord, now: int) -> State:
    """Return where the key stands in its life."""
    if key.revoked_at is not None and key.revoked_at <= now:
        return "revoked"
    if now < key.active_at:
        return "next"
    if key.retired_at is None or now < key.retired_at:
        return "current"
    return "previous" if key.gone_at is None or now < key.gone_at else "gone"


def is_published(key: SigningKeyRecord, now: int) -> bool:
    """Tell whether the key belongs into the published set."""
    return state(key, now) in ("next", "current", "previous")


def current(keys: Iterable[SigningKeyRecord], alg: str, now: int) -> SigningKeyRecord | None:
    """Return the key that signs with the algorithm now: the newest that is current."""
    signing = [key for key in keys if key.alg == alg and state(key, now) == "current"]
    return max(signing, key=lambda key: (key.active_at, key.created_at, key.key_id), default=None)


def upcoming(keys: Iterable[SigningKeyRecord], alg: str, now: int) -> SigningKeyRecord | None:
    """Return the algorithm's next key, if one is published ahead."""
    waiting = [key for key in keys if key.alg == alg and state(key, now) == "next"]
    return min(waiting, key=lambda key: (key.active_at, key.key_id), default=None)


def is_due(keys: Iterable[SigningKeyRecord], alg: str, now: int) -> bool:
    """Tell whether it is time to publish a successor of the algorithm's current key."""
    keys = list(keys)
    signing = current(keys, alg, now)
    if signing is None or upcoming(keys, alg, now) is not None:
        return False
    return now >= signing.active_at + ROTATE_EVERY - PUBLISH_AHEAD


def max_age(keys: Iterable[SigningKeyRecord], now: int) -> int:
    """Return how many seconds the key set may be kept: an hour, and less when a key is about to leave it."""
    leaving = [key.gone_at - now for key in keys if key.gone_at is not None and key.gone_at > now]
    return max(60, min([3600, *leaving]))
