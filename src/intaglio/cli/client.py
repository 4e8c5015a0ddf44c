"""`intaglio client`: list, show, create, update, disable, enable and delete clients, and what lets them in."""

from __future__ import annotations

from typing import Any

import click

from intaglio.cli import (
    client_options,
    client_registration,
    client_role,
    client_secret,
    faults,
    leaving,
    opening,
    output,
    place,
    secretinput,
)
from intaglio.cli.place import Place, Record

COLUMNS = ("client_id", "client_name", "application_type", "token_endpoint_auth_methods", "redirect_uris")


@click.group("client")
def command() -> None:
    """List, show, create, update, disable and delete clients; their secrets."""


command.add_command(client_secret.group)
command.add_command(client_registration.group)
command.add_command(client_role.group)
leaving.add(command, "client")


def shown(client: Record) -> Record:
    """Return a client as it is written: what is there in some answers alone is left out of the others."""
    return {name: value for name, value in client.items() if value or name not in SOMETIMES}


SOMETIMES = ("client_secret", "lifetimes_in_force")


@command.command("list")
@opening.tenant_option
@opening.page_options
@place.options
@output.option
def list_(at: Place, tenant: str, after: str, limit: int, form: str | None) -> None:
    """List the clients of a tenant by client_id, page by page."""
    told = place.perform(at, "client.list", tenant=tenant, after=after, limit=limit)
    place.write_page(told | {"items": [shown(one) for one in told["items"]]}, form, COLUMNS, "client_id")


@command.command("show")
@click.argument("client_id")
@opening.tenant_option
@place.options
@output.option
def show(at: Place, client_id: str, tenant: str, form: str | None) -> None:
    """Show a client, with the lifetimes that are in force for it and what set each."""
    _write(place.perform(at, "client.show", tenant=tenant, client_id=client_id), form)


@command.command("create")
@click.argument("client_name")
@click.option("--client-id", default="", help="Its client_id; without it one is made.")
@click.option("--public", is_flag=True, help="It cannot keep a secret (browser and installed programs).")
@click.option("--native", is_flag=True, help="It is installed: loopback redirects may have any port.")
@client_options.metadata_options
@click.option("--secret-file", help="File with the secret it has already, - for stdin; without it one is made.")
@opening.tenant_option
@place.options
@output.option
def create(
    at: Place, tenant: str, form: str | None, *, public: bool, native: bool, secret_file: str | None, **options: Any
) -> None:
    """Create a client of a tenant.

    The secret of a confidential client is written once, as client_secret, and cannot be shown again.
    """
    usual: Record = {"token_endpoint_auth_methods": ("none",)} if public else {}
    if native:
        usual["application_type"] = "native"
    if secret_file is not None:
        usual["client_secret"] = secretinput.read_secret("Client secret", secret_file, option="--secret-file")
    _write(place.perform(at, "client.create", tenant=tenant, **usual | client_options.given(options)), form)


def _write(client: Record, form: str | None) -> None:
    record = shown(client)
    if "client_secret" in record:
        record = {name: record.pop(name) for name in ("client_id", "client_secret")} | record
        faults.say("The client_secret is shown this once; keep it now.")
    output.write_one(record, form, value="client_id")


@command.command("update")
@click.argument("client_id")
@click.option("--name", "client_name", help="Another name for people.")
@click.option("--native/--web", "native", default=None, help="Whether it is installed.")
@click.option("--disable/--enable", "disabled", default=None, help="Let nobody sign in to it, or let people again.")
@click.option(
    "--withdraw-consent",
    is_flag=True,
    default=None,
    help="Ask people again, whom an administrator consented for.",
)
@client_options.metadata_options
@opening.tenant_option
@place.etag_option
@place.options
@output.option
def update(
    at: Place,
    client_id: str,
    tenant: str,
    form: str | None,
    *,
    native: bool | None,
    disabled: bool | None,
    etag: str,
    **options: Any,
) -> None:
    """Change a client; what is not given stays as it is.

    A list that is given takes the place of the one before. In force within a second.
    """
    if native is not None:
        options["application_type"] = "native" if native else "web"
    named, fields = {"tenant": tenant, "client_id": client_id}, client_options.given(options)
    _write(leaving.change(at, "client", fields, disabled=disabled, etag=etag, **named), form)
