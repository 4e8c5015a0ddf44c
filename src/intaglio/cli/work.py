"""`intaglio work`: what was decided and must still happen elsewhere."""

from __future__ import annotations

import os
import pathlib

import click

from intaglio.cli import opening


@click.command("work")
@opening.config_option
def command(config: pathlib.Path | None) -> int:
    """Do what `serve` has decided: tell applications of logouts.

    Runs beside `serve`, on the same database and with the same settings; several may run. Whatever it cannot deliver is
    tried again for some hours, then given up with a line in the log. Stopping it loses nothing.
    """
    from intaglio.server.run import work
    from intaglio.server.settings import load

    configured = opening.read(config)
    load.require_working(configured)
    return work.work(configured, os.environ)
