"""Pools and providers changed: each change with its entry in the audit log, in one transaction.

The name of what was deleted is never given to another: policies name pools, and nobody is to inherit what the earlier
one was granted.
"""

from __future__ import annotations

import msgspec

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.protocol.pools import PoolChanges, ProviderChanges
from intaglio.server.model import pools
from intaglio.server.model.plan import Conflict, Plan
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import deeds, fields
from intaglio.server.registry import pools as rules
from intaglio.server.registry.deeds import Actor

UNDELETE_SECONDS = 30 * 86400
"""For how long what was deleted can be had back."""


# --- pools


def find_pool(tenant_id: TenantId, project_id: str, pool_id: str, *, deleted: bool = False) -> Plan[Pool]:
    """Find a pool, also a deleted one if so asked; raises `Misconfigured` (`pool-unknown`)."""
    found = yield from pools.by_id(tenant_id, project_id, pool_id)
    if found is None or (found.deleted_at is not None and not deleted):
        hint = f"List them with: intaglio federation pool list --project {project_id}"
        raise fields.refuse("pool-unknown", "There is no such pool.", "a pool of the project", pool_id, hint)
    return found


def create_pool(actor: Actor, pool: Pool) -> Plan[Pool]:
    """Keep a new pool of a project that is there.

    Raises `Misconfigured` (`pool-id-invalid`, `text-invalid`, `pool-exists`).
    """
    rules.pool(pool)
    try:
        yield from pools.insert(pool)
    except Conflict as exc:
        raise _exists("pool", pool.pool_id) from exc
    yield from deeds.note(pool.tenant_id, actor, "pool.create", pool.resource, after=pool)
    return pool


def update_pool(actor: Actor, known: Pool, changes: PoolChanges) -> Plan[Pool]:
    """Change a pool; raises `Misconfigured` (`text-invalid`, `pool-unknown`)."""
    found = yield from find_pool(known.tenant_id, known.project_id, known.pool_id)
    changed = rules.pool(rules.changed_pool(found, changes, actor.now))
    yield from _keep_pool(actor, found, changed, "pool.update")
    return changed


def delete_pool(actor: Actor, known: Pool) -> Plan[Pool]:
    """Delete a pool, whose name stays taken; raises `Misconfigured` (`pool-unknown`)."""
    found = yield from find_pool(known.tenant_id, known.project_id, known.pool_id)
    gone = msgspec.structs.replace(found, deleted_at=actor.now)
    yield from _keep_pool(actor, found, gone, "pool.delete")
    return gone


def undelete_pool(actor: Actor, known: Pool) -> Plan[Pool]:
    """Bring back a pool that was deleted within 30 days; raises `Misconfigured` (`pool-unknown`)."""
    found = yield from find_pool(known.tenant_id, known.project_id, known.pool_id, deleted=True)
    if found.deleted_at is None or actor.now >= found.deleted_at + UNDELETE_SECONDS:
        raise fields.refuse("pool-unknown", "There is no such deleted pool.", "one of the last 30 days", known.pool_id)
    back = msgspec.structs.replace(found, deleted_at=None)
    yield from _keep_pool(actor, found, back, "pool.undelete")
    return back


def _keep_pool(actor: Actor, before: Pool, pool: Pool, action: str) -> Plan[None]:
    yield from pools.replace(pool)
    changed = _changed(before, pool) if action == "pool.update" else ""
    yield from deeds.note(pool.tenant_id, actor, action, pool.resource, before=before, after=pool, changed=changed)


# --- providers


def find_provider(
    tenant_id: TenantId, project_id: str, pool_id: str, provider_id: str, *, deleted: bool = False
) -> Plan[PoolProvider]:
    """Find a provider, also a deleted one if so asked; raises `Misconfigured` (`provider-unknown`)."""
    found = yield from pools.provider_by_id(tenant_id, project_id, pool_id, provider_id)
    if found is None or (found[0].deleted_at is not None and not deleted):
        hint = f"List them with: intaglio federation provider list --project {project_id} --pool {pool_id}"
        public = "There is no such provider."
        raise fields.refuse("provider-unknown", public, "a provider of the pool", provider_id, hint)
    return found[0]


def create_provider(actor: Actor, tenant: Tenant, namespace: str, made: PoolProvider) -> Plan[PoolProvider]:
    """Keep a new provider of a pool that is there; raises `Misconfigured` (as `pools.provider`, `provider-exists`)."""
    rules.provider(made, namespace, development=tenant.development)
    yield from find_pool(made.tenant_id, made.project_id, made.pool_id)
    try:
        yield from pools.insert_provider(made)
    except Conflict as exc:
        raise _exists("provider", made.provider_id) from exc
    yield from _noted(actor, None, made, "provider.create")
    return made


def update_provider(
    actor: Actor, tenant: Tenant, namespace: str, known: PoolProvider, changes: ProviderChanges
) -> Plan[PoolProvider]:
    """Change a provider; raises `Misconfigured` (as `pools.provider`, `provider-unknown`)."""
    found = yield from find_provider(known.tenant_id, known.project_id, known.pool_id, known.provider_id)
    changed = rules.provider(rules.changed(found, changes, actor.now), namespace, development=tenant.development)
    yield from pools.replace_provider(changed)
    yield from _noted(actor, found, changed, "provider.update")
    return changed


def delete_provider(actor: Actor, known: PoolProvider) -> Plan[PoolProvider]:
    """Delete a provider, whose name stays taken; raises `Misconfigured` (`provider-unknown`)."""
    found = yield from find_provider(known.tenant_id, known.project_id, known.pool_id, known.provider_id)
    gone = msgspec.structs.replace(found, deleted_at=actor.now)
    yield from pools.replace_provider(gone)
    yield from _noted(actor, found, gone, "provider.delete")
    return gone


def undelete_provider(actor: Actor, known: PoolProvider) -> Plan[PoolProvider]:
    """Bring back a provider that was deleted within 30 days; raises `Misconfigured` (`provider-unknown`)."""
    key = (known.tenant_id, known.project_id, known.pool_id, known.provider_id)
    found = yield from find_provider(*key, deleted=True)
    if found.deleted_at is None or actor.now >= found.deleted_at + UNDELETE_SECONDS:
        public, expected = "There is no such deleted provider.", "one of the last 30 days"
        raise fields.refuse("provider-unknown", public, expected, known.provider_id)
    back = msgspec.structs.replace(found, deleted_at=None)
    yield from pools.replace_provider(back)
    yield from _noted(actor, found, back, "provider.undelete")
    return back


def _noted(actor: Actor, before: PoolProvider | None, made: PoolProvider, action: str) -> Plan[None]:
    resource = Pool(made.tenant_id, made.project_id, made.pool_id, 0).resource
    # What decides who gets in is told whole: the log has to show which condition was in force when.
    told = {
        "provider": made.provider_id,
        "issuer": made.issuer,
        "condition": made.attribute_condition,
        "mapping": ", ".join(f"{name}={text}" for name, text in sorted(made.attribute_mapping.items())),
        "audiences": " ".join(made.allowed_audiences),
        "changed": _changed(before, made) if before is not None and action == "provider.update" else "",
    }
    yield from deeds.note(made.tenant_id, actor, action, resource, before=before, after=made, **told)


def _changed(before: Pool | PoolProvider, after: Pool | PoolProvider) -> str:
    return " ".join(name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name))


def _exists(kind: str, name: str) -> Misconfigured:
    return fields.refuse(
        f"{kind}-exists",
        f"A {kind} has this name, or a deleted one had it.",
        "a name that was never used",
        name,
        "Choose another name, or bring the deleted one back.",
    )
