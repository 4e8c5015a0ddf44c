"""Acts on administrators."""

from __future__ import annotations

from typing import Literal

from intaglio.errors import Misconfigured
from intaglio.server.admin import administrators
from intaglio.server.admin.acts import act
from intaglio.server.admin.acts.act import PAGE, Act, After, Asked, Limit, Told
from intaglio.server.admin.acts.desk import Desk, denied
from intaglio.server.admin.administrators import Appointment
from intaglio.server.model.administrators import Administrator, Role
from intaglio.server.registry import fields

BATCH = 200


class AdministratorNamed(Asked, frozen=True, kw_only=True):
    """Somebody who administers: a user (UUID or user name) or client (`client_id`) of a tenant.

    `scope` is the slug or UUID of the one tenant that they administer, empty for all.
    """

    tenant: str
    kind: Literal["user", "client"]
    name: str
    scope: str = ""


class AdministratorAdd(AdministratorNamed, frozen=True, kw_only=True):
    """Appoint somebody, or change their role."""

    role: Role


class AdministratorList(Asked, frozen=True, kw_only=True):
    """Administrators, page by page."""

    after: After = ""
    limit: Limit = PAGE


class AdministratorTold(Told, frozen=True, kw_only=True):
    """Somebody who administers: where they live, who they are, and what they may do where."""

    tenant_id: str
    kind: str
    name: str
    role: Role
    scope: str
    created_at: int


class AdministratorsTold(Told, frozen=True, kw_only=True):
    """A page of administrators; `next` is empty on the last one."""

    items: tuple[AdministratorTold, ...]
    next: str = ""


def told(one: Administrator) -> AdministratorTold:
    """Return what is told of an administrator."""
    kind, _, name = one.principal.partition(":")
    return AdministratorTold(
        tenant_id=one.tenant_id, kind=kind, name=name, role=one.role, scope=one.scope, created_at=one.created_at
    )


async def list_(asked: AdministratorList, desk: Desk) -> AdministratorsTold:
    """List administrators of what is within reach. Raises `Misconfigured` (`value-unknown`)."""
    place, found = _place(asked.after), list[Administrator]()
    # Whoever administers some tenants sees who else does.
    while len(found) <= asked.limit and (part := await administrators.page(desk.store, after=place, limit=BATCH)):
        found += [one for one in part if desk.may("read", one.scope)]
        place = (part[-1].tenant_id, part[-1].principal, part[-1].scope)
    found, more = act.cut(found, asked.limit)
    last = f"{found[-1].tenant_id}|{found[-1].principal}|{found[-1].scope}" if more else ""
    return AdministratorsTold(items=tuple(map(told, found)), next=last)


def _place(after: str) -> tuple[str, str, str]:
    parts = after.split("|")
    if not after:
        return "", "", ""
    if len(parts) != 3:
        raise fields.refuse("value-unknown", "after cannot be used.", "`next` of the page before", after[:80])
    return parts[0], parts[1], parts[2]


async def add(asked: AdministratorAdd, desk: Desk) -> AdministratorTold:
    """Appoint somebody. Raises `Misconfigured` (`user-unknown`, `client-unknown`, `last-owner` …), `Denied`."""
    who = await _reached(asked, desk)
    return told(await administrators.add(desk.store, desk.actor, who, asked.role))


async def remove(asked: AdministratorNamed, desk: Desk) -> AdministratorTold:
    """Dismiss somebody. Raises `Misconfigured` (`administrator-unknown`, `last-owner`), `Denied`."""
    who = await _reached(asked, desk)
    return told(await administrators.remove(desk.store, desk.actor, who))


async def _reached(asked: AdministratorNamed, desk: Desk) -> Appointment:
    """Return who is meant, if the asking owner reaches both where they live and what they are to administer.

    SECURITY: an owner of one tenant appoints its own people for it, and nobody for more
    (test_an_owner_of_one_tenant_appoints_for_it_alone).
    """
    home = await desk.tenant(asked.tenant, "own")
    scope = ""
    if asked.scope:
        try:
            scope = (await desk.tenant(asked.scope, "own")).tenant_id
        except Misconfigured:
            if desk.may("own"):
                raise
            raise denied("the role owner over the scope", "another") from None  # whether it is there is not told
    else:
        desk.demand("own")
    return Appointment(home.tenant_id, asked.kind, asked.name, scope)


ACTS = (
    Act(
        name="administrator.list",
        method="GET",
        path="/administrators",
        summary="List administrators",
        asked=AdministratorList,
        told=AdministratorsTold,
        right="read",
        perform=list_,
    ),
    Act(
        name="administrator.add",
        method="POST",
        path="/administrators",
        summary="Appoint an administrator, or change a role",
        asked=AdministratorAdd,
        told=AdministratorTold,
        right="own",
        perform=add,
    ),
    Act(
        name="administrator.remove",
        method="DELETE",
        path="/administrators/{tenant}/{kind}/{name}",
        summary="Dismiss an administrator",
        asked=AdministratorNamed,
        told=AdministratorTold,
        right="own",
        perform=remove,
    ),
)
