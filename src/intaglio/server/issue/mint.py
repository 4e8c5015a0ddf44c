"""Where every issued token is signed."""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects.dialect import Dialect
from intaglio.names import RingId
from intaglio.protocol.facts import Facts
from intaglio.server.issue import signing
from intaglio.server.keyring.rings import Keyring
from intaglio.tokens import hashes, jws

MAX_SIGNERS = 4096


class Mint:
    """Signs ID tokens in any dialect with the keys of the tenant's ring."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._thread = signing.SignerThread()
        self._signers: dict[tuple[str, str], jws.Signer] = {}

    async def id_token(self, dialect: Dialect, ring_id: RingId, facts: Facts) -> str:
        """Return the signed ID token of the facts, in the dialect's shape (OpenID Connect Core 2)."""
        signer = await self._signer(dialect, ring_id, facts.alg)
        payload = codec.encode_json(dialect.id_token(facts))
        return await self._thread.sign(signer, payload) if facts.alg in signing.SLOW else signer.sign(payload)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.close()

    async def _signer(self, dialect: Dialect, ring_id: RingId, alg: str) -> jws.Signer:
        record = await self._keyring.signing(ring_id, alg)
        name = (record.key_id, dialect.name)
        signer = self._signers.get(name)
        if signer is None:
            if len(self._signers) >= MAX_SIGNERS:
                self._signers.clear()
            header = {"typ": "JWT", "kid": dialect.kid(self._keyring.public(record))}
            signer = self._signers[name] = jws.Signer(self._keyring.open(record), header)
        return signer


def at_hash(alg: str, access_token: str) -> str:
    """Return the `at_hash` of an access token (OpenID Connect Core 3.1.3.6)."""
    return hashes.half_hash(alg, access_token)
