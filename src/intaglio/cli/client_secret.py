"""`intaglio client secret`: several secrets of a client, so that one can be exchanged without a gap."""

from __future__ import annotations

import click

from intaglio.cli import faults, opening, output, place, secretinput
from intaglio.cli.place import Place, Record

COLUMNS = ("secret_id", "created_at", "expires_at", "signs")
DAY = 86_400


@click.group("secret")
def group() -> None:
    """List, add and remove the secrets of a client."""


@group.command("list")
@click.argument("client_id")
@opening.tenant_option
@place.options
@output.option
def list_(at: Place, client_id: str, tenant: str, form: str | None) -> None:
    """List the secrets of a client; none of them can be shown."""
    found = place.perform(at, "client.show", tenant=tenant, client_id=client_id)
    output.write_list(found["secrets"], form, columns=COLUMNS, value="secret_id")


@group.command("add")
@click.argument("client_id")
@click.option("--days", type=click.IntRange(1, 3660), help="Days for which it is good; without it for ever.")
@click.option("--secret-file", help="File with the secret, - for stdin; without it one is made.")
@opening.tenant_option
@place.options
@output.option
def add(at: Place, client_id: str, days: int | None, secret_file: str | None, tenant: str, form: str | None) -> None:
    """Give a client one more secret, written once; the earlier ones stay good."""
    given = None
    if secret_file is not None:
        given = secretinput.read_secret("Client secret", secret_file, option="--secret-file")
    made = place.perform(
        at,
        "client.secret.create",
        tenant=tenant,
        client_id=client_id,
        client_secret=given,
        lifetime=None if days is None else days * DAY,
    )
    record: Record = made["secrets"][-1]
    if made["client_secret"] is not None:
        record = {"client_id": client_id, "client_secret": made["client_secret"], **record}
        faults.say("The client_secret is shown this once; keep it now.")
    output.write_one(record, form, value="secret_id")


@group.command("remove")
@click.argument("client_id")
@click.argument("secret_id")
@opening.tenant_option
@place.options
@output.option
def remove(at: Place, client_id: str, secret_id: str, tenant: str, form: str | None) -> None:
    """Take a secret away; it is refused within a second. SECRET_ID is what `list` calls it."""
    place.perform(at, "client.secret.delete", tenant=tenant, client_id=client_id, secret_id=secret_id)
    left = place.perform(at, "client.show", tenant=tenant, client_id=client_id)["secrets"]
    faults.say(f"Removed. The client has {len(left)} left.")
    output.write_list(left, form, columns=COLUMNS, value="secret_id")
