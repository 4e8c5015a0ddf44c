"""`intaglio lifetime-policy`: how long tokens live, as objects that are assigned."""

from __future__ import annotations

import pathlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import acting, asking, faults, opening, output
from intaglio.cli.opening import Administration
from intaglio.dialects import registry
from intaglio.server.admin import lifetimepolicies, tenants
from intaglio.server.admin.lifetimepolicies import Known, Target
from intaglio.server.model.assigned import LifetimePolicy
from intaglio.server.registry.deeds import Actor

F = TypeVar("F", bound=Callable[..., Any])
Change = Callable[..., Awaitable[LifetimePolicy]]
COLUMNS = ("policy_id", "name", "seconds", "is_default")
KNOWING = tuple(name for name, one in registry.DIALECTS.items() if one.read_policy is not None)
"""Dialects that have policies."""

EXAMPLES = """\b
Examples:
  intaglio lifetime-policy create Short --definition "$(cat short.json)"
  intaglio lifetime-policy assign POLICY --application CLIENT
  intaglio lifetime-policy unassign POLICY --service-principal CLIENT
"""


@click.group("lifetime-policy")
def command() -> None:
    """Say how long tokens live by policies, and assign them.

    A policy is for one client here, for an application at its home, or the default of a whole tenant.
    """


def _target_options(function: F) -> F:
    application = click.option("--application", default="", help="client_id of the application, at its home.")
    here = click.option("--service-principal", default="", help="client_id of what an application is in this tenant.")
    return application(here(function))


def _target(application: str, service_principal: str) -> tuple[str, Target]:
    if bool(application) == bool(service_principal):
        raise click.UsageError("Give --application or --service-principal, one of them.")
    return (application, "application") if application else (service_principal, "service-principal")


def shown(policy: LifetimePolicy) -> dict[str, Any]:
    """Return a policy as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(policy)
    return members


@command.command("create", epilog=EXAMPLES)
@click.argument("name")
@click.option("--definition", required=True, help="JSON text that says how long, in the words of the dialect.")
@click.option("--default", "is_default", is_flag=True, help="Counts for every client of the tenant.")
@click.option("--description", default="", help="What it is for.")
@click.option("--dialect", type=click.Choice(KNOWING), default=KNOWING[0], show_default=True)
@opening.tenant_option
@opening.config_option
@output.option
def create(
    name: str,
    definition: str,
    is_default: bool,
    description: str,
    dialect: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a policy; it counts once it is assigned, or at once as the tenant's default."""

    async def work(a: Administration) -> LifetimePolicy:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        return await lifetimepolicies.create(
            a.store,
            actor,
            owner,
            registry.DIALECTS[dialect],
            name=name,
            definition=definition,
            description=description,
            is_default=is_default,
        )

    made = opening.administer(config, work)
    faults.say(f"Created the lifetime policy {faults.plain(made.name)}: {made.seconds} seconds.")
    output.write_one(shown(made), form, value="policy_id")


@command.command("list")
@opening.tenant_option
@opening.config_option
@output.option
def list_(tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List a tenant's policies."""
    found = opening.administer(config, lambda a: tenants.show(a.store, tenant))
    told = [shown(one) for one in found.lifetime_policies.values()]
    output.write_list(told, form, columns=COLUMNS, value="policy_id")


@command.command("show")
@click.argument("policy")
@opening.tenant_option
@opening.config_option
@output.option
def show(policy: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a policy, and what it is assigned to."""

    async def work(a: Administration) -> Known:
        return await lifetimepolicies.show(a.store, await tenants.show(a.store, tenant), policy)

    found = opening.administer(config, work)
    told = {"applications": list(found.applications), "service_principals": list(found.service_principals)}
    output.write_one(shown(found.policy) | told, form, value="policy_id")


def _changed(
    change: Change, policy: str, client_id: str, target: Target, tenant: str, config: pathlib.Path | None
) -> LifetimePolicy:
    async def work(a: Administration) -> LifetimePolicy:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        return await change(a.store, actor, owner, policy, client_id, target)

    return opening.administer(config, work)


@command.command("assign")
@click.argument("policy")
@_target_options
@opening.tenant_option
@opening.config_option
def assign(policy: str, application: str, service_principal: str, tenant: str, config: pathlib.Path | None) -> None:
    """Assign a policy; one that was assigned there before is not any more."""
    client_id, target = _target(application, service_principal)
    found = _changed(lifetimepolicies.assign, policy, client_id, target, tenant, config)
    faults.say(f"Assigned {faults.plain(found.name)} to the {target} {faults.plain(client_id)}.")


@command.command("unassign")
@click.argument("policy")
@_target_options
@opening.tenant_option
@opening.config_option
def unassign(policy: str, application: str, service_principal: str, tenant: str, config: pathlib.Path | None) -> None:
    """Take an assignment away."""
    client_id, target = _target(application, service_principal)
    found = _changed(lifetimepolicies.unassign, policy, client_id, target, tenant, config)
    faults.say(f"{faults.plain(found.name)} is not assigned to the {target} {faults.plain(client_id)} any more.")


@command.command("delete")
@click.argument("policy")
@asking.option
@opening.tenant_option
@opening.config_option
def delete(policy: str, yes: bool, tenant: str, config: pathlib.Path | None) -> None:
    """Delete a policy; tokens issued from now on live as if it had never been assigned."""
    asking.sure(f"Delete {policy}? Wherever it is assigned, it counts no more.", yes=yes)

    async def work(a: Administration) -> None:
        owner, actor = await tenants.show(a.store, tenant), Actor(acting.operator(), a.clock.now())
        await lifetimepolicies.delete(a.store, actor, owner, policy)

    opening.administer(config, work)
    faults.say("Deleted the lifetime policy.")
