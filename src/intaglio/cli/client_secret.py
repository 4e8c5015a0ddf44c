"""`intaglio client secret`: several secrets of a client, so that one can be exchanged without a gap."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from intaglio.cli import faults, opening, output, secretinput
from intaglio.cli.opening import Administration
from intaglio.server.admin import clients, tenants
from intaglio.server.admin.clients import Registered
from intaglio.server.model.clients import Client, ClientSecret

COLUMNS = ("secret_id", "created_at", "expires_at", "signs")
DAY = 86_400


@click.group("secret")
def group() -> None:
    """List, add and remove the secrets of a client."""


def shown(secret: ClientSecret) -> dict[str, Any]:
    """Return a secret as it is written: its name, when it was made, when it ends, and whether it can sign."""
    return {
        "secret_id": clients.secret_id(secret),
        "created_at": secret.created_at,
        "expires_at": secret.expires_at,
        "signs": bool(secret.sealed),
    }


@group.command("list")
@click.argument("client_id")
@opening.tenant_option
@opening.config_option
@output.option
def list_(client_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the secrets of a client; none of them can be shown."""

    async def work(a: Administration) -> Client:
        owner = await tenants.show(a.store, tenant)
        return await clients.show(a.store, owner.tenant_id, client_id)

    found = opening.administer(config, work)
    output.write_list([shown(one) for one in found.secrets], form, columns=COLUMNS, value="secret_id")


@group.command("add")
@click.argument("client_id")
@click.option("--days", type=click.IntRange(1, 3660), help="Days for which it is good; without it for ever.")
@click.option("--secret-file", help="File with the secret, - for stdin; without it one is made.")
@opening.tenant_option
@opening.config_option
@output.option
def add(
    client_id: str,
    days: int | None,
    secret_file: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Give a client one more secret, written once; the earlier ones stay good."""
    given = None
    if secret_file is not None:
        given = secretinput.read_secret("Client secret", secret_file, option="--secret-file")

    async def work(a: Administration) -> Registered:
        owner = await tenants.show(a.store, tenant)
        span = None if days is None else days * DAY
        return await clients.add_secret(
            a.store, a.clock, a.secrets, owner.tenant_id, client_id, given=given, lifetime=span
        )

    made = opening.administer(config, work)
    record = shown(made.client.secrets[-1])
    if made.client_secret is not None and given is None:
        record = {"client_id": client_id, "client_secret": made.client_secret.reveal(), **record}
        faults.say("The client_secret is shown this once; keep it now.")
    output.write_one(record, form, value="secret_id")


@group.command("remove")
@click.argument("client_id")
@click.argument("secret_id")
@opening.tenant_option
@opening.config_option
@output.option
def remove(client_id: str, secret_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Take a secret away; it is refused within a second. SECRET_ID is what `list` calls it."""

    async def work(a: Administration) -> Client:
        owner = await tenants.show(a.store, tenant)
        return await clients.remove_secret(a.store, owner.tenant_id, client_id, secret_id)

    left = opening.administer(config, work)
    faults.say(f"Removed. The client has {len(left.secrets)} left.")
    output.write_list([shown(one) for one in left.secrets], form, columns=COLUMNS, value="secret_id")
