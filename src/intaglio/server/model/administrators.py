"""Administrators: users and clients of a tenant who may administer, in one tenant or in all."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, Row, Value, decode, encode, single

Role = Literal["viewer", "manager", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What an administrator may do, each more than the one before: read; change all but administrators; everything."""

SCOPE = "intaglio.admin"
"""The scope of access tokens with which somebody administers; an operator alone gives it to a client."""


class Administrator(msgspec.Struct, frozen=True):
    """Somebody who may administer. `tenant_id` is where they live, `principal` is `user:<id>` or `client:<id>`.

    `scope` is the id of the one tenant that they administer, empty for all.
    """

    tenant_id: TenantId
    principal: str
    role: Role
    created_at: int
    scope: str = ""

    def covers(self, other: Administrator) -> bool:
        """Tell whether this one may do whatever the other may."""
        return ROLES.index(self.role) >= ROLES.index(other.role) and self.scope in ("", other.scope)


def user(user_id: str) -> str:
    """Return the principal of a user."""
    return f"user:{user_id}"


def client(client_id: str) -> str:
    """Return the principal of a client."""
    return f"client:{client_id}"


def _records(rows: list[Row]) -> list[Administrator]:
    return [decode(row[0], Administrator) for row in rows]


@single
def put(one: Administrator) -> Plan[None]:
    """Keep an administrator, with another role if they are one of that scope already."""
    yield Ask(
        "administrator_put",
        {"tenant_id": one.tenant_id, "principal": one.principal, "scope": one.scope, "record": encode(one)},
    )


@single
def remove(tenant_id: str, principal: str, scope: str) -> Plan[bool]:
    """Take the rights of one scope away; False if there are none."""
    values = {"tenant_id": tenant_id, "principal": principal, "scope": scope}
    return bool((yield Ask("administrator_remove", values)))


@single
def forget(tenant_id: str, principal: str) -> Plan[bool]:
    """Take every right of somebody away who is going for good; False if there were none."""
    return bool((yield Ask("administrator_forget", {"tenant_id": tenant_id, "principal": principal})))


@single
def forget_scope(scope: str) -> Plan[None]:
    """Take every right over a tenant away that is going for good, whoever has it."""
    yield Ask("administrator_forget_scope", {"scope": scope})


@single
def of(tenant_id: str, principal: str) -> Plan[list[Administrator]]:
    """Return what somebody may administer: one record for each scope."""
    return _records((yield Ask("administrator_of", {"tenant_id": tenant_id, "principal": principal})))


@single
def living_in(tenant_id: str) -> Plan[list[Administrator]]:
    """Return the administrators who live in a tenant."""
    return _records((yield Ask("administrators_living_in", {"tenant_id": tenant_id})))


@single
def page(tenant_id: str, principal: str, scope: str, limit: int) -> Plan[list[Administrator]]:
    """List at most `limit` administrators behind the one that the three name, in their order."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "principal": principal,
        "scope": scope,
        "limit": limit,
    }
    return _records((yield Ask("administrator_page", values)))


@single
def is_there() -> Plan[bool]:
    """Tell whether there is any administrator."""
    return bool((yield Ask("administrator_any", {})))
