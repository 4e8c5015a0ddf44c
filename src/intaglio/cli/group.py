"""`intaglio group`: a tenant's groups of users, which tokens and roles of applications speak of."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output, user
from intaglio.cli.opening import Administration
from intaglio.server.admin import groups, tenants, users
from intaglio.server.model.groups import Group
from intaglio.server.model.users import User
from intaglio.server.registry.deeds import Actor

COLUMNS = ("group_id", "name", "kind", "created_at")


@click.group("group")
def command() -> None:
    """Create, list and delete groups of users; who is in them."""


@command.group("member")
def member() -> None:
    """Put users into a group, and take them out."""


def shown(group: Group) -> dict[str, Any]:
    """Return a group as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(group)
    return members


@command.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(groups.KINDS), default="security", show_default=True, help="What it is.")
@click.option("--group-id", default="", help="Its UUID; without it one is made. Directory roles have known ones.")
@opening.tenant_option
@opening.config_option
@output.option
def create(name: str, kind: str, group_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Create a group; NAME is for people, and tokens have its UUID."""

    async def work(a: Administration) -> Group:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        return await groups.create(a.store, actor, owner.tenant_id, name, kind=kind, group_id=group_id)

    made = opening.administer(config, work)
    faults.say(f"Created the group {made.name}.")
    output.write_one(shown(made), form, value="group_id")


@command.command("list")
@opening.page_options
@opening.tenant_option
@opening.config_option
@output.option
def list_(after: str, limit: int, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the groups of a tenant by UUID, page by page."""

    async def work(a: Administration) -> list[Group]:
        owner = await tenants.show(a.store, tenant)
        return await groups.page(a.store, owner.tenant_id, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="group_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].group_id}")


@command.command("delete")
@click.argument("group_id")
@asking.option
@opening.tenant_option
@opening.config_option
def delete(group_id: str, tenant: str, config: pathlib.Path | None, *, yes: bool) -> None:
    """Delete the group with this UUID."""
    asking.sure(f"Delete the group {group_id}? Roles that it gave are given no more.", yes=yes)

    async def work(a: Administration) -> None:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        await groups.delete(a.store, actor, owner.tenant_id, group_id)

    opening.administer(config, work)
    faults.say(f"Deleted the group {group_id}.")


def _set(
    group_id: str, username: str, tenant: str, config: pathlib.Path | None, form: str | None, belongs: bool
) -> None:
    async def work(a: Administration) -> User:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        found = await users.show(a.store, owner.tenant_id, username)
        return await groups.set_member(a.store, actor, owner.tenant_id, group_id, found, belongs=belongs)

    changed = opening.administer(config, work)
    output.write_one(user.shown(changed), form, value="user_id")


@member.command("add")
@click.argument("group_id")
@click.argument("username")
@opening.tenant_option
@opening.config_option
@output.option
def add(group_id: str, username: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Let the user with this name or UUID belong to a group."""
    _set(group_id, username, tenant, config, form, belongs=True)


@member.command("remove")
@click.argument("group_id")
@click.argument("username")
@opening.tenant_option
@opening.config_option
@output.option
def remove(group_id: str, username: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Let the user with this name or UUID not belong to a group any more."""
    _set(group_id, username, tenant, config, form, belongs=False)
