"""Groups of a tenant's users. Who belongs to one stands in the users' own records."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Group(msgspec.Struct, frozen=True):
    """A group, by UUID; `kind` is `security` or `directory_role`."""

    tenant_id: TenantId
    group_id: str
    name: str
    created_at: int
    kind: str = "security"


@single
def insert(group: Group) -> Plan[None]:
    """Keep a new group; `Conflict` if the tenant has one of that identifier."""
    values: dict[str, Value] = {"tenant_id": group.tenant_id, "group_id": group.group_id, "record": encode(group)}
    yield Ask("group_insert", values)


@single
def delete(tenant_id: str, group_id: str) -> Plan[bool]:
    """Remove a group; False if there is none."""
    return bool((yield Ask("group_delete", {"tenant_id": tenant_id, "group_id": group_id})))


@single
def by_id(tenant_id: str, group_id: str) -> Plan[Group | None]:
    """Find a group of a tenant."""
    rows = yield Ask("group_by_id", {"tenant_id": tenant_id, "group_id": group_id})
    return decode(rows[0][0], Group) if rows else None


def named(tenant_id: str, group_ids: tuple[str, ...]) -> Plan[list[Group]]:
    """Return those of a tenant's groups that there are, in this order."""
    found: list[Group] = []
    for group_id in group_ids:
        one = yield from by_id(tenant_id, group_id)
        found += [one] if one is not None else []
    return found


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Group]]:
    """List at most `limit` groups of a tenant whose id sorts behind `after`, by id."""
    rows = yield Ask("groups_of_tenant", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Group) for row in rows]
