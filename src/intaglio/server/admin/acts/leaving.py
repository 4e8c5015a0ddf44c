"""Acts by which users, clients and tenants are disabled, enabled again and deleted, and people are signed out."""

from __future__ import annotations

from typing import Any

from intaglio.names import TenantId
from intaglio.server.admin import administrators as appointing
from intaglio.server.admin import clients as known_clients
from intaglio.server.admin import exports, leaving, users
from intaglio.server.admin.acts import clients as client_acts
from intaglio.server.admin.acts import tenants as tenant_acts
from intaglio.server.admin.acts import users as user_acts
from intaglio.server.admin.acts.act import Act, Asked, Told
from intaglio.server.admin.acts.clientrecords import ClientTold, ClientTouched
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.admin.acts.tenants import TenantTold, TenantTouched
from intaglio.server.admin.acts.users import UserNamed, UserTold, UserTouched
from intaglio.server.admin.leaving import ClientLeft, TenantLeft, UserLeft
from intaglio.server.model import accounts, administrators
from intaglio.server.model.sessions import Session


class EndedTold(Told, frozen=True, kw_only=True):
    """How many live sessions and grants were ended."""

    sessions: int = 0
    grants: int = 0


class UserLeftTold(Told, frozen=True, kw_only=True):
    """A user as they are now, or were when they were deleted, and what ended."""

    user: UserTold
    ended: EndedTold


class ClientLeftTold(Told, frozen=True, kw_only=True):
    """A client as it is now, or was when it was deleted, and what ended."""

    client: ClientTold
    ended: EndedTold


class TenantLeftTold(Told, frozen=True, kw_only=True):
    """A tenant as it is now, or was when it was deleted, and what ended."""

    tenant: TenantTold
    ended: EndedTold


class UserSignOut(UserTouched, frozen=True, kw_only=True):
    """Sign a user out everywhere; with `applications` also end what has offline access."""

    applications: bool = False


class SessionTold(Told, frozen=True, kw_only=True):
    """Somebody signed in with one browser; `device` says in a few words which."""

    session_id: str
    issuer: str
    dialect: str
    device: str
    auth_time: int
    amr: tuple[str, ...]
    acr: str
    created_at: int
    expires_at: int


class SessionsTold(Told, frozen=True, kw_only=True):
    """The live sessions of a user, the latest sign-in first, 200 at most."""

    items: tuple[SessionTold, ...]
    next: str = ""


class ExportTold(Told, frozen=True, kw_only=True):
    """All that is known of a user, without hashes and secrets; `audit` is oldest first."""

    exported_at: int
    tenant: dict[str, str]
    user: dict[str, Any]
    groups: tuple[dict[str, Any], ...]
    organizations: tuple[dict[str, Any], ...]
    identities: tuple[dict[str, Any], ...]
    consents: tuple[dict[str, Any], ...]
    roles: tuple[dict[str, Any], ...]
    administers: tuple[dict[str, Any], ...]
    sessions: tuple[dict[str, Any], ...]
    grants: tuple[dict[str, Any], ...]
    audit: tuple[dict[str, Any], ...]

    def __repr__(self) -> str:
        return "ExportTold(…)"


def _ended(left: UserLeft | ClientLeft | TenantLeft) -> EndedTold:
    return EndedTold(sessions=left.ended.sessions, grants=left.ended.grants)


def _user(left: UserLeft) -> UserLeftTold:
    return UserLeftTold(user=user_acts.told(left.user), ended=_ended(left))


def _client(left: ClientLeft) -> ClientLeftTold:
    return ClientLeftTold(client=client_acts.told(left.client), ended=_ended(left))


def _tenant(left: TenantLeft) -> TenantLeftTold:
    return TenantLeftTold(tenant=tenant_acts.told(left.tenant), ended=_ended(left))


async def _leaves_an_owner(desk: Desk, tenant_id: str, principal: str = "") -> None:
    """Check that with somebody, or with everybody in a tenant, not the last owner goes; raises `last-owner`.

    Whoever has the database can always begin anew.
    """
    if desk.rights is not None:
        await desk.store.read(appointing.owner_left, tenant_id, principal)


