"""`intaglio service`: create, list, show, change and delete target services."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output
from intaglio.server.admin import services
from intaglio.server.model.services import ServiceRecord

COLUMNS = ("name", "audiences", "development_tokens", "created_at")


def project_option(function: opening.F) -> opening.F:
    """Add `--project` to a command."""
    return click.option("--project", required=True, help="Identifier of the project.")(function)


@click.group("service")
def command() -> None:
    """Create, list, show, change and delete target services."""


def shown(service: ServiceRecord) -> dict[str, Any]:
    """Return a service as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(service)
    return members


@command.command("create")
@click.argument("name")
@project_option
@click.option("--audience", "audiences", multiple=True, required=True, help="What means it; may be given again.")
@click.option(
    "--no-development-tokens",
    "refuses_development",
    is_flag=True,
    help="Refuse the tokens that people's command line gets for itself.",
)
@opening.tenant_option
@opening.config_option
@output.option
def create(
    name: str,
    project: str,
    audiences: tuple[str, ...],
    refuses_development: bool,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a target service; an audience means one service of the tenant and no other."""
    made = acting.administer(
        config,
        tenant,
        lambda a, at: services.create(
            a.store,
            at.actor,
            at.tenant.tenant_id,
            project,
            name,
            audiences,
            development_tokens=not refuses_development,
        ),
    )
    faults.say(f"Created the service {made.name}.")
    output.write_one(shown(made), form, value="name")


@command.command("list")
@project_option
@opening.page_options
@opening.tenant_option
@opening.config_option
@output.option
def list_(project: str, after: str, limit: int, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the services of a project by name, page by page."""
    found = acting.administer(
        config, tenant, lambda a, at: services.page(a.store, at.tenant.tenant_id, project, after=after, limit=limit)
    )
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="name")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].name}")


@command.command("show")
@click.argument("name")
@project_option
@opening.tenant_option
@opening.config_option
@output.option
def show(name: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a service."""
    found = acting.administer(config, tenant, lambda a, at: services.show(a.store, at.tenant.tenant_id, project, name))
    output.write_one(shown(found), form, value="name")


@command.command("update")
@click.argument("name")
@project_option
@click.option("--audience", "audiences", multiple=True, help="What means it, in place of all that did; again for more.")
@click.option(
    "--development-tokens/--no-development-tokens",
    default=None,
    help="Whether the tokens that people's command line gets for itself are taken.",
)
@opening.tenant_option
@opening.config_option
@output.option
def update(
    name: str,
    project: str,
    audiences: tuple[str, ...],
    development_tokens: bool | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change a service; what is not given stays as it is."""
    changed = acting.administer(
        config,
        tenant,
        lambda a, at: services.update(
            a.store,
            at.actor,
            at.tenant.tenant_id,
            project,
            name,
            audiences=audiences or None,
            development_tokens=development_tokens,
        ),
    )
    faults.say(f"Changed the service {changed.name}.")
    output.write_one(shown(changed), form, value="name")


@command.command("delete")
@click.argument("name")
@asking.option
@project_option
@opening.tenant_option
@opening.config_option
def delete(name: str, project: str, tenant: str, config: pathlib.Path | None, *, yes: bool) -> None:
    """Delete a service, with its policy."""
    asking.sure(f"Delete the service {name} with its policy?", yes=yes)
    acting.administer(
        config, tenant, lambda a, at: services.delete(a.store, at.actor, at.tenant.tenant_id, project, name)
    )
    faults.say(f"Deleted the service {name}.")
