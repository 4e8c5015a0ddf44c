"""`intaglio key`: list, show, create, update, disable and delete signing keys."""

from __future__ import annotations

import click

from intaglio import clock
from intaglio.cli import asking, faults, opening, output, place, token_times
from intaglio.cli.place import Place
from intaglio.server.keyring import lifecycle
from intaglio.server.registry import fields

COLUMNS = ("key_id", "alg", "state", "active_at", "retired_at", "gone_at", "revoked_at")
SOON = 5
"""Seconds after which what is to begin now begins."""
LAST = ("signed_from", "signed_until", "out_until")


@click.group("key")
def command() -> None:
    """List, show, create, update, disable and delete signing keys."""


def shown(key: place.Record) -> place.Record:
    """Return a key as it is written: what is told of one that was just revoked is left out of the others."""
    return {name: value for name, value in key.items() if value is not None or name not in LAST}


_authority = click.option(
    "--authority", default="", help="Base address whose tenants share their keys, in the place of a tenant."
)


@command.command("list")
@_authority
@opening.tenant_option
@place.options
@output.option
def list_(at: Place, authority: str, tenant: str, form: str | None) -> None:
    """List the keys of a tenant, oldest first."""
    found = place.perform(at, "key.list", tenant=tenant, authority=authority)["items"]
    output.write_list([shown(key) for key in found], form, columns=COLUMNS, value="key_id")


@command.command("show")
@click.argument("key_id")
@_authority
@opening.tenant_option
@place.options
@output.option
def show(at: Place, key_id: str, authority: str, tenant: str, form: str | None) -> None:
    """Show a key of a tenant: its state and its instants, nothing of the key itself."""
    found = place.perform(at, "key.show", tenant=tenant, authority=authority, key_id=key_id)
    output.write_one(shown(found), form, value="key_id")


@command.command("create")
@click.option(
    "--alg", default="RS256", show_default=True, type=click.Choice(fields.ALGORITHMS), help="Whose successor."
)
@_authority
@opening.tenant_option
@place.options
@output.option
def create(at: Place, alg: str, authority: str, tenant: str, form: str | None) -> None:
    """Publish the next key of an algorithm; it signs a day later, when every cache has seen it."""
    made = place.perform(at, "key.create", tenant=tenant, authority=authority, alg=alg)
    faults.say(f"The key {made['key_id']} signs from {output.instant(made['active_at'])} on.")
    output.write_one(shown(made), form, value="key_id")


@command.command("update")
@click.argument("key_id")
@click.option(
    "--at", "when", required=True, metavar="TIME", help=f"When it begins to sign: {token_times.FORMS}, or now."
)
@_authority
@opening.tenant_option
@place.options
@output.option
def update(at: Place, key_id: str, when: str, authority: str, tenant: str, form: str | None) -> None:
    """Say when a waiting key begins to sign; the key before it signs until then."""
    now = clock.SystemClock().now()
    # A second later the same word would be in the past.
    begins = now + SOON if when == "now" else token_times.parse(when, now)
    changed = place.perform(at, "key.update", tenant=tenant, authority=authority, key_id=key_id, active_at=begins)
    if changed["active_at"] < changed["created_at"] + lifecycle.PUBLISH_AHEAD:
        faults.insist("warning: Whoever keeps the key set for a day may not know the key when it begins.")
    faults.say(f"The key {changed['key_id']} signs from {output.instant(changed['active_at'])} on.")
    output.write_one(shown(changed), form, value="key_id")


@command.command("delete")
@click.argument("key_id")
@asking.option
@_authority
@opening.tenant_option
@place.options
@output.option
def delete(at: Place, key_id: str, authority: str, tenant: str, form: str | None, *, yes: bool) -> None:
    """Forget a key that was disabled, or that has left the published set by itself."""
    asking.sure(f"Forget the key {key_id}{at.words} for good?", yes=yes)
    gone = place.perform(at, "key.delete", tenant=tenant, authority=authority, key_id=key_id)
    faults.say(f"Deleted the key {gone['key_id']}.")
    output.write_one(shown(gone), form, value="key_id")


@command.command("disable")
@click.argument("key_id")
@asking.option
@_authority
@opening.tenant_option
@place.options
@output.option
def disable(at: Place, key_id: str, authority: str, tenant: str, form: str | None, *, yes: bool) -> None:
    """Withdraw a key at once, and tell which of its tokens may still be out.

    It leaves the published set; tokens that it signed are refused by whoever asks for the set again. Another key takes
    its place at once.
    """
    asking.sure(f"Withdraw the key {key_id}{at.words} now? Tokens that it signed stop being believed.", yes=yes)
    gone = place.perform(at, "key.disable", tenant=tenant, authority=authority, key_id=key_id)
    begin, end, out = (output.instant(gone[name]) for name in LAST)
    faults.say(f"Revoked. It signed from {begin} to {end}; the last of its tokens expires by {out}.")
    output.write_one(shown(gone), form, value="key_id")


command.add_command(create, "rotate")
command.add_command(disable, "revoke")
