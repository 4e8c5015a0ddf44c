"""Where values stand: the TOML file, the environment, and the files that either of them names."""

from __future__ import annotations

import pathlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from intaglio.errors import Misconfigured
from intaglio.server.settings import faults as faults_
from intaglio.server.settings import keys, lines, secretfiles
from intaglio.server.settings.faults import Fault
from intaglio.server.settings.keys import Key, Origin

SIZE_LIMIT = 1024 * 1024


class Gathered:
    """What was read: values with their origins, where they stand, and what is wrong with them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.places: dict[str, str] = {}
        self.faults: list[Fault] = []

    def put(self, name: str, value: Any, origin: Origin, place: str = "") -> None:
        """Keep a value; it takes the place of one from an origin that counts less."""
        self.values[name], self.origins[name] = value, origin
        if place:
            self.places[name] = place

    def put_from_file(self, name: str, path: pathlib.Path, origin: Origin, place: str) -> None:
        """Keep what a file holds, or the fault of the file."""
        self.places[f"{name}_file"] = place
        try:
            self.put(name, secretfiles.read(path), origin, place)
        except secretfiles.Unusable as wrong:
            self.fault(f"{name}_file", wrong.expected, wrong.received, wrong.hint)

    def fault(self, key: str, expected: str, received: str, hint: str = "") -> None:
        """Take note of something wrong."""
        self.faults.append(Fault(key, expected, received, hint))


def from_file(file: pathlib.Path, into: Gathered) -> None:
    """Read the TOML file. Raises `Misconfigured` (`settings-file`) if it cannot be read or is not TOML."""
    text, document = _document(file)
    into.places |= {name: f"{file}:{line}" for name, line in lines.of_keys(text).items()}
    for section, table in document.items():
        if section not in keys.SECTIONS:
            into.fault(section, "a known section", "an unknown one", faults_.suggest(section, keys.SECTIONS))
        elif not isinstance(table, dict):
            into.fault(section, "a table", "a single value", f"write [{section}]")
        else:
            _from_table(section, table, file.parent, into)
    _refuse_open_secrets(file, into)


def _document(file: pathlib.Path) -> tuple[str, dict[str, Any]]:
    try:
        with file.open("rb") as stream:
            octets = stream.read(SIZE_LIMIT)
    except OSError as exc:
        raise Misconfigured(
            "settings-file",
            "The configuration file cannot be read.",
            detail={"expected": "a readable file", "received": f"{file}: {exc.strerror}"},
            hint="Name another with --config, or leave it out.",
        ) from exc
    try:
        text = octets.decode("utf-8")
        return text, tomllib.loads(text)
    except ValueError as exc:
        # Of what the reader says only the position is told: the rest may quote a line with a secret.
        at = re.search(r"\(at line (\d{1,7}), column \d+\)", str(exc))
        raise Misconfigured(
            "settings-file",
            "The configuration file is not TOML.",
            detail={"expected": "TOML in UTF-8", "received": f"{file}:{at[1]}: something else" if at else str(file)},
            hint='Texts stand in quotation marks: key = "text". See the example in docs/howto/configure.md.',
        ) from None


def _from_table(section: str, table: dict[str, Any], folder: pathlib.Path, into: Gathered) -> None:
    names = [key.name for key in keys.KEYS if key.section == section]
    for name, value in table.items():
        bare, dotted = name.removesuffix("_file"), f"{section}.{name}"
        place = into.places.get(dotted) or into.places.get(section, "")
        if name in names:
            into.put(dotted, value, "file", place)
        elif bare in names and _may_stand_in_a_file(keys.BY_NAME[f"{section}.{bare}"]):
            if bare in table:
                into.fault(dotted, f"either {bare} or {name}", "both", "remove one")
            elif not isinstance(value, str) or not value:
                into.fault(dotted, "the path of a file", faults_.kind_of(value))
            else:
                into.put_from_file(f"{section}.{bare}", folder / value, "file", place)
        else:
            into.fault(dotted, "a known key", "an unknown one", faults_.suggest(name, names))


def _may_stand_in_a_file(key: Key) -> bool:
    return key.kind in {"secret", "text"}


def _refuse_open_secrets(file: pathlib.Path, into: Gathered) -> None:
    """Refuse a configuration file that others can read if it holds a secret itself."""
    # SECURITY: by where a value comes from, not by the line at which it was found: there are more ways to write a key
    # than are found (test_no_way_of_writing_a_secret_keeps_its_file_open).
    held = [
        name
        for name, value in into.values.items()
        if into.origins[name] == "file"
        and f"{name}_file" not in into.places
        and (keys.BY_NAME[name].kind == "secret" or (name == "database.url" and _has_password(value)))
    ]
    if not held:
        return
    try:
        secretfiles.refuse_open(file)
    except secretfiles.Unusable as wrong:
        instead = f"or keep it in a file of its own: {held[0].partition('.')[2]}_file"
        into.fault(held[0], wrong.expected, wrong.received, f"{wrong.hint}, {instead}")


def _has_password(url: Any) -> bool:
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        return parts.password is not None or "password" in dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return True


def from_environment(environment: Mapping[str, str], into: Gathered) -> None:
    """Read the variables `INTAGLIO_SECTION__KEY` and `…_FILE`."""
    variables = {key.variable: key.dotted for key in keys.KEYS}
    for variable, value in sorted(environment.items()):
        if not _is_meant_for_us(variable):
            continue
        bare = variable.removesuffix("_FILE")
        if variable in variables:
            if f"{variable}_FILE" in environment:
                into.fault(variable, f"either {variable} or {variable}_FILE", "both", "unset one")
            into.put(variables[variable], value, "environment", variable)
        elif bare in variables and _may_stand_in_a_file(keys.BY_NAME[variables[bare]]):
            if bare not in environment:
                into.put_from_file(variables[bare], pathlib.Path(value), "environment", variable)
        else:
            hint = faults_.suggest(variable, tuple(variables))
            into.fault(variable, "a known setting", "an unknown one", hint)


def _is_meant_for_us(variable: str) -> bool:
    """Tell whether a variable is a setting, or one misspelt: a single underscore behind the section is common."""
    sections = tuple(f"{keys.PREFIX}{section}_".upper() for section in keys.SECTIONS)
    return variable.startswith(keys.PREFIX) and ("__" in variable or variable.startswith(sections))
