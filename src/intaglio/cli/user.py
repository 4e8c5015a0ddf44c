"""`intaglio user`: list, show, create and update users."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, dialect_settings, faults, opening, output, secretinput
from intaglio.cli.opening import Administration
from intaglio.errors import Misconfigured
from intaglio.server.admin import tenants, users
from intaglio.server.admin.users import Changes
from intaglio.server.model.users import User
from intaglio.server.registry.deeds import Actor

COLUMNS = ("username", "user_id", "created_at", "disabled_at")


@click.group("user")
def command() -> None:
    """List, show, create and update users."""


def shown(user: User) -> dict[str, Any]:
    """Return a user as it is written: whether there is a password, never its hash."""
    members: dict[str, Any] = msgspec.to_builtins(user)
    has_password = bool(members.pop("password_hash"))
    return members | {"has_password": has_password}


@command.command("list")
@opening.tenant_option
@opening.page_options
@opening.config_option
@output.option
def list_(tenant: str, after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List the users of a tenant by name, page by page."""

    async def work(a: Administration) -> list[User]:
        owner = await tenants.show(a.store, tenant)
        return await users.page(a.store, owner.tenant_id, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([shown(user) for user in found], form, columns=COLUMNS, value="username")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].username}")


@command.command("show")
@click.argument("username")
@opening.tenant_option
@opening.config_option
@output.option
def show(username: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the user with this name or UUID."""

    async def work(a: Administration) -> User:
        owner = await tenants.show(a.store, tenant)
        return await users.show(a.store, owner.tenant_id, username)

    output.write_one(shown(opening.administer(config, work)), form, value="user_id")


@command.command("create")
@click.argument("username")
@click.option("--password-file", help="File with the password, - for stdin; without it a terminal is asked.")
@click.option("--no-password", is_flag=True, help="Nobody can sign in with a password.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", help="Claim about the user; may be given again."
)
@opening.tenant_option
@opening.config_option
@output.option
def create(
    username: str,
    password_file: str | None,
    no_password: bool,
    claims: tuple[str, ...],
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a user of a tenant.

    Claims are those of OpenID Connect: --claim name='Ada Lovelace' --claim email_verified=true. The password is never
    taken from the command line.
    """
    read = _claims(claims)
    if no_password and password_file is not None:
        raise click.UsageError("Either --password-file or --no-password.")
    password = None if no_password else secretinput.read_secret("Password", password_file, option="--password-file")

    async def work(a: Administration) -> User:
        owner = await tenants.show(a.store, tenant)
        return await users.create(
            a.store, a.clock, a.passwords, owner.tenant_id, username=username, password=password, claims=read
        )

    made = opening.administer(config, work)
    faults.say(f"Created the user {made.username}.")
    output.write_one(shown(made), form, value="user_id")


@command.command("update")
@click.argument("username")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", help="Claim about the user, none with an empty value."
)
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="What the person noted, JSON or text.")
@click.option("--app-metadata", multiple=True, metavar="NAME=VALUE", help="What applications noted, JSON or text.")
@click.option("--disable/--enable", "disabled", default=None, help="Whether the person can sign in no more.")
@dialect_settings.option
@opening.tenant_option
@opening.config_option
@output.option
def update(
    username: str,
    claims: tuple[str, ...],
    metadata: tuple[str, ...],
    app_metadata: tuple[str, ...],
    disabled: bool | None,
    dialects: dict[str, dict[str, Any]] | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change the user with this name or UUID; what is not given stays as it is.

    An empty value takes a claim or a note away.
    """
    changes = Changes(
        claims=_claims(claims, may_be_empty=True),
        metadata=dialect_settings.values("--metadata", metadata),
        app_metadata=dialect_settings.values("--app-metadata", app_metadata),
        dialects=dialects or {},
        disabled=disabled,
    )

    async def work(a: Administration) -> User:
        owner = await tenants.show(a.store, tenant)
        actor = Actor(acting.operator(), a.clock.now())
        return await users.update(a.store, a.clock, owner.tenant_id, username, changes, actor)

    changed = opening.administer(config, work)
    faults.say(f"Changed the user {changed.username}.")
    output.write_one(shown(changed), form, value="user_id")


def _claims(texts: tuple[str, ...], *, may_be_empty: bool = False) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--claim expects NAME=VALUE, received {text[:80]!r}.")
        claims[name] = None if may_be_empty and not value else _value(name, value)
    return claims


def _value(name: str, text: str) -> Any:
    """Read a claim's value: flags and the address are JSON, the rest is text as it stands."""
    if name not in users.FLAG_CLAIMS and name != "address":
        return text
    try:
        return json.loads(text)
    except ValueError as exc:
        raise Misconfigured(
            "claim-invalid",
            f"The claim {name} cannot be used.",
            detail={"expected": "JSON", "received": "something else"},
            hint=f"--claim {name}=true" if name in users.FLAG_CLAIMS else '--claim address=\'{"country": "CH"}\'',
        ) from exc
