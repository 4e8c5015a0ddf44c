"""`intaglio key`: list, rotate and revoke signing keys."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from intaglio.cli import faults, opening, output
from intaglio.cli.opening import Administration
from intaglio.server.admin import keys
from intaglio.server.admin.keys import Listed, Withdrawn
from intaglio.server.registry import fields

COLUMNS = ("key_id", "alg", "state", "active_at", "retired_at", "gone_at", "revoked_at")


@click.group("key")
def command() -> None:
    """List, rotate and revoke signing keys."""


def shown(listed: Listed) -> dict[str, Any]:
    """Return a key as it is written: its state and its instants, nothing of the key itself."""
    key = listed.key
    instants = ("created_at", "active_at", "retired_at", "gone_at", "revoked_at")
    told: dict[str, Any] = {"key_id": key.key_id, "ring_id": key.ring_id, "alg": key.alg, "state": listed.state}
    return told | {name: getattr(key, name) for name in instants}


_authority = click.option(
    "--authority", default="", help="Base address whose tenants share their keys, in the place of a tenant."
)


@command.command("list")
@_authority
@opening.tenant_option
@opening.config_option
@output.option
def list_(authority: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the keys of a tenant, oldest first."""

    async def work(a: Administration) -> list[Listed]:
        return await keys.page(a.store, a.clock, await keys.ring(a.store, tenant, authority))

    found = opening.administer(config, work)
    output.write_list([shown(key) for key in found], form, columns=COLUMNS, value="key_id")


@command.command("rotate")
@click.option(
    "--alg", default="RS256", show_default=True, type=click.Choice(fields.ALGORITHMS), help="Whose successor."
)
@_authority
@opening.tenant_option
@opening.config_option
@output.option
def rotate(alg: str, authority: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Publish the next key of an algorithm; it signs a day later, when every cache has seen it."""

    async def work(a: Administration) -> Listed:
        return await keys.publish_successor(a.store, a.clock, a.vault, await keys.ring(a.store, tenant, authority), alg)

    made = opening.administer(config, work)
    faults.say(f"The key {made.key.key_id} signs from {output.instant(made.key.active_at)} on.")
    output.write_one(shown(made), form, value="key_id")


@command.command("revoke")
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_authority
@opening.tenant_option
@opening.config_option
@output.option
def revoke(key_id: str, yes: bool, authority: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Withdraw a key at once, and tell which of its tokens may still be out.

    It leaves the published set; tokens that it signed are refused by whoever asks for the set again. Another key takes
    its place at once.
    """
    if not yes:
        click.confirm(
            f"Withdraw the key {key_id} now? Tokens that it signed stop being believed.", abort=True, err=True
        )

    async def work(a: Administration) -> Withdrawn:
        return await keys.withdraw(a.store, a.clock, a.vault, await keys.ring(a.store, tenant, authority), key_id)

    gone = opening.administer(config, work)
    begin, end, out = (output.instant(at) for at in (gone.signed_from, gone.signed_until, gone.out_until))
    faults.say(f"Revoked. It signed from {begin} to {end}; the last of its tokens expires by {out}.")
    record = shown(Listed(gone.key, "revoked")) | {
        "signed_from": gone.signed_from,
        "signed_until": gone.signed_until,
        "out_until": gone.out_until,
    }
    output.write_one(record, form, value="key_id")
