"""`intaglio healthcheck`: whether the server here is ready, as an exit code."""

from __future__ import annotations

import pathlib

import click

from intaglio.cli import faults, opening
from intaglio.cli.faults import Exit
from intaglio.errors import Misconfigured
from intaglio.net import probing

SECONDS = 5.0
HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the opposite: what listens everywhere is asked here


@click.command("healthcheck")
@opening.config_option
@click.option("--live", is_flag=True, help="Ask whether it is alive, though it may not be ready.")
def command(config: pathlib.Path | None, *, live: bool) -> int:
    """Ask the running server whether it is ready, for containers.

    It is asked on `operations.listen`. Exit code 0: it is ready. 9: it is not, or nothing answers.
    """
    settings = opening.read(config)
    if settings.operations is None:
        raise Misconfigured(
            "operations-missing",
            "There is no listener for health and metrics.",
            detail={"expected": "operations.listen", "received": "nothing"},
            hint="Set operations.listen, for example to 127.0.0.1:9090.",
        )
    host = HERE.get(settings.operations.host, settings.operations.host)
    path = "/healthz/live" if live else "/healthz/ready"
    status, words = probing.get(host, settings.operations.port, path, SECONDS)
    faults.say(words)
    return Exit.OK if status == 200 else Exit.UNREACHABLE
