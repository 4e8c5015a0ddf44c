"""Errors as words on stderr and as an exit code."""

from __future__ import annotations

import enum
import sys

import click

from intaglio.cli import manners
from intaglio.errors import Denied, IntaglioError, Misconfigured, Refused, Unavailable


class NotAuthenticated(IntaglioError):
    """Nobody is signed in here, or it did not come to anything."""

    code = "not-signed-in"
    public = "Nobody is signed in."


class Exit(enum.IntEnum):
    """What happened, for scripts."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    TOKEN_INVALID = 3
    TOKEN_EXPIRED = 4
    NOT_AUTHENTICATED = 5
    DENIED = 6
    NOT_FOUND = 7
    CONFLICT = 8
    UNREACHABLE = 9
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "it worked",
    Exit.UNEXPECTED: "something unexpected",
    Exit.USAGE: "the command, an option, a field or a setting is not right",
    Exit.TOKEN_INVALID: "the token is not to be believed",
    Exit.TOKEN_EXPIRED: "the token has expired, and nothing else is wrong with it",
    Exit.NOT_AUTHENTICATED: "not signed in",
    Exit.DENIED: "not allowed",
    Exit.NOT_FOUND: "there is no such thing",
    Exit.CONFLICT: "there is such a thing already, or somebody else has changed it",
    Exit.UNREACHABLE: "the issuer, its keys or the database cannot be reached",
    Exit.INTERRUPTED: "interrupted",
}


_CONFLICTING = ("-exists", "-changed", "-occupied", "-busy")
_CONFLICTS = frozenset(
    {"rows-exist", "database-in-use", "migrations-differ", "domain-taken", "email-taken", "last-owner"}
)


def code_of(error: IntaglioError) -> Exit:
    """Return the exit code of an error."""
    if isinstance(error, Refused):
        return _code_of_refusal(error)
    if isinstance(error, Unavailable):
        return Exit.UNREACHABLE
    if isinstance(error, Denied):
        return Exit.DENIED
    if isinstance(error, NotAuthenticated):
        return Exit.NOT_AUTHENTICATED
    if isinstance(error, Misconfigured):
        if error.code.endswith(_CONFLICTING) or error.code in _CONFLICTS:
            return Exit.CONFLICT
        # `value-unknown` is a field with a wrong value; the others are things that were looked for.
        if error.code.endswith("-unknown") and error.code != "value-unknown":
            return Exit.NOT_FOUND
        return Exit.USAGE
    return Exit.UNEXPECTED


def _code_of_refusal(error: Refused) -> Exit:
    if error.code == "keys-unavailable":
        return Exit.UNREACHABLE
    return Exit.TOKEN_EXPIRED if error.code == "token-expired" else Exit.TOKEN_INVALID


def plain(value: object) -> str:
    """Return a value as text without what a terminal would obey: it may be a stranger's."""
    return "".join(character if character.isprintable() else "\ufffd" for character in str(value))


def tell(error: IntaglioError) -> None:
    """Write what went wrong on stderr: expected, received, next step."""
    insist(f"error: {error.public} ({error.code})")
    detail = dict(error.detail)
    listed = detail.pop("faults", ())
    for fault in listed if isinstance(listed, tuple | list) else (listed,):
        insist(f"  - {plain(fault)}")
    for name in ("expected", "received"):
        if name in detail:
            insist(f"  {name}: {plain(detail.pop(name))}")
    for name, value in detail.items():
        insist(f"  {name}: {plain(value)}")
    if error.hint:
        insist(f"  next step: {error.hint}")


def tell_usage(error: click.ClickException) -> None:
    """Write what is wrong with the command on stderr."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    insist(f"error: {error.format_message()}")
    insist(f"  next step: {context.command_path if context else 'intaglio'} --help")


def say(words: str) -> None:
    """Write words for people on stderr, unless they asked for none with `-q`."""
    if not manners.is_quiet():
        insist(words)


def insist(words: str) -> None:
    """Write words on stderr that nobody can do without: errors, warnings, and where to sign in."""
    click.echo(_coloured(words) if manners.has_colours() else words, file=sys.stderr)


def _coloured(words: str) -> str:
    kind, separator, rest = words.partition(": ")
    colour = {"error": "red", "warning": "yellow"}.get(kind)
    return click.style(f"{kind}:", fg=colour, bold=True) + f" {rest}" if separator and colour else words
