"""What other providers say of themselves: kept for ten minutes, asked for by one at a time.

OpenID Connect Discovery 1.0 section 4; OpenID Connect Core 10.1.1 (keys that rotated are fetched when they are missed).
"""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.errors import Unavailable
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider
from intaglio.wire.flow import Driver

LIFETIME = 600
SILENCE = 10
"""Seconds for which a provider that did not answer is not asked again."""
MAXIMUM = 1024


class _Held(msgspec.Struct, frozen=True):
    provider: Provider | None
    fault: Unavailable | None
    until: int


class Upstreams:
    """The providers of one process; the oldest is forgotten where there are too many."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str | None], _Held] = {}
        self._asking: dict[tuple[str, str | None], asyncio.Lock] = {}

    def __repr__(self) -> str:
        return f"Upstreams({len(self._held)})"

    async def of(self, party: RelyingParty, now: int, outgoing: Driver | None) -> Provider:
        """Return the provider of a client; raises `Unavailable` and `Refused` as `discover` does."""
        key = (party.issuer, party.discovery_uri)
        lock = self._asking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                held = self._held.get(key)
                if held is None or abs(held.until - now) > LIFETIME or now >= held.until:
                    held = self._keep(key, await _asked(party, now, outgoing))
        finally:
            if not lock.locked():
                self._asking.pop(key, None)
        if held.provider is None:
            assert held.fault is not None
            raise Unavailable(held.fault.code, held.fault.public, detail=held.fault.detail, hint=held.fault.hint)
        return held.provider

    def _keep(self, key: tuple[str, str | None], held: _Held) -> _Held:
        if len(self._held) >= MAXIMUM:
            del self._held[next(iter(self._held))]
        self._held[key] = held
        return held


async def _asked(party: RelyingParty, now: int, outgoing: Driver | None) -> _Held:
    if outgoing is None:
        raise Unavailable("destination-refused", "No call may leave here.")
    try:
        return _Held(await outgoing.run(party.discover()), None, now + LIFETIME)
    except Unavailable as fault:
        # SECURITY: a provider that is silent would otherwise be waited for by everybody who clicks
        # (test_a_silent_provider_is_not_asked_by_everybody).
        return _Held(None, fault, now + SILENCE)
