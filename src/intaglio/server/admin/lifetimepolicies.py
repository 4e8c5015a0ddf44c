"""Lifetime policies of a tenant: make one, assign it, see where it counts, take it away.

What counts for a token is the one that is assigned to the client here, else the tenant's default, else the one that is
assigned to the application at its home: `issue.gather` decides, and the reasons of a preview tell the winner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from intaglio import ids
from intaglio.dialects.dialect import Dialect
from intaglio.errors import Misconfigured
from intaglio.server.model import clients, tenants
from intaglio.server.model.assigned import LifetimePolicy
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

MAX_POLICIES = 100
PAGE = 500
Target = Literal["application", "service-principal"]


class Known(msgspec.Struct, frozen=True):
    """A policy, and the client_ids to which it is assigned: as applications, and as what they are in this tenant."""

    policy: LifetimePolicy
    applications: tuple[str, ...] = ()
    service_principals: tuple[str, ...] = ()


async def create(
    store: Store,
    actor: Actor,
    tenant: Tenant,
    dialect: Dialect,
    *,
    name: str,
    definition: str,
    description: str = "",
    is_default: bool = False,
) -> LifetimePolicy:
    """Make a policy and return it; one that is the default counts within a second.

    Raises `Misconfigured` (`policy-invalid`, `policies-not-known`, `name-invalid`, `policy-default-exists`,
    `too-many`).
    """
    if dialect.read_policy is None:
        public = f"The dialect {dialect.name} knows no lifetime policies."
        raise fields.refuse("policies-not-known", public, "a dialect that has them", dialect.name)
    made = LifetimePolicy(
        policy_id=ids.new_uuid(),
        name=fields.display_name("name", name),
        seconds=dialect.read_policy(definition),
        is_default=is_default,
        definition=definition,
        description=fields.display_name("description", description) if description else "",
    )

    def change(found: Tenant) -> Tenant:
        return _with(found, made)

    await _change(store, actor, tenant, change, "lifetimePolicy.create", made.policy_id)
    return made


def _with(tenant: Tenant, made: LifetimePolicy) -> Tenant:
    known = tenant.lifetime_policies
    if len(known) >= MAX_POLICIES:
        raise fields.refuse("too-many", "There are too many lifetime policies.", f"at most {MAX_POLICIES}", len(known))
    usual = next((one for one in known.values() if one.is_default), None)
    if made.is_default and usual is not None:
        public = "The tenant has a default policy already; there is one at most."
        hint = f"Delete it first: intaglio lifetime-policy delete {usual.policy_id}"
        raise fields.refuse("policy-default-exists", public, "no other default", usual.name, hint)
    return msgspec.structs.replace(tenant, lifetime_policies={**known, made.policy_id: made})


async def delete(store: Store, actor: Actor, tenant: Tenant, policy_id: str) -> None:
    """Take a policy away, and with it where it was assigned in this tenant; raises `Misconfigured` (`policy-unknown`).

    An application that still names it has none, for a policy that is not there counts for nothing.
    """

    def change(found: Tenant) -> Tenant:
        _policy(found, policy_id)
        return msgspec.structs.replace(
            found,
            lifetime_policies={name: one for name, one in found.lifetime_policies.items() if name != policy_id},
            principal_policies={name: one for name, one in found.principal_policies.items() if one != policy_id},
        )

    await _change(store, actor, tenant, change, "lifetimePolicy.delete", policy_id)


async def assign(
    store: Store, actor: Actor, tenant: Tenant, policy_id: str, client_id: str, target: Target
) -> LifetimePolicy:
    """Assign a policy in place of the one that was assigned before, if one was; it counts within a second.

    Raises `Misconfigured` (`policy-unknown`, `client-unknown`).
    """
    return await _assign(store, actor, tenant, _policy(tenant, policy_id), policy_id, client_id, target)


async def unassign(
    store: Store, actor: Actor, tenant: Tenant, policy_id: str, client_id: str, target: Target
) -> LifetimePolicy:
    """Take an assignment away; raises `Misconfigured` (`policy-unknown`, `client-unknown`, `assignment-unknown`)."""
    found = _policy(tenant, policy_id)
    client = await store.read(_client, tenant, client_id)
    held = client.lifetime_policy if target == "application" else tenant.principal_policies.get(client_id, "")
    if held != policy_id:
        public = "The policy is not assigned there."
        raise fields.refuse("assignment-unknown", public, held or "no policy at all", policy_id)
    return await _assign(store, actor, tenant, found, "", client_id, target)


async def _assign(
    store: Store, actor: Actor, tenant: Tenant, policy: LifetimePolicy, held: str, client_id: str, target: Target
) -> LifetimePolicy:
    def plan() -> Plan[None]:
        client = yield from _client(tenant, client_id)
        had = client.lifetime_policy if target == "application" else tenant.principal_policies.get(client_id, "")
        if target == "application":
            yield from clients.revise(
                client.tenant_id, client_id, lambda known: msgspec.structs.replace(known, lifetime_policy=held)
            )
        else:
            yield from _assign_here(tenant, client_id, held)
        action = "lifetimePolicy.assign" if held else "lifetimePolicy.unassign"
        resource = f"tenants/{tenant.slug}/clients/{client_id}"
        told = {"policy": policy.policy_id, "target": target}
        before, after = {"held": had} if had else None, {"held": held} if held else None
        yield from deeds.note(tenant.tenant_id, actor, action, resource, before=before, after=after, **told)

    await store.write(plan)
    return policy


def _assign_here(tenant: Tenant, client_id: str, held: str) -> Plan[None]:
    def change(found: Tenant) -> Tenant:
        others = {name: one for name, one in found.principal_policies.items() if name != client_id}
        return msgspec.structs.replace(found, principal_policies=others | ({client_id: held} if held else {}))

    yield from tenants.revise(tenant.tenant_id, change)


async def show(store: Store, tenant: Tenant, policy_id: str) -> Known:
    """Return a policy with what it is assigned to; raises `Misconfigured` (`policy-unknown`)."""
    found = _policy(tenant, policy_id)
    here = tuple(sorted(name for name, held in tenant.principal_policies.items() if held == policy_id))
    return Known(found, await store.read(_applications, tenant.tenant_id, policy_id), here)


def _applications(tenant_id: str, policy_id: str) -> Plan[tuple[str, ...]]:
    found: list[str] = []
    after = ""
    while True:
        page = yield from clients.page(tenant_id, after, PAGE)
        found += [one.client_id for one in page if one.lifetime_policy == policy_id]
        if len(page) < PAGE:
            return tuple(found)
        after = page[-1].client_id


def _policy(tenant: Tenant, policy_id: str) -> LifetimePolicy:
    found = tenant.lifetime_policies.get(policy_id)
    if found is None:
        hint = "List them with: intaglio lifetime-policy list"
        public = "There is no such lifetime policy in this tenant."
        raise fields.refuse("policy-unknown", public, "the id of a lifetime policy", policy_id, hint)
    return found


def _client(tenant: Tenant, client_id: str) -> Plan[Client]:
    client = yield from clients.by_id(tenant.tenant_id, client_id)
    if client is None:
        hint = "List them with: intaglio client list"
        public = "There is no such client in this tenant."
        raise fields.refuse("client-unknown", public, "the client_id of a client", client_id, hint)
    return client


async def _change(
    store: Store, actor: Actor, tenant: Tenant, change: Callable[[Tenant], Tenant], action: str, policy_id: str
) -> None:
    def plan() -> Plan[None]:
        found = yield from tenants.by_id(tenant.tenant_id)
        changed = yield from tenants.revise(tenant.tenant_id, change)
        if found is None or changed is None:
            raise Misconfigured("tenant-unknown", "There is no such tenant.")
        before, after = (one.lifetime_policies for one in (found, changed))
        resource = f"tenants/{tenant.slug}"
        yield from deeds.note(tenant.tenant_id, actor, action, resource, before=before, after=after, policy=policy_id)

    await store.write(plan)
