"""Service accounts: workloads that have an identity of their own."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model import resources
from intaglio.server.model.plan import Ask, Plan, Row, Value, decode, encode, single


class ServiceAccount(msgspec.Struct, frozen=True):
    """A workload's identity in a project, named by its e-mail address; `unique_id` is 21 digits and never reused.

    Access tokens that were issued before `tokens_from` are not believed: the account was deleted or disabled since.
    """

    tenant_id: TenantId
    email: str
    unique_id: str
    project_id: str
    created_at: int
    display_name: str = ""
    description: str = ""
    disabled_at: int | None = None
    deleted_at: int | None = None
    tokens_from: int = 0

    @property
    def resource(self) -> str:
        """Its name as policies have it."""
        return resources.service_account(self.project_id, self.unique_id)

    @property
    def is_usable(self) -> bool:
        """Whether tokens may be issued for it."""
        return self.disabled_at is None and self.deleted_at is None


def _one(rows: list[Row]) -> ServiceAccount | None:
    return decode(rows[0][0], ServiceAccount) if rows else None


@single
def insert(account: ServiceAccount) -> Plan[None]:
    """Keep a new service account; `Conflict` if a living one has its address, or any its number."""
    yield Ask(
        "service_account_insert",
        {
            "tenant_id": account.tenant_id,
            "unique_id": account.unique_id,
            "email": account.email,
            "project_id": account.project_id,
            "deleted_at": account.deleted_at,
            "record": encode(account),
        },
    )


@single
def replace(account: ServiceAccount) -> Plan[bool]:
    """Replace an account's record (not its address and project); False if there is none of its number."""
    return bool(
        (
            yield Ask(
                "service_account_replace",
                {
                    "tenant_id": account.tenant_id,
                    "unique_id": account.unique_id,
                    "deleted_at": account.deleted_at,
                    "record": encode(account),
                },
            )
        )
    )


def exchange(before: ServiceAccount, after: ServiceAccount) -> Plan[bool]:
    """Replace an account's record unless it is another one by now than `before`; False if it is, or is gone."""
    key: dict[str, Value] = {"tenant_id": before.tenant_id, "unique_id": before.unique_id}
    rows = yield Ask("service_account_by_unique_id", key)
    if not rows or decode(rows[0][0], ServiceAccount) != before:
        return False
    # Compared as it is stored, once more and by the statement itself: another transaction may have come between.
    values = {**key, "deleted_at": after.deleted_at, "record": encode(after), "before": bytes(rows[0][0])}
    return bool((yield Ask("service_account_exchange", values)))


@single
def by_email(tenant_id: str, email: str) -> Plan[ServiceAccount | None]:
    """Find the living service account of an e-mail address."""
    return _one((yield Ask("service_account_by_email", {"tenant_id": tenant_id, "email": email})))


@single
def by_unique_id(tenant_id: str, unique_id: str) -> Plan[ServiceAccount | None]:
    """Find a service account by its number, deleted or not."""
    return _one((yield Ask("service_account_by_unique_id", {"tenant_id": tenant_id, "unique_id": unique_id})))


@single
def page(tenant_id: str, project_id: str, after: str, limit: int) -> Plan[list[ServiceAccount]]:
    """List at most `limit` living accounts of a project whose address sorts behind `after`, by address."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "project_id": project_id, "after": after, "limit": limit}
    rows = yield Ask("service_account_page", values)
    return [decode(row[0], ServiceAccount) for row in rows]
