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
@click.option("--conformance", is_flag=True, help="Add a tenant for the OpenID Foundation's conformance suite; https.")
@click.option("--suite", default="", metavar="URL", help="Where that suite runs; without it on this machine.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="Certificates of authorities that are believed when that suite is called.",
)
def command(
    port: int,
    memory: bool,
    tls: bool,
    directory: pathlib.Path,
    conformance: bool,
    suite: str,
    ca_file: pathlib.Path | None,
) -> int:
    """Start everything for development, seeded and ready.

    Listens on this machine only. What it seeds (users, clients, their secrets) is printed, shown on the start page,
    and known to everybody: never use its database for anything else.

    With --conformance the suite's configuration for each of its plans is written on stdout and served under
    /conformance, with clients for every authentication method.
    """
    from intaglio.server.run import dev

    if (suite or ca_file) and not conformance:
        raise click.UsageError("--suite and --ca-file go with --conformance.")
    wanted = dev.Conformance(suite, ca_file) if conformance else None
    return dev.dev(port=port, memory=memory, tls=tls, directory=directory, conformance=wanted)
