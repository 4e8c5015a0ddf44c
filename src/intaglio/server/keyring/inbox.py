"""The key that others encrypt to when they write to an issuer: request objects.

OpenID Connect Core 10.2 (encryption), RFC 9101 section 6.1, NIST SP 800-57 part 1 section 5.3 (cryptoperiods).

Nothing of it is stored: it is derived from the master key, the ring and the quarter of the year that it is for. The key
of the present quarter is published; that of the one before still opens what was encrypted to it.
"""

from __future__ import annotations

from intaglio.names import RingId
from intaglio.server.keyring.vault import Vault
from intaglio.tokens import derivedkeys, encryptionkeys
from intaglio.tokens.encryptionkeys import DecryptionKey, DecryptionKeys

PERIOD = 90 * 24 * 3600
"""Seconds for which one key is published."""
MAX_KEPT = 1024
_PURPOSE = "encryption-key"


class Inbox:
    """The encryption keys of every ring. Does not print itself."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._kept: dict[tuple[str, int], DecryptionKey] = {}
        self._members: dict[tuple[str, int], dict[str, str]] = {}

    def __repr__(self) -> str:
        return "Inbox(…)"

    def _key(self, ring_id: RingId, period: int) -> DecryptionKey:
        key = self._kept.get((ring_id, period))
        if key is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            halves = (self._vault.derive(f"{_PURPOSE}/{half}/{period}/{ring_id}") for half in (0, 1))
            key = self._kept[ring_id, period] = derivedkeys.agreement_key(b"".join(halves))
        return key

    def opening(self, ring_id: RingId, now: int) -> DecryptionKeys:
        """Return the keys that open what was encrypted to the ring: the present one and the one before."""
        period = now // PERIOD
        return DecryptionKeys((self._key(ring_id, period), self._key(ring_id, period - 1)))

    def published(self, ring_id: RingId, now: int) -> dict[str, str]:
        """Return the present key as a JWK with `use: enc`."""
        place = (ring_id, now // PERIOD)
        members = self._members.get(place)
        if members is None:
            key = self._key(*place)
            if len(self._members) >= MAX_KEPT:
                self._members.clear()
            members = {**encryptionkeys.public_members(key.public()), "use": "enc", "kid": str(key.kid)}
            self._members[place] = members
        return dict(members)
