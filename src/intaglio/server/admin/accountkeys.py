"""Keys of service accounts: make one and hand it out once, take one that is brought, switch, delete, list them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from intaglio.dialects.dialect import HandedKey, Vocabulary
from intaglio.server.model import accountkeys
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.plan import Store
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import accountkeys as rules
from intaglio.server.registry.deeds import Actor


class Created(msgspec.Struct, frozen=True):
    """A new key, and the members of the file in which it is handed out: the only place with its private part."""

    key: AccountKey
    file: dict[str, Any]

    def __repr__(self) -> str:
        return f"Created({self.key!r})"


async def create(
    store: Store, actor: Actor, words: Vocabulary, base: str, account: ServiceAccount, *, lifetime: int | None = None
) -> Created:
    """Make a key; `lifetime` (seconds) ends it by itself.

    Raises `Misconfigured` (`lifetime-invalid`, `keys-too-many`).
    """
    made = await asyncio.to_thread(rules.make, account, actor.now, lifetime)
    key = await store.write(rules.add, actor, account, made.key)
    handed = HandedKey(
        project_id=account.project_id,
        key_id=key.key_id,
        private_pem=made.private_pem,
        email=account.email,
        unique_id=account.unique_id,
    )
    return Created(key, words.key_file(handed, base))


async def upload(store: Store, actor: Actor, account: ServiceAccount, certificate_pem: str) -> AccountKey:
    """Keep the key of a certificate whose private key its holder has.

    Raises `Misconfigured` (`certificate-invalid`, `keys-too-many`, `key-exists`).
    """
    return await store.write(rules.add, actor, account, rules.accept(account, certificate_pem, actor.now))


async def every(store: Store, account: ServiceAccount) -> list[AccountKey]:
    """List the keys of an account, oldest first; that with which the server signs for it is among them."""
    found = await store.read(accountkeys.of_account, account.tenant_id, account.unique_id)
    return sorted(found, key=lambda key: (key.created_at, key.key_id))


async def switch(store: Store, actor: Actor, account: ServiceAccount, key_id: str, *, enabled: bool) -> AccountKey:
    """Disable a key or enable it again; raises `Misconfigured` (`key-unknown`)."""
    return await store.write(_switch, actor, account, key_id, enabled)


def _switch(actor: Actor, account: ServiceAccount, key_id: str, enabled: bool) -> Any:  # noqa: FBT001
    return rules.switch(actor, account, key_id, enabled=enabled)


async def delete(store: Store, actor: Actor, account: ServiceAccount, key_id: str) -> None:
    """Remove a key for good; raises `Misconfigured` (`key-unknown`)."""
    await store.write(rules.delete, actor, account, key_id)
