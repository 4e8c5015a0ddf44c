"""The outbox: what has been decided here and must still happen elsewhere.

An entry is written in the transaction of the decision itself, so a process that dies in between loses nothing. It is
then taken under a lease, tried, and removed or given back; a lease that runs out gives it back by itself. So each entry
is tried at least once, and may be tried again although it had succeeded: whoever receives it must know it by its
`entry_id`.
"""

from __future__ import annotations

import msgspec

from intaglio.server.model.plan import Ask, Plan, Row, Value, single

DEPTH = 256
"""How many of the due entries a claim looks at; a target that fails is put off, so none fills the front for long."""


class Entry(msgspec.Struct, frozen=True):
    """One thing to do. `kind` names who does it, `target` whom it burdens; `record` is JSON that the doer reads.

    `attempts` counts the one under way; `lease` is the holder's mark. After `give_up_at` it is not tried again.
    """

    entry_id: str
    kind: str
    target: str
    record: bytes
    created_at: int
    due_at: int
    give_up_at: int
    attempts: int = 0
    lease: str = ""

    def __repr__(self) -> str:
        return f"Entry({self.kind}, {self.entry_id}, attempt {self.attempts})"


class Undelivered(Exception):
    """An attempt failed; `why` is for the log and holds no secret. After a `final` one there is no use in another."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        self.why = why
        self.final = final
        super().__init__(why)


def _entry(row: Row) -> Entry:
    entry_id, kind, target, record, *rest = row
    return Entry(entry_id, kind, target, bytes(record), *rest)


@single
def insert(entry: Entry) -> Plan[None]:
    """Keep a new entry; one with the same `entry_id` stays as it is."""
    values = msgspec.structs.asdict(entry)
    yield Ask("outbox_insert", {name: value for name, value in values.items() if name not in ("attempts", "lease")})


@single
def is_due(now: int) -> Plan[bool]:
    """Tell whether anything waits to be done."""
    return bool((yield Ask("outbox_is_due", {"now": now})))


@single
def claim(lease: str, now: int, until: int, share: int, limit: int) -> Plan[list[Entry]]:
    """Take at most `limit` due entries until the instant `until`, of each target no more than `share` at a time."""
    values: dict[str, Value] = {
        "lease": lease,
        "now": now,
        "until": until,
        "share": share,
        "limit": limit,
        "depth": DEPTH,
    }
    return [_entry(row) for row in (yield Ask("outbox_claim", values))]


@single
def finish(entry_id: str, lease: str) -> Plan[bool]:
    """Remove an entry; False if its lease ran out and another took it."""
    return bool((yield Ask("outbox_finish", {"entry_id": entry_id, "lease": lease})))


def again(entry: Entry, due_at: int, now: int) -> Plan[None]:
    """Give an entry back until `due_at`, and let its target rest until then."""
    yield Ask("outbox_again", {"entry_id": entry.entry_id, "lease": entry.lease, "due_at": due_at})
    yield Ask("outbox_put_off", {"target": entry.target, "due_at": due_at, "now": now})


@single
def oldest(now: int) -> Plan[int | None]:
    """Return since when the longest waiting entry is due; None if nothing waits."""
    rows = yield Ask("outbox_oldest", {"now": now})
    return int(rows[0][0]) if rows and rows[0][0] is not None else None
