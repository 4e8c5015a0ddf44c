"""Who leaves: users, clients and tenants are disabled, enabled again and deleted, and people are signed out.

All that they have ends in the transaction in which they do, and stays ended when they come back. `etag` is of the
version that was seen (`registry.versions`), empty for any; raises `Misconfigured` (`record-changed`) for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from intaglio.names import TenantId
from intaglio.server.admin import clients as known_clients
from intaglio.server.admin import tenants as known_tenants
from intaglio.server.admin import users as known_users
from intaglio.server.model import clients, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, endings, versions
from intaglio.server.registry.deeds import Actor
from intaglio.server.registry.endings import Ended


class UserLeft(msgspec.Struct, frozen=True):
    """A user as the record is now, or was when it was deleted, and what ended."""

    user: User
    ended: Ended


class ClientLeft(msgspec.Struct, frozen=True):
    """A client as the record is now, or was when it was deleted, and what ended."""

    client: Client
    ended: Ended


class TenantLeft(msgspec.Struct, frozen=True):
    """A tenant as the record is now, or was when it was deleted, and what ended."""

    tenant: Tenant
    ended: Ended


# --- users


async def disable_user(store: Store, actor: Actor, tenant_id: TenantId, name: str, etag: str = "") -> UserLeft:
    """Let a user sign in no more, and end all that they have; raises `Misconfigured` (`user-unknown`)."""
    return await store.write(_switch_user, actor, tenant_id, name, "user.disable", etag)


async def enable_user(store: Store, actor: Actor, tenant_id: TenantId, name: str, etag: str = "") -> UserLeft:
    """Let a user sign in again, with nothing of what they had; raises `Misconfigured` (`user-unknown`)."""
    return await store.write(_switch_user, actor, tenant_id, name, "user.enable", etag)


def _switch_user(actor: Actor, tenant_id: TenantId, name: str, action: str, etag: str) -> Plan[UserLeft]:
    enabled = action == "user.enable"

    def switched(user: User) -> User:
        at = None if enabled else user.disabled_at or actor.now
        return msgspec.structs.replace(user, disabled_at=at, updated_at=actor.now, tokens_from=actor.now)

    before = yield from known_users.find(tenant_id, name)
    versions.check(before, etag)
    if enabled and before.disabled_at is None:
        return UserLeft(before, Ended())
    user = yield from _changed_user(before, switched)
    # SECURITY: when they come back as well: what slipped through in the second in which a process still remembered them
    # as good does not come to life (test_what_was_ended_stays_ended).
    ended = yield from endings.end_user(tenant_id, user.user_id, actor.now)
    told = _counts(ended)
    yield from deeds.note(tenant_id, actor, action, f"users/{user.user_id}", before=before, after=user, **told)
    return UserLeft(user, ended)


async def delete_user(store: Store, actor: Actor, tenant_id: TenantId, name: str, etag: str = "") -> UserLeft:
    """Remove a user with all that they have, for good; raises `Misconfigured` (`user-unknown`)."""
    return await store.write(_delete_user, actor, tenant_id, name, etag)


def _delete_user(actor: Actor, tenant_id: TenantId, name: str, etag: str) -> Plan[UserLeft]:
    user = yield from known_users.find(tenant_id, name)
    versions.check(user, etag)
    ended = yield from endings.delete_user(tenant_id, user.user_id, actor.now)
    if ended is None:
        raise known_users.unknown(name)
    # The name alone: the log outlives what was known of somebody who is gone.
    told = {"username": user.username, **_counts(ended)}
    yield from deeds.note(tenant_id, actor, "user.delete", f"users/{user.user_id}", **told)
    return UserLeft(user, ended)


async def sign_out(
    store: Store, actor: Actor, tenant_id: TenantId, name: str, *, applications: bool = False, etag: str = ""
) -> UserLeft:
    """Sign a user out in every browser and dialect; with `applications` also end what has offline access.

    Their applications are told. Raises `Misconfigured` (`user-unknown`).
    """
    return await store.write(_sign_out, actor, tenant_id, name, {"applications": "true"} if applications else {}, etag)


def _sign_out(actor: Actor, tenant_id: TenantId, name: str, told: Mapping[str, str], etag: str) -> Plan[UserLeft]:
    def marked(user: User) -> User:
        return msgspec.structs.replace(user, tokens_from=actor.now)

    before = yield from known_users.find(tenant_id, name)
    versions.check(before, etag)
    user = yield from _changed_user(before, marked)
    if told:
        ended = yield from endings.end_user(tenant_id, user.user_id, actor.now)
    else:
        ended = Ended((yield from endings.end_sessions(tenant_id, user.user_id, actor.now)))
    yield from deeds.note(tenant_id, actor, "user.sign-out", f"users/{user.user_id}", **told, **_counts(ended))
    return UserLeft(user, ended)


def _changed_user(known: User, change: Callable[[User], User]) -> Plan[User]:
    changed = yield from users.revise(known.tenant_id, known.user_id, change)
    if changed is None:
        raise known_users.unknown(known.username)
    return changed


# --- clients


async def disable_client(store: Store, actor: Actor, tenant_id: TenantId, client_id: str, etag: str = "") -> ClientLeft:
    """Let nobody sign in to a client, nor the client do anything, and end all that it has.

    Raises `Misconfigured` (`client-unknown`).
    """
    return await store.write(_switch_client, actor, tenant_id, client_id, "client.disable", etag)


async def enable_client(store: Store, actor: Actor, tenant_id: TenantId, client_id: str, etag: str = "") -> ClientLeft:
    """Let a client go on, with nothing of what it had; raises `Misconfigured` (`client-unknown`)."""
    return await store.write(_switch_client, actor, tenant_id, client_id, "client.enable", etag)


def _switch_client(actor: Actor, tenant_id: TenantId, client_id: str, action: str, etag: str) -> Plan[ClientLeft]:
    before = yield from known_clients.find(tenant_id, client_id)
    versions.check(before, etag)
    enabled = action == "client.enable"
    if enabled and before.disabled_at is None:
        return ClientLeft(before, Ended())

    def switched(client: Client) -> Client:
        at = None if enabled else client.disabled_at or actor.now
        return msgspec.structs.replace(client, disabled_at=at, tokens_from=actor.now)

    after = yield from clients.revise(tenant_id, client_id, switched)
    if after is None:
        raise known_clients.unknown(client_id)
    ended = yield from endings.end_client(after, actor.now)
    told = _counts(ended)
    yield from deeds.note(tenant_id, actor, action, f"clients/{client_id}", before=before, after=after, **told)
    return ClientLeft(after, ended)


async def delete_client(store: Store, actor: Actor, tenant_id: TenantId, client_id: str, etag: str = "") -> ClientLeft:
    """Remove a client with all that it has, for good; raises `Misconfigured` (`client-unknown`)."""
    return await store.write(_delete_client, actor, tenant_id, client_id, etag)


def _delete_client(actor: Actor, tenant_id: TenantId, client_id: str, etag: str) -> Plan[ClientLeft]:
    client = yield from known_clients.find(tenant_id, client_id)
    versions.check(client, etag)
    ended = yield from endings.delete_client(client, actor.now)
    if ended is None:
        raise known_clients.unknown(client_id)
    told = _counts(ended)
    yield from deeds.note(tenant_id, actor, "client.delete", f"clients/{client_id}", before=client, **told)
    return ClientLeft(client, ended)


# --- tenants


async def disable_tenant(store: Store, actor: Actor, name: str, etag: str = "") -> TenantLeft:
    """Switch a tenant off: nothing of it is found any more, and all that its people and programs have ends.

    Sessions end a few at a time, so that nobody else waits. If that is broken off, do it again: the tenant is off
    already, and cannot be enabled before all of them have ended. Raises `Misconfigured` (`tenant-unknown`).
    """
    switched = await store.write(_switch_tenant, actor, name, "tenant.disable", etag)
    await _end_shared(store, switched.tenant.tenant_id, actor.now, gone=False)
    count = await _end_sessions(store, switched.tenant.tenant_id, actor.now)
    return msgspec.structs.replace(switched, ended=Ended(count, switched.ended.grants))


async def enable_tenant(store: Store, actor: Actor, name: str, etag: str = "") -> TenantLeft:
    """Switch a tenant on again, with its users and clients and nothing of what they had.

    Raises `Misconfigured` (`tenant-unknown`).
    """
    found = await known_tenants.show(store, name)
    if found.disabled_at is None:
        return TenantLeft(found, Ended())
    await _end_shared(store, found.tenant_id, actor.now, gone=False)
    await _end_sessions(store, found.tenant_id, actor.now)
    return await store.write(_switch_tenant, actor, name, "tenant.enable", etag)


async def _end_sessions(store: Store, tenant_id: TenantId, now: int) -> int:
    behind, ended = ("", ""), 0
    while True:
        count, behind = await store.write(endings.end_some_sessions, tenant_id, behind, now)
        if not count:
            return ended
        ended += count


async def _end_shared(store: Store, tenant_id: TenantId, now: int, *, gone: bool) -> None:
    behind = await store.write(_shared, tenant_id, "", now, gone)
    while behind:
        behind = await store.write(_shared, tenant_id, behind, now, gone)


def _shared(tenant_id: TenantId, behind: str, now: int, gone: Any) -> Plan[str]:
    return endings.end_some_shared(tenant_id, behind, now, gone=gone)


def _switch_tenant(actor: Actor, name: str, action: str, etag: str) -> Plan[TenantLeft]:
    before = yield from known_tenants.find(name)
    versions.check(before, etag)

    def switched(tenant: Tenant) -> Tenant:
        at = None if action == "tenant.enable" else tenant.disabled_at or actor.now
        return msgspec.structs.replace(tenant, disabled_at=at, tokens_from=actor.now)

    after = yield from tenants.revise(before.tenant_id, switched)
    if after is None:
        raise known_tenants.unknown(name)
    ended = yield from endings.end_tenant(after.tenant_id, actor.now)
    told = _counts(ended)
    yield from deeds.note(after.tenant_id, actor, action, f"tenants/{after.slug}", before=before, after=after, **told)
    return TenantLeft(after, ended)


async def delete_tenant(store: Store, actor: Actor, name: str, etag: str = "") -> TenantLeft:
    """Remove a tenant with its users, clients, keys and all else, for good; its audit log stays.

    Nothing can be sent in its name any more: disable it first if applications are to be told. It is switched off at
    once and removed a few rows at a time; if that is broken off, do it again. Raises `Misconfigured`
    (`tenant-unknown`).
    """
    switched = await store.write(_switch_tenant, actor, name, "tenant.disable", etag)
    tenant = switched.tenant
    await _end_shared(store, tenant.tenant_id, actor.now, gone=True)
    while await store.write(endings.delete_some, tenant.tenant_id):
        pass
    if not await store.write(_delete_tenant, actor, tenant):
        raise known_tenants.unknown(name)
    return switched


def _delete_tenant(actor: Actor, tenant: Tenant) -> Plan[bool]:
    if not (yield from endings.delete_tenant(tenant.tenant_id, actor.now)):
        return False
    yield from deeds.note(tenant.tenant_id, actor, "tenant.delete", f"tenants/{tenant.slug}", before=tenant)
    return True


def _counts(ended: Ended) -> dict[str, str]:
    return {name: str(count) for name, count in msgspec.structs.asdict(ended).items() if count}
