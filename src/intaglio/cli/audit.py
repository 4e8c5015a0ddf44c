"""`intaglio audit`: who did what to what, through whom, and how it ended."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, faults, opening, output
from intaglio.server.admin import auditlog
from intaglio.server.model.audit import Entry

COLUMNS = ("at", "action", "principal", "resource", "outcome", "detail")


@click.group("audit")
def command() -> None:
    """Read the audit log."""


def shown(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is written, with its instant in words beside it."""
    members: dict[str, Any] = msgspec.to_builtins(entry)
    return {"time": output.instant(entry.at), **members}


@command.command("list")
@click.option("--principal", default="", help="Only what this one did, by the name that the log has.")
@click.option("--resource", default="", help="Only what was done to this resource, by its whole name.")
@click.option("--action", default="", help="Only this, such as policy.set.")
@click.option("--before", default="", help="Begin behind this entry_id, towards older ones.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Page size.")
@opening.tenant_option
@opening.config_option
@output.option
def list_(
    principal: str,
    resource: str,
    action: str,
    before: str,
    limit: int,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """List entries, the newest first, page by page."""
    found = acting.administer(
        config,
        tenant,
        lambda a, at: auditlog.page(
            a.store,
            at.tenant.tenant_id,
            before=before,
            limit=limit,
            principal=principal,
            resource=resource,
            action=action,
        ),
    )
    output.write_list([shown(entry) for entry in found], form, columns=COLUMNS, value="entry_id")
    if len(found) == limit:
        faults.say(f"There may be more: --before {found[-1].entry_id}")
