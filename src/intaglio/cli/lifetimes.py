"""Lifetimes as options of a command: seconds, or spans such as `1h30m`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from intaglio import durations
from intaglio.server.model.tenants import Lifetimes

F = TypeVar("F", bound=Callable[..., Any])
_FORM = re.compile(r"([a-z_:-]+):(id_token|access_token|refresh_token)=(\S{1,64})")
_SECONDS = re.compile(r"[0-9]{1,9}")
DEFAULT = "default"
"""The word that takes a lifetime away, so that the next level's is in force."""
TAKEN_AWAY = 0
WORDS = {
    "id_token": "ID tokens live",
    "access_token": "access tokens live",
    "refresh_token": "refresh tokens live",
    "session": "people stay signed in",
    "code": "authorization codes are good",
}


def seconds(text: str) -> int:
    """Return the seconds of a number or a span; raises `durations.DurationError`."""
    return int(text) if _SECONDS.fullmatch(text) else durations.read(text)


class Span(click.ParamType):  # type: ignore[type-arg]  # generic in some versions alone
    """A lifetime: seconds, a span such as `1h30m`, or `default`, which is told as `TAKEN_AWAY`."""

    name = "SPAN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds; a text without a sense fails as a usage error."""
        if isinstance(value, int):
            return value
        if value == DEFAULT:
            return TAKEN_AWAY
        try:
            found = seconds(value)
        except durations.DurationError as exc:
            self.fail(f"{value[:80]!r} is no lifetime: {exc}, or seconds.", param, ctx)
        # Nothing lives for no time at all; the word for leaving it to the next level is another one.
        return found or -1


def options(*names: str) -> Callable[[F], F]:
    """Return a decorator that adds an option for each of the lifetimes to a command."""

    def decorate(function: F) -> F:
        for name in reversed(names):
            told = f"How long its {WORDS[name]}: seconds, a span such as 1h30m, or default."
            function = click.option(f"--{name.replace('_', '-')}-lifetime", type=Span(), help=told)(function)
        return function

    return decorate


def given(options: dict[str, Any], *names: str) -> dict[str, int]:
    """Take such options away, and return those that were given by the names of lifetimes; 0 takes one away."""
    found = {name: options.pop(f"{name}_lifetime") for name in names}
    return {name: value for name, value in found.items() if value is not None}


def sentence(held: Lifetimes) -> str:
    """Return in words which lifetimes are set, empty if none is."""
    known = [(words, getattr(held, name)) for name, words in WORDS.items()]
    told = [f"{words} for {durations.show(value)}" for words, value in known if value is not None]
    return "; ".join(told)


def grant_option(function: F) -> F:
    """Add `--grant-lifetime` to a command."""
    return click.option(
        "--grant-lifetime",
        "grant_lifetimes",
        multiple=True,
        metavar="GRANT:TOKEN=SPAN",
        help="Lifetime for one grant type, such as refresh_token:id_token=10m; may be given again.",
    )(function)


def read(texts: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return lifetimes by grant type and token; raises `click.UsageError` for another form."""
    found: dict[str, dict[str, int]] = {}
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--grant-lifetime expects GRANT:TOKEN=SPAN, received {text[:80]!r}.")
        grant, kind, span = match.groups()
        try:
            value = TAKEN_AWAY if span == DEFAULT else seconds(span) or -1
        except durations.DurationError as exc:
            raise click.UsageError(f"--grant-lifetime expects a span: {exc}, or seconds.") from exc
        found.setdefault(grant, {})[kind] = value
    return found
