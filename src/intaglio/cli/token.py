"""`intaglio token`: get an ID token, look at one, have every check run on it, or decrypt it; see what one will say.

All but `preview`, which asks the server's database, needs the library only.
"""

from __future__ import annotations

import click

from intaglio.cli import lazy

COMMANDS = {
    "get": ("intaglio.cli.token_get", "Print an ID token for an audience, or of your sign-in."),
    "inspect": ("intaglio.cli.token_inspect", "Show what is inside a token, without checking anything."),
    "verify": ("intaglio.cli.token_verify", "Run every check on a token and list them."),
    "preview": ("intaglio.cli.token_preview", "Show the ID token that a request would be given, and why."),
    "decrypt": ("intaglio.cli.token_decrypt", "Decrypt an encrypted token and print the one inside."),
}


@click.group("token", cls=lazy.LazyGroup, table=COMMANDS)
def command() -> None:
    """Get, inspect, verify and preview ID tokens.

    TOKEN is the token itself, @FILE for a file, or - for stdin, which is what happens without it. `inspect` believes
    nothing and needs no key; `verify` tells whether to believe it; `decrypt` opens an encrypted one.
    """
