"""How often something was done in a window of time, by all processes together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from intaglio.server.model.plan import Ask, Plan, Value


class Used(msgspec.Struct, frozen=True):
    """What one process used in the window that began at `window_at`; `key` tells of whom, and to nobody else."""

    key: bytes
    window_at: int
    used: int
    expires_at: int


def add(told: Sequence[Used]) -> Plan[list[int]]:
    """Add what was used, and return what all have used in those windows, in the same order.

    Of a key only the newest window is kept: what is told of an earlier one comes to nothing.
    """
    totals = {}
    # In one order everywhere, so that two processes never wait for each other's rows.
    for one in sorted(told, key=lambda used: used.key):
        values: dict[str, Value] = {
            "key": one.key,
            "window_at": one.window_at,
            "used": one.used,
            "expires_at": one.expires_at,
        }
        rows = yield Ask("rate_add", values)
        totals[one.key] = int(rows[0][0])
    return [totals[one.key] for one in told]
