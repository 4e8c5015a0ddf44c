"""Lifetimes as options of a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from intaglio.server.model.tenants import Lifetimes

F = TypeVar("F", bound=Callable[..., Any])
_FORM = re.compile(r"([a-z_:-]+):(id_token|access_token|refresh_token)=(\d{1,9})")


def grant_option(function: F) -> F:
    """Add `--grant-lifetime` to a command."""
    return click.option(
        "--grant-lifetime",
        "grant_lifetimes",
        multiple=True,
        metavar="GRANT:TOKEN=SECONDS",
        help="Lifetime for one grant type, such as refresh_token:id_token=600; may be given again.",
    )(function)


def read(texts: Iterable[str]) -> dict[str, Lifetimes]:
    """Return lifetimes by grant type; raises `click.UsageError` for another form."""
    found: dict[str, Lifetimes] = {}
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--grant-lifetime expects GRANT:TOKEN=SECONDS, received {text[:80]!r}.")
        grant, kind, seconds = match.groups()
        found[grant] = msgspec.structs.replace(found.get(grant, Lifetimes()), **{kind: int(seconds)})
    return found
