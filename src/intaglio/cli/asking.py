"""Questions before something is done that cannot be undone: `--yes`, a terminal, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from intaglio.cli import manners
from intaglio.errors import Misconfigured

F = TypeVar("F", bound=Callable[..., Any])


def option(function: F) -> F:
    """Add `--yes` to a command."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def sure(question: str, *, yes: bool) -> None:
    """Ask on stderr whether to go on. Raises `click.Abort`, `Misconfigured` (`confirmation-missing`)."""
    if not yes:
        _need()
        click.confirm(question, abort=True, err=True)


def name_again(question: str, name: str, *, yes: bool) -> None:
    """Have a name typed again of what is lost for ever; raises as `sure`, and `confirmation-wrong`."""
    if yes:
        return
    _need()
    typed = click.prompt(f"{question}\nType {name} to go on", err=True, default="", show_default=False)
    if typed.strip() != name:
        raise Misconfigured(
            "confirmation-wrong",
            "Nothing was done: that is not its name.",
            detail={"expected": name, "received": typed[:80] or "nothing"},
        )


def _need() -> None:
    if not manners.may_ask():
        raise Misconfigured(
            "confirmation-missing",
            "Nothing was done: this needs a yes.",
            detail={"expected": "--yes, or a terminal to ask on", "received": "neither"},
            hint="Add --yes if you are sure.",
        )
