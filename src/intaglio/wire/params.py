"""Query and form parameters, read strictly.

RFC 6749 section 3.1 (no parameter twice, an empty one counts as absent), WHATWG URL (urlencoded forms).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

MAX_PARAMETERS = 100
MAX_OCTETS = 64 * 1024
MAX_REMEMBERED = 256


class ParamsError(ValueError):
    """The parameters cannot be read; the message names the rule, never the text."""


def decode(text: str) -> str:
    """Return one form-encoded text decoded; raises `ParamsError` for octets that are not UTF-8 and for controls."""
    return checked(_decode(text))


def _decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise ParamsError("a parameter is not UTF-8") from None  # the cause would quote the text


class Params:
    """Parameters by name. `duplicates` names those that came more than once; `get` gives none of them a meaning."""

    __slots__ = ("_pairs", "_values", "duplicates")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)
        values: dict[str, str] = {}
        duplicates: list[str] = []
        for name, value in self._pairs:
            if name in values:
                duplicates.append(name)
            values[name] = value
        self._values = values
        self.duplicates = tuple(duplicates)

    def get(self, name: str) -> str:
        """Return a parameter's value, empty if it is absent, empty or repeated."""
        return "" if name in self.duplicates else self._values.get(name, "")

    def every(self, name: str) -> list[str]:
        """Return every value of a field that may repeat, as checkboxes do."""
        return [value for key, value in self._pairs if key == name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def items(self) -> list[tuple[str, str]]:
        """Return the parameters that came once and hold something."""
        return [(k, v) for k, v in self._values.items() if v and k not in self.duplicates]


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the name and value pairs of a query or form in order.

    Raises `ParamsError` for more than 64 KiB, more than 100 pairs, octets that are not UTF-8, and control characters.
    """
    if len(text) > MAX_OCTETS:
        raise ParamsError("the parameters are too long")
    if not text:
        return []
    parts = text.split("&")
    if len(parts) > MAX_PARAMETERS:
        raise ParamsError("there are too many parameters")
    checked(text)
    found = []
    for part in parts:
        if part:
            name, _, value = part.partition("=")
            # The text as a whole was looked at: only decoding can bring a control character to light.
            if "%" in part or "+" in part:
                name, value = decode(name), decode(value)
            found.append((name, value))
    return found


def checked(text: str) -> str:
    """Return the text if it holds no control character; raises `ParamsError` otherwise."""
    # SECURITY: a NUL or a line break has no place in any protocol parameter and breaks logs, headers and databases.
    if not text.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise ParamsError("a parameter holds a control character")
    return text


def read(text: str) -> Params:
    """Return the parameters of a query or form; raises `ParamsError` as `pairs` does."""
    return Params(pairs(text))


def read_body(body: bytes) -> Params:
    """Return the parameters of a form body; raises `ParamsError` as `pairs` does."""
    try:
        return read(body.decode("ascii"))
    except UnicodeDecodeError:
        raise ParamsError("the form holds octets outside ASCII") from None  # the cause would quote the text


_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*")


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _written(text: str) -> str:
    if _UNRESERVED.fullmatch(text):
        return text
    return _quoted(text) if len(text) < MAX_REMEMBERED else quote(text, safe="", errors="replace")


def write(fields: Iterable[tuple[str, str]]) -> str:
    """Return a query or form of the fields, percent-encoded (RFC 3986 section 2.1)."""
    return "&".join(f"{_written(name)}={_written(value)}" for name, value in fields)
