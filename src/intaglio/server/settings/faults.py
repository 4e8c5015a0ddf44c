"""What is wrong with settings: where it stands, which key, what was expected, what was received, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import msgspec

from intaglio.errors import Misconfigured
from intaglio.server.settings import keys

KINDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number with a fraction",
    list: "a list",
    dict: "a table",
}


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong: which key, what was expected, what was received (never a secret), what to do."""

    key: str
    expected: str
    received: str
    hint: str = ""

    def told(self, places: Mapping[str, str]) -> str:
        """Return the fault as a line, with the file and line, or the variable, where it is to be corrected."""
        place = places.get(self.key) or places.get(self.key.partition(".")[0], "")
        where = f"{place}: " if place and place != self.key else ""
        tail = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.key}: expected {self.expected}, received {self.received}{tail}"


def refuse(faults: list[Fault], places: Mapping[str, str]) -> None:
    """Raise `Misconfigured` (`settings-invalid`) with every fault, if there is one; `places` tells where keys stand."""
    if faults:
        raise Misconfigured(
            "settings-invalid",
            "The settings cannot be used.",
            detail={"faults": tuple(fault.told(places) for fault in faults)},
            hint="Correct them and run: intaglio config check",
        )


def missing(name: str) -> Fault:
    """Return the fault of a key that has no value."""
    return Fault(name, "a value", "nothing", setting(name))


def kind_of(value: object) -> str:
    """Name the type of a value of the wrong type; never the value, which may be a secret."""
    return KINDS.get(type(value), "something else") if value != "" else "text that is empty"


def setting(name: str) -> str:
    """Tell how a key is set."""
    return f"set it in the file or as {keys.BY_NAME[name].variable}"


def suggest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """Name the known word that was probably meant, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"
