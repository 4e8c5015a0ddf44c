"""`intaglio connection`: other providers at which people of a tenant may sign in."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output, secretinput
from intaglio.cli.opening import Administration
from intaglio.dialects import believing
from intaglio.ids import Secret
from intaglio.server.admin import connections, tenants
from intaglio.server.admin.connections import Tried
from intaglio.server.model.connections import Connection
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry import connectionrules
from intaglio.server.registry.connectionrules import Wanted
from intaglio.server.registry.deeds import Actor

COLUMNS = ("name", "issuer", "client_id", "domains", "disabled_at")
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


@click.group("connection")
def command() -> None:
    """Let people sign in at other providers; try whether one answers."""


def shown(connection: Connection, tenant: Tenant, bases: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a connection as it is written: where people come back, and whether there is a secret, never itself."""
    members: dict[str, Any] = msgspec.to_builtins(connection)
    has = {"has_secret": bool(members.pop("sealed_secret")), "has_keys": bool(members.pop("sealed_jwks"))}
    path = connectionrules.callback_path(tenant.slug, connection.name)
    return members | has | {"callback_path": path, "redirect_uris": [base + path for base in bases]}


def administer(
    config: pathlib.Path | None, tenant: str, work: Callable[[Administration, Actor, Tenant], Awaitable[T]]
) -> tuple[T, Tenant]:
    """Open the database, find the tenant, do the work, and return what came of it with the tenant."""

    async def found(a: Administration) -> tuple[T, Tenant]:
        owner = await tenants.show(a.store, tenant)
        return await work(a, Actor(acting.operator(), a.clock.now()), owner), owner

    return opening.administer(config, found)


def _bases(config: pathlib.Path | None, tenant: Tenant) -> tuple[str, ...]:
    """Return the addresses at which people of a tenant sign in, as far as they are configured."""
    doors = [door for door in opening.read(config).listeners if door.tenant in ("", tenant.slug)]
    return tuple(dict.fromkeys(door.base_url for door in doors))


def _write(
    found: Connection, tenant: Tenant, config: pathlib.Path | None, form: str | None, *, judged: bool = False
) -> None:
    if judged:
        acting.warn(connectionrules.warnings(found))
    output.write_one(shown(found, tenant, _bases(config, tenant)), form, value="name")


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str] | None:
    for text in texts:
        if "=" not in text:
            raise click.UsageError(f"{option} expects NAME=VALUE; received {text[:80]!r}.")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)} or None


_FIELDS = (
    click.option("--issuer", help="Its exact issuer, such as https://accounts.google.com."),
    click.option("--client-id", help="Who we are there."),
    click.option("--client-secret-file", help="File with our secret there, - for stdin; empty takes it away."),
    click.option("--dialect", "rules", type=click.Choice(believing.DIALECTS), help="Whose rules its ID tokens follow."),
    click.option("--strategy", help="What kind of provider it is, a word such as oidc."),
    click.option("--display-name", help="What people call it; without it its name."),
    click.option("--scope", help="Scopes to ask for, blanks between them."),
    click.option("--map", "mapping", multiple=True, metavar="CLAIM=EXPRESSION", help="email=claims.mail; CEL."),
    click.option(
        "--trust-email/--no-trust-email", "trusts_email", default=None, help="Believe its confirmed addresses."
    ),
    click.option("--link-by-email/--no-link-by-email", default=None, help="Let a confirmed address find a user."),
    click.option("--create-users/--no-create-users", "creates_users", default=None, help="Make people at first sight."),
    click.option("--domain", "domains", multiple=True, help="Domain whose people sign in there; may be given again."),
    click.option(
        "--for-client", "clients", multiple=True, help="The only clients that may use it; may be given again."
    ),
    click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="What is asked there besides."),
    click.option("--log-out/--no-log-out", "logs_out", default=None, help="Sign people out there as well."),
    click.option("--refresh", "refreshes", type=click.Choice(connectionrules.REFRESHES), help="When claims follow."),
    click.option("--decryption-keys-file", help="File with private keys (JWK Set) for its ID tokens, - for stdin."),
)


