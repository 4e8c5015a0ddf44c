"""`intaglio migrate`: bring the database up to date."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Sequence
from typing import Any, Protocol

import click

from intaglio.cli import faults, opening, output
from intaglio.cli.faults import Exit

COLUMNS = ("number", "name", "state", "applied_at")


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


@click.group("migrate")
def command() -> None:
    """Bring the database up to date."""


def shown(states: Sequence[Status]) -> list[dict[str, Any]]:
    """Return migrations as they are written."""
    return [{name: getattr(state, name) for name in COLUMNS} for state in states]


@command.command("up")
@opening.config_option
@output.option
def up(config: pathlib.Path | None, form: str | None) -> None:
    """Apply what is pending, in order; a second run changes nothing."""
    from intaglio.server import compose

    states = asyncio.run(compose.migrate_up(opening.read_or_development(config)))
    output.write_list(shown(states), form, columns=COLUMNS, value="name")


@command.command("status")
@opening.config_option
@output.option
def status(config: pathlib.Path | None, form: str | None) -> int:
    """List the migrations and where they stand; exit code 8 if one was changed or is newer than this program."""
    from intaglio.server import compose

    states = asyncio.run(compose.migrate_status(opening.read_or_development(config)))
    output.write_list(shown(states), form, columns=COLUMNS, value="name")
    if any(state.state not in {"applied", "pending"} for state in states):
        faults.say("The database does not fit this program; next step: use the program that it was made with.")
        return Exit.CONFLICT
    return Exit.OK
