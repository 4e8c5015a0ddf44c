"""`intaglio client`: list, show, create and update clients, and what lets them in."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import (
    client_options,
    client_registration,
    client_role,
    client_secret,
    faults,
    opening,
    output,
    secretinput,
)
from intaglio.cli.opening import Administration
from intaglio.server.admin import clients, tenants
from intaglio.server.admin import lifetimes as effective
from intaglio.server.admin.clients import NewClient, Registered
from intaglio.server.model.clients import Client
from intaglio.server.registry import rules

COLUMNS = ("client_id", "client_name", "application_type", "token_endpoint_auth_methods", "redirect_uris")


@click.group("client")
def command() -> None:
    """List, show, create and update clients; their secrets."""


command.add_command(client_secret.group)
command.add_command(client_registration.group)
command.add_command(client_role.group)


def shown(client: Client) -> dict[str, Any]:
    """Return a client as it is written: of its secrets only their names, when they were made and when they end."""
    members: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(client, secrets=(), registration_digest=b""))
    members.pop("registration_digest")
    if client.jwks:
        members["jwks"] = json.loads(client.jwks)
    members["registers_itself"] = bool(client.registration_digest)
    return members | {"secrets": [client_secret.shown(secret) for secret in client.secrets]}


@command.command("list")
@opening.tenant_option
@opening.page_options
@opening.config_option
@output.option
def list_(tenant: str, after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List the clients of a tenant by client_id, page by page."""

    async def work(a: Administration) -> list[Client]:
        owner = await tenants.show(a.store, tenant)
        return await clients.page(a.store, owner.tenant_id, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([shown(client) for client in found], form, columns=COLUMNS, value="client_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].client_id}")


@command.command("show")
@click.argument("client_id")
@opening.tenant_option
@opening.config_option
@output.option
def show(client_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a client, with the lifetimes that are in force for it and what set each."""

    async def work(a: Administration) -> dict[str, Any]:
        owner = await tenants.show(a.store, tenant)
        client = await clients.show(a.store, owner.tenant_id, client_id)
        return shown(client) | {"lifetimes_in_force": msgspec.to_builtins(effective.in_force(client, owner))}

    output.write_one(opening.administer(config, work), form, value="client_id")


@command.command("create")
@click.argument("client_name")
@click.option("--client-id", default="", help="Its client_id; without it one is made.")
@click.option("--public", is_flag=True, help="It cannot keep a secret (browser and installed programs).")
@click.option("--native", is_flag=True, help="It is installed: loopback redirects may have any port.")
@client_options.metadata_options
@click.option("--secret-file", help="File with the secret it has already, - for stdin; without it one is made.")
@opening.tenant_option
@opening.config_option
@output.option
def create(tenant: str, config: pathlib.Path | None, form: str | None, **options: Any) -> None:
    """Create a client of a tenant.

    The secret of a confidential client is written once, as client_secret, and cannot be shown again.
    """
    wanted = _wanted(options)

    async def work(a: Administration) -> Registered:
        owner = await tenants.show(a.store, tenant)
        return await clients.create(a.store, a.clock, a.secrets, owner.tenant_id, wanted, a.outgoing)

    made = opening.administer(config, work)
    _write(made, form, told=wanted.client_secret is not None)


def _write(made: Registered, form: str | None, *, told: bool = False) -> None:
    record = shown(made.client)
    if made.client_secret is not None and not told:
        record = {"client_id": record.pop("client_id"), "client_secret": made.client_secret.reveal(), **record}
        faults.say("The client_secret is shown this once; keep it now.")
    output.write_one(record, form, value="client_id")


def _wanted(options: dict[str, Any]) -> NewClient:
    names = ("client_name", "client_id", "public", "native", "secret_file")
    client_name, client_id, public, native, file = (options.pop(name) for name in names)
    given = client_options.given(options)
    usual: dict[str, Any] = {"token_endpoint_auth_methods": ("none",)} if public else {}
    if "response_types" in given:
        usual["grant_types"] = rules.grants_of(given["response_types"])
    return NewClient(
        client_name=client_name,
        client_id=client_id,
        client_secret=None if file is None else secretinput.read_secret("Client secret", file, option="--secret-file"),
        application_type="native" if native else "web",
        **usual | given,
    )


@command.command("update")
@click.argument("client_id")
@click.option("--name", "client_name", help="Another name for people.")
@click.option("--native/--web", "native", default=None, help="Whether it is installed.")
@click.option("--disable/--enable", "disabled", default=None, help="Let nobody sign in to it, or let people again.")
@click.option(
    "--withdraw-consent",
    "withdrawn",
    is_flag=True,
    default=None,
    help="Ask people again, whom an administrator consented for.",
)
@client_options.metadata_options
@opening.tenant_option
@opening.config_option
@output.option
def update(client_id: str, tenant: str, config: pathlib.Path | None, form: str | None, **options: Any) -> None:
    """Change a client; what is not given stays as it is.

    A list that is given takes the place of the one before. In force within a second.
    """
    native = options.pop("native")
    if native is not None:
        options["application_type"] = "native" if native else "web"

    async def work(a: Administration) -> Registered:
        owner = await tenants.show(a.store, tenant)
        before = await clients.show(a.store, owner.tenant_id, client_id)
        changes = client_options.given(options, before.lifetimes)
        return await clients.update(a.store, a.clock, a.secrets, owner.tenant_id, client_id, changes, a.outgoing)

    _write(opening.administer(config, work), form)
