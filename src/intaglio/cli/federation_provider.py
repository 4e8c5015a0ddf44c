"""`intaglio federation provider`: whose tokens let somebody into a pool, and as whom."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
import msgspec

from intaglio.cli import faults, federation_pool, opening, output, secretinput
from intaglio.cli.acting import Acting
from intaglio.cli.opening import Administration
from intaglio.protocol.pools import ProviderChanges
from intaglio.server.admin import pools, projects
from intaglio.server.admin.pools import Place
from intaglio.server.model.pools import PoolProvider
from intaglio.server.registry.looseness import Finding

COLUMNS = ("provider_id", "issuer", "attribute_condition", "disabled_at", "deleted_at")
F = TypeVar("F", bound=Callable[..., Any])


@click.group("provider")
def group() -> None:
    """Create, list, show, change, disable and delete providers of a pool."""


def shown(provider: PoolProvider, audience: str = "") -> dict[str, Any]:
    """Return a provider as it is written; `audience` is its full name, for which tokens are made."""
    members: dict[str, Any] = msgspec.to_builtins(provider)
    return ({"audience": audience} if audience else {}) | members


def place_options(function: F) -> F:
    """Add the options that say which pool is meant, and how to write."""
    return federation_pool.place_options(click.option("--pool", required=True, help="Name of the pool.")(function))


_FIELDS = (
    click.option("--issuer", help="The exact `iss` of its tokens, such as https://ci.example.com."),
    click.option("--jwks", help="File with its public keys (JWK Set), - for stdin; without it they are fetched."),
    click.option("--discovery-uri", help="Where its discovery document is, if not at the issuer's own place."),
    click.option("--trust-anchors", help="PEM file of the authorities of client certificates, in place of an issuer."),
    click.option("--audience", "audiences", multiple=True, help="Audience to take in place of its full name."),
    click.option("--map", "mappings", multiple=True, help="google.subject=assertion.sub, attribute.NAME=…; CEL."),
    click.option("--condition", help="CEL that has to be true for a token to be taken."),
    click.option("--max-age", type=int, help="Seconds since `iat` after which a token is too old."),
    federation_pool.describe_options,
)


def _mapped(mappings: tuple[str, ...]) -> dict[str, str] | None:
    for one in mappings:
        if "=" not in one:
            raise click.UsageError(f"--map expects TARGET=EXPRESSION; received {one!r}.")
    return {name.strip(): text.strip() for name, _, text in (one.partition("=") for one in mappings)} or None


def field_options(function: F) -> F:
    """Add the options of a provider's fields to a command, which gets them together as `changes`."""

    @functools.wraps(function)
    def gathered(**given: Any) -> None:
        jwks, anchors = given.pop("jwks"), given.pop("trust_anchors")
        changes = ProviderChanges(
            issuer=given.pop("issuer"),
            discovery_uri=given.pop("discovery_uri"),
            allowed_audiences=given.pop("audiences") or None,
            attribute_mapping=_mapped(given.pop("mappings")),
            attribute_condition=given.pop("condition"),
            max_age=given.pop("max_age"),
            display_name=given.pop("display_name"),
            description=given.pop("description"),
            jwks=secretinput.read_text(jwks) if jwks else None,
            trust_anchors=secretinput.read_text(anchors) if anchors else None,
        )
        function(changes=changes, **given)

    decorated: Any = gathered
    for option in reversed(_FIELDS):
        decorated = option(decorated)
    return cast(F, decorated)


async def _named(a: Administration, at: Acting, where: Place, provider: PoolProvider) -> dict[str, Any]:
    project = await projects.show(a.store, at.tenant.tenant_id, where.project)
    return shown(provider, at.words.provider_names(project.number, provider.pool_id, provider.provider_id)[0])


def _tell(found: tuple[dict[str, Any], list[Finding]], form: str | None) -> None:
    for one in found[1]:
        faults.insist(f"warning: {faults.plain(one.text)} ({one.code})")
        if one.hint:
            faults.insist(f"  next step: {faults.plain(one.hint)}")
    output.write_one(found[0], form, value="provider_id")


