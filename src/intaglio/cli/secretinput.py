"""Secrets and tokens from a prompt, stdin or a file: never from argv, which every user of the machine can read."""

from __future__ import annotations

import pathlib
import sys

import click

from intaglio.cli import manners
from intaglio.errors import Misconfigured
from intaglio.ids import Secret

MAX_OCTETS = 256 * 1024


def read_secret(what: str, file: str | None, *, option: str) -> Secret:
    """Return a secret from a file, `-` for stdin, or a prompt on a terminal.

    Raises `Misconfigured` (`secret-missing`, `input-unreadable`) and `click.Abort`.
    """
    if file is not None:
        return Secret(read_text(file).removesuffix("\n").removesuffix("\r"))
    if manners.may_ask():
        return Secret(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
    raise Misconfigured(
        "secret-missing",
        f"The {what.casefold()} is missing.",
        detail={"expected": f"{option} FILE, {option} - for stdin, or a terminal to ask on", "received": "nothing"},
        hint=f'printf %s "$SECRET" | intaglio … {option} -',
    )


def ask(what: str) -> Secret:
    """Return a secret that exists already, asked for once on a terminal; raises `click.Abort`."""
    return Secret(click.prompt(what, hide_input=True, err=True))


def read_text(file: str) -> str:
    """Return the text of a file, or of stdin for `-`; raises `Misconfigured` (`input-unreadable`)."""
    octets = read_octets(file)
    if len(octets) > MAX_OCTETS:
        raise _unreadable(file, "more than 256 KiB")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(file, "not UTF-8") from None  # the cause would quote the octets


def read_octets(file: str) -> bytes:
    """Return what is in a file, or on stdin for `-`, up to one octet more than 256 KiB.

    Raises `Misconfigured` (`input-unreadable`).
    """
    try:
        if file == "-":
            if sys.stdin.isatty() and not manners.may_ask():
                raise _unreadable(file, "a terminal, and --no-input")
            return sys.stdin.buffer.read(MAX_OCTETS + 1)
        with pathlib.Path(file).open("rb") as stream:
            return stream.read(MAX_OCTETS + 1)
    except (OSError, ValueError) as exc:
        # ValueError: a name with NUL in it.
        raise _unreadable(file, str(getattr(exc, "strerror", None) or "no name of a file")) from exc


def _unreadable(file: str, why: str) -> Misconfigured:
    name = "stdin" if file == "-" else file
    detail = {"expected": "text in UTF-8 of at most 256 KiB", "received": f"{name}: {why}"}
    return Misconfigured("input-unreadable", "The input cannot be read.", detail=detail, hint="Name another file.")
