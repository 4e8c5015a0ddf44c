"""Groups of a tenant's users: make one, list and delete them, and who belongs to one."""

from __future__ import annotations

import re

import msgspec

from intaglio import ids
from intaglio.names import TenantId
from intaglio.server.admin import users as known_users
from intaglio.server.model import clients, groups, users
from intaglio.server.model.clients import Client
from intaglio.server.model.groups import Group
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

KINDS = ("security", "directory_role")
MOST_GROUPS = 1000
"""Groups that one user may be in."""
PAGE = 200
"""Records that are read at a time."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def create(
    store: Store, actor: Actor, tenant_id: TenantId, name: str, *, kind: str = "security", group_id: str = ""
) -> Group:
    """Make a group and return it; its UUID never changes.

    Raises `Misconfigured` (`name-invalid`, `value-unknown`, `group-invalid`, `group-exists`).
    """
    if group_id and not _UUID.fullmatch(group_id):
        raise fields.refuse("group-invalid", "The group cannot have this identifier.", "a UUID", group_id)
    made = Group(
        tenant_id=tenant_id,
        group_id=group_id or ids.new_uuid(),
        name=fields.display_name("name", name),
        created_at=actor.now,
        kind=fields.one_of("kind", kind, KINDS),
    )
    try:
        await store.write(_insert, made, actor)
    except Conflict as exc:
        raise fields.refuse("group-exists", "There is such a group.", "a UUID that is free", group_id) from exc
    return made


def _insert(made: Group, actor: Actor) -> Plan[None]:
    yield from groups.insert(made)
    resource = f"groups/{made.group_id}"
    yield from deeds.note(made.tenant_id, actor, "group.create", resource, after=made, name=made.name)


async def show(store: Store, tenant_id: TenantId, group_id: str) -> Group:
    """Find a group by UUID; raises `Misconfigured` (`group-unknown`)."""
    found = await store.read(groups.by_id, tenant_id, group_id)
    if found is None:
        hint = "List them with: intaglio group list"
        raise fields.refuse("group-unknown", "There is no such group.", "the UUID of a group", group_id, hint)
    return found


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[Group]:
    """List at most `limit` groups behind the UUID `after`."""
    return await store.read(groups.page, tenant_id, after, limit)


async def delete(store: Store, actor: Actor, tenant_id: TenantId, group_id: str) -> None:
    """Delete a group; raises `Misconfigured` (`group-unknown`).

    Nobody is in it any more, and it has no role in any application.
    """
    await show(store, tenant_id, group_id)
    await store.write(_delete, tenant_id, group_id, actor)


def _delete(tenant_id: TenantId, group_id: str, actor: Actor) -> Plan[None]:
    found = yield from groups.by_id(tenant_id, group_id)
    if not (yield from groups.delete(tenant_id, group_id)):
        return
    # SECURITY: people and applications name their groups; what is left there would go on letting people in
    # (test_a_deleted_group_opens_nothing).
    yield from _without_members(tenant_id, group_id, actor.now)
    yield from _without_roles(tenant_id, group_id)
    yield from deeds.note(tenant_id, actor, "group.delete", f"groups/{group_id}", before=found)


def _without_members(tenant_id: TenantId, group_id: str, now: int) -> Plan[None]:
    after = ""
    while found := (yield from users.page(tenant_id, after, PAGE)):
        for one in found:
            if group_id in one.groups:
                yield from users.revise(tenant_id, one.user_id, lambda user: _left(user, group_id, now))
        after = users.sign_in_name(found[-1].username)


def _without_roles(tenant_id: TenantId, group_id: str) -> Plan[None]:
    after = ""
    while found := (yield from clients.page(tenant_id, after, PAGE)):
        for one in found:
            if any(group_id in holders for holders in one.roles.values()):
                yield from clients.revise(tenant_id, one.client_id, lambda client: _without_holder(client, group_id))
        after = found[-1].client_id


def _left(user: User, group_id: str, now: int) -> User:
    return msgspec.structs.replace(user, groups=tuple(one for one in user.groups if one != group_id), updated_at=now)


def _without_holder(client: Client, group_id: str) -> Client:
    left = {role: tuple(one for one in holders if one != group_id) for role, holders in client.roles.items()}
    return msgspec.structs.replace(client, roles=left)


async def set_member(
    store: Store, actor: Actor, tenant_id: TenantId, group_id: str, user: User, *, belongs: bool
) -> User:
    """Let a user belong to a group, or not any more.

    Raises `Misconfigured` (`group-unknown`, `user-unknown`, `too-many`).
    """
    await show(store, tenant_id, group_id)
    return await store.write(_set_member, user, group_id, actor, "group.add" if belongs else "group.remove")


def _set_member(known: User, group_id: str, actor: Actor, action: str) -> Plan[User]:
    def change(user: User) -> User:
        left = _left(user, group_id, actor.now)
        after = (*left.groups, group_id) if action == "group.add" else left.groups
        if len(after) > MOST_GROUPS:
            raise fields.refuse("too-many", "The user is in too many groups.", f"at most {MOST_GROUPS}", len(after))
        return msgspec.structs.replace(left, groups=after)

    changed = yield from users.revise(known.tenant_id, known.user_id, change)
    if changed is None:
        raise known_users.unknown(known.username)
    yield from deeds.note(known.tenant_id, actor, action, f"groups/{group_id}", user=known.user_id)
    return changed
