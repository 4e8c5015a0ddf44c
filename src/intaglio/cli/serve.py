"""`intaglio serve`: the configured issuer."""

from __future__ import annotations

import os
import pathlib

import click

from intaglio.cli import opening


@click.command("serve")
@opening.config_option
def command(config: pathlib.Path | None) -> int:
    """Start the configured issuer.

    Needs a database, a master key and at least one dialect with its address, from the configuration file or the
    environment (INTAGLIO_SECTION__KEY). Refuses a database that holds the secrets of development mode.
    """
    from intaglio.server.run import serve
    from intaglio.server.settings import load

    configured = opening.read(config)
    load.require_serving(configured)
    return serve.serve(configured, os.environ)
