"""`intaglio client`: list, show and create clients."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import faults, lifetimes, opening, output, secretinput
from intaglio.cli.opening import Administration
from intaglio.server.admin import clients, fields, tenants
from intaglio.server.admin import lifetimes as effective
from intaglio.server.admin.clients import NewClient, Registered
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Lifetimes

COLUMNS = ("client_id", "client_name", "application_type", "token_endpoint_auth_methods", "redirect_uris")


@click.group("client")
def command() -> None:
    """List, show and create clients."""


def shown(client: Client) -> dict[str, Any]:
    """Return a client as it is written: of its secrets only when they were made and when they end."""
    kept = [{"created_at": secret.created_at, "expires_at": secret.expires_at} for secret in client.secrets]
    members: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(client, secrets=()))
    return members | {"secrets": kept}


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
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where answers may go; may be given again.")
@click.option("--post-logout-redirect-uri", "post_logout", multiple=True, help="Where it may lead after signing out.")
@click.option("--public", is_flag=True, help="It cannot keep a secret (browser and installed programs).")
@click.option("--native", is_flag=True, help="It is installed: loopback redirects may have any port.")
@click.option(
    "--auth-method", "methods", multiple=True, type=click.Choice(fields.AUTH_METHODS), help="How it proves itself."
)
@click.option("--grant-type", "grants", multiple=True, type=click.Choice(fields.GRANT_TYPES), help="What it may use.")
@click.option(
    "--scope", "scope", default="openid", show_default=True, help="Scopes it may ask for, blanks between them."
)
@click.option(
    "--alg", default="RS256", show_default=True, type=click.Choice(fields.ALGORITHMS), help="Signs its ID tokens."
)
@click.option(
    "--pkce/--no-pkce", default=True, show_default=True, help="Whether PKCE is required; it is of public ones."
)
@click.option(
    "--consent", default="ask", show_default=True, type=click.Choice(fields.CONSENTS), help="Whether people are asked."
)
@click.option(
    "--refresh-policy", default="", type=click.Choice(fields.REFRESH_POLICIES), help="What use of a refresh token does."
)
@click.option("--origin", "origins", multiple=True, help="Web origin whose scripts may call; may be given again.")
@click.option("--client-uri", default="", help="Its home page.")
@click.option("--id-token-lifetime", type=int, help="Seconds for which its ID tokens live.")
@click.option("--access-token-lifetime", type=int, help="Seconds for which its access tokens live.")
@lifetimes.grant_option
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
        return await clients.create(a.store, a.clock, a.secrets, owner.tenant_id, wanted)

    made = opening.administer(config, work)
    record = shown(made.client)
    if made.client_secret is not None and wanted.client_secret is None:
        record = {"client_id": record.pop("client_id"), "client_secret": made.client_secret.reveal(), **record}
        faults.say("The client_secret is shown this once; keep it now.")
    output.write_one(record, form, value="client_id")


def _wanted(options: dict[str, Any]) -> NewClient:
    public, grants = options["public"], options["grants"] or ("authorization_code",)
    given = None
    if options["secret_file"] is not None:
        given = secretinput.read_secret("Client secret", options["secret_file"], option="--secret-file")
    return NewClient(
        client_name=options["client_name"],
        client_id=options["client_id"],
        client_secret=given,
        application_type="native" if options["native"] else "web",
        token_endpoint_auth_methods=options["methods"] or (("none",) if public else ("client_secret_basic",)),
        redirect_uris=options["redirect_uris"],
        post_logout_redirect_uris=options["post_logout"],
        grant_types=grants,
        scope=tuple(options["scope"].split()),
        allowed_origins=options["origins"],
        id_token_signed_response_alg=options["alg"],
        require_pkce=options["pkce"],
        refresh_policy=options["refresh_policy"],
        consent=options["consent"],
        lifetimes=Lifetimes(id_token=options["id_token_lifetime"], access_token=options["access_token_lifetime"]),
        grant_lifetimes=lifetimes.read(options["grant_lifetimes"]),
        client_uri=options["client_uri"],
    )
