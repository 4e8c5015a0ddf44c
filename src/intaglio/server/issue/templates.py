"""Templates of claim rules, and values as tokens hold them: JSON, with instants in seconds.

RFC 7519 section 2 (NumericDate), RFC 8259 (JSON).
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from intaglio.errors import Misconfigured
from intaglio.server.access.expressions import ExpressionFailed

VARIABLES = frozenset({"user", "client", "organization", "connection", "request"})
"""What templates and expressions see."""
TEXT_LIMIT = 2048
"""Characters of a template or an expression."""
DEEPEST = 16
"""Lists and maps inside one another, in one claim."""

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PATH = re.compile(r"[a-z_]{1,40}(?:\.[A-Za-z0-9_-]{1,100}){1,8}")


class Template:
    """A text with places such as `{user.claims.name}`; `{{` and `}}` are braces."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: tuple[str | tuple[str, ...], ...]) -> None:
        self._pieces = pieces

    def filled(self, variables: Mapping[str, Any]) -> Any:
        """Return the text with its places filled; of a template that is one place alone, the value as it is.

        Raises `ExpressionFailed` for a member that is not there, and for a list or a map within a text.
        """
        if len(self._pieces) == 1 and isinstance(self._pieces[0], tuple):
            return _member(self._pieces[0], variables)
        return "".join(
            one if isinstance(one, str) else _text(".".join(one), _member(one, variables)) for one in self._pieces
        )


@functools.lru_cache(maxsize=1024)
def read(text: str) -> Template:
    """Return a template, read; raises `Misconfigured` (`template-invalid`)."""
    if not 1 <= len(text) <= TEXT_LIMIT:
        raise _template(f"1 to {TEXT_LIMIT} characters", f"{len(text)}")
    return Template(tuple(_pieces(text)))


def _pieces(text: str) -> Iterator[str | tuple[str, ...]]:
    at = 0
    literal = ""
    for found in _HOLE.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
            continue
        path = found[1] or ""
        if not _PATH.fullmatch(path) or path.partition(".")[0] not in VARIABLES:
            expected = f"places such as {{user.claims.name}}, of {', '.join(sorted(VARIABLES))}; {{{{ for a brace"
            raise _template(expected, found[0][:80])
        if literal:
            yield literal
            literal = ""
        yield tuple(path.split("."))
    if literal + text[at:]:
        yield literal + text[at:]


def _template(expected: str, received: str) -> Misconfigured:
    return Misconfigured(
        "template-invalid", "The template cannot be used.", detail={"expected": expected, "received": received}
    )


def _member(path: tuple[str, ...], variables: Mapping[str, Any]) -> Any:
    found: Any = variables
    for name in path:
        if not isinstance(found, dict) or name not in found:
            raise ExpressionFailed(f"there is no {'.'.join(path)}")
        found = found[name]
    return found


def _text(path: str, value: Any) -> str:
    found = plain(value)
    if isinstance(found, bool):
        return str(found).lower()
    if not isinstance(found, str | int | float):
        raise ExpressionFailed(f"{path} is no text")
    return str(found)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON has it, instants as seconds since 1970 as everywhere in tokens (RFC 7519 section 2)."""
    if value is None:
        raise ExpressionFailed("the value is null")
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, dt.datetime):
        return int(value.timestamp())
    if depth < DEEPEST and isinstance(value, list):
        return [plain(one, depth + 1) for one in value]
    if depth < DEEPEST and isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: plain(one, depth + 1) for name, one in value.items()}
    raise ExpressionFailed("the value is nothing that JSON has, or too deep")
