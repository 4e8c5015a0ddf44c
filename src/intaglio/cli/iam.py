"""`intaglio iam`: why somebody may do something or not, who can become whom, and what is dangerous about it."""

from __future__ import annotations

import pathlib
from typing import Any

import click
import msgspec

from intaglio.cli import acting, faults, iam_drawing, opening, output
from intaglio.cli.acting import Acting
from intaglio.cli.faults import Exit
from intaglio.cli.opening import Administration
from intaglio.server.access import findings, graph
from intaglio.server.access.atlas import Atlas
from intaglio.server.access.explain import Explained
from intaglio.server.admin import access
from intaglio.server.admin.access import Asked

COLUMNS = ("severity", "code", "subject", "text")


@click.group("iam")
def command() -> None:
    """Explain who may do what, draw who can become whom, and check it for danger."""


@command.command("explain")
@click.option("--as", "who", required=True, help="Who: an address, user:…, serviceAccount:… or principal://….")
@click.option("--target", required=True, help="On what: an address, name or audience of a service, or projects/….")
@click.option("--permission", required=True, help="What, such as getOpenIdToken or run.routes.invoke.")
@click.option("--group", "groups", multiple=True, help="Group of an external identity; repeatable.")
@click.option("--attribute", "attributes", multiple=True, help="NAME=VALUE of an external identity; repeatable.")
@opening.tenant_option
@opening.config_option
@output.option
def explain(
    who: str,
    target: str,
    permission: str,
    groups: tuple[str, ...],
    attributes: tuple[str, ...],
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> int:
    """Draw the way over which somebody may do something, or name the binding that is missing.

    Exits with 0 if it is allowed and with 6 if it is not.
    """
    asked = Asked(who, permission, target, groups, _attributes(attributes))

    async def work(a: Administration, at: Acting) -> Explained:
        return await access.explain(a.store, at.tenant, at.words, asked, at.actor.now)

    found = acting.administer(config, tenant, work)
    if output.chosen(form) == "table":
        click.echo(iam_drawing.explained(found))
    else:
        output.write_one(msgspec.to_builtins(found), form, value="allowed")
    return Exit.OK if found.allowed else Exit.DENIED


def _attributes(written: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in written]
    if any(not name or not sign for name, sign, _ in pairs):
        raise click.UsageError("--attribute takes NAME=VALUE.")
    return {name: value for name, _, value in pairs}


async def _atlas(a: Administration, at: Acting) -> Atlas:
    return await access.atlas(a.store, at.tenant, at.words, at.actor.now)


@command.command("graph")
@click.option("--format", "drawn", type=click.Choice(["tree", "dot"]), help="As a tree, or for Graphviz.")
@opening.tenant_option
@opening.config_option
@output.option
def graph_(drawn: str | None, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show who can become whom, and in how many hops."""
    if drawn is not None and form is not None:
        raise click.UsageError("--format draws; --output writes data.")
    found = graph.draw(acting.administer(config, tenant, _atlas))
    if drawn == "dot":
        click.echo(iam_drawing.dot(found))
    elif drawn == "tree" or output.chosen(form) == "table":
        click.echo(iam_drawing.tree(found))
    elif output.chosen(form) == "value":
        for one in found.reached:
            click.echo(f"{one.source} {one.target} {one.hops}")
    else:
        output.write_one(_data(found), form, value="reached")


def _data(found: graph.Graph) -> dict[str, Any]:
    names = {node.account: node.name for node in found.nodes if node.account}
    edges = [{**msgspec.to_builtins(edge), "target": names[edge.account]} for edge in found.edges]
    reached = [
        {
            "source": one.source,
            "target": one.target,
            "hops": one.hops,
            "through": [names[edge.account] for edge in one.way[:-1]],
            "whole": one.whole,
        }
        for one in found.reached
    ]
    return {"nodes": msgspec.to_builtins(found.nodes), "edges": edges, "reached": reached}


@command.command("check")
@opening.tenant_option
@opening.config_option
@output.option
def check(tenant: str, config: pathlib.Path | None, form: str | None) -> int:
    """List what is dangerous or dead in policies, pools and keys, the worst first.

    Exits with 6 if there is anything of severity error.
    """
    found = findings.check(acting.administer(config, tenant, _atlas))
    output.write_list([msgspec.to_builtins(one) for one in found], form, columns=COLUMNS, value="code")
    if output.chosen(form) == "table":
        for hint in dict.fromkeys(one.hint for one in found if one.hint):
            faults.say(f"  next step: {faults.plain(hint)}")
    errors = sum(one.severity == "error" for one in found)
    faults.say(f"Findings: {len(found)}; of severity error: {errors}." if found else "Nothing was found.")
    return Exit.DENIED if errors else Exit.OK
