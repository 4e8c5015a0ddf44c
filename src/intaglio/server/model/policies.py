"""Policies: who has which role on a resource, and under which condition; and custom roles."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class Condition(msgspec.Struct, frozen=True):
    """A CEL expression that has to be true for its binding to count."""

    title: str
    expression: str
    description: str = ""


class Binding(msgspec.Struct, frozen=True):
    """Members that have a role, perhaps under a condition. Members are written as the dialect's names."""

    role: str
    members: tuple[str, ...]
    condition: Condition | None = None


class Policy(msgspec.Struct, frozen=True):
    """The bindings of one resource. `etag` changes with each change.

    `identities` holds for each member that names somebody by address who it was when the policy was written (a user's
    UUID, an account's number): whoever has the address later inherits nothing.
    """

    tenant_id: TenantId
    resource: str
    bindings: tuple[Binding, ...]
    etag: str
    changed_at: int
    version: int = 1
    identities: dict[str, str] = {}


class CustomRole(msgspec.Struct, frozen=True):
    """A role that the tenant made: `role` is its whole name, `permissions` what it grants."""

    tenant_id: TenantId
    role: str
    title: str
    permissions: tuple[str, ...]
    created_at: int
    description: str = ""


@single
def of_resource(tenant_id: str, resource: str) -> Plan[Policy | None]:
    """Find the policy of a resource; None if nobody ever wrote one."""
    rows = yield Ask("policy_of", {"tenant_id": tenant_id, "resource": resource})
    return decode(rows[0][0], Policy) if rows else None


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Policy]]:
    """List at most `limit` policies of a tenant whose resource sorts behind `after`, by resource."""
    rows = yield Ask("policy_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Policy) for row in rows]


@single
def write(policy: Policy, known: str) -> Plan[bool]:
    """Keep a policy if the one it replaces still has the etag `known` (empty: there is none); False otherwise."""
    values: dict[str, Value] = {
        "tenant_id": policy.tenant_id,
        "resource": policy.resource,
        "etag": policy.etag,
        "record": encode(policy),
    }
    if not known:
        return bool((yield Ask("policy_insert", values)))
    return bool((yield Ask("policy_replace", {**values, "known": known})))


@single
def delete(tenant_id: str, resource: str) -> Plan[None]:
    """Remove the policy of a resource that is gone."""
    yield Ask("policy_delete", {"tenant_id": tenant_id, "resource": resource})


@single
def insert_role(role: CustomRole) -> Plan[None]:
    """Keep a new custom role; `Conflict` if the tenant has one of that name."""
    yield Ask("custom_role_insert", {"tenant_id": role.tenant_id, "role": role.role, "record": encode(role)})


@single
def replace_role(role: CustomRole) -> Plan[bool]:
    """Replace a custom role; False if there is none of that name."""
    values: dict[str, Value] = {"tenant_id": role.tenant_id, "role": role.role, "record": encode(role)}
    return bool((yield Ask("custom_role_replace", values)))


@single
def delete_role(tenant_id: str, role: str) -> Plan[bool]:
    """Remove a custom role; False if there is none of that name. Bindings that name it grant nothing then."""
    return bool((yield Ask("custom_role_delete", {"tenant_id": tenant_id, "role": role})))


@single
def roles_of(tenant_id: str) -> Plan[list[CustomRole]]:
    """List a tenant's custom roles by name."""
    return [decode(row[0], CustomRole) for row in (yield Ask("custom_roles_of", {"tenant_id": tenant_id}))]
