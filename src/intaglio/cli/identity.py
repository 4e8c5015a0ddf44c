"""`intaglio identity`: who the users of a tenant are at other providers."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, faults, opening, output
from intaglio.cli.opening import Administration
from intaglio.server.admin import identities, tenants, users
from intaglio.server.model.identities import Identity
from intaglio.server.registry.deeds import Actor

COLUMNS = ("connection", "issuer", "subject", "owns", "seen_at")


@click.group("identity")
def command() -> None:
    """List and forget who users are at other providers."""


def shown(identity: Identity, names: dict[str, str]) -> dict[str, Any]:
    """Return an identity as it is written, with the name of its connection, empty if that was deleted."""
    members: dict[str, Any] = msgspec.to_builtins(identity)
    return members | {"connection": names.get(identity.connection_id, "")}


@command.command("list")
@click.argument("username")
@opening.tenant_option
@opening.config_option
@output.option
def list_(username: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List who the user with this name or UUID is at other providers."""

    async def work(a: Administration) -> list[dict[str, Any]]:
        owner = await tenants.show(a.store, tenant)
        user = await users.show(a.store, owner.tenant_id, username)
        names = await identities.names(a.store, owner)
        return [shown(one, names) for one in await identities.of_user(a.store, user)]

    output.write_list(opening.administer(config, work), form, columns=COLUMNS, value="subject")


@command.command("unlink")
@click.argument("username")
@click.option("--issuer", required=True, help="Issuer of the other provider.")
@click.option("--subject", required=True, help="Who the user is there.")
@opening.tenant_option
@opening.config_option
@output.option
def unlink(
    username: str, issuer: str, subject: str, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    """Forget that a subject of another provider is this user; sessions go on until they end."""

    async def work(a: Administration) -> dict[str, Any]:
        owner = await tenants.show(a.store, tenant)
        user = await users.show(a.store, owner.tenant_id, username)
        actor = Actor(acting.operator(), a.clock.now())
        gone = await identities.unlink(a.store, actor, user, issuer, subject)
        return shown(gone, await identities.names(a.store, owner))

    gone = opening.administer(config, work)
    faults.say(f"{username} is nobody at {issuer} any more.")
    output.write_one(gone, form, value="subject")
