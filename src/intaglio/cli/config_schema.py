"""The configuration file as a JSON Schema, for editors that know TOML. JSON Schema 2020-12."""

from __future__ import annotations

from typing import Any

from intaglio.server.settings import keys
from intaglio.server.settings.keys import Key

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "secret": {"type": "string", "minLength": 1},
    "path": {"type": "string", "minLength": 1},
    "flag": {"type": "boolean"},
    "number": {"type": "integer"},
    "list": {"type": "array", "items": {"type": "string"}},
}


def schema() -> dict[str, Any]:
    """Return the schema: a table for each section, and nothing that is not known."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "intaglio.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {section: _section(section) for section in keys.SECTIONS},
    }


def _section(section: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key in keys.KEYS:
        if key.section != section:
            continue
        members[key.name] = _member(key)
        if key.kind in ("text", "secret"):
            members[f"{key.name}_file"] = {"type": "string", "minLength": 1, "description": f"A file with {key.name}."}
    return {"type": "object", "additionalProperties": False, "properties": members}


def _member(key: Key) -> dict[str, Any]:
    told: dict[str, Any] = {**TYPES[key.kind], "description": key.help}
    bounds = {"minimum": key.least, "maximum": key.most, "enum": list(key.choices) or None}
    told |= {name: value for name, value in bounds.items() if value is not None}
    if key.default is not None:
        told["default"] = list(key.default) if isinstance(key.default, tuple) else key.default
    return told
