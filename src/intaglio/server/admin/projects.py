"""Projects: make one, find one, list them page by page."""

from __future__ import annotations

from intaglio import ids
from intaglio.names import TenantId
from intaglio.server.model import projects
from intaglio.server.model.plan import Store
from intaglio.server.model.projects import Project
from intaglio.server.registry import projects as rules
from intaglio.server.registry.deeds import Actor


async def create(
    store: Store, actor: Actor, tenant_id: TenantId, *, project_id: str, number: int | None = None, name: str = ""
) -> Project:
    """Make a project and return it; neither its identifier nor its number ever changes.

    Raises `Misconfigured` (`project-id-invalid`, `name-invalid`, `number-invalid`, `project-exists`).
    """
    chosen = int(ids.digits(rules.DIGITS)) if number is None else number
    return await store.write(rules.create, actor, rules.new(tenant_id, project_id, chosen, name, actor.now))


async def show(store: Store, tenant_id: TenantId, name: str) -> Project:
    """Find a project by identifier or number; raises `Misconfigured` (`project-unknown`)."""
    return await store.read(rules.find, tenant_id, name)


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[Project]:
    """List at most `limit` projects behind the identifier `after`."""
    return await store.read(projects.page, tenant_id, after, limit)
