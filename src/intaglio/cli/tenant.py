"""`intaglio tenant`: list, show and create tenants."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import faults, lifetimes, opening, output
from intaglio.cli.opening import Administration
from intaglio.server.admin import tenants
from intaglio.server.model.tenants import Lifetimes, Tenant

COLUMNS = ("slug", "name", "owner", "tenant_id", "created_at")


@click.group("tenant")
def command() -> None:
    """List, show and create tenants."""


def shown(tenant: Tenant) -> dict[str, Any]:
    """Return a tenant as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(tenant)
    return members


@command.command("list")
@opening.page_options
@opening.config_option
@output.option
def list_(after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List tenants by slug, page by page."""
    found = opening.administer(config, lambda a: tenants.page(a.store, after=after, limit=limit))
    output.write_list([shown(tenant) for tenant in found], form, columns=COLUMNS, value="slug")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].slug}")


@command.command("show")
@click.argument("tenant")
@opening.config_option
@output.option
def show(tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the tenant with this slug or UUID."""
    found = opening.administer(config, lambda a: tenants.show(a.store, tenant))
    output.write_one(shown(found), form, value="tenant_id")


@command.command("create")
@click.argument("slug")
@click.option("--name", default="", help="Name for people; without it the slug.")
@click.option("--owner", default="default", show_default=True, help="Label that groups tenants.")
@click.option("--host", "hosts", multiple=True, help="Host name that leads to it; may be given again.")
@click.option("--id-token-lifetime", type=int, help="Seconds for which its ID tokens live.")
@click.option("--access-token-lifetime", type=int, help="Seconds for which its access tokens live.")
@click.option("--session-lifetime", type=int, help="Seconds for which its people stay signed in.")
@lifetimes.grant_option
@opening.config_option
@output.option
def create(
    slug: str,
    name: str,
    owner: str,
    hosts: tuple[str, ...],
    id_token_lifetime: int | None,
    access_token_lifetime: int | None,
    session_lifetime: int | None,
    grant_lifetimes: tuple[str, ...],
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a tenant; SLUG names it in addresses and cannot be changed."""
    spans = Lifetimes(id_token=id_token_lifetime, access_token=access_token_lifetime, session=session_lifetime)
    of_grants = lifetimes.read(grant_lifetimes)

    async def work(a: Administration) -> Tenant:
        return await tenants.create(
            a.store,
            a.clock,
            slug=slug,
            name=name,
            owner=owner,
            hosts=hosts,
            lifetimes=spans,
            grant_lifetimes=of_grants,
        )

    made = opening.administer(config, work)
    faults.say(f"Created the tenant {made.slug}.")
    output.write_one(shown(made), form, value="tenant_id")
