"""Pools of external identities and their providers: make, change, delete, find, list; try a token."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.protocol.pools import PoolChanges, ProviderChanges
from intaglio.server.model import pools
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import pooldeeds, projects
from intaglio.server.registry import pools as rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.looseness import Finding


class Place(msgspec.Struct, frozen=True):
    """Where pools are: a tenant, how its dialect calls what is mapped, and a project by identifier or number."""

    tenant: Tenant
    namespace: str
    project: str

    @property
    def tenant_id(self) -> TenantId:
        """The tenant's UUID."""
        return self.tenant.tenant_id


def _pool(place: Place, pool_id: str, *, deleted: bool = False) -> Plan[Pool]:
    project = yield from projects.find(place.tenant_id, place.project)
    return (yield from pooldeeds.find_pool(place.tenant_id, project.project_id, pool_id, deleted=deleted))


def _provider(place: Place, pool_id: str, provider_id: str, *, deleted: bool = False) -> Plan[PoolProvider]:
    pool = yield from _pool(place, pool_id, deleted=deleted)
    key = (place.tenant_id, pool.project_id, pool_id, provider_id)
    return (yield from pooldeeds.find_provider(*key, deleted=deleted))


async def create(store: Store, actor: Actor, place: Place, pool_id: str, changes: PoolChanges) -> Pool:
    """Make a pool; raises `Misconfigured` (`project-unknown`, `pool-id-invalid`, `text-invalid`, `pool-exists`)."""

    def plan() -> Plan[Pool]:
        project = yield from projects.find(place.tenant_id, place.project)
        made = Pool(place.tenant_id, project.project_id, pool_id, actor.now)
        return (yield from pooldeeds.create_pool(actor, rules.changed_pool(made, changes, actor.now)))

    return await store.write(plan)


async def update(store: Store, actor: Actor, place: Place, pool_id: str, changes: PoolChanges) -> Pool:
    """Change a pool; raises `Misconfigured` (`project-unknown`, `pool-unknown`, `text-invalid`)."""

    def plan() -> Plan[Pool]:
        return (yield from pooldeeds.update_pool(actor, (yield from _pool(place, pool_id)), changes))

    return await store.write(plan)


async def delete(store: Store, actor: Actor, place: Place, pool_id: str) -> Pool:
    """Delete a pool; raises `Misconfigured` (`project-unknown`, `pool-unknown`)."""

    def plan() -> Plan[Pool]:
        return (yield from pooldeeds.delete_pool(actor, (yield from _pool(place, pool_id))))

    return await store.write(plan)


async def undelete(store: Store, actor: Actor, place: Place, pool_id: str) -> Pool:
    """Bring back a pool; raises `Misconfigured` (`project-unknown`, `pool-unknown`)."""

    def plan() -> Plan[Pool]:
        return (yield from pooldeeds.undelete_pool(actor, (yield from _pool(place, pool_id, deleted=True))))

    return await store.write(plan)


async def show(store: Store, place: Place, pool_id: str) -> Pool:
    """Find a pool, deleted or not; raises `Misconfigured` (`project-unknown`, `pool-unknown`)."""

    def plan() -> Plan[Pool]:
        return (yield from _pool(place, pool_id, deleted=True))

    return await store.read(plan)


async def page(store: Store, place: Place, *, after: str = "", limit: int = 50) -> list[Pool]:
    """List at most `limit` pools of the project behind the name `after`; raises `Misconfigured` (`project-unknown`)."""

    def plan() -> Plan[list[Pool]]:
        project = yield from projects.find(place.tenant_id, place.project)
        return (yield from pools.page(place.tenant_id, project.project_id, after, limit))

    return await store.read(plan)


# --- providers


async def create_provider(
    store: Store, actor: Actor, place: Place, pool_id: str, provider_id: str, changes: ProviderChanges
) -> PoolProvider:
    """Make a provider of a pool; raises `Misconfigured` (as `registry.pools.provider`, `provider-exists`)."""

    def plan() -> Plan[PoolProvider]:
        pool = yield from _pool(place, pool_id)
        made = PoolProvider(place.tenant_id, pool.project_id, pool_id, provider_id, actor.now)
        wanted = rules.changed(made, changes, actor.now)
        return (yield from pooldeeds.create_provider(actor, place.tenant, place.namespace, wanted))

    return await store.write(plan)


async def update_provider(
    store: Store, actor: Actor, place: Place, pool_id: str, provider_id: str, changes: ProviderChanges
) -> PoolProvider:
    """Change a provider; raises `Misconfigured` (as `registry.pools.provider`, `provider-unknown`)."""

    def plan() -> Plan[PoolProvider]:
        known = yield from _provider(place, pool_id, provider_id)
        return (yield from pooldeeds.update_provider(actor, place.tenant, place.namespace, known, changes))

    return await store.write(plan)


async def delete_provider(store: Store, actor: Actor, place: Place, pool_id: str, provider_id: str) -> PoolProvider:
    """Delete a provider; raises `Misconfigured` (`pool-unknown`, `provider-unknown`)."""

    def plan() -> Plan[PoolProvider]:
        return (yield from pooldeeds.delete_provider(actor, (yield from _provider(place, pool_id, provider_id))))

    return await store.write(plan)


async def undelete_provider(store: Store, actor: Actor, place: Place, pool_id: str, provider_id: str) -> PoolProvider:
    """Bring back a provider; raises `Misconfigured` (`pool-unknown`, `provider-unknown`)."""

    def plan() -> Plan[PoolProvider]:
        known = yield from _provider(place, pool_id, provider_id, deleted=True)
        return (yield from pooldeeds.undelete_provider(actor, known))

    return await store.write(plan)


async def show_provider(store: Store, place: Place, pool_id: str, provider_id: str) -> PoolProvider:
    """Find a provider, deleted or not; raises `Misconfigured` (`pool-unknown`, `provider-unknown`)."""

    def plan() -> Plan[PoolProvider]:
        return (yield from _provider(place, pool_id, provider_id, deleted=True))

    return await store.read(plan)


async def provider_page(
    store: Store, place: Place, pool_id: str, *, after: str = "", limit: int = 50
) -> list[PoolProvider]:
    """List at most `limit` providers of a pool behind the name `after`; raises `Misconfigured` (`pool-unknown`)."""

    def plan() -> Plan[list[PoolProvider]]:
        pool = yield from _pool(place, pool_id, deleted=True)
        return (yield from pools.provider_page(place.tenant_id, pool.project_id, pool_id, after, limit))

    return await store.read(plan)


def findings(provider: PoolProvider, namespace: str) -> list[Finding]:
    """Return what a provider allows and should be warned of."""
    return rules.findings(provider, namespace)
