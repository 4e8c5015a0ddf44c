"""`intaglio token preview`: the ID token that a request would be given, and claim by claim the rule that put it there.

Nothing is issued: no key is used and nothing is written.
"""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import faults, output
from intaglio.errors import Misconfigured

if TYPE_CHECKING:
    from intaglio.cli.opening import Administration
    from intaglio.dialects.dialect import Dialect

DIALECTS = ("standard", "google", "microsoft", "auth0", "cloudentity")
FIRST_PORT = 8080
COLUMNS = ("claim", "value", "rule", "origin")


EXAMPLES = """\b
Examples:
  intaglio token preview --client web --user alice --scope "openid profile"
  intaglio token preview --client web --user alice --response-type id_token --nonce n -o table
  intaglio token preview --client web --user alice --claims '{"id_token": {"email": null}}' --dialect auth0
"""


@click.command("preview", epilog=EXAMPLES)
@click.option("--client", "client_id", required=True, help="client_id of the client that asks.")
@click.option("--user", "username", required=True, help="Name of the user who signs in.")
@click.option("--scope", default="openid", show_default=True, help="Scopes of the request, with blanks between them.")
@click.option("--nonce", default="", help="nonce of the request.")
@click.option("--state", default="", help="state of the request.")
@click.option("--response-type", default="code", show_default=True, help="For example 'code id_token'.")
@click.option("--response-mode", default="", help="query, fragment or form_post.")
@click.option("--redirect-uri", default="", help="One of the client's; without it the first.")
@click.option("--acr-values", default="", help="acr_values of the request.")
@click.option("--claims", default="", metavar="JSON", help="The claims parameter.")
@click.option("--dialect", type=click.Choice(DIALECTS), default="standard", show_default=True, help="Which issuer.")
@click.option("--variant", default="", help="Version of the dialect's endpoints where it has several, such as 1.0.")
@click.option("--base-url", default="", help="Public address of the dialect; without it the configured one.")
@click.option("--tenant", default="default", show_default=True, help="Slug or UUID of the tenant.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    envvar="INTAGLIO_CONFIG",
    help="Configuration file; without it ./intaglio.toml where there is one.",
)
@output.option
def command(
    client_id: str,
    username: str,
    dialect: str,
    variant: str,
    base_url: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
    **request: str,
) -> None:
    """Show the ID token that a request would be given, and why.

    The request is checked as a real one is; sign-in and consent are taken for granted. What is known only when a token
    is issued stands in brackets. Nothing is issued: no key is used, and nothing is written.
    """
    # What the database needs is loaded when the command runs: its help loads neither that nor the engine.
    from intaglio.cli import opening
    from intaglio.dialects import registry

    spoken = registry.DIALECTS[dialect]
    base = base_url or _base_url(config, dialect)

    async def work(a: Administration) -> dict[str, Any]:
        return await _previewed(a, spoken, (base.rstrip("/"), variant), (tenant, client_id, username), request)

    found = opening.administer(config, work)
    if not found["id_tokens"]:
        faults.say("No ID token: the request has no scope openid.")
    if output.chosen(form) == "table":
        sys.stdout.write(_table(found))
    else:
        output.write_one(found, form, value="id_tokens")


async def _previewed(
    a: Administration, dialect: Dialect, door: tuple[str, str], names: tuple[str, str, str], request: dict[str, str]
) -> dict[str, Any]:
    from intaglio.dialects.dialect import Site
    from intaglio.server.admin import clients, tenants, users
    from intaglio.server.provider import preview
    from intaglio.server.provider.scene import Scene

    tenant = await tenants.show(a.store, names[0])
    client = await clients.show(a.store, tenant.tenant_id, names[1])
    user = await users.show(a.store, tenant.tenant_id, names[2])
    base, variant = door
    issuer = dialect.issuer(Site(base, tenant.slug, tenant.tenant_id, tenant.owner, variant))
    scene = Scene(tenant, dialect, issuer, base, a.clock.now(), "preview", variant=variant)
    return preview.plain(await preview.preview(client, user, request, scene, a.house))


def _base_url(config: pathlib.Path | None, dialect: str) -> str:
    from intaglio.cli import opening

    settings = opening.read_or_development(config)
    door = settings.listener(dialect)
    if door is not None:
        return door.base_url
    if not settings.listeners and settings.origins.get("database.url") == "flag":
        # Nothing is configured: this is development mode's database, which answers on its own ports.
        return f"http://localhost:{FIRST_PORT + DIALECTS.index(dialect)}"
    raise Misconfigured(
        "base-url-missing",
        f"The dialect {dialect} has no address here.",
        detail={"expected": f"{dialect}.base_url in the settings, or --base-url", "received": "neither"},
        hint="Name the address with --base-url.",
    )


def _table(found: dict[str, Any]) -> str:
    lines = [f"issuer         {found['issuer']}", f"dialect        {found['dialect']}"]
    lines += [f"response_type  {found['response_type']}", f"scope          {found['scope'] or '-'}"]
    for token in found["id_tokens"]:
        lines += ["", *_head(token), "", output.table(_rows(token), COLUMNS)]
        lines += [f"left out  claim rule {name}: {reason}" for name, reason in token["left_out"].items()]
    return "\n".join(lines) + "\n"


def _head(token: dict[str, Any]) -> list[str]:
    span, header = token["lifetime"], token["header"]
    told = [
        f"ID token {token['given']}",
        f"  alg         {header['alg']}  ({header['rule']})",
        f"  lifetime    {span['seconds']} s  (set by: {span['origin']})",
        f"  payload     {token['octets']} octets, of {token['budget']} above which is warned",
    ]
    return told + ([f"  encryption  {token['encryption']}"] if token["encryption"] else [])


def _rows(token: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "claim": name,
            "value": output.plain(value),
            "rule": "; or ".join(token["reasons"][name]["rules"]),
            "origin": ", ".join(token["reasons"][name]["origins"]),
        }
        for name, value in token["claims"].items()
    ]
