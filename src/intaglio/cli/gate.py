"""`intaglio gate`: in front of services, letting in who may call them."""

from __future__ import annotations

import pathlib
import tomllib
from typing import TYPE_CHECKING, Any

import click

from intaglio.cli import opening
from intaglio.errors import Misconfigured

if TYPE_CHECKING:
    from intaglio.server.gate.building import Door
    from intaglio.server.settings.records import Settings

HINT = "See docs/howto/gate.md."


@click.command("gate")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=pathlib.Path))
@click.option("--mode", type=click.Choice(("run", "plain", "endpoints")), help="How the one service is protected.")
@click.option("--listen", help="host:port for requests that are passed on.")
@click.option("--upstream", help="Where they are passed on to: http://host:port.")
@click.option("--forward-auth", help="host:port for the questions of other proxies.")
@click.option("--trusted-proxy", "proxies", multiple=True, help="Address or network that may ask; may be given again.")
@click.option("--url", help="How the world calls the service; requests for another host are refused.")
@click.option("--project", help="Mode run: the project of the target service.")
@click.option("--service", help="Mode run: the name of the target service.")
@click.option("--issuer", help="Mode plain: whose ID tokens are believed.")
@click.option("--audience", "audiences", multiple=True, help="Mode plain: for whom they must be; may be given again.")
@click.option("--openapi", help="Mode endpoints: the file that describes the API (JSON or TOML).")
@click.option(
    "--development-port",
    type=click.IntRange(1, 65531),
    help="The installation is `intaglio dev` on this port, with its database in ./var.",
)
@opening.config_option
def command(
    file: pathlib.Path | None, development_port: int | None, config: pathlib.Path | None, **options: Any
) -> int:
    """Stand in front of services and let in who may call them.

    FILE is the gate's own configuration (TOML); without it the options make one for a single service.

    Modes run and iap are part of an installation: they need its settings (--config), its database and its master key.
    Modes endpoints and plain stand alone.
    """
    from intaglio.server.gate import config as gates
    from intaglio.server.run import gates as running

    document = _document(file) if file is not None else _single(options)
    told = gates.read(document)
    settings, doors = None, {}
    if told.is_part_of_installation:
        settings = opening.read_or_development(config)
        doors = _doors(settings, development_port)
    folder = file.parent if file is not None else pathlib.Path()
    return running.gate(running.Opened(told, folder, settings, doors))


def _document(file: pathlib.Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as exc:
        raise Misconfigured("gate-invalid", "The gate's configuration cannot be read.", hint=HINT) from exc
    except ValueError:
        # The cause may quote a line.
        raise Misconfigured("gate-invalid", "The gate's configuration is not TOML.", hint=HINT) from None


def _single(options: dict[str, Any]) -> dict[str, Any]:
    """Return the document that the options stand for."""
    given = {name: value for name, value in options.items() if value}
    gate: dict[str, Any] = {name: given[name] for name in ("listen", "forward_auth") if name in given}
    gate |= {"trusted_proxies": list(given["proxies"])} if "proxies" in given else {}
    names = ("mode", "upstream", "url", "project", "service", "issuer", "openapi")
    service: dict[str, Any] = {name: given[name] for name in names if name in given}
    service |= {"audience": list(given["audiences"])} if "audiences" in given else {}
    if "mode" not in service:
        raise click.UsageError("Name the gate's configuration file, or a --mode.")
    return {"gate": gate, "service": [{"name": "service", **service}]}


def _doors(settings: Settings, development_port: int | None) -> dict[str, Door]:
    """Return where the dialects of the installation answer."""
    from intaglio.server.gate.building import Door

    if development_port is not None:
        return {
            "standard": Door(f"http://localhost:{development_port}"),
            "google": Door(f"http://localhost:{development_port + 1}", "default"),
        }
    return {door.dialect: Door(door.base_url, door.tenant) for door in settings.listeners}
