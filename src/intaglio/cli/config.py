"""`intaglio config`: check and show the settings."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from intaglio.cli import faults, opening, output
from intaglio.server import settings as settings_
from intaglio.server.settings import Settings


@click.group("config")
def command() -> None:
    """Check and show the settings."""


@command.command("check")
@opening.config_option
def check(config: pathlib.Path | None) -> None:
    """Tell whether `intaglio serve` could start with these settings, or list everything that is wrong."""
    settings_.require_serving(opening.read(config))
    faults.say("The settings can be used.")


@command.command("show")
@opening.config_option
@output.option
def show(config: pathlib.Path | None, form: str | None) -> None:
    """Show each setting, its value and where it comes from; secrets only as being set."""
    rows = shown(opening.read(config))
    output.write_list(rows, form, columns=("key", "value", "origin", "variable"), value="key")


def shown(settings: Settings) -> list[dict[str, Any]]:
    """Return each setting as it is written."""
    values = _values(settings)
    return [
        {
            "key": key.dotted,
            "value": values.get(key.dotted),
            "origin": settings.origins.get(key.dotted, "not set"),
            "variable": key.variable,
        }
        for key in settings_.KEYS
    ]


def _values(settings: Settings) -> dict[str, Any]:
    url = settings.database.url
    values: dict[str, Any] = {
        # The address of a database may hold a password; one of a file does not.
        "database.url": url if url.startswith("sqlite:") else "(set)" if url else None,
        "keys.master_key": "(set)" if settings.master_key is not None else None,
        "server.trusted_proxies": list(settings.server.trusted_proxies),
        "server.log_level": settings.server.log_level,
        "server.workers": settings.server.workers,
        "server.allow_http": settings.server.allow_http,
        "outgoing.allow": list(settings.outgoing.allow),
        "outgoing.ca_file": str(settings.outgoing.ca_file) if settings.outgoing.ca_file is not None else None,
        "outgoing.time_limit_seconds": settings.outgoing.time_limit_seconds,
        "outgoing.size_limit_octets": settings.outgoing.size_limit_octets,
    }
    for door in settings.listeners:
        host = f"[{door.host}]" if ":" in door.host else door.host
        values[f"{door.dialect}.listen"] = f"{host}:{door.port}"
        values[f"{door.dialect}.base_url"] = door.base_url
        values[f"{door.dialect}.tenant"] = door.tenant
        if door.dialect == "google":
            values["google.universe_domain"] = settings.google.universe_domain or None
            values["google.allow_google_issuer"] = settings.google.allow_google_issuer
    if settings.tls is not None:
        values["tls.certificate_file"] = str(settings.tls.certificate_file)
        values["tls.key_file"] = str(settings.tls.key_file)
    return values
