"""`intaglio project`: create, list and show projects."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, faults, opening, output
from intaglio.server.admin import projects
from intaglio.server.model.projects import Project

COLUMNS = ("project_id", "number", "name", "created_at")


@click.group("project")
def command() -> None:
    """Create, list and show projects."""


def shown(project: Project) -> dict[str, Any]:
    """Return a project as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(project)
    return members


@command.command("create")
@click.argument("project_id")
@click.option("--name", default="", help="Name for people; without it the identifier.")
@click.option("--number", type=int, help="Its number; without it one is made.")
@opening.tenant_option
@opening.config_option
@output.option
def create(
    project_id: str, name: str, number: int | None, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    """Create a project; PROJECT_ID stands in the addresses of its service accounts and cannot be changed."""
    made = acting.administer(
        config,
        tenant,
        lambda a, at: projects.create(
            a.store, at.actor, at.tenant.tenant_id, project_id=project_id, number=number, name=name
        ),
    )
    faults.say(f"Created the project {made.project_id}.")
    output.write_one(shown(made), form, value="project_id")


@command.command("list")
@opening.tenant_option
@opening.page_options
@opening.config_option
@output.option
def list_(tenant: str, after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List projects by identifier, page by page."""
    found = acting.administer(
        config, tenant, lambda a, at: projects.page(a.store, at.tenant.tenant_id, after=after, limit=limit)
    )
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="project_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].project_id}")


@command.command("show")
@click.argument("project")
@opening.tenant_option
@opening.config_option
@output.option
def show(project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the project with this identifier or number."""
    found = acting.administer(config, tenant, lambda a, at: projects.show(a.store, at.tenant.tenant_id, project))
    output.write_one(shown(found), form, value="project_id")
