"""Functions of expressions that the library does not have, or has with another meaning.

CEL language definition, "List of Standard Definitions"; cel-go's strings extension; Google's page on conditions for
`extract` and for time zones. No fault tells a value: faults of these functions end in logs.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 65_536
"""Characters that a text made by an expression may have."""

MOST = 4096
"""Members that a list made by an expression may have."""


def _texts(function: str, *values: Any) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"{function} takes texts")


def _number(function: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{function} takes an integer")
    return value


def _bounded(function: str, text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"{function} makes a text longer than {LONGEST} characters")
    return text


def size(value: Any) -> int:
    """Return how many characters (code points), octets or members there are."""
    if not isinstance(value, str | bytes | list | dict):
        raise TypeError("size takes a text, bytes, a list or a map")
    return len(value)


def extract(text: str, template: str) -> str:
    """Return what stands in the place of `{name}` in a template such as `projects/{name}/`; empty if nothing does.

    The place begins behind the first occurrence of what precedes it, and ends before the first occurrence of what
    follows it there, or with the text.
    """
    _texts("extract", text, template)
    before, opened, rest = template.partition("{")
    name, closed, after = rest.partition("}")
    if not opened or not closed or "{" in name or "{" in after or "}" in before + after:
        raise ValueError("extract takes a template with one {name}")
    begin = text.find(before)
    if begin < 0:
        return ""
    begin += len(before)
    end = text.find(after, begin) if after else len(text)
    return text[begin:end] if end >= 0 else ""


def split(text: str, separator: str, limit: int = -1) -> list[str]:
    """Return the parts of a text, at most `limit` if that is not negative; an empty separator splits letters."""
    _texts("split", text, separator)
    limit = _number("split", limit)
    if limit == 0:
        return []
    if (len(text) if not separator else text.count(separator)) >= MOST:
        raise ValueError(f"split makes more than {MOST} parts")
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    letters = list(text)
    return letters if limit < 0 or limit >= len(letters) else [*letters[: limit - 1], text[limit - 1 :]]


def join(parts: list[str], separator: str = "") -> str:
    """Return the parts as one text with the separator between them."""
    if not isinstance(parts, list):
        raise TypeError("join takes a list")
    _texts("join", separator, *parts)
    if sum(map(len, parts)) + len(separator) * len(parts) > 2 * LONGEST:
        raise ValueError(f"join makes a text longer than {LONGEST} characters")
    return _bounded("join", separator.join(parts))


def replace(text: str, old: str, new: str, limit: int = -1) -> str:
    """Return the text with occurrences of `old` replaced, at most `limit` if that is not negative."""
    _texts("replace", text, old, new)
    limit = _number("replace", limit)
    times = text.count(old) if limit < 0 else min(limit, text.count(old))
    if len(text) + times * len(new) > 2 * LONGEST:
        raise ValueError(f"replace makes a text longer than {LONGEST} characters")
    return _bounded("replace", text.replace(old, new, limit))


def substring(text: str, start: int, end: int | None = None) -> str:
    """Return the characters from `start` up to `end`; both have to lie within the text."""
    _texts("substring", text)
    start, end = _number("substring", start), len(text) if end is None else _number("substring", end)
    if not 0 <= start <= end <= len(text):
        raise ValueError("substring takes places within the text")
    return text[start:end]


def lower_ascii(text: str) -> str:
    """Return the text with A to Z as small letters; nothing else changes."""
    _texts("lowerAscii", text)
    return text.translate(_LOWER)


def upper_ascii(text: str) -> str:
    """Return the text with a to z as capital letters; nothing else changes."""
    _texts("upperAscii", text)
    return text.translate(_UPPER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def string(value: Any) -> str:
    """Return a value as text: true and false, numbers without needless places, instants in UTC, spans in seconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.timedelta):
        return f"{string(value.total_seconds())}s"
    raise TypeError("string takes a text, a number, true or false, a timestamp or a duration")


def _zone(name: str) -> dt.tzinfo:
    if name[:1] in "+-" or name[:1].isdigit():
        sign = -1 if name.startswith("-") else 1
        hours, colon, minutes = name.lstrip("+-").partition(":")
        if not (colon and len(hours) == 2 == len(minutes) and (hours + minutes).isdecimal() and name.isascii()):
            raise ValueError("an offset is written like +02:00")
        return dt.timezone(sign * dt.timedelta(hours=int(hours), minutes=int(minutes)))
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError("there is no such time zone") from exc


def _part(function: str, part: Callable[[dt.datetime], int]) -> Callable[..., int]:
    def read(instant: Any, zone: Any = "UTC") -> int:
        if not isinstance(instant, dt.datetime):
            raise TypeError(f"{function} takes a timestamp")
        _texts(function, zone)
        return part(instant.astimezone(_zone(zone)))

    return read


PARTS_OF_TIME: Mapping[str, Callable[..., int]] = {
    "getFullYear": _part("getFullYear", lambda at: at.year),
    "getMonth": _part("getMonth", lambda at: at.month - 1),
    "getDayOfYear": _part("getDayOfYear", lambda at: at.timetuple().tm_yday - 1),
    "getDayOfMonth": _part("getDayOfMonth", lambda at: at.day - 1),
    "getDate": _part("getDate", lambda at: at.day),
    "getDayOfWeek": _part("getDayOfWeek", lambda at: at.isoweekday() % 7),
    "getHours": _part("getHours", lambda at: at.hour),
    "getMinutes": _part("getMinutes", lambda at: at.minute),
    "getSeconds": _part("getSeconds", lambda at: at.second),
    "getMilliseconds": _part("getMilliseconds", lambda at: at.microsecond // 1000),
}

OWN: Mapping[str, Callable[..., Any]] = {
    "size": size,
    "string": string,
    "extract": extract,
    "split": split,
    "join": join,
    "replace": replace,
    "substring": substring,
    "lowerAscii": lower_ascii,
    "upperAscii": upper_ascii,
    **PARTS_OF_TIME,
}
"""By the name that expressions use."""
