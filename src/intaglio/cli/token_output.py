"""How the token commands write: text that a person reads on a terminal, JSON elsewhere, or what `-o` says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

FORMATS = ("text", "table", "json", "yaml", "value")
F = TypeVar("F", bound=Callable[..., Any])


def option(value: str) -> Callable[[F], F]:
    """Add `-o/--output` to a command; `value` says what `-o value` writes."""
    words = f"How to write the data; without it text on a terminal, else json. value: {value}."
    return click.option("-o", "--output", "form", type=click.Choice(FORMATS), help=words)


def chosen(form: str | None) -> str:
    """Return the format that was asked for, or the one that fits where stdout leads."""
    return form or ("text" if sys.stdout.isatty() else "json")


def safe(text: str) -> str:
    """Return text with everything that could drive or mislead a terminal escaped; ends of lines stay."""
    # Terminal escape injection and bidirectional overrides (CVE-2021-42574): a token's text is anybody's.
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


def one_line(text: str) -> str:
    """Return text with everything but printable letters escaped: a line break would let a value pass for our words."""
    return safe(text).replace("\n", "\\n")
