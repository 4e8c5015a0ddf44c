"""Seals of the audit log as they are kept: made in one transaction, read in pieces, removed when their time is over.

What a seal says is `sealchain`'s.
"""

from __future__ import annotations

import itertools

import msgspec

from intaglio.server.model import duties, installation, sealchain
from intaglio.server.model.plan import Ask, Plan, Row, decode, encode, single
from intaglio.server.model.sealchain import ANCHOR, HEAD, START, Mark, Seal

DUTY = "audit-seal"


class _Record(msgspec.Struct, frozen=True):
    mac: str = ""
    key: str = ""


def _mark(name: str) -> Plan[Mark | None]:
    text = yield from installation.fact(name)
    return None if text is None else sealchain.read_mark(text)


def from_row(row: Row) -> Seal:
    """Return the seal of a row; a record that cannot be read gives a mac that nothing has."""
    number, sealed_at, entries = (value if isinstance(value, int) else -1 for value in row[:3])
    try:
        told = decode(row[4], _Record)
        return Seal(number, sealed_at, entries, _octets(row[3]), bytes.fromhex(told.mac), told.key)
    except (TypeError, ValueError, msgspec.MsgspecError):
        return Seal(number, sealed_at, entries, _octets(row[3]), b"", "")


def _octets(value: object) -> bytes:
    # SECURITY: SQLite keeps values of any type; one that is put in ends neither sealing nor checking
    # (test_a_digest_of_another_type_is_found).
    return bytes(value) if isinstance(value, (bytes, memoryview)) else b""


@single
def waiting() -> Plan[bool]:
    """Tell whether there are entries that no seal covers."""
    return bool((yield Ask("audit_unsealed")))


def seal(key: bytes, holder: str, held: int, now: int, limit: int) -> Plan[int | None]:
    """Seal at most `limit` entries; return how many, or None if it is another process's duty for now.

    The holder's duty lasts `held` seconds. Two that do it at once are told apart by the number, which only one gets.
    """
    if not (yield from duties.take(DUTY, holder, now, held)):
        return None
    before = yield from _before(key)
    rows = yield Ask("audit_seal", {"number": before.number + 1, "limit": limit})
    if not rows:
        return 0
    made = sealchain.sealed(key, before.number + 1, now, before.digest, rows)
    yield Ask(
        "audit_seal_insert",
        {
            "number": made.number,
            "sealed_at": made.sealed_at,
            "entries": made.entries,
            "digest": made.digest,
            "record": encode(_Record(made.mac.hex(), made.key_id)),
        },
    )
    yield from installation.keep_fact(HEAD, sealchain.write_mark(key, HEAD, made.number, made.digest))
    return made.entries


def _before(key: bytes) -> Plan[Mark]:
    """Return the seal that the next one follows.

    SECURITY: that is the head, also when its seal is gone; where the head itself is gone or another's, a number is left
    out: what was done to the log stays to be seen (test_a_log_that_was_cut_off_stays_so).
    """
    rows = yield Ask("audit_last_seal")
    last = Mark(rows[0][0], _octets(rows[0][1])) if rows else (yield from _mark(ANCHOR))
    head = yield from _mark(HEAD)
    if head is not None and sealchain.is_macced(key, HEAD, head):
        return head
    if head is None and last is None:
        return Mark()
    number = max(one.number for one in (head, last, Mark()) if one is not None)
    return Mark(number + 1, last.digest if last is not None else START)


class Stretch(msgspec.Struct, frozen=True):
    """A piece of the log on one view of the database: seals behind a number, each with its entries' rows.

    `anchor` is there in the first piece, `head` in the last; `unsealed` is how many entries wait for a seal.
    """

    seals: tuple[tuple[Seal, tuple[Row, ...]], ...]
    anchor: Mark | None
    head: Mark | None
    is_last: bool
    unsealed: int


def stretch(after: int | None, limit: int) -> Plan[Stretch]:
    """Read at most `limit` seals behind a number with their entries; None begins with the oldest."""
    found = [
        from_row(row) for row in (yield Ask("audit_seals", {"after": -1 if after is None else after, "limit": limit}))
    ]
    rows: list[Row] = []
    if found:
        rows = yield Ask("audit_of_seals", {"first": found[0].number, "last": found[-1].number})
    by_number: dict[int, list[Row]] = {}
    for row in rows:
        by_number.setdefault(row[9], []).append(row)
    is_last = len(found) < limit
    return Stretch(
        tuple((one, tuple(by_number.get(one.number, ()))) for one in found),
        (yield from _mark(ANCHOR)) if after is None else None,
        (yield from _mark(HEAD)) if is_last else None,
        is_last,
        (yield Ask("audit_unsealed_count"))[0][0] if is_last else 0,
    )


@single
def strays(limit: int) -> Plan[list[tuple[str, str, int]]]:
    """Return entries, by tenant and `entry_id`, that have the number of a seal that is not there."""
    return [(row[0], row[1], row[2]) for row in (yield Ask("audit_strays", {"limit": limit}))]


def prune(key: bytes, before: int, limit: int) -> Plan[int | None]:
    """Remove at most `limit` whole seals of before an instant with their entries, and keep the anchor.

    Return how many; None, and nothing is removed, where the chain is broken there: that is not for us to tidy away.
    """
    anchor = yield from _mark(ANCHOR)
    found = [from_row(row) for row in (yield Ask("audit_seals", {"after": -1, "limit": limit}))]
    if anchor is not None and not sealchain.is_macced(key, ANCHOR, anchor):
        return None
    # NOTE: under a clock that was set back a later seal may look older than one before it, which stays, and it as well.
    gone = list(itertools.takewhile(lambda one: one.sealed_at < before, found))
    if not gone:
        return 0
    rows = yield Ask("audit_of_seals", {"first": gone[0].number, "last": gone[-1].number})
    if not _is_whole(key, anchor or Mark(), gone, rows):
        return None
    yield Ask("audit_prune_entries", {"last": gone[-1].number})
    yield Ask("audit_prune_seals", {"last": gone[-1].number})
    yield from installation.keep_fact(ANCHOR, sealchain.write_mark(key, ANCHOR, gone[-1].number, gone[-1].digest))
    return len(gone)


def _is_whole(key: bytes, anchor: Mark, gone: list[Seal], rows: list[Row]) -> bool:
    """Tell whether seals and their entries are what was sealed, from the anchor on.

    SECURITY: only the digest is under the mac, and the instant under the digest. Whoever could make a seal look old, or
    another key's, would have us remove the entries and swear by the anchor that it was time
    (test_nobody_has_the_log_pruned_before_its_time). So what a lost key sealed is not removed at all.
    """
    chain = sealchain.Chain(key)
    chain.anchor(anchor if anchor.mac else None)
    for one in gone:
        chain.seal(one, [row for row in rows if row[9] == one.number])
    return not chain.faults
