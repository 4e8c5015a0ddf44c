"""Roles: list those that are there, and make, change and delete a project's own."""

from __future__ import annotations

import msgspec

from intaglio.dialects.dialect import Vocabulary
from intaglio.names import TenantId
from intaglio.server.model import policies
from intaglio.server.model.plan import Store
from intaglio.server.model.policies import CustomRole
from intaglio.server.registry import customroles as rules
from intaglio.server.registry import fields, projects
from intaglio.server.registry.customroles import RoleChange
from intaglio.server.registry.deeds import Actor


class Listed(msgspec.Struct, frozen=True):
    """A role as it is listed."""

    role: str
    title: str
    permissions: tuple[str, ...]
    custom: bool


async def every(store: Store, words: Vocabulary, tenant_id: TenantId) -> list[Listed]:
    """List the predefined roles and the tenant's own, by name."""
    own = await store.read(policies.roles_of, tenant_id)
    made = [Listed(one.role, one.title, one.permissions, custom=True) for one in own]
    given = [Listed(role, "", tuple(sorted(granted)), custom=False) for role, granted in words.roles.items()]
    return sorted(made + given, key=lambda one: (one.custom, one.role))


async def create(
    store: Store,
    actor: Actor,
    words: Vocabulary,
    tenant_id: TenantId,
    *,
    project: str,
    name: str,
    permissions: tuple[str, ...],
    title: str = "",
    description: str = "",
) -> CustomRole:
    """Make a role of a project.

    Raises `Misconfigured` (`project-unknown`, `role-name-invalid`, `permission-invalid`, `too-many`, `text-invalid`,
    `role-exists`, `role-too-broad`).
    """
    found = await store.read(projects.find, tenant_id, project)
    role = CustomRole(
        tenant_id=tenant_id,
        role=words.role_name(found.project_id, rules.check_name(name)),
        title=fields.text("title", title or name, 100),
        permissions=rules.check_permissions(words, permissions),
        created_at=actor.now,
        description=fields.text("description", description, 256),
    )
    return await store.write(rules.create, actor, words, role)


async def update(
    store: Store, actor: Actor, words: Vocabulary, tenant_id: TenantId, role: str, change: RoleChange
) -> CustomRole:
    """Change a role; raises `Misconfigured` (`role-unknown` and those of `create`)."""
    return await store.write(rules.update, actor, words, tenant_id, role, change)


async def delete(store: Store, actor: Actor, tenant_id: TenantId, role: str) -> None:
    """Remove a role; bindings that name it grant nothing then. Raises `Misconfigured` (`role-unknown`)."""
    await store.write(rules.delete, actor, tenant_id, role)
