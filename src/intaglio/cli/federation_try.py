"""`intaglio federation test`: what would come of a token, check by check."""

from __future__ import annotations

import pathlib
from typing import Any, TypeVar

import click
import msgspec

from intaglio.cli import acting, faults, opening, outgoing, output, secretinput
from intaglio.cli.acting import Acting
from intaglio.cli.faults import Exit
from intaglio.cli.opening import Administration
from intaglio.errors import Misconfigured
from intaglio.server.admin import pools
from intaglio.server.model import pools as records
from intaglio.server.model import projects
from intaglio.server.model.plan import Plan
from intaglio.server.model.pools import Pool, PoolProvider
from intaglio.server.registry.looseness import Finding
from intaglio.server.workload import trial
from intaglio.server.workload.pools import Known, Providers
from intaglio.server.workload.trial import Trial
from intaglio.tokens import peek
from intaglio.wire.flow import Flow

MARKS = {"pass": "ok  ", "fail": "FAIL"}
T = TypeVar("T")
Place = tuple[PoolProvider, Pool, int]


@click.command("test")
@click.option("--token", "file", required=True, help="File with the token, - for stdin.")
@click.option("--provider", help="Its full name or its own; without it the one whose issuer the token names.")
@opening.tenant_option
@opening.config_option
@output.option
def try_(file: str, provider: str | None, tenant: str, config: pathlib.Path | None, form: str | None) -> int:
    """Try a token: each check, each mapping, the part of the condition that is false, and what it would open.

    Nothing is issued, used up or written down. Keys are fetched only if the provider holds none.
    """
    token = secretinput.read_text(file).strip()

    async def work(a: Administration, at: Acting) -> tuple[Known, Trial, list[Finding]]:
        found = await a.store.read(_matching, at.tenant.tenant_id, provider or "", token, at)
        known = Providers(a.store, a.clock).compiled(*_one(found, provider, at), at.words)
        way = _Local(known.provider.issuer) if at.tenant.development else a.outgoing
        tried = await trial.attempt(token, known, at.words, a.store, way, a.clock.now())
        return known, tried, pools.findings(known.provider, at.words.namespace)

    known, tried, findings = acting.administer(config, tenant, work)
    if output.chosen(form) == "table":
        _tell(known, tried, findings)
    else:
        output.write_one(_record(known, tried, findings), form, value="principal")
    return Exit.TOKEN_INVALID if tried.refused else Exit.OK


class _Local:
    """Runs flows to an issuer of development, which may be on this machine."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        return outgoing.driver((self._issuer,)).run(flow)


def _every(tenant_id: str) -> Plan[list[Place]]:
    """Return every provider of a tenant that is not deleted, with its pool and the project's number."""
    found: list[Place] = []
    for project in (yield from projects.page(tenant_id, "", 1000)):
        for pool in (yield from records.page(tenant_id, project.project_id, "", 1000)):
            listed = yield from records.provider_page(tenant_id, project.project_id, pool.pool_id, "", 1000)
            found += [(one, pool, project.number) for one in listed if one.deleted_at is None]
    return found


def _matching(tenant_id: str, named: str, token: str, at: Acting) -> Plan[list[Place]]:
    every = yield from _every(tenant_id)
    if named:
        return [one for one in every if named in (one[0].provider_id, *_names(one, at))]
    # Believed in nothing: only to choose whose rules to show.
    seen = peek.peek(token)
    issuer = (seen.payload or {}).get("iss")
    if "x5c" in (seen.header or {}):
        return [one for one in every if one[0].trust_anchors]
    return [one for one in every if one[0].issuer and one[0].issuer == issuer]


def _names(one: Place, at: Acting) -> tuple[str, ...]:
    return at.words.provider_names(one[2], one[0].pool_id, one[0].provider_id)


def _one(found: list[Place], named: str | None, at: Acting) -> Place:
    if len(found) == 1:
        return found[0]
    listed = ", ".join(_names(one, at)[0] for one in found) or "none"
    raise Misconfigured(
        "provider-unknown",
        "It is not clear which provider is meant.",
        detail={"expected": "one provider", "received": named or "the token's issuer", "fitting": listed},
        hint="Name one with --provider.",
    )


def _record(known: Known, tried: Trial, findings: list[Finding]) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(tried)
    told["condition"] = msgspec.to_builtins(tried.condition, enc_hook=str) if tried.condition is not None else None
    provider = {"project_id": known.provider.project_id, "pool_id": known.provider.pool_id}
    return {
        **provider,
        "provider_id": known.provider.provider_id,
        **told,
        "findings": [msgspec.to_builtins(one) for one in findings],
    }


def _tell(known: Known, tried: Trial, findings: list[Finding]) -> None:
    provider = known.provider
    _say(f"provider {provider.project_id}/{provider.pool_id}/{provider.provider_id}")
    for check in (one for one in tried.checks if one.outcome != "skipped"):
        _say(f"  {MARKS[check.outcome]} {check.name}: {check.received or check.hint}" + _expected(check))
    _say("mapping")
    for one in tried.values:
        became = f"FAIL {one.failed}" if one.failed else f"{output.plain(one.value)}"
        _say(f"  {one.target} = {one.expression}  ->  {became}")
    _tell_condition(tried)
    if tried.principal:
        _say(f"principal {tried.principal}")
        for group in tried.groups:
            _say(f"  group {group}")
        for name, value in tried.attributes.items():
            _say(f"  attribute {name} = {value}")
        _say("may become" if tried.opens else "may become nobody: no policy names it")
        for opened in tried.opens:
            _say(f"  {opened.account}  {opened.permission}  by {opened.role} for {opened.member}")
    for finding in findings:
        faults.insist(f"warning: {faults.plain(finding.text)} ({finding.code})")
        if finding.hint:
            faults.insist(f"  next step: {faults.plain(finding.hint)}")
    _say(f"refused: {tried.refused}" if tried.refused else "accepted")


def _expected(check: Any) -> str:
    return f"; expected {check.expected} ({check.code})" if check.outcome == "fail" else ""


def _tell_condition(tried: Trial) -> None:
    if tried.condition is None:
        return
    _say("condition")
    for part in tried.condition.shown:
        worth = f"no value: {part.failed}" if part.failed else output.plain(part.value)
        _say(f"  {'  ' * part.depth}{part.text}  ->  {worth}")
    if not tried.condition.holds:
        _say(f"  false because of: {tried.condition.culprit or tried.condition.failed}")


def _say(text: str) -> None:
    click.echo(faults.plain(text))
