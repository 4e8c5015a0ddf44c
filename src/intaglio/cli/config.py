"""`intaglio config`: check and show the settings, and their schema."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click

from intaglio.cli import config_schema, faults, opening, output
from intaglio.server.settings import keys, limits, load
from intaglio.server.settings.records import Settings


@click.group("config")
def command() -> None:
    """Check and show the settings."""


@command.command("check")
@opening.config_option
def check(config: pathlib.Path | None) -> None:
    """Tell whether `intaglio serve` could start with these settings, or list everything that is wrong."""
    load.require_serving(opening.read(config))
    faults.say("The settings can be used.")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    click.echo(json.dumps(config_schema.schema(), indent=2, ensure_ascii=False))


@command.command("show")
@opening.config_option
@output.option
def show(config: pathlib.Path | None, form: str | None) -> None:
    """Show each setting, its value and where it comes from; secrets only as being set."""
    rows = shown(opening.read(config))
    output.write_list(rows, form, columns=("key", "value", "origin", "where", "variable"), value="key")


def shown(settings: Settings) -> list[dict[str, Any]]:
    """Return each setting as it is written."""
    values = _values(settings)
    return [
        {
            "key": key.dotted,
            "value": values.get(key.dotted),
            "origin": settings.origins.get(key.dotted, "not set"),
            "where": settings.places.get(key.dotted),
            "variable": key.variable,
        }
        for key in keys.KEYS
    ]


def _token(settings: Settings) -> dict[str, Any]:
    token = settings.master_token
    if token is None:
        return {}
    return {
        "keys.pkcs11_module": str(token.module),
        "keys.pkcs11_token": token.token,
        "keys.pkcs11_label": token.label,
        "keys.pkcs11_pin": "(set)",
    }


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _values(settings: Settings) -> dict[str, Any]:
    url = settings.database.url
    values: dict[str, Any] = {
        # The address of a database may hold a password; one of a file does not.
        "database.url": url if url.startswith("sqlite:") else "(set)" if url else None,
        "keys.master_key": "(set)" if settings.master_key is not None else None,
        **_token(settings),
        "server.trusted_proxies": list(settings.server.trusted_proxies),
        "server.log_level": settings.server.log_level,
        "server.workers": settings.server.workers,
        "server.allow_http": settings.server.allow_http,
        "server.drain_seconds": settings.server.drain_seconds,
        "server.allow_http_backchannel": settings.server.allow_http_backchannel,
        "server.forwarded_header": settings.server.forwarded_header,
        "operations.listen": _address(settings.operations.host, settings.operations.port)
        if settings.operations is not None
        else None,
        "log.requests": settings.log.requests,
        "log.format": settings.log.format,
        "audit.keep_days": settings.audit.keep_days,
        "outgoing.allow": list(settings.outgoing.allow),
        "outgoing.ca_file": str(settings.outgoing.ca_file) if settings.outgoing.ca_file is not None else None,
        "outgoing.time_limit_seconds": settings.outgoing.time_limit_seconds,
        "outgoing.size_limit_octets": settings.outgoing.size_limit_octets,
    }
    for key in keys.KEYS:
        if key.section == "limits":
            values[key.dotted] = limits.show(settings.limits.get(key.name.replace("_", "-")))
    for door in settings.listeners:
        values[f"{door.dialect}.listen"] = _address(door.host, door.port)
        values[f"{door.dialect}.base_url"] = door.base_url
        values[f"{door.dialect}.tenant"] = door.tenant
        values[f"{door.dialect}.backchannel_base_url"] = door.backchannel_base_url or None
        if door.dialect == "google":
            values["google.universe_domain"] = settings.google.universe_domain or None
            values["google.allow_google_issuer"] = settings.google.allow_google_issuer
    if settings.tls is not None:
        values["tls.certificate_file"] = str(settings.tls.certificate_file)
        values["tls.key_file"] = str(settings.tls.key_file)
    return values
