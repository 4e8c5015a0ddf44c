"""Instants on the command line: `--at` as people write it, and how long ago an instant was.

RFC 7519 section 2 (NumericDate), RFC 3339 (dates with their zone).
"""

from __future__ import annotations

import datetime as dt
import re

import click

LAST = 253_402_300_799
"""The last second of the year 9999."""
FORMS = "epoch seconds, a date and time with its zone (2026-01-31T12:00:00Z), or a distance such as -2h or +30m"
_EPOCH = re.compile(r"\d{1,12}", re.ASCII)
_DISTANCE = re.compile(r"([+-])((?:\d{1,9}[smhdw])+)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# From which number of seconds on a unit is used, and how many seconds it has; a month is a twelfth of 365.25 days.
_UNITS = (
    (63_115_200, 31_557_600, "year"),
    (5_259_600, 2_629_800, "month"),
    (172_800, 86_400, "day"),
    (7200, 3600, "hour"),
    (120, 60, "minute"),
    (1, 1, "second"),
)


def parse(text: str, now: int, option: str = "--at") -> int:
    """Return the instant that an option names, in epoch seconds; `now` is what a distance counts from.

    Raises `click.UsageError` for other forms, for a date without its zone, and before 1970 or after 9999.
    """
    at = _read(text.strip(), now)
    if at is None or not 0 <= at <= LAST:
        raise click.UsageError(f"{option} expects {FORMS}; received {text[:80]!r}.")
    return at


def _read(text: str, now: int) -> int | None:
    if _EPOCH.fullmatch(text):
        return int(text)
    distance = _DISTANCE.fullmatch(text)
    if distance is not None:
        parts = re.findall(r"(\d+)([smhdw])", distance[2])
        seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
        return now + seconds if distance[1] == "+" else now - seconds
    try:
        moment = dt.datetime.fromisoformat(text)
        # A date without its zone is a different instant on every machine.
        return None if moment.tzinfo is None else int(moment.timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def relative(at: int, now: int) -> str:
    """Return how far an instant is from `now` in words, in the unit that says most: "3 hours ago", "in 5 minutes"."""
    seconds = abs(at - now)
    for least, size, unit in _UNITS:
        if seconds >= least:
            number = seconds // size
            words = f"{number} {unit}" + ("" if number == 1 else "s")
            return f"in {words}" if at > now else f"{words} ago"
    return "now"
