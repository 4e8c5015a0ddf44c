"""Keys of service accounts: those that a workload holds itself, and the one that the server holds for it."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, decode, encode, single


class AccountKey(msgspec.Struct, frozen=True):
    """A key of a service account. `origin` is `created`, `uploaded`, or `system` (the server signs with it).

    `certificate` is X.509 in DER. Only a system key has a `sealed_private`; a created one's private part was handed
    out once and is not kept.
    """

    tenant_id: TenantId
    unique_id: str
    key_id: str
    alg: str
    origin: str
    certificate: bytes
    created_at: int
    expires_at: int | None = None
    disabled_at: int | None = None
    sealed_private: str = ""

    def __repr__(self) -> str:
        return f"AccountKey({self.key_id}, {self.origin})"

    def is_usable(self, now: int) -> bool:
        """Tell whether what it signs is believed."""
        return self.disabled_at is None and (self.expires_at is None or now < self.expires_at)


@single
def insert(key: AccountKey) -> Plan[None]:
    """Keep a new key; `Conflict` if the account has one of that name."""
    yield Ask(
        "account_key_insert",
        {
            "tenant_id": key.tenant_id,
            "unique_id": key.unique_id,
            "key_id": key.key_id,
            "expires_at": key.expires_at,
            "record": encode(key),
        },
    )


@single
def replace(key: AccountKey) -> Plan[bool]:
    """Replace a key's record; False if there is none of that name."""
    return bool(
        (
            yield Ask(
                "account_key_replace",
                {
                    "tenant_id": key.tenant_id,
                    "unique_id": key.unique_id,
                    "key_id": key.key_id,
                    "expires_at": key.expires_at,
                    "record": encode(key),
                },
            )
        )
    )


@single
def delete(tenant_id: str, unique_id: str, key_id: str) -> Plan[bool]:
    """Remove a key; False if there is none of that name."""
    values = {"tenant_id": tenant_id, "unique_id": unique_id, "key_id": key_id}
    return bool((yield Ask("account_key_delete", values)))


@single
def of_account(tenant_id: str, unique_id: str) -> Plan[list[AccountKey]]:
    """List an account's keys by name."""
    rows = yield Ask("account_keys_of", {"tenant_id": tenant_id, "unique_id": unique_id})
    return [decode(row[0], AccountKey) for row in rows]
