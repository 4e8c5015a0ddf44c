"""`intaglio admin`: the first administrator, and who else administers."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, TypeVar

import click

from intaglio.cli import acting, asking, faults, opening, output, place
from intaglio.cli.opening import Administration
from intaglio.cli.place import Place
from intaglio.errors import Misconfigured
from intaglio.server.admin import bootstrap as beginning
from intaglio.server.admin.bootstrap import Bootstrapped
from intaglio.server.model.administrators import ROLES, SCOPE
from intaglio.server.registry.deeds import Actor
from intaglio.server.settings.records import Settings

COLUMNS = ("tenant_id", "kind", "name", "role", "scope")
DEVELOPMENT_BASE = "http://localhost:8080"
F = TypeVar("F", bound=Callable[..., Any])


@click.group("admin")
def command() -> None:
    """Begin with the first administrator; list, add and remove administrators."""


@command.command("bootstrap")
@click.option("--tenant", default=beginning.TENANT, show_default=True, help="Slug of the tenant of operators.")
@click.option("--base-url", help="Address of this issuer, where the settings do not tell it.")
@opening.config_option
@output.option
def bootstrap(tenant: str, base_url: str | None, config: pathlib.Path | None, form: str | None) -> None:
    """Print a link with which the first administrator chooses a name and a password: good for an hour, and once.

    Makes a tenant for operators and the client with which they sign in, as far as they are not there. Do it again where
    the link was lost, or all owners are.
    """
    settings = opening.read_or_development(config)
    base, issuing = _addresses(settings, base_url)

    async def work(a: Administration) -> Bootstrapped:
        return await beginning.prepare(a.store, a.clock, Actor(acting.operator(), a.clock.now()), tenant)

    made = opening.administer(config, work)
    issuer = f"{issuing}/{made.tenant.slug}"
    faults.say("Open the link in a browser; whoever opens it first administers everything.")
    faults.say(f"Then: intaglio login --issuer {issuer} --client-id {made.client.client_id} --scope 'openid {SCOPE}'")
    record = {"link": base + made.path, "expires_at": made.expires_at, "issuer": issuer, "tenant": made.tenant.slug}
    output.write_one(record | {"client_id": made.client.client_id}, form, value="link")


def _addresses(settings: Settings, given: str | None) -> tuple[str, str]:
    """Return where administration answers, and where the issuer of operators does."""
    standard = settings.listener("standard")
    issuing = (given or (standard.base_url if standard is not None else "")).rstrip("/")
    if not issuing and settings.origins.get("database.url") == "flag":
        issuing = DEVELOPMENT_BASE
    if not issuing:
        raise Misconfigured(
            "base-url-missing",
            "It is not known at which address this issuer answers.",
            detail={"expected": "standard.base_url in the settings, or --base-url", "received": "neither"},
            hint="Operators sign in by the standard dialect: set standard.listen and standard.base_url.",
        )
    own = settings.administration
    return (own.base_url if own is not None else issuing), issuing


@command.command("list")
@opening.page_options
@place.options
@output.option
def list_(at: Place, after: str, limit: int, form: str | None) -> None:
    """List administrators: where they live, what they may do, and in which tenant if not in all."""
    place.write_page(place.perform(at, "administrator.list", after=after, limit=limit), form, COLUMNS, "name")


def _who(function: F) -> F:
    options = (
        click.option("--tenant", required=True, help="Slug or UUID of the tenant where they live."),
        click.option("--user", help="The user's UUID or user name."),
        click.option("--client", help="The client's client_id: a program, with client credentials."),
        click.option("--scope", default="", help="Slug or UUID of the one tenant that they administer; else all."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _named(user: str | None, client: str | None) -> dict[str, str]:
    if (user is None) == (client is None):
        raise click.UsageError("Either --user or --client.")
    return {"kind": "user", "name": user} if user is not None else {"kind": "client", "name": client or ""}


@command.command("add")
@_who
@click.option("--role", type=click.Choice(ROLES), required=True, help="viewer reads, manager changes, owner appoints.")
@place.options
@output.option
def add(at: Place, tenant: str, user: str | None, client: str | None, scope: str, role: str, form: str | None) -> None:
    """Appoint an administrator, or change the role of one.

    A user signs in as one with a client that has the scope intaglio.admin, such as intaglio-cli of the tenant of
    operators; keep administrators there, for whoever may change a tenant has its people in hand.
    """
    told = place.perform(at, "administrator.add", tenant=tenant, **_named(user, client), scope=scope, role=role)
    faults.say(f"{told['kind']} {told['name']} is {told['role']} of {scope or 'all tenants'}.")
    output.write_one(told, form, value="name")


@command.command("remove")
@_who
@asking.option
@place.options
@output.option
def remove(
    at: Place, tenant: str, user: str | None, client: str | None, scope: str, yes: bool, form: str | None
) -> None:
    """Take an administrator's rights away, at once."""
    named = _named(user, client)
    asking.sure(f"Take the rights over {scope or 'all tenants'} from {named['name']}{at.words}?", yes=yes)
    told = place.perform(at, "administrator.remove", tenant=tenant, **named, scope=scope)
    faults.say(f"{told['kind']} {told['name']} is {told['role']} no more.")
    output.write_one(told, form, value="name")