def field_options(function: F) -> F:
    """Add the options of a connection's fields to a command, which gets them together as `wanted`."""

    @functools.wraps(function)
    def gathered(**given: Any) -> None:
        secret, keys, scope = (given.pop(n) for n in ("client_secret_file", "decryption_keys_file", "scope"))
        wanted = Wanted(
            client_secret=Secret(secretinput.read_text(secret).strip()) if secret else None,
            jwks=Secret(secretinput.read_text(keys).strip()) if keys else None,
            scope=tuple(scope.split()) if scope is not None else None,
            mapping=_pairs("--map", given.pop("mapping")),
            parameters=_pairs("--parameter", given.pop("parameters")),
            domains=given.pop("domains") or None,
            clients=given.pop("clients") or None,
            **{name: given.pop(name) for name in _PLAIN},
        )
        function(wanted=wanted, **given)

    decorated: Any = gathered
    for option in reversed(_FIELDS):
        decorated = option(decorated)
    return cast(F, decorated)


_PLAIN = (
    "issuer",
    "client_id",
    "rules",
    "strategy",
    "display_name",
    "trusts_email",
    "link_by_email",
    "creates_users",
    "logs_out",
    "refreshes",
)


@command.command("create")
@click.argument("name")
@field_options
@opening.tenant_option
@opening.config_option
@output.option
def create(name: str, wanted: Wanted, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Create a connection; NAME is what requests call it.

    Register us there with the redirect URI that is written: the address of this issuer and `callback_path`.
    """
    made, owner = administer(
        config, tenant, lambda a, actor, at: connections.create(a.store, a.vault, actor, at, name, wanted)
    )
    faults.say(f"Created the connection {made.name}.")
    _write(made, owner, config, form, judged=True)


@command.command("list")
@opening.tenant_option
@opening.config_option
@output.option
def list_(tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the connections of a tenant by name."""
    found, owner = administer(config, tenant, lambda a, _, at: connections.listing(a.store, at))
    output.write_list([shown(one, owner) for one in found], form, columns=COLUMNS, value="name")


@command.command("show")
@click.argument("name")
@opening.tenant_option
@opening.config_option
@output.option
def show(name: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a connection, and where its people come back."""
    found, owner = administer(config, tenant, lambda a, _, at: connections.show(a.store, at, name))
    _write(found, owner, config, form, judged=True)


@command.command("update")
@click.argument("name")
@field_options
@click.option("--disable/--enable", "disabled", default=None, help="Keep people out, or let them in again.")
@opening.tenant_option
@opening.config_option
@output.option
def update(
    name: str, wanted: Wanted, disabled: bool | None, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    """Change a connection; what is not given stays as it is, and lists and mappings are replaced whole."""
    changes = msgspec.structs.replace(wanted, disabled=disabled)
    changed, owner = administer(
        config, tenant, lambda a, actor, at: connections.update(a.store, a.vault, actor, at, name, changes)
    )
    faults.say(f"Changed the connection {changed.name}.")
    _write(changed, owner, config, form, judged=True)


@command.command("delete")
@click.argument("name")
@asking.option
@opening.tenant_option
@opening.config_option
@output.option
def delete(name: str, tenant: str, config: pathlib.Path | None, form: str | None, *, yes: bool) -> None:
    """Delete a connection. The people whom it made stay, and so does who they are there."""
    asking.sure(f"Delete the connection {name}? Nobody signs in there any more.", yes=yes)
    gone, owner = administer(config, tenant, lambda a, actor, at: connections.delete(a.store, actor, at, name))
    faults.say(f"Deleted the connection {gone.name}.")
    _write(gone, owner, config, form)


@command.command("test")
@click.argument("name")
@opening.tenant_option
@opening.config_option
@output.option
def test(name: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Ask the provider for its document and keys, as a sign-in would, and show what it answers."""

    async def work(a: Administration, _: Actor, at: Tenant) -> Tried:
        return await connections.try_out(await connections.show(a.store, at, name), a.outgoing)

    tried, _ = administer(config, tenant, work)
    if not tried.takes_pkce:
        faults.insist("warning: it does not say that it takes PKCE with S256, which is sent anyway.")
    if not tried.tells_issuer:
        faults.insist("warning: it does not say in its answers who it is (RFC 9207).")
    output.write_one(msgspec.to_builtins(tried), form, value="issuer")
