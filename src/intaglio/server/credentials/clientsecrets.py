"""Client secrets, kept as keyed hashes (HMAC-SHA256) and compared in constant time.

A client secret is looked at on every call of the token endpoint, so it is not stretched as a password is; the key that
is not in the database keeps a stolen database from being searched. Machine-made secrets hold 256 random bits anyway.
Where the secret itself is needed again (RFC 7523 with HMAC, OpenID Connect Core 9, `client_secret_jwt`) it is kept as
well, sealed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Protocol

from intaglio.errors import Misconfigured
from intaglio.ids import Secret
from intaglio.server.model.clients import ClientSecret

PURPOSE = "client-secret"


class Sealer(Protocol):
    """Seals what is kept at rest: the vault."""

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Return the sealed form."""
        ...

    def open(self, sealed: str, purpose: str) -> bytes:
        """Return what was sealed."""
        ...


class ClientSecrets:
    """Hashes, verifies and seals client secrets under one key."""

    def __init__(self, key: bytes, sealer: Sealer | None = None) -> None:
        self._key = key
        self._sealer = sealer

    def __repr__(self) -> str:
        return "ClientSecrets(…)"

    def digest(self, secret: str) -> bytes:
        """Return the keyed hash of a secret (32 octets)."""
        return hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def keep(self, secret: str, now: int, expires_at: int | None = None, *, sealed: bool = False) -> ClientSecret:
        """Return a secret as it is stored; `sealed` keeps it so that it can be had again.

        Raises `Misconfigured` (`secret-unsealable`) where there is nothing to seal with.
        """
        if not sealed:
            return ClientSecret(self.digest(secret), now, expires_at)
        if self._sealer is None:
            raise Misconfigured("secret-unsealable", "A client secret cannot be sealed here.")
        return ClientSecret(self.digest(secret), now, expires_at, self._sealer.seal(secret.encode(), PURPOSE))

    def verify(self, secrets: Iterable[ClientSecret], secret: str, now: int) -> bool:
        """Tell whether the secret is one of the client's that have not expired."""
        presented = self.digest(secret)
        good = False
        for kept in secrets:
            same = hmac.compare_digest(kept.digest, presented)
            good |= same and (kept.expires_at is None or now < kept.expires_at)
        return good

    def sealed(self, secrets: Iterable[ClientSecret], now: int) -> Iterator[Secret]:
        """Give the secrets that were sealed and have not expired, the newest first."""
        for kept in sorted(secrets, key=lambda one: one.created_at, reverse=True):
            if kept.sealed and self._sealer is not None and (kept.expires_at is None or now < kept.expires_at):
                yield Secret(self._sealer.open(kept.sealed, PURPOSE).decode())
