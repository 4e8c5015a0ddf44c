"""`intaglio migrate`: bring the database up to date."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Sequence
from typing import Any, Protocol

import click

from intaglio.cli import faults, opening, output
from intaglio.cli.faults import Exit

COLUMNS = ("number", "name", "state", "phase", "applied_at")
PLANNED = ("number", "name", "phase", "applied_by", "statements")


class Status(Protocol):
    """A migration as one database sees it; `state` is `applied`, `pending`, `changed` or `newer`."""

    @property
    def number(self) -> int:
        """Its place in the order."""
        ...

    @property
    def name(self) -> str:
        """What it does."""
        ...

    @property
    def applied_at(self) -> int | None:
        """When it was applied to this database."""
        ...

    @property
    def state(self) -> str:
        """Where it stands."""
        ...

    @property
    def phase(self) -> str:
        """What it does to programs of the version before: `expand` leaves them working, `contract` does not."""
        ...


@click.group("migrate")
def command() -> None:
    """Bring the database up to date."""


def shown(states: Sequence[Status]) -> list[dict[str, Any]]:
    """Return migrations as they are written."""
    return [{name: getattr(state, name) for name in COLUMNS} for state in states]


@command.command("up")
@click.option(
    "--contract",
    is_flag=True,
    help="Apply what takes something away as well: no program of a version before runs any more.",
)
@opening.config_option
@output.option
def up(contract: bool, config: pathlib.Path | None, form: str | None) -> None:
    """Apply what is pending, in order; a second run changes nothing.

    What older programs may still use is taken away with --contract alone, or where the database is new.
    """
    from intaglio.server import compose

    states = asyncio.run(compose.migrate_up(opening.read_or_development(config), contract=contract))
    output.write_list(shown(states), form, columns=COLUMNS, value="name")
    if any(state.state == "pending" for state in states):
        faults.say("Some wait: when no older program runs any more, run `intaglio migrate up --contract`.")


@command.command("plan")
@opening.config_option
@output.option
def plan(config: pathlib.Path | None, form: str | None) -> None:
    """List what is pending, with its statements and by which command it is applied; change nothing."""
    from intaglio.server import compose

    settings = opening.read_or_development(config)
    pending = asyncio.run(compose.migrate_plan(settings))
    empty = all(state.applied_at is None for state in asyncio.run(compose.migrate_status(settings)))
    output.write_list([_planned(one, empty=empty) for one in pending], form, columns=PLANNED[:-1], value="name")
    if not pending:
        faults.say("Nothing is pending.")
    elif output.chosen(form) == "table":
        faults.say("The statements are in the other forms: -o yaml.")


def _planned(migration: Any, *, empty: bool) -> dict[str, Any]:
    plainly = empty or migration.phase == "expand"
    return {
        "number": migration.number,
        "name": migration.name,
        "phase": migration.phase,
        "applied_by": "migrate up" if plainly else "migrate up --contract",
        "statements": migration.statements,
    }


@command.command("status")
@opening.config_option
@output.option
def status(config: pathlib.Path | None, form: str | None) -> int:
    """List the migrations and where they stand; exit code 8 if they do not fit this program.

    What a later version has added does no harm; what it has taken away, or changed, does.
    """
    from intaglio.server import compose

    states = asyncio.run(compose.migrate_status(opening.read_or_development(config)))
    output.write_list(shown(states), form, columns=COLUMNS, value="name")
    if any(state.state == "changed" or (state.state == "newer" and state.phase != "expand") for state in states):
        faults.insist("The database does not fit this program; next step: use the program that it was made with.")
        return Exit.CONFLICT
    return Exit.OK
