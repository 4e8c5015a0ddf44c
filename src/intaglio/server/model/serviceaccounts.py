"""Service accounts: workloads that have an identity of their own."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, decode, encode, single


class ServiceAccount(msgspec.Struct, frozen=True):
    """A workload's identity in a tenant, named by its e-mail address; `unique_id` is 21 digits and never reused."""

    tenant_id: TenantId
    email: str
    unique_id: str
    project_id: str
    created_at: int
    disabled_at: int | None = None


@single
def insert(account: ServiceAccount) -> Plan[None]:
    """Keep a new service account; `Conflict` if its e-mail address is taken in the tenant."""
    yield Ask(
        "service_account_insert",
        {"tenant_id": account.tenant_id, "email": account.email, "record": encode(account)},
    )


@single
def by_email(tenant_id: str, email: str) -> Plan[ServiceAccount | None]:
    """Find a service account by its e-mail address."""
    rows = yield Ask("service_account_by_email", {"tenant_id": tenant_id, "email": email})
    return decode(rows[0][0], ServiceAccount) if rows else None
