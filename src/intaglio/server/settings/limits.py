"""Limits as they are written: so many in a span of time, `600/1m`, or `off`."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import durations
from intaglio.server.settings import keys
from intaglio.server.settings.faults import Fault

OFF = "off"
EXPECTED = "a number and a span such as 600/1m, or off"
LONGEST = 24 * 3600
MOST = 1_000_000_000


class Limit(msgspec.Struct, frozen=True):
    """At most `count` in each window of `seconds`."""

    count: int
    seconds: int


def read(values: dict[str, Any], faults: list[Fault]) -> dict[str, Limit]:
    """Return the limits that are on, by name: `limits.tokens_by_client` is `tokens-by-client`."""
    found: dict[str, Limit] = {}
    for key in keys.KEYS:
        text = values.get(key.dotted)
        if key.section != "limits" or text is None or text == OFF:
            continue
        limit = _limit(text)
        if limit is None:
            hint = f"windows are from 1s to 24h, numbers from 1 to {MOST}"
            faults.append(Fault(key.dotted, EXPECTED, text[:40], hint))
        else:
            found[key.name.replace("_", "-")] = limit
    return found


def show(limit: Limit | None) -> str:
    """Return a limit as it is written."""
    return OFF if limit is None else f"{limit.count}/{durations.show(limit.seconds)}"


def _limit(text: str) -> Limit | None:
    count, _, span = text.partition("/")
    if not count.isascii() or not count.isdigit() or len(count) > 10:
        return None
    try:
        seconds = durations.read(span)
    except durations.DurationError:
        return None
    if not 0 < int(count) <= MOST or not 0 < seconds <= LONGEST:
        return None
    return Limit(int(count), seconds)
