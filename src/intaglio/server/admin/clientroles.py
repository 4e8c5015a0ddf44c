"""Roles in an application: which there are, and which users and groups of the tenant have them."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from intaglio.names import TenantId
from intaglio.server.admin import clients as clientadmin
from intaglio.server.model import clients
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Plan, Store
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

MOST_ROLES = 1200
_VALUE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{0,120}")

Roles = dict[str, tuple[str, ...]]


async def assign(
    store: Store, actor: Actor, tenant_id: TenantId, client_id: str, value: str, holders: tuple[str, ...]
) -> Client:
    """Give a role to users and groups, by UUID; one without holders is only there. The empty one is of no token.

    Raises `Misconfigured` (`client-unknown`, `role-invalid`, `too-many`, `client-changed`).
    """
    if not _VALUE.fullmatch(value):
        raise fields.refuse("role-invalid", "The role cannot be used.", "up to 120 characters without blanks", value)

    def changed(roles: Roles) -> Roles:
        return roles | {value: tuple(dict.fromkeys((*roles.get(value, ()), *holders)))}

    return await _change(store, actor, tenant_id, client_id, changed, value)


async def unassign(
    store: Store, actor: Actor, tenant_id: TenantId, client_id: str, value: str, holders: tuple[str, ...] = ()
) -> Client:
    """Take a role from users and groups; without any, the role itself is gone.

    Raises `Misconfigured` (`client-unknown`, `role-unknown`, `client-changed`).
    """

    def changed(roles: Roles) -> Roles:
        if value not in roles:
            raise fields.refuse("role-unknown", "The application has no such role.", "one of its roles", value)
        left = tuple(one for one in roles[value] if one not in holders)
        kept = {name: held for name, held in roles.items() if name != value}
        return kept | {value: left} if holders else kept

    return await _change(store, actor, tenant_id, client_id, changed, value)


async def _change(
    store: Store, actor: Actor, tenant_id: TenantId, client_id: str, change: Callable[[Roles], Roles], value: str
) -> Client:
    before = await clientadmin.show(store, tenant_id, client_id)
    roles = change(before.roles)
    if len(roles) > MOST_ROLES:
        raise fields.refuse("too-many", "The application has too many roles.", f"at most {MOST_ROLES}", len(roles))
    after = msgspec.structs.replace(before, roles=roles)
    if not await store.write(_exchange, before, after, actor, value):
        public = "Somebody else has changed the client."
        raise fields.refuse("client-changed", public, "it as it was", "another", "Try again.")
    return after


def _exchange(before: Client, after: Client, actor: Actor, value: str) -> Plan[bool]:
    if not (yield from clients.exchange(before, after)):
        return False
    resource, holders = f"clients/{after.client_id}", " ".join(after.roles.get(value, ()))
    told = {"role": value, "holders": holders}
    yield from deeds.note(after.tenant_id, actor, "client.roles", resource, before=before, after=after, **told)
    return True
