"""`intaglio federation`: identities of other issuers."""

from __future__ import annotations

import click

from intaglio.cli import federation_pool, federation_provider, federation_try


@click.group("federation")
def command() -> None:
    """Let identities of other issuers in: pools, their providers, and a trial of a token."""


command.add_command(federation_pool.group)
command.add_command(federation_provider.group)
command.add_command(federation_try.try_)
