"""Settings in a dialect's own words, on clients, tenants and users: kept as the dialect reads them, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from intaglio import codec
from intaglio.dialects import registry
from intaglio.server.registry import fields

Level = Literal["client", "tenant", "user"]
Settings = dict[str, dict[str, Any]]
"""Settings by the name of the dialect that understands them."""
MAX_SETTINGS = 64 * 1024
"""Octets of one dialect's settings of one record, as JSON."""


def merge(before: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return settings with the changes put in, not yet checked; None takes a setting away."""
    merged = {name: dict(held) for name, held in before.items()}
    for name, given in changes.items():
        found = {**merged.get(name, {}), **given}
        merged[name] = {key: value for key, value in found.items() if value is not None}
    return {name: held for name, held in merged.items() if held}


def check(level: Level, settings: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return settings as they are kept, each dialect's read by itself; what was kept is read again as it is.

    Raises `Misconfigured` (`dialect-unknown`, `setting-invalid`).
    """
    return {name: _read(level, name, held) for name, held in merge({}, settings).items()}


def _read(level: Level, name: str, held: Mapping[str, Any]) -> dict[str, Any]:
    dialect = registry.DIALECTS.get(name)
    if dialect is None:
        expected = ", ".join(registry.DIALECTS)
        raise fields.refuse("dialect-unknown", "There is no such dialect.", f"one of {expected}", name)
    if dialect.read_settings is None:
        public = f"The dialect {name} has no settings of its own."
        raise fields.refuse("setting-invalid", public, "none", ", ".join(held))
    found = dialect.read_settings(level, held)
    if len(codec.encode_json(found)) > MAX_SETTINGS:
        raise fields.refuse("setting-invalid", "The settings are too large.", f"at most {MAX_SETTINGS} octets", "more")
    return found
