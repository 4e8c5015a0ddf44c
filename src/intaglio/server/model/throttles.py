"""Counters that slow down guessing: failures by a key in a window of time."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, single


@single
def failures(key: bytes, since: int) -> Plan[int]:
    """Return how many failures the key has in a window that began after `since`."""
    rows = yield Ask("throttle_count", {"key": key, "since": since})
    return int(rows[0][0]) if rows else 0


@single
def count(key: bytes, now: int, since: int) -> Plan[int]:
    """Add one failure, in a new window if the last began at or before `since`; return the window's count."""
    rows = yield Ask("throttle_add", {"key": key, "now": now, "since": since})
    return int(rows[0][0])


@single
def forget(key: bytes) -> Plan[None]:
    """Forget the failures of a key."""
    yield Ask("throttle_delete", {"key": key})


@single
def forgive(key: bytes) -> Plan[None]:
    """Take one failure off a key, for an attempt that turned out well."""
    yield Ask("throttle_forgive", {"key": key})