@group.command("create")
@click.argument("provider_id")
@field_options
@place_options
def create(
    provider_id: str,
    changes: ProviderChanges,
    pool: str,
    project: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Create a provider: an issuer whose tokens are taken, or authorities of client certificates.

    An issuer that gives tokens to everybody, such as GitHub's, needs a condition that keeps strangers out.
    """

    async def work(a: Administration, at: Acting, where: Place) -> tuple[dict[str, Any], list[Finding]]:
        made = await pools.create_provider(a.store, at.actor, where, pool, provider_id, changes)
        return await _named(a, at, where, made), pools.findings(made, at.words.namespace)

    if changes.attribute_mapping is None:
        subject = "assertion.subject.dn.cn" if changes.trust_anchors else "assertion.sub"
        changes = msgspec.structs.replace(changes, attribute_mapping={"google.subject": subject})
    found = federation_pool.administer(config, tenant, project, work)
    faults.say(f"Created the provider {provider_id}. Tokens for it have its `audience`.")
    _tell(found, form)


@group.command("list")
@opening.page_options
@place_options
def list_(
    after: str, limit: int, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    """List providers of a pool by name, deleted ones too, page by page."""
    found = federation_pool.administer(
        config,
        tenant,
        project,
        lambda a, at, where: pools.provider_page(a.store, where, pool, after=after, limit=limit),
    )
    output.write_list([shown(one) for one in found], form, columns=COLUMNS, value="provider_id")
    if len(found) == limit:
        faults.say(f"There may be more: --after {found[-1].provider_id}")


@group.command("show")
@click.argument("provider")
@place_options
def show(provider: str, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show a provider, and what it should be warned of."""

    async def work(a: Administration, at: Acting, where: Place) -> tuple[dict[str, Any], list[Finding]]:
        found = await pools.show_provider(a.store, where, pool, provider)
        return await _named(a, at, where, found), pools.findings(found, at.words.namespace)

    _tell(federation_pool.administer(config, tenant, project, work), form)


def _change(
    provider: str,
    changes: ProviderChanges,
    pool: str,
    project: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    async def work(a: Administration, at: Acting, where: Place) -> tuple[dict[str, Any], list[Finding]]:
        changed = await pools.update_provider(a.store, at.actor, where, pool, provider, changes)
        return await _named(a, at, where, changed), pools.findings(changed, at.words.namespace)

    found = federation_pool.administer(config, tenant, project, work)
    faults.say(f"Changed the provider {provider}.")
    _tell(found, form)


@group.command("update")
@click.argument("provider")
@field_options
@place_options
def update(
    provider: str,
    changes: ProviderChanges,
    pool: str,
    project: str,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Change a provider; what is not given stays as it is, and --map takes the place of the whole mapping."""
    _change(provider, changes, pool, project, tenant, config, form)


@group.command("disable")
@click.argument("provider")
@place_options
def disable(provider: str, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Take no more of its tokens; what was given for them stays good until it expires, an hour at most."""
    _change(provider, ProviderChanges(disabled=True), pool, project, tenant, config, form)


@group.command("enable")
@click.argument("provider")
@place_options
def enable(provider: str, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Take its tokens again."""
    _change(provider, ProviderChanges(disabled=False), pool, project, tenant, config, form)


@group.command("delete")
@click.argument("provider")
@place_options
def delete(provider: str, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Delete a provider. Its name is never another's; within 30 days `undelete` brings it back."""
    gone = federation_pool.administer(
        config,
        tenant,
        project,
        lambda a, at, where: pools.delete_provider(a.store, at.actor, where, pool, provider),
    )
    faults.say(f"Deleted the provider {provider}.")
    output.write_one(shown(gone), form, value="provider_id")


@group.command("undelete")
@click.argument("provider")
@place_options
def undelete(
    provider: str, pool: str, project: str, tenant: str, config: pathlib.Path | None, form: str | None
) -> None:
    """Bring back a provider that was deleted within 30 days."""
    back = federation_pool.administer(
        config,
        tenant,
        project,
        lambda a, at, where: pools.undelete_provider(a.store, at.actor, where, pool, provider),
    )
    faults.say(f"Brought back the provider {provider}.")
    output.write_one(shown(back), form, value="provider_id")
