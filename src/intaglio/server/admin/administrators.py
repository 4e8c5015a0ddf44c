"""Administrators: who they are, appointing and dismissing them."""

from __future__ import annotations

from typing import Literal

import msgspec

from intaglio.errors import Misconfigured
from intaglio.names import TenantId
from intaglio.server.admin import clients as known_clients
from intaglio.server.admin import tenants as known_tenants
from intaglio.server.admin import users as known_users
from intaglio.server.model import administrators
from intaglio.server.model.administrators import ROLES, Administrator, Role
from intaglio.server.model.plan import Plan, Store
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

Kind = Literal["user", "client"]


class Appointment(msgspec.Struct, frozen=True):
    """Who is to administer what: a user (UUID or user name) or client of `tenant`, in `scope` or in all tenants.

    `tenant` and `scope` are slugs or UUIDs; `scope` is empty for all.
    """

    tenant: str
    kind: Kind
    name: str
    scope: str = ""


async def add(store: Store, actor: Actor, who: Appointment, role: str) -> Administrator:
    """Appoint somebody, or change the role that they have in that scope, and return it.

    Raises `Misconfigured` (`value-unknown`, `tenant-unknown`, `user-unknown`, `client-unknown`, `client-public`,
    `last-owner`).
    """
    fields.one_of("role", role, ROLES)
    return await store.write(_add, actor, who, role)


def _add(actor: Actor, who: Appointment, role: Role) -> Plan[Administrator]:
    tenant_id, principal, scope = yield from found(who)
    before = next((one for one in (yield from administrators.of(tenant_id, principal)) if one.scope == scope), None)
    created_at = actor.now if before is None else before.created_at
    one = Administrator(tenant_id, principal, role, created_at, scope)
    yield from administrators.put(one)
    yield from _check_last(before)
    yield from deeds.note(
        tenant_id, actor, "administrator.add", f"administrators/{principal}", before=before, after=one
    )
    return one


async def remove(store: Store, actor: Actor, who: Appointment) -> Administrator:
    """Take somebody's rights over a scope away, and return what they were.

    Raises `Misconfigured` (`tenant-unknown`, `administrator-unknown`, `last-owner`).
    """
    return await store.write(_remove, actor, who)


def _remove(actor: Actor, who: Appointment) -> Plan[Administrator]:
    tenant_id, principal, scope = yield from found(who)
    known = [one for one in (yield from administrators.of(tenant_id, principal)) if one.scope == scope]
    if not known or not (yield from administrators.remove(tenant_id, principal, scope)):
        hint = "List them with: intaglio admin list"
        raise fields.refuse(
            "administrator-unknown", "That is no administrator of this.", "an administrator", who.name, hint
        )
    yield from _check_last(known[0])
    yield from deeds.note(tenant_id, actor, "administrator.remove", f"administrators/{principal}", before=known[0])
    return known[0]


def _check_last(before: Administrator | None) -> Plan[None]:
    if before is not None and _owns_all(before) and not any(map(_owns_all, (yield from _every()))):
        raise _last()


def owner_left(tenant_id: str, principal: str = "") -> Plan[None]:
    """Check that the last owner of everything is not among those who go: everybody in a tenant, or this one there.

    Nobody locks all others out by mistake. Raises `Misconfigured` (`last-owner`).
    """
    owners = [one for one in (yield from _every()) if _owns_all(one)]
    going = [one for one in owners if one.tenant_id == tenant_id and principal in ("", one.principal)]
    if going and len(going) == len(owners):
        raise _last()


def _owns_all(one: Administrator) -> bool:
    return (one.role, one.scope) == ("owner", "")


def _every() -> Plan[list[Administrator]]:
    found: list[Administrator] = []
    after = ("", "", "")
    while part := (yield from administrators.page(*after, 200)):
        found += part
        after = (part[-1].tenant_id, part[-1].principal, part[-1].scope)
    return found


def _last() -> Misconfigured:
    hint = "Appoint another owner first."
    return fields.refuse("last-owner", "Nobody would administer everything any more.", "an owner left", "none", hint)


def found(who: Appointment) -> Plan[tuple[TenantId, str, str]]:
    """Return where somebody lives, their principal and the scope's id; raises `Misconfigured`."""
    home = yield from known_tenants.find(who.tenant)
    scope = (yield from known_tenants.find(who.scope)).tenant_id if who.scope else ""
    if who.kind == "user":
        user = yield from known_users.find(home.tenant_id, who.name)
        return home.tenant_id, administrators.user(user.user_id), scope
    client = yield from known_clients.find(home.tenant_id, who.name)
    # SECURITY: whoever knows a public client's name is that client (test_no_public_client_administers).
    if client.is_public or client.home_tenant_id:
        expected = "a client of this tenant that proves itself"
        raise _refused(expected, "a public one" if client.is_public else "another tenant's")
    return home.tenant_id, administrators.client(client.client_id), scope


def _refused(expected: str, received: str) -> Misconfigured:
    hint = "Appoint people; a program of their own signs them in."
    return fields.refuse("client-public", "This client cannot administer.", expected, received, hint)


async def page(store: Store, *, after: tuple[str, str, str] = ("", "", ""), limit: int = 50) -> list[Administrator]:
    """List at most `limit` administrators behind a tenant, principal and scope."""
    return await store.read(administrators.page, *after, limit)
