"""From what was written to the type of the setting; text stands for every type in the environment."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from intaglio.ids import Secret
from intaglio.server.settings import faults as faults_
from intaglio.server.settings.faults import Fault
from intaglio.server.settings.keys import Key, Kind


def convert(key: Key, value: Any, faults: list[Fault]) -> Any:
    """Return the value in the key's type; text stands for every type in the environment."""
    converted = CONVERTERS[key.kind](value)
    if converted is None and value is not None:
        # A value of the wrong type may still be a secret, so only its type is told.
        faults.append(Fault(key.dotted, EXPECTED[key.kind], faults_.kind_of(value)))
    elif converted is not None and not _within(key, converted):
        expected = f"a number from {key.least or 0} to {key.most}" if key.most is not None else f"at least {key.least}"
        faults.append(Fault(key.dotted, expected, str(converted)))
    elif key.choices and converted is not None and converted not in key.choices:
        hint = faults_.suggest(converted, key.choices)
        faults.append(Fault(key.dotted, f"one of {', '.join(key.choices)}", converted[:80], hint))
    return converted


def _within(key: Key, value: Any) -> bool:
    return (key.least is None or value >= key.least) and (key.most is None or value <= key.most)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _secret(value: Any) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def _path(value: Any) -> pathlib.Path | None:
    return pathlib.Path(value) if isinstance(value, str | pathlib.Path) and str(value) else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(value) if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return None


CONVERTERS: dict[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "secret": _secret,
    "path": _path,
    "flag": _flag,
    "number": _number,
    "list": _list,
}
EXPECTED: dict[Kind, str] = {
    "text": "text that is not empty",
    "secret": "text that is not empty",
    "path": "the path of a file",
    "flag": "true or false",
    "number": "a whole number",
    "list": "a list of texts (with commas between them in the environment)",
}
