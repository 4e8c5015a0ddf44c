"""`intaglio audit`: who did what to what, through whom, and how it ended; and whether the log is still whole."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
import msgspec

from intaglio.cli import faults, opening, output, place, token_times
from intaglio.cli.opening import Administration
from intaglio.cli.place import Place
from intaglio.clock import SystemClock
from intaglio.errors import IntaglioError
from intaglio.server.admin import auditlog, tenants
from intaglio.server.admin.auditlog import Filter
from intaglio.server.model import sealchain
from intaglio.server.model.audit import Entry

COLUMNS = ("time", "action", "principal", "resource", "outcome", "detail")
F = TypeVar("F", bound=Callable[..., Any])


class LogBroken(IntaglioError):
    """The audit log is not what was sealed."""

    code = "audit-log-broken"
    public = "The audit log is not whole."


@click.group("audit")
def command() -> None:
    """Read, pass on and check the audit log."""


_FILTERS: tuple[Callable[[Any], Any], ...] = (
    click.option("--principal", default="", help="Only what this one did, by the name that the log has."),
    click.option("--resource", default="", help="Only what was done to this resource, by its whole name."),
    click.option("--action", default="", help="Only this, such as policy.set or token.issue."),
    click.option("--ref", default="", help="Only what one request did, by its reference."),
    click.option("--since", metavar="INSTANT", help=f"From then on: {token_times.FORMS}."),
    click.option("--until", metavar="INSTANT", help="Before then."),
)


def _filters(function: F) -> F:
    """Add the options that say which entries are meant."""
    decorated: Any = function
    for option in reversed(_FILTERS):
        decorated = option(decorated)
    return cast(F, decorated)


def _instants(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    now = SystemClock().now()
    return (
        None if since is None else token_times.parse(since, now, "--since"),
        None if until is None else token_times.parse(until, now, "--until"),
    )


def shown(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is written, with its instant in words beside it."""
    members: dict[str, Any] = msgspec.to_builtins(entry)
    return {"time": output.instant(entry.at), **members}


@command.command("list")
@_filters
@click.option("--after", "--before", "after", default="", help="Begin behind this entry_id, towards older ones.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Page size.")
@opening.tenant_option
@place.options
@output.option
def list_(at: Place, since: str | None, until: str | None, form: str | None, **given: Any) -> None:
    """List entries, the newest first, page by page."""
    begins, ends = _instants(since, until)
    told = place.perform(at, "audit.list", since=begins, until=ends, **given)
    items = [{"time": output.instant(one["at"]), **one} for one in told["items"]]
    output.write_list(items, form, columns=COLUMNS, value="entry_id")
    if told["next"]:
        faults.say(f"There is more: --after {faults.plain(told['next'])}")


@command.command("export")
@_filters
@click.option("--tenant", help="Slug or UUID of a tenant; without it those of all, also of tenants that are gone.")
@opening.config_option
def export(
    since: str | None, until: str | None, tenant: str | None, config: pathlib.Path | None, **filters: str
) -> None:
    """Write entries as NDJSON, one a line, the oldest of each tenant first, as they are read."""
    begins, ends = _instants(since, until)
    wanted = Filter(since=begins, until=ends, **filters)

    async def work(a: Administration) -> int:
        owner = (await tenants.show(a.store, tenant)).tenant_id if tenant is not None else None
        total = 0
        async for found in auditlog.export(a.store, owner, wanted):
            for entry in found:
                sys.stdout.write(output.line(shown(entry)) + "\n")
            total += len(found)
        return total

    faults.say(f"Entries: {opening.administer(config, work)}.")


@command.command("verify")
@click.option("--after", metavar="HEAD", help="Go on behind the head that an earlier check told; it must be there.")
@opening.config_option
@output.option
def verify(after: str | None, config: pathlib.Path | None, form: str | None) -> None:
    """Check that nothing that is sealed was changed, removed or put in.

    Note the `head`: with `--after` a later check sees whether it is still there. Needs the master key.
    """
    noted = None if after is None else auditlog.read_head(after)
    if after is not None and noted is None:
        raise click.UsageError("--after expects the head of an earlier check, such as 123:5f0c….")

    async def work(a: Administration) -> auditlog.Verdict:
        return await auditlog.verify(a.store, a.vault.derive(sealchain.PURPOSE), noted)

    verdict = opening.administer(config, work)
    output.write_one(msgspec.to_builtins(verdict), form, value="head")
    if not verdict.whole:
        first = verdict.faults[0]
        raise LogBroken(
            detail={"expected": "what was sealed", "received": f"{len(verdict.faults)} faults", "seal": first.seal},
            hint=f"Seal {first.seal}: {first.words} Compare with an export or a backup of before.",
        )
    faults.say(f"Whole: {verdict.entries} entries under {verdict.seals} seals; {verdict.unsealed} wait for one.")
