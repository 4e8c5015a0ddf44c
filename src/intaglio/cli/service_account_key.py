"""`intaglio service-account key`: keys that workloads hold themselves."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click

from intaglio.cli import acting, asking, faults, opening, output, secretinput, secretoutput
from intaglio.cli.acting import Acting
from intaglio.cli.opening import Administration
from intaglio.server.admin import accountkeys, serviceaccounts
from intaglio.server.admin.accountkeys import Created
from intaglio.server.model.accountkeys import AccountKey
from intaglio.tokens import pem

COLUMNS = ("key_id", "origin", "alg", "created_at", "expires_at", "disabled_at")
DAY = 86_400


@click.group("key")
def group() -> None:
    """Create, upload, list, disable and delete keys of a service account."""


def shown(key: AccountKey) -> dict[str, Any]:
    """Return a key as it is written: its certificate, and nothing that could sign."""
    members = ("key_id", "unique_id", "alg", "origin", "created_at", "expires_at", "disabled_at")
    told: dict[str, Any] = {name: getattr(key, name) for name in members}
    return told | {"certificate": pem.certificate_to_pem(key.certificate)}


@group.command("create")
@click.argument("account")
@click.option("--output-file", required=True, help="New file for the key, - for stdout. Only its owner can read it.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days for which it is good; without it for ever.")
@acting.base_option
@opening.tenant_option
@opening.config_option
@output.option
def create(
    account: str,
    output_file: str,
    days: int | None,
    base_url: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a key of a service account and write it, once, as a JSON file that Google's libraries read.

    A key file is a password that never changes: prefer identities that need none, and delete keys that nobody uses.
    """
    secretoutput.check(output_file)

    async def work(a: Administration, at: Acting) -> Created:
        found = await serviceaccounts.show(a.store, at.tenant.tenant_id, account)
        lifetime = days * DAY if days is not None else None
        return await accountkeys.create(a.store, at.actor, at.words, at.base(base_url), found, lifetime=lifetime)

    made = acting.administer(config, tenant, work)
    secretoutput.write(output_file, json.dumps(made.file, indent=2) + "\n")
    if output_file == "-":
        return
    faults.say(f"Wrote the key {made.key.key_id} to {output_file}; it cannot be written again.")
    output.write_one(shown(made.key), form, value="key_id")


@group.command("upload")
@click.argument("account")
@click.option("--certificate-file", required=True, help="X.509 certificate in PEM, - for stdin.")
@opening.tenant_option
@opening.config_option
@output.option
def upload(account: str, certificate_file: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Take the key of a certificate; the private key stays where it is. RSA of 2048 bits or more."""
    certificate = secretinput.read_text(certificate_file)

    async def work(a: Administration, at: Acting) -> AccountKey:
        found = await serviceaccounts.show(a.store, at.tenant.tenant_id, account)
        return await accountkeys.upload(a.store, at.actor, found, certificate)

    output.write_one(shown(acting.administer(config, tenant, work)), form, value="key_id")


@group.command("list")
@click.argument("account")
@opening.tenant_option
@opening.config_option
@output.option
def list_(account: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the keys of a service account, oldest first; `system` is the one with which the server signs for it."""

    async def work(a: Administration, at: Acting) -> list[AccountKey]:
        return await accountkeys.every(a.store, await serviceaccounts.show(a.store, at.tenant.tenant_id, account))

    found = acting.administer(config, tenant, work)
    output.write_list([shown(key) for key in found], form, columns=COLUMNS, value="key_id")


def _switch(
    account: str, key_id: str, tenant: str, config: pathlib.Path | None, form: str | None, *, enabled: bool
) -> None:
    async def work(a: Administration, at: Acting) -> AccountKey:
        found = await serviceaccounts.show(a.store, at.tenant.tenant_id, account)
        return await accountkeys.switch(a.store, at.actor, found, key_id, enabled=enabled)

    output.write_one(shown(acting.administer(config, tenant, work)), form, value="key_id")


@group.command("disable")
@click.argument("account")
@click.argument("key_id")
@opening.tenant_option
@opening.config_option
@output.option
def disable(account: str, key_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Believe nothing that a key signs, until it is enabled again."""
    _switch(account, key_id, tenant, config, form, enabled=False)


@group.command("enable")
@click.argument("account")
@click.argument("key_id")
@opening.tenant_option
@opening.config_option
@output.option
def enable(account: str, key_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Enable a key that was disabled."""
    _switch(account, key_id, tenant, config, form, enabled=True)


@group.command("delete")
@click.argument("account")
@click.argument("key_id")
@asking.option
@opening.tenant_option
@opening.config_option
def delete(account: str, key_id: str, yes: bool, tenant: str, config: pathlib.Path | None) -> None:
    """Delete a key for good."""
    asking.sure(f"Delete the key {key_id} of {account}? Whoever uses it is locked out.", yes=yes)

    async def work(a: Administration, at: Acting) -> None:
        found = await serviceaccounts.show(a.store, at.tenant.tenant_id, account)
        await accountkeys.delete(a.store, at.actor, found, key_id)

    acting.administer(config, tenant, work)
    faults.say(f"Deleted the key {key_id}.")
