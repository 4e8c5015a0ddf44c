"""`intaglio organization`: a tenant's customers, and whose people sign in for them."""

from __future__ import annotations

import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output, user
from intaglio.cli.opening import Administration
from intaglio.server.admin import organizations, tenants, users
from intaglio.server.model.organizations import Organization
from intaglio.server.model.tenants import Tenant
from intaglio.server.model.users import User
from intaglio.server.registry.deeds import Actor

COLUMNS = ("organization_id", "name", "display_name", "created_at")


@click.group("organization")
def command() -> None:
    """Create, list, show and delete organizations; their members."""


@command.group("member")
def member() -> None:
    """Add, remove and list the members of an organization."""


def shown(organization: Organization) -> dict[str, Any]:
    """Return an organization as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(organization)
    return members


async def _place(a: Administration, tenant: str) -> tuple[Tenant, Actor]:
    return await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())


@command.command("create")
@click.argument("name")
@click.option("--display-name", default="", help="Name for people; without it the name.")
@opening.tenant_option
@opening.config_option
@output.option
def create(name: str, display_name: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Create an organization; NAME is what requests and tokens call it, in lower case."""

    async def work(a: Administration) -> Organization:
        owner, actor = await _place(a, tenant)
        return await organizations.create(a.store, actor, owner.tenant_id, name, display_name=display_name)

    made = opening.administer(config, work)
    faults.say(f"Created the organization {made.name}.")
    output.write_one(shown(made), form, value="organization_id")


@command.command("list")
@opening.page_options
@opening.tenant_option
@opening.config_option
@output.option
def list_(after: str, limit: int, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the organizations of a tenant by name, page by page."""

    async def work(a: Administration) -> list[Organization]:
        owner = await tenants.show(a.store, tenant)
        return await organizations.page(a.store, owner.tenant_id, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="organization_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].name}")


@command.command("show")
@click.argument("name")
@opening.tenant_option
@opening.config_option
@output.option
def show(name: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the organization with this name or identifier."""

    async def work(a: Administration) -> Organization:
        owner = await tenants.show(a.store, tenant)
        return await organizations.show(a.store, owner.tenant_id, name)

    output.write_one(shown(opening.administer(config, work)), form, value="organization_id")


@command.command("delete")
@click.argument("name")
@asking.option
@opening.tenant_option
@opening.config_option
def delete(name: str, tenant: str, config: pathlib.Path | None, *, yes: bool) -> None:
    """Delete an organization; nobody signs in for it any more."""
    asking.sure(f"Delete the organization {name}? Nobody signs in for it any more.", yes=yes)

    async def work(a: Administration) -> None:
        owner, actor = await _place(a, tenant)
        await organizations.delete(a.store, actor, owner.tenant_id, name)

    opening.administer(config, work)
    faults.say(f"Deleted the organization {name}.")


def _changed(
    change: Callable[..., Awaitable[Organization]], name: str, username: str, tenant: str, config: pathlib.Path | None
) -> None:
    async def work(a: Administration) -> None:
        owner, actor = await _place(a, tenant)
        found = await users.show(a.store, owner.tenant_id, username)
        await change(a.store, actor, owner.tenant_id, name, found)

    opening.administer(config, work)


@member.command("add")
@click.argument("name")
@click.argument("username")
@opening.tenant_option
@opening.config_option
def add(name: str, username: str, tenant: str, config: pathlib.Path | None) -> None:
    """Let the user with this name or UUID belong to an organization."""
    _changed(organizations.add, name, username, tenant, config)
    faults.say(f"{username} belongs to {name}.")


@member.command("remove")
@click.argument("name")
@click.argument("username")
@opening.tenant_option
@opening.config_option
def remove(name: str, username: str, tenant: str, config: pathlib.Path | None) -> None:
    """Let the user with this name or UUID not belong to an organization any more."""
    _changed(organizations.remove, name, username, tenant, config)
    faults.say(f"{username} does not belong to {name} any more.")


@member.command("list")
@click.argument("name")
@opening.page_options
@opening.tenant_option
@opening.config_option
@output.option
def members(name: str, after: str, limit: int, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the users who belong to an organization, page by page."""

    async def work(a: Administration) -> list[User]:
        owner = await tenants.show(a.store, tenant)
        return await organizations.members(a.store, owner.tenant_id, name, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([user.shown(one) for one in found], form, columns=user.COLUMNS, value="username")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].user_id}")
