"""Policies, read and written over the network by whoever a policy lets; and what the caller itself may do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.faults import invalid_request
from intaglio.protocol.iam import (
    Given,
    Impersonable,
    ImpersonableTold,
    OfResource,
    PermissionsTest,
    PermissionsTold,
    PolicyGet,
    PolicySet,
    PolicyTold,
)
from intaglio.protocol.impersonation import Caller
from intaglio.server.model import policies, serviceaccounts
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import policies as rules
from intaglio.server.registry import targets
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.policies import Target
from intaglio.server.workload import asking, callers
from intaglio.server.workload.place import Place, Works

MAX_LISTED = 500
"""Accounts that are listed at most."""
PAGE = 500


async def _target(asked: OfResource, place: Place, works: Works) -> tuple[str, bool]:
    """Return the resource that is meant, or what it would live in, and whether it is there."""
    words = asked.resource.split("/")
    for name in dict.fromkeys((asked.resource, "/".join(words[:2]))):
        try:
            return await works.store.read(targets.find, place.tenant.tenant_id, name), name == asked.resource
        except Misconfigured:
            continue
    return asking.NOBODY, False


async def _found(asked: OfResource, place: Place, works: Works) -> tuple[str, Actor]:
    resource, exists = await _target(asked, place, works)
    return resource, await asking.allowed(asked, resource, place, works, exists=exists)


def told(policy: Policy) -> PolicyTold:
    """Return a policy as it is shown."""
    return PolicyTold(tuple(_given(one) for one in policy.bindings), policy.etag)


def _given(binding: Binding) -> Given:
    condition = binding.condition
    if condition is None:
        return Given(binding.role, binding.members)
    return Given(binding.role, binding.members, condition.title, condition.expression, condition.description)


def _binding(given: Given) -> Binding:
    conditional = given.title or given.expression
    condition = Condition(given.title, given.expression, given.description) if conditional else None
    return Binding(given.role, given.members, condition)


async def show(query: PolicyGet, place: Place, works: Works) -> PolicyTold:
    """Show the policy of a resource."""
    resource, _ = await _found(query, place, works)
    return told(await works.store.read(rules.show, place.tenant.tenant_id, resource))


async def put(query: PolicySet, place: Place, works: Works) -> PolicyTold:
    """Write the policy of a resource over the version that the caller has read."""
    resource, actor = await _found(query, place, works)
    if not query.keeps_conditions:
        await _refuse_loss(query, resource, place, works)
    wanted = tuple(_binding(given) for given in query.given)
    target = Target(place.tenant, place.vocabulary, resource)
    return told((await asking.write(works, rules.put, actor, target, wanted, query.etag)).policy)


async def _refuse_loss(query: PolicySet, resource: str, place: Place, works: Works) -> None:
    """Refuse to write over conditions for somebody who may not have seen them."""
    before = await works.store.read(policies.of_resource, place.tenant.tenant_id, resource)
    stands = before is not None and any(binding.condition is not None for binding in before.bindings)
    if stands or any(given.title or given.expression for given in query.given):
        raise invalid_request("A policy with conditions needs version 3.", expected="version 3", received="less")


async def permissions(query: PermissionsTest, place: Place, works: Works) -> PermissionsTold:
    """Tell which of some permissions the caller has; of what does not exist, none."""
    caller = await callers.caller(query.credential, place, works)
    resource, exists = await _target(query, place, works)
    if not exists:
        return PermissionsTold(())
    held = [one for one in query.permissions if await asking.may(caller, one, resource, place, works)]
    return PermissionsTold(tuple(held))


async def impersonable(query: Impersonable, place: Place, works: Works) -> ImpersonableTold:
    """List accounts on which the caller has a permission, by address; raises `failed_precondition` for too many."""
    caller = await callers.caller(query.credential, place, works)
    listed: dict[str, str] = {}
    for resource in await _naming(caller, query.permission, place, works):
        async for account in _accounts(resource, place, works):
            if account.email in listed or not account.is_usable:
                continue
            if await asking.may(caller, query.permission, account.resource, place, works):
                listed[account.email] = account.unique_id
            if len(listed) > MAX_LISTED:
                raise ProtocolFault("failed_precondition", "There are too many to list: name the one you mean.")
    return ImpersonableTold(tuple(sorted(listed.items())))


async def _naming(caller: Caller, permission: str, place: Place, works: Works) -> list[str]:
    """Return the accounts and projects whose policies give the caller a role that grants the permission."""
    names, behind, found = place.vocabulary.members(caller.principal), "", []
    granted = await works.permits.roles(place.tenant.tenant_id, place.vocabulary, place.now)
    roles = frozenset(role for role, given in granted.items() if permission in given)
    while page := await works.store.read(policies.page, place.tenant.tenant_id, behind, PAGE):
        found += [one.resource for one in page if _names(one, names, roles)]
        behind = page[-1].resource
    return found


def _names(policy: Policy, names: Iterable[str], roles: frozenset[str]) -> bool:
    kind = policy.resource.split("/")[2:3]
    if kind not in ([], ["serviceAccounts"]):
        return False
    held = frozenset(names)
    # A role that grants something else is no reason to go through all the accounts of a project
    # (test_who_may_only_look_costs_no_walk_through_a_project).
    return any(one.role in roles and not held.isdisjoint(one.members) for one in policy.bindings)


async def _accounts(resource: str, place: Place, works: Works) -> AsyncIterator[ServiceAccount]:
    tenant_id, words = place.tenant.tenant_id, resource.split("/")
    if len(words) == 4:
        account = await works.store.read(serviceaccounts.by_unique_id, tenant_id, words[3])
        if account is not None:
            yield account
        return
    behind = ""
    while page := await works.store.read(serviceaccounts.page, tenant_id, words[1], behind, PAGE):
        for account in page:
            yield account
        behind = page[-1].email
