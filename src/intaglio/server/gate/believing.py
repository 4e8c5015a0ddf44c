"""Whose tokens are believed: those of the installation's own issuer by its ring, those of others by their keys.

OpenID Connect Core 3.1.3.7, RFC 8725 sections 3.8 and 3.9. Nothing that was believed is kept: checking an RSA signature
takes some 40 us, and what is not kept cannot be too old.
"""

from __future__ import annotations

from typing import Protocol

from intaglio.dialects import believing
from intaglio.dialects.dialect import Dialect
from intaglio.names import RingId
from intaglio.server.keyring.rings import Keyring
from intaglio.server.model.recent import Recent
from intaglio.tokens import jws
from intaglio.tokens.claims import IDToken
from intaglio.tokens.jwk import KeySet
from intaglio.validate import policy, validator
from intaglio.validate.keysource import RemoteKeys
from intaglio.validate.policy import Expectation
from intaglio.wire.flow import Driver

MAX_EXPECTATIONS = 64


class Keys(Protocol):
    """Gives an issuer's keys."""

    async def keys(self, now: int, kid: str | None) -> KeySet:
        """Return the keys with which to check a token that names `kid`; raises `Unavailable`."""
        ...


class OwnKeys:
    """The keys that the installation publishes itself, as they are in this second."""

    def __init__(self, keyring: Keyring, dialect: Dialect, ring_id: RingId) -> None:
        self._keyring = keyring
        self._dialect = dialect
        self._ring_id = ring_id
        self._recent: Recent[KeySet] = Recent(2)

    async def keys(self, now: int, kid: str | None) -> KeySet:
        """Return the keys of the ring that the dialect publishes."""
        found = self._recent.get(self._ring_id, now)
        if found is None:
            published, _ = await self._keyring.published(self._ring_id)
            names = {key.key_id: str(self._dialect.kid(key)) for key in published}
            everything = await self._keyring.verification(self._ring_id, names)
            shown = {names[key.key_id] for key in published if self._dialect.publishes(key)}
            kept = tuple(key for key in everything.keys if key.kid in shown)
            found = self._recent.keep(self._ring_id, KeySet(kept), now)
        return found


class OthersKeys:
    """The keys of another issuer, fetched when they are needed."""

    def __init__(self, source: RemoteKeys, outgoing: Driver) -> None:
        self._source = source
        self._outgoing = outgoing

    async def keys(self, now: int, kid: str | None) -> KeySet:
        """Return the issuer's keys; raises `Unavailable` (`keys-unavailable`)."""
        return await self._source.aobtain(now, kid, self._outgoing.run)


class Believer:
    """Believes the ID tokens of one issuer."""

    def __init__(self, issuer: str, rules: str, keys: Keys, algorithms: tuple[str, ...] = ()) -> None:
        self.issuer = issuer
        self._rules = believing.rules(rules)
        self._keys = keys
        self._algorithms = algorithms or self._rules.algorithms or policy.ALL_ALGORITHMS
        self._expectations: dict[tuple[str, ...], Expectation] = {}

    async def token(self, text: str, audiences: tuple[str, ...], now: int) -> IDToken:
        """Return the claims of a token for one of the audiences; raises `TokenRefused`, `Unavailable`."""
        keys = await self._keys.keys(now, jws.peek_kid(text))
        return validator.validate(text, self._expectation(audiences), keys, now)

    def _expectation(self, audiences: tuple[str, ...]) -> Expectation:
        made = self._expectations.get(audiences)
        if made is None:
            if len(self._expectations) >= MAX_EXPECTATIONS:
                self._expectations.clear()
            made = self._expectations[audiences] = Expectation(
                self.issuer, audiences, leeway=self._rules.leeway, algorithms=self._algorithms, rules=self._rules
            )
        return made
