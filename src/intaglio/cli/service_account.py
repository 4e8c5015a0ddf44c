"""`intaglio service-account`: the identities of workloads, and their keys."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output, service_account_key
from intaglio.server.admin import serviceaccounts
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.registry.serviceaccounts import Described

COLUMNS = ("email", "unique_id", "display_name", "disabled_at")


@click.group("service-account")
def command() -> None:
    """Create, list, show, change, disable and delete service accounts; their keys."""


command.add_command(service_account_key.group)


def shown(account: ServiceAccount) -> dict[str, Any]:
    """Return a service account as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(account)
    return {"resource": account.resource, **members}


@command.command("create")
@click.argument("account_id")
@click.option("--project", required=True, help="Identifier or number of its project.")
@click.option("--display-name", help="Name for people.")
@click.option("--description", help="What it is for.")
@acting.base_option
@opening.tenant_option
@opening.config_option
@output.option
def create(
    account_id: str,
    project: str,
    display_name: str | None,
    description: str | None,
    base_url: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a service account: ACCOUNT_ID is the first part of its address, and cannot be changed."""
    made = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.create(
            a.store,
            at.actor,
            at.words,
            at.base(base_url),
            at.tenant.tenant_id,
            project=project,
            account_id=account_id,
            described=Described(display_name, description),
        ),
    )
    faults.say(f"Created the service account {made.email}.")
    output.write_one(shown(made), form, value="email")


@command.command("list")
@click.option("--project", required=True, help="Identifier or number of the project.")
@opening.tenant_option
@opening.page_options
@opening.config_option
@output.option
def list_(project: str, tenant: str, after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List the service accounts of a project by address, page by page."""
    found = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.page(a.store, at.tenant.tenant_id, project, after=after, limit=limit),
    )
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="email")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].email}")


@command.command("show")
@click.argument("account")
@opening.tenant_option
@opening.config_option
@output.option
def show(account: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the service account with this address or number."""
    found = acting.administer(config, tenant, lambda a, at: serviceaccounts.show(a.store, at.tenant.tenant_id, account))
    output.write_one(shown(found), form, value="email")


@command.command("update")
@click.argument("account")
@click.option("--display-name", help="Another name for people.")
@click.option("--description", help="Another description.")
@opening.tenant_option
@opening.config_option
@output.option
def update(
    account: str,
    display_name: str | None,
    description: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change what people read of a service account; what is not given stays as it is."""
    changes = Described(display_name, description)
    changed = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.update(a.store, at.actor, at.tenant.tenant_id, account, changes),
    )
    output.write_one(shown(changed), form, value="email")


def _switch(account: str, tenant: str, config: pathlib.Path | None, form: str | None, *, enabled: bool) -> None:
    changed = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.switch(a.store, at.actor, at.tenant.tenant_id, account, enabled=enabled),
    )
    faults.say(f"{'Enabled' if enabled else 'Disabled'} {changed.email}; in force within a second.")
    output.write_one(shown(changed), form, value="email")


@command.command("disable")
@click.argument("account")
@opening.tenant_option
@opening.config_option
@output.option
def disable(account: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Let nobody act as a service account, until it is enabled again."""
    _switch(account, tenant, config, form, enabled=False)


@command.command("enable")
@click.argument("account")
@opening.tenant_option
@opening.config_option
@output.option
def enable(account: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Enable a service account that was disabled."""
    _switch(account, tenant, config, form, enabled=True)


@command.command("delete")
@click.argument("account")
@asking.option
@opening.tenant_option
@opening.config_option
@output.option
def delete(account: str, yes: bool, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Delete a service account with its keys and its policy.

    Bindings that name it are marked; whoever gets its address later inherits none of them.
    """
    asking.sure(f"Delete {account} with its keys and its policy?", yes=yes)
    gone = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.delete(a.store, at.actor, at.words, at.tenant.tenant_id, account),
    )
    faults.say(f"Deleted {gone.email}. Have it back within 30 days: intaglio service-account undelete {gone.unique_id}")
    output.write_one(shown(gone), form, value="unique_id")


@command.command("undelete")
@click.argument("unique_id")
@opening.tenant_option
@opening.config_option
@output.option
def undelete(unique_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Bring back a service account by its number; its keys and its own policy do not come back."""
    back = acting.administer(
        config,
        tenant,
        lambda a, at: serviceaccounts.undelete(a.store, at.actor, at.words, at.tenant.tenant_id, unique_id),
    )
    output.write_one(shown(back), form, value="email")
