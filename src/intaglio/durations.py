"""Spans of time as people write them, such as `1h30m`, in whole seconds.

The form is that of the Go language's `time.ParseDuration` and `Duration.String`: numbers with the units h, m and s (and
ms, us and ns where they come to whole seconds), the larger ones usually first.
"""

from __future__ import annotations

import re
from fractions import Fraction

UNITS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 1_000_000),
    "µs": Fraction(1, 1_000_000),
    "ns": Fraction(1, 1_000_000_000),
}
LONGEST = 64
"""Characters of a text that is read."""
_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(h|ms|m|s|us|µs|ns)")


class DurationError(ValueError):
    """The text is no span of whole seconds; the message names the rule, never the text."""


def read(text: str) -> int:
    """Return the seconds of a span such as `1h10m30s`; raises `DurationError`."""
    if not text or len(text) > LONGEST:
        raise DurationError(f"1 to {LONGEST} characters, such as 1h30m")
    if text == "0":
        return 0
    at, total = 0, Fraction(0)
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise DurationError("numbers with a unit each, such as 1h30m or 90s")
        total += Fraction(part[1] if part[1] != "." else "0") * UNITS[part[2]]
        at = part.end()
    if total.denominator != 1:
        raise DurationError("whole seconds")
    return int(total)


def show(seconds: int) -> str:
    """Return a span of whole seconds in the same form: `1h0m0s`, `5m0s`, `45s`."""
    if seconds < 0:
        return "-" + show(-seconds)
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
