"""Organizations of a tenant: make one, find one, list and delete them, and who belongs to one."""

from __future__ import annotations

import re
import string

from intaglio import ids
from intaglio.names import TenantId
from intaglio.server.model import organizations, users
from intaglio.server.model.organizations import Organization
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

PREFIX = "org_"
"""What identifiers begin with, so that nobody takes one for a name."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,48}[a-z0-9])?")


async def create(store: Store, actor: Actor, tenant_id: TenantId, name: str, *, display_name: str = "") -> Organization:
    """Make an organization and return it; its name is what requests and tokens call it, and never changes.

    Raises `Misconfigured` (`organization-name-invalid`, `name-invalid`, `organization-exists`).
    """
    if not _NAME.fullmatch(name) or name.startswith(PREFIX):
        expected = f"1 to 50 of a-z, 0-9, - and _, not beginning with {PREFIX}"
        raise fields.refuse("organization-name-invalid", "The name cannot be used.", expected, ascii(name))
    made = Organization(
        tenant_id=tenant_id,
        organization_id=PREFIX + ids.letters(string.ascii_letters + string.digits, 16),
        name=name,
        created_at=actor.now,
        display_name=fields.display_name("display_name", display_name or name),
    )
    try:
        await store.write(_insert, made, actor)
    except Conflict as exc:
        expected = "a name that is free"
        raise fields.refuse("organization-exists", "There is an organization of this name.", expected, name) from exc
    return made


def _insert(made: Organization, actor: Actor) -> Plan[None]:
    yield from organizations.insert(made)
    resource = f"organizations/{made.organization_id}"
    yield from deeds.note(made.tenant_id, actor, "organization.create", resource, after=made)


def _by_either(tenant_id: TenantId, name: str) -> Plan[Organization | None]:
    return (yield from organizations.by_id(tenant_id, name)) or (yield from organizations.by_name(tenant_id, name))


async def show(store: Store, tenant_id: TenantId, name: str) -> Organization:
    """Find an organization by name or identifier; raises `Misconfigured` (`organization-unknown`)."""
    found = await store.read(_by_either, tenant_id, name)
    if found is None:
        hint = "List them with: intaglio organization list"
        expected = "the name or identifier of an organization"
        raise fields.refuse("organization-unknown", "There is no such organization.", expected, name, hint)
    return found


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[Organization]:
    """List at most `limit` organizations behind the name `after`."""
    return await store.read(organizations.page, tenant_id, after, limit)


async def delete(store: Store, actor: Actor, tenant_id: TenantId, name: str) -> None:
    """Delete an organization; nobody signs in for it any more. Raises `Misconfigured` (`organization-unknown`)."""
    found = await show(store, tenant_id, name)
    await store.write(_delete, found, actor)


def _delete(found: Organization, actor: Actor) -> Plan[None]:
    if (yield from organizations.delete(found.tenant_id, found.organization_id)):
        resource = f"organizations/{found.organization_id}"
        yield from deeds.note(found.tenant_id, actor, "organization.delete", resource, before=found)


async def add(store: Store, actor: Actor, tenant_id: TenantId, name: str, user: User) -> Organization:
    """Let a user belong to an organization; raises `Misconfigured` (`organization-unknown`)."""
    found = await show(store, tenant_id, name)
    await store.write(_add, found, user, actor)
    return found


def _add(found: Organization, user: User, actor: Actor) -> Plan[None]:
    yield from organizations.add_member(found.tenant_id, found.organization_id, user.user_id)
    resource = f"organizations/{found.organization_id}"
    yield from deeds.note(found.tenant_id, actor, "organization.add", resource, user=user.user_id)


async def remove(store: Store, actor: Actor, tenant_id: TenantId, name: str, user: User) -> Organization:
    """Let a user not belong to it any more.

    Raises `Misconfigured` (`organization-unknown`, `member-unknown`).
    """
    found = await show(store, tenant_id, name)
    if not await store.write(_remove, found, user, actor):
        raise fields.refuse("member-unknown", "The user does not belong to it.", "a member", user.username)
    return found


def _remove(found: Organization, user: User, actor: Actor) -> Plan[bool]:
    if not (yield from organizations.remove_member(found.tenant_id, found.organization_id, user.user_id)):
        return False
    resource = f"organizations/{found.organization_id}"
    yield from deeds.note(found.tenant_id, actor, "organization.remove", resource, user=user.user_id)
    return True


async def members(store: Store, tenant_id: TenantId, name: str, *, after: str = "", limit: int = 50) -> list[User]:
    """List at most `limit` users of an organization behind the UUID `after`."""
    found = await show(store, tenant_id, name)
    return await store.read(_members, found, after, limit)


def _members(found: Organization, after: str, limit: int) -> Plan[list[User]]:
    told: list[User] = []
    for user_id in (yield from organizations.members(found.tenant_id, found.organization_id, after, limit)):
        user = yield from users.by_id(found.tenant_id, user_id)
        told += [user] if user is not None else []
    return told
