"""Organizations: customers of a tenant, for whom their people sign in."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, Row, Value, decode, encode, single


class Organization(msgspec.Struct, frozen=True):
    """An organization; `name` is lower case, and what people and requests call it."""

    tenant_id: TenantId
    organization_id: str
    name: str
    created_at: int
    display_name: str = ""


def _one(rows: list[Row]) -> Organization | None:
    return decode(rows[0][0], Organization) if rows else None


@single
def insert(organization: Organization) -> Plan[None]:
    """Keep a new organization; `Conflict` if the tenant has one of that identifier or name."""
    yield Ask(
        "organization_insert",
        {
            "tenant_id": organization.tenant_id,
            "organization_id": organization.organization_id,
            "name": organization.name,
            "record": encode(organization),
        },
    )


@single
def delete(tenant_id: str, organization_id: str) -> Plan[bool]:
    """Remove an organization; False if there is none."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "organization_id": organization_id}
    return bool((yield Ask("organization_delete", values)))


@single
def by_id(tenant_id: str, organization_id: str) -> Plan[Organization | None]:
    """Find an organization."""
    return _one((yield Ask("organization_by_id", {"tenant_id": tenant_id, "organization_id": organization_id})))


@single
def by_name(tenant_id: str, name: str) -> Plan[Organization | None]:
    """Find an organization by its name."""
    return _one((yield Ask("organization_by_name", {"tenant_id": tenant_id, "name": name})))


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Organization]]:
    """List at most `limit` organizations of a tenant whose name sorts behind `after`, by name."""
    rows = yield Ask("organization_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Organization) for row in rows]


@single
def of_user(tenant_id: str, user_id: str, limit: int) -> Plan[list[Organization]]:
    """List at most `limit` organizations that a user belongs to, by name."""
    rows = yield Ask("organizations_of_user", {"tenant_id": tenant_id, "user_id": user_id, "limit": limit})
    return [decode(row[0], Organization) for row in rows]


@single
def add_member(tenant_id: str, organization_id: str, user_id: str) -> Plan[None]:
    """Let a user belong to an organization; once is enough. Raises `storage-refused` if either is not there."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "organization_id": organization_id, "user_id": user_id}
    yield Ask("organization_member_insert", values)


@single
def remove_member(tenant_id: str, organization_id: str, user_id: str) -> Plan[bool]:
    """Let a user not belong to it any more; False if they did not."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "organization_id": organization_id, "user_id": user_id}
    return bool((yield Ask("organization_member_delete", values)))


@single
def has_member(tenant_id: str, organization_id: str, user_id: str) -> Plan[bool]:
    """Tell whether a user belongs to an organization."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "organization_id": organization_id, "user_id": user_id}
    return bool((yield Ask("organization_has_member", values)))


@single
def members(tenant_id: str, organization_id: str, after: str, limit: int) -> Plan[list[str]]:
    """List at most `limit` user ids of an organization behind `after`, by id."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "organization_id": organization_id,
        "after": after,
        "limit": limit,
    }
    return [row[0] for row in (yield Ask("organization_members", values))]
