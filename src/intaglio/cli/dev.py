"""`intaglio dev`: everything for development, seeded and ready."""

from __future__ import annotations

import pathlib

import click


@click.command("dev")
@click.option(
    "--port",
    type=click.IntRange(1, 65531),
    default=8080,
    show_default=True,
    help="First of five ports: standard, google, microsoft, auth0, cloudentity.",
)
@click.option("--memory", is_flag=True, help="Keep everything in memory; leave no file behind.")
@click.option("--tls", is_flag=True, help="Serve https with a certificate authority of this machine's own.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    default=pathlib.Path("var"),
    show_default=True,
    help="Where the database, the master key and the certificates are kept.",
)
def command(port: int, memory: bool, tls: bool, directory: pathlib.Path) -> int:
    """Start everything for development, seeded and ready.

    Listens on this machine only. What it seeds (users, clients, their secrets) is printed, shown on the start page,
    and known to everybody: never use its database for anything else.
    """
    from intaglio.server import run

    return run.dev(port=port, memory=memory, tls=tls, directory=directory)
