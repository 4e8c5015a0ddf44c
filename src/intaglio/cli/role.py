"""`intaglio role`: the roles that there are, and those of a project's own."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output
from intaglio.server.admin import roles
from intaglio.server.admin.roles import Listed
from intaglio.server.model.policies import CustomRole
from intaglio.server.registry.customroles import RoleChange

COLUMNS = ("role", "title", "permissions")


@click.group("role")
def command() -> None:
    """List roles; create, change and delete a project's own."""


def shown(role: CustomRole | Listed) -> dict[str, Any]:
    """Return a role as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(role)
    return members


@command.command("list")
@click.option("--custom", is_flag=True, help="Only those that somebody made.")
@opening.tenant_option
@opening.config_option
@output.option
def list_(custom: bool, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List roles with the permissions that they give."""
    found = acting.administer(config, tenant, lambda a, at: roles.every(a.store, at.words, at.tenant.tenant_id))
    told = [shown(one) for one in found if one.custom or not custom]
    output.write_list(told, form, columns=COLUMNS, value="role")


@command.command("create")
@click.argument("name")
@click.option("--project", required=True, help="Identifier or number of its project.")
@click.option("--permission", "permissions", multiple=True, required=True, help="What it gives; repeatable.")
@click.option("--title", default="", help="Name for people.")
@click.option("--description", default="", help="What it is for.")
@opening.tenant_option
@opening.config_option
@output.option
def create(
    name: str,
    project: str,
    permissions: tuple[str, ...],
    title: str,
    description: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a role of a project, for bindings on the project and what lives in it."""
    made = acting.administer(
        config,
        tenant,
        lambda a, at: roles.create(
            a.store,
            at.actor,
            at.words,
            at.tenant.tenant_id,
            project=project,
            name=name,
            permissions=permissions,
            title=title,
            description=description,
        ),
    )
    faults.say(f"Created the role {made.role}.")
    output.write_one(shown(made), form, value="role")


@command.command("update")
@click.argument("role")
@click.option("--permission", "permissions", multiple=True, help="What it gives from now on; repeatable.")
@click.option("--title", help="Another name for people.")
@click.option("--description", help="Another description.")
@opening.tenant_option
@opening.config_option
@output.option
def update(
    role: str,
    permissions: tuple[str, ...],
    title: str | None,
    description: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change a role, at once in every policy that names it; what is not given stays as it is."""
    change = RoleChange(title, description, permissions or None)
    changed = acting.administer(
        config,
        tenant,
        lambda a, at: roles.update(a.store, at.actor, at.words, at.tenant.tenant_id, role, change),
    )
    output.write_one(shown(changed), form, value="role")


@command.command("delete")
@click.argument("role")
@asking.option
@opening.tenant_option
@opening.config_option
def delete(role: str, yes: bool, tenant: str, config: pathlib.Path | None) -> None:
    """Delete a role; bindings that name it give nothing any more."""
    asking.sure(f"Delete {role}? Bindings that name it give nothing any more.", yes=yes)
    acting.administer(config, tenant, lambda a, at: roles.delete(a.store, at.actor, at.tenant.tenant_id, role))
    faults.say(f"Deleted the role {role}.")
