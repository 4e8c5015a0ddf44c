"""`intaglio client role`: roles in an application, and which users and groups have them."""

from __future__ import annotations

import pathlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from intaglio.cli import acting, opening, output
from intaglio.cli.opening import Administration
from intaglio.names import TenantId
from intaglio.server.admin import clientroles, clients, groups, tenants, users
from intaglio.server.model.clients import Client
from intaglio.server.registry.deeds import Actor

COLUMNS = ("role", "holders")
F = TypeVar("F", bound=Callable[..., Any])
Change = Callable[..., Awaitable[Client]]


@click.group("role")
def group() -> None:
    """List, assign and unassign the roles that people have in an application."""


def shown(client: Client) -> list[dict[str, Any]]:
    """Return an application's roles as they are written."""
    return [{"role": value, "holders": list(holders)} for value, holders in client.roles.items()]


async def _holders(
    a: Administration, tenant_id: TenantId, usernames: tuple[str, ...], group_ids: tuple[str, ...]
) -> tuple[str, ...]:
    people = [(await users.show(a.store, tenant_id, name)).user_id for name in usernames]
    return (*people, *[(await groups.show(a.store, tenant_id, one)).group_id for one in group_ids])


@group.command("list")
@click.argument("client_id")
@opening.tenant_option
@opening.config_option
@output.option
def list_(client_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the roles of an application, with the UUIDs of the users and groups that have them."""

    async def work(a: Administration) -> Client:
        owner = await tenants.show(a.store, tenant)
        return await clients.show(a.store, owner.tenant_id, client_id)

    output.write_list(shown(opening.administer(config, work)), form, columns=COLUMNS, value="role")


def _holder_options(function: F) -> F:
    for option in (
        output.option,
        opening.config_option,
        opening.tenant_option,
        click.option("--group", "group_ids", multiple=True, help="UUID of a group; may be given again."),
        click.option("--user", "usernames", multiple=True, help="Name or UUID of a user; may be given again."),
        click.argument("role"),
        click.argument("client_id"),
    ):
        function = option(function)
    return function


def _changed(
    change: Change,
    client_id: str,
    role: str,
    *,
    usernames: tuple[str, ...],
    group_ids: tuple[str, ...],
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    async def work(a: Administration) -> Client:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        holders = await _holders(a, owner.tenant_id, usernames, group_ids)
        return await change(a.store, actor, owner.tenant_id, client_id, role, holders)

    output.write_list(shown(opening.administer(config, work)), form, columns=COLUMNS, value="role")


@group.command("assign")
@_holder_options
def assign(client_id: str, role: str, **given: Any) -> None:
    """Give a role to users and groups; '' assigns them and is of no token."""
    _changed(clientroles.assign, client_id, role, **given)


@group.command("unassign")
@_holder_options
def unassign(client_id: str, role: str, **given: Any) -> None:
    """Take a role from users and groups; without any of them the role itself is gone."""
    _changed(clientroles.unassign, client_id, role, **given)
