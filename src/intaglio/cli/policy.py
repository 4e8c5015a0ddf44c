"""`intaglio policy`: who has which role on a resource."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import acting, faults, opening, output, secretinput
from intaglio.cli.acting import Acting
from intaglio.cli.opening import Administration
from intaglio.errors import Misconfigured
from intaglio.server.admin import policies
from intaglio.server.model.policies import Binding, Condition, Policy
from intaglio.server.registry.policies import Written

F = TypeVar("F", bound=Callable[..., Any])


class _Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    expression: str
    description: str = ""


class _Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    members: tuple[str, ...]
    condition: _Condition | None = None

    def kept(self) -> Binding:
        one = self.condition
        condition = Condition(one.title, one.expression, one.description) if one is not None else None
        return Binding(self.role, self.members, condition)


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as a file holds it; `etag` is that of the version it was made from.

    Nothing in it is passed over: a condition under a wrong name would give without condition.
    """

    bindings: tuple[_Binding, ...] = ()
    etag: str | None = None
    version: int = 1
    resource: str = ""
    changed_at: int = 0


@click.group("policy")
def command() -> None:
    """Show and change who has which role on a resource."""


def shown(policy: Policy) -> dict[str, Any]:
    """Return a policy as it is written; what `set` takes back."""
    bindings = [
        {name: value for name, value in msgspec.to_builtins(one).items() if value is not None}
        for one in policy.bindings
    ]
    told = {"resource": policy.resource, "etag": policy.etag, "version": policy.version}
    return told | {"changed_at": policy.changed_at, "bindings": bindings}


def resource_option(function: F) -> F:
    """Add `--resource` to a command."""
    return click.option(
        "--resource",
        required=True,
        help="Address of a service account, name or audience of a service, or projects/… in full.",
    )(function)


def role_options(function: F) -> F:
    """Add `--role` and `--member` to a command."""
    function = click.option(
        "--member", "members", multiple=True, required=True, help="user:…, serviceAccount:…, principal://…; repeatable."
    )(function)
    return click.option("--role", required=True, help="Such as roles/run.invoker.")(function)


@command.command("show")
@resource_option
@opening.tenant_option
@opening.config_option
@output.option
def show(resource: str, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Show the policy of a resource, with the etag of its version."""

    async def work(a: Administration, at: Acting) -> Policy:
        return await policies.show(a.store, await policies.target(a.store, at.tenant, at.words, resource))

    output.write_one(shown(acting.administer(config, tenant, work)), form, value="etag")


@command.command("set")
@resource_option
@click.option("--file", required=True, help="JSON as `policy show` writes it, - for stdin.")
@click.option("--overwrite", is_flag=True, help="Write it over whatever stands there, whoever wrote that.")
@opening.tenant_option
@opening.config_option
@output.option
def set_(resource: str, file: str, overwrite: bool, tenant: str, config: pathlib.Path | None, form: str | None) -> None:
    """Write a whole policy over the version that its etag names."""
    document = _read(secretinput.read_text(file))
    if document.etag is None and not overwrite:
        raise Misconfigured(
            "etag-missing",
            "The policy does not say which version it takes the place of.",
            detail={"expected": "the etag of `policy show`, or --overwrite", "received": "neither"},
        )
    etag = None if overwrite else document.etag
    bindings = tuple(one.kept() for one in document.bindings)

    async def work(a: Administration, at: Acting) -> Written:
        target = await policies.target(a.store, at.tenant, at.words, resource)
        return await policies.put(a.store, at.actor, target, bindings, etag)

    _write(acting.administer(config, tenant, work), form)


def _read(text: str) -> Document:
    try:
        return msgspec.json.decode(text.encode(), type=Document)
    except msgspec.DecodeError as exc:
        raise Misconfigured(
            "policy-invalid",
            "The policy cannot be read.",
            detail={"expected": "JSON as `intaglio policy show -o json` writes it", "received": str(exc)[:200]},
        ) from exc


def _write(written: Written, form: str | None) -> None:
    acting.warn(written.warnings)
    output.write_one(shown(written.policy), form, value="etag")


@command.command("add")
@resource_option
@role_options
@click.option("--condition", help="CEL that has to be true, such as request.time < timestamp('2027-01-01T00:00:00Z').")
@click.option("--condition-title", help="Name of the condition.")
@opening.tenant_option
@opening.config_option
@output.option
def add(
    resource: str,
    role: str,
    members: tuple[str, ...],
    condition: str | None,
    condition_title: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Give a role on a resource to members, in force within a second."""
    if condition_title is not None and condition is None:
        raise click.UsageError("--condition-title goes with --condition.")
    wanted = Condition(condition_title or "condition", condition) if condition is not None else None

    async def work(a: Administration, at: Acting) -> Written:
        target = await policies.target(a.store, at.tenant, at.words, resource)
        return await policies.add(a.store, at.actor, target, role, members, wanted)

    _write(acting.administer(config, tenant, work), form)


@command.command("remove")
@resource_option
@role_options
@click.option("--condition-title", help="Which of several bindings: that with the condition of this title.")
@opening.tenant_option
@opening.config_option
@output.option
def remove(
    resource: str,
    role: str,
    members: tuple[str, ...],
    condition_title: str | None,
    tenant: str,
    config: pathlib.Path | None,
    form: str | None,
) -> None:
    """Take a role on a resource from members, in force within a second."""

    async def work(a: Administration, at: Acting) -> Written:
        target = await policies.target(a.store, at.tenant, at.words, resource)
        return await policies.remove(a.store, at.actor, target, role, members, condition_title)

    _write(acting.administer(config, tenant, work), form)
    faults.say("Tokens that were issued already stay good until they expire.")
