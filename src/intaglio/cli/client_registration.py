"""`intaglio client registration-token`: who may register a client over the network (RFC 7591 section 1.2)."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from intaglio.cli import acting, faults, opening, output
from intaglio.cli.opening import Administration
from intaglio.server.admin import registrationtokens, tenants
from intaglio.server.admin.registrationtokens import Made
from intaglio.server.model.registrationtokens import RegistrationToken
from intaglio.server.registry.deeds import Actor

COLUMNS = ("token_id", "name", "uses_left", "created_at", "expires_at")
HOUR = 3_600


@click.group("registration-token")
def group() -> None:
    """List, create and remove initial access tokens."""


def shown(token: RegistrationToken) -> dict[str, Any]:
    """Return a token as it is written; it itself cannot be shown."""
    return {name: getattr(token, name) for name in COLUMNS}


@group.command("list")
@opening.tenant_option
@opening.page_options
@opening.config_option
@output.option
def list_(tenant: str, after: str, limit: int, config: pathlib.Path | None, form: str | None) -> None:
    """List the initial access tokens of a tenant, page by page."""

    async def work(a: Administration) -> list[RegistrationToken]:
        owner = await tenants.show(a.store, tenant)
        return await registrationtokens.page(a.store, owner.tenant_id, after=after, limit=limit)

    found = opening.administer(config, work)
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="token_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].token_id}")


@group.command("create")
@click.option("--name", default="", help="What it is for.")
@click.option("--uses", type=int, default=1, show_default=True, help="How many clients may register with it.")
@click.option("--hours", type=int, default=24, show_default=True, help="Hours for which it is good.")
@opening.tenant_option
@opening.config_option
@output.option
def create(name: str, uses: int, hours: int, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Create an initial access token, written once."""

    async def work(a: Administration) -> tuple[str, Made]:
        owner = await tenants.show(a.store, tenant)
        span = hours * HOUR
        actor = Actor(acting.operator(), a.clock.now())
        made = await registrationtokens.create(
            a.store, a.clock, owner.tenant_id, name=name, uses=uses, lifetime=span, actor=actor
        )
        return owner.registration, made

    registration, made = opening.administer(config, work)
    if registration == "closed":
        faults.say(f"Registration is closed in this tenant: intaglio tenant update {tenant} --registration token")
    faults.say("The initial_access_token is shown this once; keep it now.")
    record = {"token_id": made.token.token_id, "initial_access_token": made.secret.reveal(), **shown(made.token)}
    output.write_one(record, form, value="initial_access_token")


@group.command("remove")
@click.argument("token_id")
@opening.tenant_option
@opening.config_option
def remove(token_id: str, tenant: str, config: pathlib.Path | None) -> None:
    """Remove an initial access token; clients that registered with it stay."""

    async def work(a: Administration) -> None:
        owner = await tenants.show(a.store, tenant)
        actor = Actor(acting.operator(), a.clock.now())
        await registrationtokens.remove(a.store, owner.tenant_id, token_id, actor)

    opening.administer(config, work)
    faults.say("Removed.")