# --- users


async def _user_home(asked: UserTouched, desk: Desk) -> TenantId:
    owner = await desk.tenant(asked.tenant, "write")
    user = await users.show(desk.store, owner.tenant_id, asked.user)
    await _leaves_an_owner(desk, owner.tenant_id, administrators.user(user.user_id))
    return owner.tenant_id


async def disable_user(asked: UserTouched, desk: Desk) -> UserLeftTold:
    """Let a user sign in no more, and end all that they have. Raises `Misconfigured` (`user-unknown`)."""
    tenant_id = await _user_home(asked, desk)
    return _user(await leaving.disable_user(desk.store, desk.actor, tenant_id, asked.user, asked.etag))


async def enable_user(asked: UserTouched, desk: Desk) -> UserLeftTold:
    """Let a user sign in again. Raises `Misconfigured` (`user-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    return _user(await leaving.enable_user(desk.store, desk.actor, owner.tenant_id, asked.user, asked.etag))


async def delete_user(asked: UserTouched, desk: Desk) -> UserLeftTold:
    """Remove a user with all that they have, for good. Raises `Misconfigured` (`user-unknown`)."""
    tenant_id = await _user_home(asked, desk)
    return _user(await leaving.delete_user(desk.store, desk.actor, tenant_id, asked.user, asked.etag))


async def sign_out(asked: UserSignOut, desk: Desk) -> UserLeftTold:
    """Sign a user out everywhere. Raises `Misconfigured` (`user-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    left = await leaving.sign_out(
        desk.store, desk.actor, owner.tenant_id, asked.user, applications=asked.applications, etag=asked.etag
    )
    return _user(left)


async def sessions(asked: UserNamed, desk: Desk) -> SessionsTold:
    """List the live sessions of a user. Raises `Misconfigured` (`user-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    user = await users.show(desk.store, owner.tenant_id, asked.user)
    found = await desk.store.read(accounts.sessions_of, owner.tenant_id, user.user_id, desk.clock.now())
    return SessionsTold(items=tuple(map(_session, found)))


def _session(session: Session) -> SessionTold:
    # The cookie's digest, and what another provider told of the person, stay here.
    return SessionTold(**{name: getattr(session, name) for name in SessionTold.__struct_fields__})


async def export(asked: UserNamed, desk: Desk) -> ExportTold:
    """Return all that is known of a user; the audit log tells of it. Raises `Misconfigured` (`user-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    found = await exports.user(desk.store, desk.actor, owner, asked.user)
    return ExportTold(**{name: getattr(found, name) for name in ExportTold.__struct_fields__})


# --- clients


async def _home(asked: ClientTouched, desk: Desk) -> TenantId:
    owner = await desk.tenant(asked.tenant, "write")
    client_acts.guard(await known_clients.show(desk.store, owner.tenant_id, asked.client_id), desk)
    return owner.tenant_id


async def disable_client(asked: ClientTouched, desk: Desk) -> ClientLeftTold:
    """Let nobody sign in to a client, and end all that it has. Raises `Misconfigured` (`client-unknown`)."""
    tenant_id = await _home(asked, desk)
    await _leaves_an_owner(desk, tenant_id, administrators.client(asked.client_id))
    return _client(await leaving.disable_client(desk.store, desk.actor, tenant_id, asked.client_id, asked.etag))


async def enable_client(asked: ClientTouched, desk: Desk) -> ClientLeftTold:
    """Let a client go on. Raises `Misconfigured` (`client-unknown`)."""
    tenant_id = await _home(asked, desk)
    return _client(await leaving.enable_client(desk.store, desk.actor, tenant_id, asked.client_id, asked.etag))


async def delete_client(asked: ClientTouched, desk: Desk) -> ClientLeftTold:
    """Remove a client with all that it has, for good. Raises `Misconfigured` (`client-unknown`)."""
    tenant_id = await _home(asked, desk)
    await _leaves_an_owner(desk, tenant_id, administrators.client(asked.client_id))
    return _client(await leaving.delete_client(desk.store, desk.actor, tenant_id, asked.client_id, asked.etag))


# --- tenants


async def disable_tenant(asked: TenantTouched, desk: Desk) -> TenantLeftTold:
    """Switch a tenant off, and end all that its people and programs have. Raises `Misconfigured` (`tenant-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    await _leaves_an_owner(desk, owner.tenant_id)
    return _tenant(await leaving.disable_tenant(desk.store, desk.actor, owner.tenant_id, asked.etag))


async def enable_tenant(asked: TenantTouched, desk: Desk) -> TenantLeftTold:
    """Switch a tenant on again. Raises `Misconfigured` (`tenant-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    # SECURITY: whoever was switched off by those who have all tenants does not come back by themselves
    # (test_nobody_switches_their_own_tenant_on_again).
    desk.demand("write")
    return _tenant(await leaving.enable_tenant(desk.store, desk.actor, owner.tenant_id, asked.etag))


async def delete_tenant(asked: TenantTouched, desk: Desk) -> TenantLeftTold:
    """Remove a tenant with all that is in it, for good. Raises `Misconfigured` (`tenant-unknown`)."""
    owner = await desk.tenant(asked.tenant, "write")
    # Whoever administers one tenant does not remove it: that is for those who could make it.
    desk.demand("write")
    await _leaves_an_owner(desk, owner.tenant_id)
    return _tenant(await leaving.delete_tenant(desk.store, desk.actor, owner.tenant_id, asked.etag))


_USER, _CLIENT, _TENANT = (
    "/tenants/{tenant}/users/{user}",
    "/tenants/{tenant}/clients/{client_id}",
    "/tenants/{tenant}",
)


def _act(name: str, path: str, summary: str, asked: type[Asked], told: type[Told], perform: Any) -> Act:
    deletes = name.endswith(".delete")
    return Act(
        name=name,
        method="DELETE" if deletes else "POST",
        path=path if deletes else f"{path}/{name.rpartition('.')[2].replace('_', '-')}",
        summary=summary,
        asked=asked,
        told=told,
        right="write",
        perform=perform,
    )


ACTS = (
    _act("tenant.disable", _TENANT, "Switch a tenant off", TenantTouched, TenantLeftTold, disable_tenant),
    _act("tenant.enable", _TENANT, "Switch a tenant on again", TenantTouched, TenantLeftTold, enable_tenant),
    _act("tenant.delete", _TENANT, "Remove a tenant for good", TenantTouched, TenantLeftTold, delete_tenant),
    _act("client.disable", _CLIENT, "Let nobody sign in to a client", ClientTouched, ClientLeftTold, disable_client),
    _act("client.enable", _CLIENT, "Let a client go on", ClientTouched, ClientLeftTold, enable_client),
    _act("client.delete", _CLIENT, "Remove a client for good", ClientTouched, ClientLeftTold, delete_client),
    _act("user.disable", _USER, "Let a user sign in no more", UserTouched, UserLeftTold, disable_user),
    _act("user.enable", _USER, "Let a user sign in again", UserTouched, UserLeftTold, enable_user),
    _act("user.delete", _USER, "Remove a user for good", UserTouched, UserLeftTold, delete_user),
    _act("user.sign_out", _USER, "Sign a user out everywhere", UserSignOut, UserLeftTold, sign_out),
    Act(
        name="user.sessions",
        method="GET",
        path="/tenants/{tenant}/users/{user}/sessions",
        summary="List the live sessions of a user",
        asked=UserNamed,
        told=SessionsTold,
        right="read",
        perform=sessions,
    ),
    Act(
        name="user.export",
        method="GET",
        path="/tenants/{tenant}/users/{user}/export",
        summary="Return all that is known of a user",
        asked=UserNamed,
        told=ExportTold,
        right="read",
        perform=export,
    ),
)
