"""Client secrets, kept as keyed hashes (HMAC-SHA256) and compared in constant time.

A client secret is looked at on every call of the token endpoint, so it is not stretched as a password is; the key that
is not in the database keeps a stolen database from being searched. Machine-made secrets hold 256 random bits anyway.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from intaglio.server.model.clients import ClientSecret


class ClientSecrets:
    """Hashes and verifies client secrets under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, secret: str) -> bytes:
        """Return the keyed hash of a secret (32 octets)."""
        return hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def keep(self, secret: str, now: int, expires_at: int | None = None) -> ClientSecret:
        """Return a secret as it is stored."""
        return ClientSecret(self.digest(secret), now, expires_at)

    def verify(self, secrets: Iterable[ClientSecret], secret: str, now: int) -> bool:
        """Tell whether the secret is one of the client's that have not expired."""
        presented = self.digest(secret)
        good = False
        for kept in secrets:
            same = hmac.compare_digest(kept.digest, presented)
            good |= same and (kept.expires_at is None or now < kept.expires_at)
        return good
