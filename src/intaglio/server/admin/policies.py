"""Policies: read one, write one, give and take a role; each write over the version that was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from intaglio.dialects.dialect import Vocabulary
from intaglio.errors import Misconfigured
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import policies as rules
from intaglio.server.registry import targets
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.policies import Target, Written

TRIES = 20
"""How often a change of one binding is tried while others change the same policy."""


async def target(store: Store, tenant: Tenant, words: Vocabulary, name: str) -> Target:
    """Find the resource that is meant; raises `Misconfigured` (`resource-unknown`, `resource-ambiguous`)."""
    return Target(tenant, words, await store.read(targets.find, tenant.tenant_id, name))


async def show(store: Store, wanted: Target) -> Policy:
    """Return the policy of a resource, an empty one if there is none."""
    return await store.read(rules.show, wanted.tenant.tenant_id, wanted.resource)


async def put(store: Store, actor: Actor, wanted: Target, bindings: tuple[Binding, ...], etag: str | None) -> Written:
    """Write a whole policy over the version `etag`, None for whatever stands there.

    Raises `Misconfigured` (`policy-changed` and those of `registry.bindings.check`).
    """
    return await store.write(rules.put, actor, wanted, bindings, etag)


async def add(
    store: Store,
    actor: Actor,
    wanted: Target,
    role: str,
    members: tuple[str, ...],
    condition: Condition | None = None,
) -> Written:
    """Give a role to members; raises `Misconfigured` (as `put`)."""
    return await _persistently(store, rules.add, actor, wanted, role, members, condition)


async def remove(
    store: Store, actor: Actor, wanted: Target, role: str, members: tuple[str, ...], title: str | None = None
) -> Written:
    """Take a role from members; raises `Misconfigured` (`binding-unknown`, as `put`)."""
    return await _persistently(store, rules.remove, actor, wanted, role, members, title)


async def _persistently(store: Store, plan: Callable[..., Plan[Written]], *args: Any) -> Written:
    for _ in range(TRIES - 1):
        try:
            return await store.write(plan, *args)
        except Misconfigured as fault:
            # What is to change was read in the same transaction: somebody else was faster, and it can be read again.
            if fault.code != "policy-changed":
                raise
    return await store.write(plan, *args)
