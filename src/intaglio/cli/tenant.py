"""`intaglio tenant`: list, show, create, update, disable, enable and delete tenants."""

from __future__ import annotations

from typing import Any

import click

from intaglio.cli import faults, leaving, lifetimes, opening, output, place, tenant_options
from intaglio.cli.place import Place, Record
from intaglio.server.model.tenants import Lifetimes

COLUMNS = ("slug", "name", "owner", "tenant_id", "created_at", "disabled_at")


@click.group("tenant")
def command() -> None:
    """List, show, create, update, disable and delete tenants."""


leaving.add(command, "tenant")


@command.command("list")
@opening.page_options
@place.options
@output.option
def list_(at: Place, after: str, limit: int, form: str | None) -> None:
    """List tenants by slug, page by page."""
    place.write_page(place.perform(at, "tenant.list", after=after, limit=limit), form, COLUMNS, "slug")


@command.command("show")
@click.argument("tenant")
@place.options
@output.option
def show(at: Place, tenant: str, form: str | None) -> None:
    """Show the tenant with this slug or UUID."""
    output.write_one(place.perform(at, "tenant.show", tenant=tenant), form, value="tenant_id")


@command.command("create")
@click.argument("slug")
@click.option("--name", default="", help="Name for people; without it the slug.")
@click.option("--owner", default="default", show_default=True, help="Label that groups tenants.")
@click.option("--host", "hosts", multiple=True, help="Host name that leads to it; may be given again.")
@click.option("--personal", is_flag=True, help="It is for people who belong to no organisation; there is one such.")
@lifetimes.grant_option
@tenant_options.policy_options
@place.options
@output.option
def create(at: Place, grant_lifetimes: tuple[str, ...], form: str | None, **options: Any) -> None:
    """Create a tenant; SLUG names it in addresses and cannot be changed."""
    of_grants = lifetimes.read(grant_lifetimes)
    made = place.perform(at, "tenant.create", grant_lifetimes=of_grants, **tenant_options.given(options))
    faults.say(f"Created the tenant {made['slug']}.")
    _write(made, form)


@command.command("update")
@click.argument("tenant")
@click.option("--name", help="Another name for people.")
@click.option(
    "--host", "hosts", multiple=True, help="Host name that leads to it, in place of all that did; '' for none."
)
@tenant_options.policy_options
@place.etag_option
@place.options
@output.option
def update(at: Place, form: str | None, **options: Any) -> None:
    """Change the tenant with this slug or UUID; what is not given stays as it is."""
    fields = tenant_options.given(options)
    changed = place.perform(at, "tenant.update", **fields)
    faults.say(f"Changed the tenant {changed['slug']}.")
    if "lifetimes" in fields:
        held = lifetimes.sentence(Lifetimes(**changed["lifetimes"]))
        faults.say(f"Here {held or 'every dialect has its own lifetimes'}.")
    if fields.get("self_impersonation"):
        faults.insist("warning: Service accounts of this tenant may renew their tokens without end.")
    _write(changed, form)


def _write(tenant: Record, form: str | None) -> None:
    output.write_one(tenant, form, value="tenant_id")
