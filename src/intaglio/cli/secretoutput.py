"""Secrets that are written once: to a file that only its owner can read, or to a pipe; never over another file."""

from __future__ import annotations

import os

import click

from intaglio.errors import Misconfigured


def check(file: str) -> None:
    """Refuse a place that cannot take a secret, before the secret is made; raises `Misconfigured` (`output-exists`)."""
    if file != "-" and os.path.lexists(file):
        raise _taken(file)


def write(file: str, text: str) -> None:
    """Write a secret to a new file of mode 0600, or to stdout for `-`.

    Raises `Misconfigured` (`output-exists`, `output-unwritable`).
    """
    if file == "-":
        click.echo(text, nl=False)
        return
    try:
        # O_EXCL: neither another file nor a link that somebody laid there is written to.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise _taken(file) from exc
    except (OSError, ValueError) as exc:
        why = str(getattr(exc, "strerror", None) or "no name of a file")
        detail = {"expected": "a file that can be made", "received": f"{file}: {why}"}
        raise Misconfigured("output-unwritable", "The file cannot be written.", detail=detail) from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _taken(file: str) -> Misconfigured:
    detail = {"expected": "the name of a file that is not there", "received": file}
    return Misconfigured("output-exists", "The file is there already.", detail=detail, hint="Name another file.")
