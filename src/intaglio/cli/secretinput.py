"""Secrets and tokens from a prompt, stdin or a file: never from argv, which every user of the machine can read."""

from __future__ import annotations

import pathlib
import sys

import click

from intaglio.errors import Misconfigured
from intaglio.ids import Secret

MAX_OCTETS = 256 * 1024


def read_secret(what: str, file: str | None, *, option: str) -> Secret:
    """Return a secret from a file, `-` for stdin, or a prompt on a terminal.

    Raises `Misconfigured` (`secret-missing`, `input-unreadable`) and `click.Abort`.
    """
    if file is not None:
        return Secret(read_text(file).removesuffix("\n").removesuffix("\r"))
    if sys.stdin.isatty():
        return Secret(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
    raise Misconfigured(
        "secret-missing",
        f"The {what.casefold()} is missing.",
        detail={"expected": f"{option} FILE, {option} - for stdin, or a terminal to ask on", "received": "nothing"},
        hint=f'printf %s "$SECRET" | intaglio … {option} -',
    )


def read_text(file: str) -> str:
    """Return the text of a file, or of stdin for `-`; raises `Misconfigured` (`input-unreadable`)."""
    try:
        if file == "-":
            octets = sys.stdin.buffer.read(MAX_OCTETS + 1)
        else:
            with pathlib.Path(file).open("rb") as stream:
                octets = stream.read(MAX_OCTETS + 1)
        if len(octets) > MAX_OCTETS:
            raise _unreadable(file, "more than 256 KiB")
        return octets.decode("utf-8")
    except OSError as exc:
        raise _unreadable(file, str(exc.strerror)) from exc
    except UnicodeDecodeError:
        raise _unreadable(file, "not UTF-8") from None  # the cause would quote the octets


def _unreadable(file: str, why: str) -> Misconfigured:
    name = "stdin" if file == "-" else file
    detail = {"expected": "text in UTF-8 of at most 256 KiB", "received": f"{name}: {why}"}
    return Misconfigured("input-unreadable", "The input cannot be read.", detail=detail, hint="Name another file.")
