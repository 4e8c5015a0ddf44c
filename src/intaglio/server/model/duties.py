"""Duties: what one process does for all that share a database, and another goes on with when that one dies."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, Value, single

BEYOND = 10
"""How many times as long as it is taken for a duty may last for whoever looks at it, whose clock may be behind."""


@single
def take(name: str, holder: str, now: int, seconds: int) -> Plan[bool]:
    """Take a duty for some seconds, or renew one's own; False while another holds it.

    `holder` is a name that no other process has. Whoever got it must take it again before the seconds are over.
    """
    # SECURITY: nobody holds a duty for longer than any process would ask, be it by a clock that was ahead or by hand:
    # what stands there for ten times as long is nobody's (test_nobody_has_a_duty_for_ever).
    values: dict[str, Value] = {"name": name, "holder": holder, "now": now, "until": now + seconds}
    rows = yield Ask("duty_take", {**values, "beyond": now + BEYOND * seconds})
    return bool(rows)


@single
def lay_down(name: str, holder: str) -> Plan[None]:
    """Give up a duty, if it is this holder's; another may take it at once."""
    yield Ask("duty_lay_down", {"name": name, "holder": holder})
