"""`intaglio claim-rule`: claims that a tenant or a client adds to its people's tokens."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import acting, faults, opening, output
from intaglio.cli.opening import Administration
from intaglio.dialects import registry
from intaglio.protocol.circumstances import Circumstances
from intaglio.server.admin import claimrules, tenants
from intaglio.server.admin.claimrules import Added, Occasion
from intaglio.server.issue import personalise
from intaglio.server.issue.personalise import Made
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.registry.deeds import Actor

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS = ("name", "level", "claim", "template", "expression", "condition")

EXAMPLES = """\b
Examples:
  intaglio claim-rule add https://app.example.com/greeting --template 'Hello {user.claims.given_name}'
  intaglio claim-rule add groups --expression 'user.groups' --client web
  intaglio claim-rule test --client web --user alice --scope 'openid profile'
"""


@click.group("claim-rule")
def command() -> None:
    """Add, list, remove and try claims of your own in people's tokens."""


def _client_option(function: F) -> F:
    return click.option("--client", "client_id", default="", help="client_id of the client; without it the tenant's.")(
        function
    )


def _rule_options(function: F) -> F:
    options = (
        click.option("--template", default="", help="Text with places such as {user.claims.given_name}."),
        click.option("--expression", default="", help="CEL over user, client, organization, connection, request."),
        click.option("--condition", default="", help="CEL that has to be true for the claim."),
        click.option("--if-scope", "scopes", multiple=True, help="One of these scopes has to be granted; repeatable."),
        click.option(
            "--token",
            "tokens",
            multiple=True,
            type=click.Choice(personalise.TOKENS),
            help="Where the claim goes; repeatable, without it to both.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def shown(rule: ClaimRule, level: str) -> dict[str, Any]:
    """Return a rule as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(rule)
    return {"name": rule.label, "level": level, **{name: value for name, value in members.items() if name != "name"}}


@command.command("add", epilog=EXAMPLES)
@click.argument("claim")
@click.option("--name", default="", help="Name of the rule; without it the claim's.")
@_rule_options
@_client_option
@opening.tenant_option
@opening.config_option
@output.option
def add(claim: str, client_id: str, tenant: str, config: pathlib.Path | None, form: str | None, **given: Any) -> None:
    """Add a rule that makes CLAIM, in force within a second; of several for one claim the last counts."""
    rule = _rule(claim, given)

    async def work(a: Administration) -> Added:
        owner = await tenants.show(a.store, tenant)
        return await claimrules.add(a.store, Actor(acting.operator(), a.clock.now()), owner, client_id, rule)

    made = opening.administer(config, work)
    acting.warn(made.warnings)
    faults.say(f"Added the claim rule {faults.plain(made.rule.label)}.")
    output.write_one(shown(made.rule, "client" if client_id else "tenant"), form, value="name")


def _rule(claim: str, given: dict[str, Any]) -> ClaimRule:
    tokens = given.pop("tokens") or personalise.TOKENS
    return ClaimRule(claim, tokens=tuple(tokens), scopes=tuple(given.pop("scopes")), **given)


@command.command("list")
@_client_option
@opening.tenant_option
@opening.config_option
@output.option
def list_(client_id: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """List the rules that count, in their order: the tenant's, and with --client those of the client after them."""

    async def work(a: Administration) -> tuple[tuple[str, ClaimRule], ...]:
        return await claimrules.listing(a.store, await tenants.show(a.store, tenant), client_id)

    found = opening.administer(config, work)
    output.write_list([shown(rule, level) for level, rule in found], form, columns=COLUMNS, value="name")


@command.command("remove")
@click.argument("name")
@_client_option
@opening.tenant_option
@opening.config_option
def remove(name: str, client_id: str, tenant: str, config: pathlib.Path | None) -> None:
    """Remove the rule of this name; tokens issued from now on do without its claim."""

    async def work(a: Administration) -> None:
        owner = await tenants.show(a.store, tenant)
        await claimrules.remove(a.store, Actor(acting.operator(), a.clock.now()), owner, client_id, name)

    opening.administer(config, work)
    faults.say(f"Removed the claim rule {faults.plain(name)}.")


@command.command("test")
@click.option("--client", "client_id", required=True, help="client_id of the client that asks.")
@click.option("--user", "username", required=True, help="Name of the user who signs in.")
@click.option("--scope", default="openid", show_default=True, help="Scopes that were granted, with blanks between.")
@click.option("--dialect", type=click.Choice(tuple(registry.DIALECTS)), default="standard", show_default=True)
@click.option("--for", "token", type=click.Choice(personalise.TOKENS), default="id_token", show_default=True)
@click.option("--connection", default="", help="Connection through which the person signed in.")
@click.option("--organization", default="", help="Name of the organization for which the person signed in.")
@click.option("--claim", default="", help="Try one more rule, for this claim.")
@_rule_options
@opening.tenant_option
@opening.config_option
@output.option
def test(
    client_id: str,
    username: str,
    scope: str,
    dialect: str,
    token: str,
    connection: str,
    organization: str,
    claim: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
    **given: Any,
) -> None:
    """Show what the rules make for a person, and why the others make nothing. Nothing is kept or issued."""
    wanted = any(given.values())
    if wanted != bool(claim):
        raise click.UsageError("--claim goes with --template or --expression.")
    extra = _rule(claim, {**given, "name": "--claim"}) if claim else None
    circumstances = Circumstances(connection=connection, organization_name=organization)

    async def work(a: Administration) -> Made:
        owner = await tenants.show(a.store, tenant)
        occasion = Occasion(token, tuple(scope.split()), registry.DIALECTS[dialect], a.clock.now(), circumstances)
        return await claimrules.trial(a.store, owner, client_id, username, occasion, extra)

    made = opening.administer(config, work)
    told = {"claims": made.claims, "rules": made.rules, "left_out": dict(made.left_out)}
    output.write_one(told, form, value="claims")
