"""`--set DIALECT.NAME=VALUE`: settings in a dialect's own words, as an option of commands that change something."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def option(function: F) -> F:
    """Add `--set` to a command, which gets `dialects`: settings by dialect, or None where there are none."""
    return click.option(
        "--set",
        "dialects",
        multiple=True,
        metavar="DIALECT.NAME=VALUE",
        callback=lambda _context, _parameter, texts: read(texts),
        help="Setting in a dialect's own words, JSON or text; without a value it is taken away; may be given again.",
    )(function)


def read(texts: tuple[str, ...]) -> dict[str, dict[str, Any]] | None:
    """Return the settings of such texts, None for one that is to be taken away; raises `click.UsageError`."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        names, separator, value = text.partition("=")
        dialect, dot, name = names.partition(".")
        if not separator or not dot or not dialect or not name:
            raise click.UsageError(f"--set expects DIALECT.NAME=VALUE, received {text[:80]!r}.")
        found.setdefault(dialect, {})[name] = _value(value)
    return found or None


def values(option: str, texts: tuple[str, ...]) -> dict[str, Any]:
    """Return `NAME=VALUE` texts as members, None for one without a value; raises `click.UsageError`."""
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{option} expects NAME=VALUE, received {text[:80]!r}.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    """Return JSON as what it says, other text as it stands."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> NoReturn:
    # RFC 8259 6: NaN and Infinity are no JSON.
    raise ValueError(constant)
