"""Where every issued token is signed."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from intaglio import codec
from intaglio.dialects.dialect import Dialect
from intaglio.names import RingId
from intaglio.protocol import personal
from intaglio.protocol.facts import Facts
from intaglio.protocol.gate import AssertionFacts, Proxying
from intaglio.protocol.logout import LogoutFacts
from intaglio.server.issue import logouttoken, recipients, signing
from intaglio.server.issue.recipients import Recipient
from intaglio.server.keyring.rings import Keyring
from intaglio.server.telemetry.meters import Meters
from intaglio.tokens import hashes, jws

MAX_SIGNERS = 4096
ASSERTION_ALG = "ES256"


class Mint:
    """Signs ID tokens and UserInfo in any dialect with the keys of the tenant's ring, and encrypts them."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._thread = signing.SignerThread()
        self._signers: dict[tuple[str, str, str, str], jws.Signer] = {}
        self.meters: Meters | None = None
        """Where it is counted how long signing takes, if anywhere."""

    async def id_token(
        self, dialect: Dialect, ring_id: RingId, facts: Facts, recipient: Recipient | None = None
    ) -> str:
        """Return the signed ID token of the facts, in the dialect's shape (OpenID Connect Core 2).

        With a recipient it is signed, then encrypted to it (Core 10.2).
        """
        signer = await self._signer(dialect, ring_id, facts.alg, variant=facts.variant)
        payload = codec.encode_json(claims(dialect, facts))
        begun = perf_counter()
        token = await self._thread.sign(signer, payload) if facts.alg in signing.SLOW else signer.sign(payload)
        if self.meters is not None:
            self.meters.span("intaglio_sign_seconds", facts.alg)(perf_counter() - begun)
        return token if recipient is None else recipients.seal(token, recipient)

    async def userinfo(
        self, dialect: Dialect, ring_id: RingId, claims: dict[str, Any], alg: str, recipient: Recipient | None
    ) -> str:
        """Return UserInfo's claims as a JWT: signed with `alg`, encrypted, or both (OpenID Connect Core 5.3.2).

        `alg` is empty, or recipient None, but not both.
        """
        payload = codec.encode_json(claims)
        if not alg:
            assert recipient is not None
            return recipients.seal_claims(payload, recipient)
        signer = await self._signer(dialect, ring_id, alg)
        token = await self._thread.sign(signer, payload) if alg in signing.SLOW else signer.sign(payload)
        return token if recipient is None else recipients.seal(token, recipient)

    async def logout_token(
        self, dialect: Dialect, ring_id: RingId, facts: LogoutFacts, recipient: Recipient | None = None
    ) -> str:
        """Return the signed logout token of the facts (OpenID Connect Back-Channel Logout 1.0 section 2.4).

        With a recipient it is signed, then encrypted to it.
        """
        signer = await self._signer(dialect, ring_id, facts.alg, logouttoken.TYPE)
        payload = codec.encode_json(logouttoken.claims(facts))
        token = await self._thread.sign(signer, payload) if facts.alg in signing.SLOW else signer.sign(payload)
        return token if recipient is None else recipients.seal(token, recipient)

    async def assertion(self, dialect: Dialect, ring_id: RingId, words: Proxying, facts: AssertionFacts) -> str:
        """Return what a gate says of a request that it lets through, in the dialect's shape, signed with ES256."""
        signer = await self._signer(dialect, ring_id, ASSERTION_ALG)
        return signer.sign(codec.encode_json(words.claims(facts)))

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.close()

    async def _signer(
        self, dialect: Dialect, ring_id: RingId, alg: str, typ: str = "JWT", variant: str = ""
    ) -> jws.Signer:
        record = await self._keyring.signing(ring_id, alg)
        name = (record.key_id, dialect.name, typ, variant)
        signer = self._signers.get(name)
        if signer is None:
            if len(self._signers) >= MAX_SIGNERS:
                self._signers.clear()
            public = self._keyring.public(record)
            more = dialect.key_header(public, variant) if dialect.key_header is not None else {}
            header = {"typ": typ, **more, "kid": dialect.kid(public)}
            signer = self._signers[name] = jws.Signer(self._keyring.open(record), header)
        return signer


def claims(dialect: Dialect, facts: Facts) -> dict[str, Any]:
    """Return the claims of an ID token: the dialect's, and with them those that rules made."""
    found = dialect.id_token(facts)
    return personal.merged(found, facts.custom) if facts.custom else found


def at_hash(alg: str, access_token: str) -> str:
    """Return the `at_hash` of an access token (OpenID Connect Core 3.1.3.6)."""
    return hashes.half_hash(alg, access_token)
