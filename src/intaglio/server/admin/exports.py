"""All that is known of a user, in one document: for the person (Regulation (EU) 2016/679, Articles 15 and 20).

Neither hashes nor secrets are in it: what opens a session, proves a password or redeems a token is nobody's to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from intaglio.server.admin import users as known_users
from intaglio.server.model import (
    accounts,
    administrators,
    audit,
    clients,
    connections,
    groups,
    identities,
    organizations,
)
from intaglio.server.model.audit import Entry
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry import deeds
from intaglio.server.registry.deeds import Actor

PAGE = 500
MOST = 1_000_000

T = TypeVar("T")


class UserExport(msgspec.Struct, frozen=True):
    """What is known of a user; instants are epoch seconds.

    `user` is the record, `identities` who they are elsewhere, `roles` those in applications, `sessions` and `grants`
    what has not been removed yet, `audit` what they did and what was done to them, oldest first.
    """

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
        return f"UserExport({self.user.get('user_id')})"


async def user(store: Store, actor: Actor, tenant: Tenant, name: str) -> UserExport:
    """Return what is known of a user; the audit log tells that it was read.

    Raises `Misconfigured` (`user-unknown`).
    """
    found = await store.read(_gathered, tenant, name, actor.now)
    await store.write(_note, tenant, actor, found.user["user_id"])
    return found


def _note(tenant: Tenant, actor: Actor, user_id: str) -> Plan[None]:
    yield from deeds.note(tenant.tenant_id, actor, "user.export", f"users/{user_id}")


def _gathered(tenant: Tenant, name: str, now: int) -> Plan[UserExport]:
    tenant_id = tenant.tenant_id
    known = yield from known_users.find(tenant_id, name)
    whose = (tenant_id, known.user_id)
    names = {one.connection_id: one.name for one in (yield from connections.of_tenant(tenant_id))}
    own_groups = yield from groups.named(tenant_id, known.groups)
    belongs = yield from organizations.of_user(*whose, limit=MOST)
    elsewhere = yield from identities.of_user(*whose)
    agreed = yield from accounts.agreements_of(*whose, limit=MOST)
    applications = yield from _every(lambda behind: clients.page(tenant_id, behind, PAGE), lambda one: one.client_id)
    rights = yield from administrators.of(tenant_id, administrators.user(known.user_id))
    sessions = yield from accounts.kept_sessions(*whose)
    grants = yield from accounts.kept_grants(*whose)
    entries = yield from _entries(tenant, known)
    return UserExport(
        exported_at=now,
        tenant={"tenant_id": tenant_id, "slug": tenant.slug, "name": tenant.name},
        user=_record(known),
        groups=tuple(_plain(one, "tenant_id") for one in own_groups),
        organizations=tuple({"organization_id": one.organization_id, "name": one.name} for one in belongs),
        identities=tuple(
            _plain(one, "tenant_id", "user_id", "connection_id") | {"connection": names.get(one.connection_id, "")}
            for one in elsewhere
        ),
        consents=tuple(
            {
                "client_id": one.client.client_id,
                "client_name": one.client.client_name,
                "scope": one.scope,
                "updated_at": one.updated_at,
            }
            for one in agreed
        ),
        roles=tuple(_roles(applications, known)),
        administers=tuple(_plain(one, "tenant_id", "principal") for one in rights),
        sessions=tuple(_told(one) for one in sessions),
        grants=tuple(_told(one) for one in grants),
        audit=tuple(_entry(one, known) for one in entries),
    )


def _record(known: User) -> dict[str, Any]:
    return _plain(known, "tenant_id", "password_hash", "groups") | {"has_password": bool(known.password_hash)}


def _roles(applications: list[Client], known: User) -> list[dict[str, Any]]:
    """Return the roles that a user has in applications, by themselves or by a group."""
    holders = {known.user_id, *known.groups}
    found = []
    for client in applications:
        held = sorted(role for role, who in client.roles.items() if holders & set(who))
        found += [{"client_id": client.client_id, "roles": held}] if held else []
    return found


def _entries(tenant: Tenant, known: User) -> Plan[list[Entry]]:
    """Return the entries of the log about a user, each once: what was done to them, and what they did."""
    found: dict[str, Entry] = {}
    for named in ({"resource": f"users/{known.user_id}"}, {"principal": administrators.user(known.user_id)}):
        behind = audit.LAST
        while part := (yield from audit.page(tenant.tenant_id, behind, PAGE, **named)):
            found |= {entry.entry_id: entry for entry in part}
            behind = part[-1].entry_id
    return [found[name] for name in sorted(found)]


def _entry(one: Entry, known: User) -> dict[str, Any]:
    """Return an entry of the log; of what they did to others or to other things, only that they did."""
    resource = one.resource
    # SECURITY: whoever administers changes what is other people's, and is not handed it with their own
    # (test_an_export_holds_nothing_of_those_who_were_administered).
    others = () if resource == f"users/{known.user_id}" else ("before", "after")
    return _plain(one, "tenant_id", *others, *("detail",) * bool(others and resource.startswith("users/")))


def _every(page: Callable[[str], Plan[list[T]]], name: Callable[[T], str]) -> Plan[list[T]]:
    found: list[T] = []
    while part := (yield from page(name(found[-1]) if found else "")):
        found += part
    return found


def _plain(one: msgspec.Struct, *without: str) -> dict[str, Any]:
    """Return the members of a record but for some."""
    members: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in members.items() if name not in without}


def _told(one: msgspec.Struct) -> dict[str, Any]:
    """Return the members of a record; those that are kept as JSON text as what they say."""
    members = _plain(one)
    for name in ("claims", "circumstances"):
        if text := members.pop(name, ""):
            members[name] = msgspec.json.decode(text)
    return members
