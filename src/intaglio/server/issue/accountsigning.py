"""Signatures in an account's name: with a key that the server keeps for it, made when it is first needed.

A key signs for two weeks. Its successor is made a day before it signs, and each stays published until what it signed
has ended; so whoever caches the public keys has the right one in time.
"""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Iterable

from intaglio.server.issue.signing import SignerThread
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.plan import Store
from intaglio.server.model.recent import Recent
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.tokens import certificates, jwk, jws, pem
from intaglio.tokens.detached import DetachedSigner

ALG = "RS256"
ORIGIN = "system"
SIGNS_FOR = 14 * 86400
"""Seconds from a key's making to its last signature."""
AHEAD = 86400
"""Seconds for which a successor is published before it signs."""
BEHIND = 2 * 86400
"""Seconds for which a key stays published after its last signature: the longest JWT (12 h) and a day of caches."""
PURPOSE = "account-key/"
MAX_OPEN = 1024


class AccountSigner:
    """Signs as service accounts; one a process. Opened keys stay in memory, the least used leave first."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._thread = SignerThread()
        self._keys: Recent[list[AccountKey]] = Recent(1024)
        self._opened: OrderedDict[tuple[str, str], jwk.SigningKey] = OrderedDict()
        self._making: dict[tuple[str, str], asyncio.Lock] = {}

    def __repr__(self) -> str:
        return "AccountSigner(…)"

    async def blob(self, account: ServiceAccount, payload: bytes, now: int) -> tuple[str, str]:
        """Return the name of the key and the signature of octets in base64 (RSASSA-PKCS1-v1_5 with SHA-256)."""
        record = await self._current(account, now)
        return record.key_id, await self._thread.sign(DetachedSigner(self._open(record)), payload)

    async def jwt(self, account: ServiceAccount, payload: bytes, now: int) -> tuple[str, str]:
        """Return the name of the key and the JWT of claims that are encoded already (RFC 7519)."""
        record = await self._current(account, now)
        signer = jws.Signer(self._open(record), {"typ": "JWT", "kid": record.key_id})
        return record.key_id, await self._thread.sign(signer, payload)

    async def _current(self, account: ServiceAccount, now: int) -> AccountKey:
        """Return the key that signs now; make one if there is none, and its successor in time."""
        known = signing(await self._of(account, now), now)
        if known is not None and not is_due(await self._of(account, now), now):
            return known
        owner = (account.tenant_id, account.unique_id)
        async with self._making.setdefault(owner, asyncio.Lock()):
            self._keys.forget()
            keys = await self._of(account, now)
            if signing(keys, now) is None or is_due(keys, now):
                fresh = await asyncio.to_thread(make, self._vault, account, now)
                await self._store.write(accountkeys.insert, fresh)
                keys = [*keys, fresh]
                self._keys.forget()
        self._making.pop(owner, None)
        found = signing(keys, now)
        assert found is not None
        return found

    async def _of(self, account: ServiceAccount, now: int) -> list[AccountKey]:
        key = (account.tenant_id, account.unique_id)
        known = self._keys.get(key, now)
        if known is None:
            known = self._keys.keep(key, await self._store.read(accountkeys.of_account, *key), now)
        return known

    def _open(self, record: AccountKey) -> jwk.SigningKey:
        name = (record.unique_id, record.key_id)
        key = self._opened.get(name)
        if key is None:
            der = self._vault.open(record.sealed_private, PURPOSE + record.key_id)
            key = self._opened[name] = pem.private_from_der(record.alg, der)
            if len(self._opened) > MAX_OPEN:
                self._opened.popitem(last=False)
        self._opened.move_to_end(name)
        return key

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.close()


def make(vault: Vault, account: ServiceAccount, now: int) -> AccountKey:
    """Make a key with its certificate, not yet kept; it takes some 50 to 120 ms."""
    key = jwk.generate(ALG)
    lifetime = SIGNS_FOR + BEHIND
    # A common name of X.509 has at most 64 characters; the number always fits.
    certificate = certificates.self_signed(
        key, common_name=account.unique_id, not_before=now - 3600, lifetime=lifetime + 3600
    )
    key_id = key_name(certificate)
    sealed = vault.seal(pem.private_to_der(key), PURPOSE + key_id)
    return AccountKey(
        tenant_id=account.tenant_id,
        unique_id=account.unique_id,
        key_id=key_id,
        alg=ALG,
        origin=ORIGIN,
        certificate=certificate,
        created_at=now,
        expires_at=now + lifetime,
        sealed_private=sealed,
    )


def key_name(certificate: bytes) -> str:
    """Return the name of an account's key: the SHA-1 of its certificate (DER) in 40 hex digits."""
    return base64.urlsafe_b64decode(certificates.thumbprint_sha1(certificate) + "=").hex()


def signing(keys: Iterable[AccountKey], now: int) -> AccountKey | None:
    """Return the key that signs now: of those that may, the one that has been published longest."""
    return min(_may_sign(keys, now), key=lambda key: (key.created_at, key.key_id), default=None)


def is_due(keys: Iterable[AccountKey], now: int) -> bool:
    """Tell whether it is time to publish a successor: within the last day of the newest key."""
    newest = max((key.created_at for key in _may_sign(keys, now)), default=None)
    return newest is None or now >= newest + SIGNS_FOR - AHEAD


def _may_sign(keys: Iterable[AccountKey], now: int) -> list[AccountKey]:
    return [
        key
        for key in keys
        if key.origin == ORIGIN and key.sealed_private and key.is_usable(now) and now < key.created_at + SIGNS_FOR
    ]
