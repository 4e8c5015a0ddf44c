"""`intaglio federation pool`: what external identities live in."""

from __future__ import annotations

import pathlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import acting, faults, opening, output
from intaglio.cli.acting import Acting
from intaglio.cli.opening import Administration
from intaglio.protocol.pools import PoolChanges
from intaglio.server.admin import pools
from intaglio.server.admin.pools import Place
from intaglio.server.model.pools import Pool

COLUMNS = ("pool_id", "display_name", "disabled_at", "deleted_at")
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Work = Callable[[Administration, Acting, Place], Awaitable[T]]


@click.group("pool")
def group() -> None:
    """Create, list, show, change, disable and delete pools of external identities."""


def shown(pool: Pool) -> dict[str, Any]:
    """Return a pool as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(pool)
    return {"resource": pool.resource, **members}


def place_options(function: F) -> F:
    """Add the options that say whose pools are meant, and how to write."""
    for option in (output.option, opening.config_option, opening.tenant_option):
        function = option(function)
    return click.option("--project", required=True, help="Identifier or number of the project.")(function)


def describe_options(function: F) -> F:
    """Add the options of texts for people."""
    function = click.option("--description", help="What it is for.")(function)
    return click.option("--display-name", help="Name for people.")(function)


def administer(config: pathlib.Path | None, tenant: str, project: str, work: Work[T]) -> T:
    """Do work in a project of a tenant, and return what came of it."""

    async def placed(a: Administration, at: Acting) -> T:
        return await work(a, at, Place(at.tenant, at.words.namespace, project))

    return acting.administer(config, tenant, placed)


@group.command("create")
@click.argument("pool_id")
@describe_options
@place_options
def create(
    pool_id: str,
    display_name: str | None,
    description: str | None,
    project: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a pool; POOL_ID stands in the names of its identities and cannot be changed."""
    changes = PoolChanges(display_name, description)
    made = administer(
        config, tenant, project, lambda a, at, where: pools.create(a.store, at.actor, where, pool_id, changes)
    )
    faults.say(f"Created the pool {made.pool_id}. Next: intaglio federation provider create")
    output.write_one(shown(made), form, value="pool_id")


@group.command("list")
@opening.page_options
@place_options
def list_(after: str, limit: int, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List pools of a project by name, deleted ones too, page by page."""
    found = administer(
        config, tenant, project, lambda a, at, where: pools.page(a.store, where, after=after, limit=limit)
    )
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="pool_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].pool_id}")


@group.command("show")
@click.argument("pool")
@place_options
def show(pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a pool."""
    found = administer(config, tenant, project, lambda a, at, where: pools.show(a.store, where, pool))
    output.write_one(shown(found), form, value="pool_id")


def _change(
    pool: str, changes: PoolChanges, project: str, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    changed = administer(
        config, tenant, project, lambda a, at, where: pools.update(a.store, at.actor, where, pool, changes)
    )
    faults.say(f"Changed the pool {pool}.")
    output.write_one(shown(changed), form, value="pool_id")


@group.command("update")
@click.argument("pool")
@describe_options
@place_options
def update(
    pool: str,
    display_name: str | None,
    description: str | None,
    project: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change what people read of a pool; what is not given stays as it is."""
    _change(pool, PoolChanges(display_name, description), project, tenant, config, form)


@group.command("disable")
@click.argument("pool")
@place_options
def disable(pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Let nobody in any more; tokens that are out call nothing while it is disabled."""
    _change(pool, PoolChanges(disabled=True), project, tenant, config, form)


@group.command("enable")
@click.argument("pool")
@place_options
def enable(pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Let people in again."""
    _change(pool, PoolChanges(disabled=False), project, tenant, config, form)


@group.command("delete")
@click.argument("pool")
@place_options
def delete(pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Delete a pool. Its name is never another's; within 30 days `undelete` brings it back."""
    gone = administer(config, tenant, project, lambda a, at, where: pools.delete(a.store, at.actor, where, pool))
    faults.say(f"Deleted the pool {pool}.")
    output.write_one(shown(gone), form, value="pool_id")


@group.command("undelete")
@click.argument("pool")
@place_options
def undelete(pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Bring back a pool that was deleted within 30 days."""
    back = administer(config, tenant, project, lambda a, at, where: pools.undelete(a.store, at.actor, where, pool))
    faults.say(f"Brought back the pool {pool}.")
    output.write_one(shown(back), form, value="pool_id")
