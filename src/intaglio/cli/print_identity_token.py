"""`intaglio print-identity-token`: `intaglio token get` under the name that gcloud has for it."""

from __future__ import annotations

import inspect

import click

from intaglio.cli import token_get

_HELP = inspect.cleandoc(token_get.command.help or "").partition("\n")[2]

command = click.Command(
    "print-identity-token",
    callback=token_get.command.callback,
    params=token_get.command.params,
    help=f"The same as `token get`, under gcloud's name.\n{_HELP}",
    epilog=token_get.EXAMPLES,
)
