"""Service accounts: make one, find, list, describe, disable, delete one, and have it back."""

from __future__ import annotations

from typing import Any

from intaglio import ids
from intaglio.dialects.dialect import Vocabulary
from intaglio.names import TenantId
from intaglio.server.model import serviceaccounts
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry import projects
from intaglio.server.registry import serviceaccounts as rules
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.serviceaccounts import Described


async def create(
    store: Store,
    actor: Actor,
    words: Vocabulary,
    base: str,
    tenant_id: TenantId,
    *,
    project: str,
    account_id: str,
    described: Described | None = None,
) -> ServiceAccount:
    """Make a service account of a project; its address is in the universe of the base address.

    Raises `Misconfigured` (`project-unknown`, `account-id-invalid`, `text-invalid`, `service-account-exists`).
    """
    found = await store.read(projects.find, tenant_id, project)
    told: dict[str, Any] = (described or Described()).checked()
    account = ServiceAccount(
        tenant_id=tenant_id,
        email=words.address(rules.check_account_id(account_id), found.project_id, base),
        unique_id=ids.digits(rules.UNIQUE_ID_DIGITS),
        project_id=found.project_id,
        created_at=actor.now,
        **told,
    )
    return await store.write(rules.create, actor, account)


async def show(store: Store, tenant_id: TenantId, name: str) -> ServiceAccount:
    """Find a living account by address or number; raises `Misconfigured` (`service-account-unknown`)."""
    return await store.read(rules.find, tenant_id, name)


async def page(
    store: Store, tenant_id: TenantId, project: str, *, after: str = "", limit: int = 50
) -> list[ServiceAccount]:
    """List at most `limit` living accounts of a project behind the address `after`.

    Raises `Misconfigured` (`project-unknown`).
    """
    found = await store.read(projects.find, tenant_id, project)
    return await store.read(serviceaccounts.page, tenant_id, found.project_id, after, limit)


def _update(actor: Actor, tenant_id: TenantId, name: str, described: Described) -> Plan[ServiceAccount]:
    return (yield from rules.update(actor, (yield from rules.find(tenant_id, name)), described))


async def update(store: Store, actor: Actor, tenant_id: TenantId, name: str, described: Described) -> ServiceAccount:
    """Change what people read of an account; raises `Misconfigured` (`text-invalid`, `service-account-unknown`)."""
    return await store.write(_update, actor, tenant_id, name, described)


def _switch(actor: Actor, tenant_id: TenantId, name: str, enabled: bool) -> Plan[ServiceAccount]:  # noqa: FBT001
    return (yield from rules.switch(actor, (yield from rules.find(tenant_id, name)), enabled=enabled))


async def switch(store: Store, actor: Actor, tenant_id: TenantId, name: str, *, enabled: bool) -> ServiceAccount:
    """Disable an account or enable it again; raises `Misconfigured` (`service-account-unknown`)."""
    return await store.write(_switch, actor, tenant_id, name, enabled)


def _delete(actor: Actor, words: Vocabulary, tenant_id: TenantId, name: str) -> Plan[ServiceAccount]:
    return (yield from rules.delete(actor, words, (yield from rules.find(tenant_id, name))))


async def delete(store: Store, actor: Actor, words: Vocabulary, tenant_id: TenantId, name: str) -> ServiceAccount:
    """Delete an account with its keys and its policy; raises `Misconfigured` (`service-account-unknown`)."""
    return await store.write(_delete, actor, words, tenant_id, name)


async def undelete(
    store: Store, actor: Actor, words: Vocabulary, tenant_id: TenantId, unique_id: str
) -> ServiceAccount:
    """Bring back an account that was deleted within 30 days, by its number.

    Raises `Misconfigured` (`service-account-unknown`, `service-account-exists`).
    """
    return await store.write(rules.undelete, actor, words, tenant_id, unique_id)
