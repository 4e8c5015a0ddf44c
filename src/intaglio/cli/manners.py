"""How the program behaves towards whoever runs it: without words, without questions, without colours.

no-color.org for `NO_COLOR`: any value that is not empty means no colours.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

import click


class Manners(NamedTuple):
    """What was asked for with the options that go with every command."""

    quiet: bool = False
    asks: bool = True
    colours: bool = True


_now = Manners()


def reset() -> None:
    """Begin anew, as a fresh process does."""
    global _now  # noqa: PLW0603 - one process is one command, and errors are told when click has forgotten it
    _now = Manners()


def _set(context: click.Context, parameter: click.Parameter, value: object) -> None:
    global _now  # noqa: PLW0603 - as above
    if value:
        change = {"quiet": {"quiet": True}, "no_input": {"asks": False}, "no_color": {"colours": False}}
        _now = _now._replace(**change[str(parameter.name)])


def is_quiet() -> bool:
    """Return whether words are left out that are neither errors nor warnings."""
    return _now.quiet


def may_ask() -> bool:
    """Return whether somebody is there to answer: stdin is a terminal, and `--no-input` was not given."""
    return _now.asks and sys.stdin.isatty()


def has_colours() -> bool:
    """Return whether stderr may have colours."""
    return (
        _now.colours and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb" and sys.stderr.isatty()
    )


def options(*, hidden: bool) -> list[click.Option]:
    """Return the options that go with every command; `hidden` ones are told by the program's own help."""
    told = (
        (("-q", "--quiet"), "Leave out words that are neither errors nor warnings."),
        (("--no-input",), "Never ask: fail where a question would have been."),
        (("--no-color",), "No colours, as with NO_COLOR in the environment."),
    )
    return [
        click.Option(names, is_flag=True, expose_value=False, is_eager=True, callback=_set, hidden=hidden, help=text)
        for names, text in told
    ]


def adopt(command: click.Command) -> None:
    """Add the options to a command and to those below it, where they are not yet."""
    if not any(parameter.name == "no_input" for parameter in command.params):
        command.params.extend(options(hidden=True))
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        adopt(below)
