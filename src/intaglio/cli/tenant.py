"""`intaglio tenant`: list, show, create and update tenants."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
import msgspec

from intaglio.cli import acting, dialect_settings, faults, lifetimes, opening, output
from intaglio.cli.opening import Administration
from intaglio.server.admin import claimsources, tenants
from intaglio.server.admin.tenants import Policies
from intaglio.server.model.tenants import Lifetimes, Tenant
from intaglio.server.registry.deeds import Actor

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS = ("slug", "name", "owner", "tenant_id", "created_at")


@click.group("tenant")
def command() -> None:
    """List, show, create and update tenants."""


def shown(tenant: Tenant) -> dict[str, Any]:
    """Return a tenant as it is written."""
    members: dict[str, Any] = msgspec.to_builtins(tenant)
    # SECURITY: tokens of other parties are not shown (test_claim_sources_are_shown_without_their_tokens).
    sources = {name: {"claims": s.claims, "endpoint": s.endpoint} for name, s in tenant.claim_sources.items()}
    return members | {"claim_sources": sources}


@command.command("list")
@opening.page_options
@opening.config_option
@output.option
def list_(after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List tenants by slug, page by page."""
    found = opening.administer(config, lambda a: tenants.page(a.store, after=after, limit=limit))
    output.write_list([shown(tenant) for tenant in found], form, columns=COLUMNS, value="slug")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].slug}")


@command.command("show")
@click.argument("tenant")
@opening.config_option
@output.option
def show(tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the tenant with this slug or UUID."""
    found = opening.administer(config, lambda a: tenants.show(a.store, tenant))
    output.write_one(shown(found), form, value="tenant_id")


_POLICIES = (
    click.option(
        "--encrypt-id-tokens",
        type=click.Choice(("never", "front_channel", "always")),
        help="Where ID tokens must be encrypted: nowhere, where they pass the browser, or everywhere.",
    ),
    click.option(
        "--registration",
        type=click.Choice(tenants.REGISTRATIONS),
        help="Who may register clients over the network: nobody, who has an initial access token, or everybody.",
    ),
    click.option("--sign-up/--no-sign-up", default=None, help="Whether people may make accounts themselves."),
    click.option(
        "--session-management/--no-session-management",
        default=None,
        help="Whether applications may watch the session by a frame.",
    ),
    click.option(
        "--self-impersonation/--no-self-impersonation",
        default=None,
        help="Whether service accounts may act as themselves, and so renew their tokens without end.",
    ),
    click.option(
        "--assertion-audience",
        "assertion_audiences",
        multiple=True,
        help="The only address that assertions of service accounts may be for; may be given again, '' for the usual.",
    ),
    click.option("--id-token-budget", type=int, help="Octets above which an ID token is warned of."),
    click.option(
        "--claim-sources",
        type=click.File("r", encoding="utf-8"),
        help="A JSON file of claims that others vouch for, aggregated or distributed; {} for none.",
    ),
    click.option(
        "--domain",
        "domains",
        multiple=True,
        help="Domain of its people's user names, which leads to it; may be given again, '' for none.",
    ),
    dialect_settings.option,
)


def policy_options(function: F) -> F:
    """Add the options of a tenant's policies to a command, which gets them together as `policies`."""

    @functools.wraps(function)
    def gathered(**given: Any) -> None:
        policies = {name: given.pop(name) for name in Policies.__struct_fields__}
        if policies["encrypt_id_tokens"] == "never":
            policies["encrypt_id_tokens"] = ""
        named = policies["assertion_audiences"]
        policies["assertion_audiences"] = tuple(filter(None, named)) if named else None
        policies["domains"] = tuple(filter(None, policies["domains"])) if policies["domains"] else None
        if policies["claim_sources"] is not None:
            policies["claim_sources"] = claimsources.read(policies["claim_sources"].read())
        function(policies=Policies(**policies), **given)

    decorated: Any = gathered
    for option in reversed(_POLICIES):
        decorated = option(decorated)
    return cast(F, decorated)


@command.command("create")
@click.argument("slug")
@click.option("--name", default="", help="Name for people; without it the slug.")
@click.option("--owner", default="default", show_default=True, help="Label that groups tenants.")
@click.option("--host", "hosts", multiple=True, help="Host name that leads to it; may be given again.")
@click.option("--personal", is_flag=True, help="It is for people who belong to no organisation; there is one such.")
@lifetimes.options(*lifetimes.WORDS)
@lifetimes.grant_option
@policy_options
@opening.config_option
@output.option
def create(
    slug: str,
    name: str,
    owner: str,
    hosts: tuple[str, ...],
    personal: bool,
    grant_lifetimes: tuple[str, ...],
    policies: Policies,
    config: pathlib.Path | None,
    form: str | None,
    **spans: int | None,
) -> None:
    """Create a tenant; SLUG names it in addresses and cannot be changed."""
    own = lifetimes.changed(Lifetimes(), lifetimes.named(spans))
    of_grants = lifetimes.read(grant_lifetimes)

    async def work(a: Administration) -> Tenant:
        return await tenants.create(
            a.store,
            a.clock,
            slug=slug,
            name=name,
            owner=owner,
            hosts=hosts,
            lifetimes=own,
            grant_lifetimes=of_grants,
            policies=policies,
            personal=personal,
            actor=Actor(acting.operator(), a.clock.now()),
        )

    made = opening.administer(config, work)
    faults.say(f"Created the tenant {made.slug}.")
    output.write_one(shown(made), form, value="tenant_id")


@command.command("update")
@click.argument("tenant")
@click.option("--name", help="Another name for people.")
@click.option(
    "--host", "hosts", multiple=True, help="Host name that leads to it, in place of all that did; '' for none."
)
@lifetimes.options(*lifetimes.WORDS)
@policy_options
@opening.config_option
@output.option
def update(
    tenant: str,
    name: str | None,
    hosts: tuple[str, ...],
    policies: Policies,
    config: pathlib.Path | None,
    form: str | None,
    **spans: int | None,
) -> None:
    """Change the tenant with this slug or UUID; what is not given stays as it is."""
    named = tuple(filter(None, hosts)) if hosts else None
    own = Lifetimes(**lifetimes.named(spans))

    async def work(a: Administration) -> Tenant:
        actor = Actor(acting.operator(), a.clock.now())
        return await tenants.update(
            a.store, tenant, policies, display_name=name, hosts=named, lifetimes=own, actor=actor
        )

    changed = opening.administer(config, work)
    faults.say(f"Changed the tenant {changed.slug}.")
    if own != Lifetimes():
        faults.say(f"Here {lifetimes.sentence(changed.lifetimes) or 'every dialect has its own lifetimes'}.")
    if policies.self_impersonation:
        faults.say("warning: Service accounts of this tenant may renew their tokens without end.")
    output.write_one(shown(changed), form, value="tenant_id")
