"""What a seal covers cannot be changed unseen: whatever somebody with the database and without the key does to it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.model import sealchain
from intaglio.server.model.sealchain import ANCHOR, HEAD, START, Chain, Mark, Seal
from tests.capability import capability

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_800_000_000
Batch = tuple[Seal, list[tuple[Any, ...]]]

TEXTS = st.text(max_size=6)


def row(number: int, text: str = "x") -> tuple[Any, ...]:
    """Return an entry's row as a query gives it."""
    record = b'{"detail":{"a":"' + text.encode("utf-8", "replace") + b'"}}'
    return ("tenant", f"{number:020x}", NOW + number, "policy.set", "user:alice", "projects/p", "allowed", "", record)


class Log(msgspec.Struct):
    """A log as it is kept: seals with their entries, the head and perhaps an anchor."""

    batches: list[Batch]
    head: Mark | None
    anchor: Mark | None = None


def marked(what: str, number: int, digest: bytes, key: bytes = KEY) -> Mark:
    """Return a mark under its mac."""
    return sealchain.read_mark(sealchain.write_mark(key, what, number, digest))


def kept(texts: list[list[str]], pruned: int = 0) -> Log:
    """Return a log with a seal for each list of texts; the first `pruned` were removed when their time was over."""
    before, number, batches = START, 0, []
    for sealed, some in enumerate(texts, 1):
        rows = [row(number := number + 1, text) for text in some]
        made = sealchain.sealed(KEY, sealed, NOW + sealed, before, rows)
        batches.append((made, rows))
        before = made.digest
    anchor = marked(ANCHOR, pruned, batches[pruned - 1][0].digest) if pruned else None
    return Log(batches[pruned:], marked(HEAD, len(texts), before), anchor)


def found(log: Log, key: bytes = KEY) -> list[str]:
    """Return the kinds of faults that a check finds."""
    chain = Chain(key)
    chain.anchor(log.anchor)
    for one, rows in log.batches:
        chain.seal(one, rows)
    chain.head(log.head)
    return [fault.kind for fault in chain.faults]


LOGS = st.builds(
    lambda texts, pruned: kept(texts, min(pruned, len(texts) - 1)),
    st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=2, max_size=5),
    st.integers(0, 2),
)


@given(LOGS, st.randoms())
def test_a_log_as_it_was_written_is_whole(log: Log, random: Any) -> None:
    """Nothing is found where nothing was done; in which order a database gives entries back changes nothing."""
    for _, rows in log.batches:
        random.shuffle(rows)
    assert found(log) == []


@given(LOGS, st.data())
@capability("audit-seals", witness="Hypothesis")
def test_a_changed_entry_is_found(log: Log, data: st.DataObject) -> None:
    """Any column of any entry, changed in whatever way, also cut short or of another type, breaks its seal."""
    batch = data.draw(st.integers(0, len(log.batches) - 1))
    rows = log.batches[batch][1]
    at, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 8))
    held = rows[at][column]
    other = data.draw(
        st.one_of(
            TEXTS,
            st.integers(0, 2**40),
            st.binary(max_size=40),
            st.just(held[: len(str(held)) // 2] if not isinstance(held, int) else held + 1),
        )
    )
    rows[at] = (*rows[at][:column], other, *rows[at][column + 1 :])
    if other != held:
        assert "changed" in found(log)


@given(LOGS, st.data())
def test_a_removed_or_inserted_entry_is_found(log: Log, data: st.DataObject) -> None:
    """An entry more or less under a seal breaks it, and so does one that changed its seal."""
    batch = data.draw(st.integers(0, len(log.batches) - 1))
    rows = log.batches[batch][1]
    deed = data.draw(st.sampled_from(["remove", "insert", "twice", "move"]))
    if deed == "remove":
        del rows[data.draw(st.integers(0, len(rows) - 1))]
    elif deed == "insert":
        rows.append(row(99, "new"))
    elif deed == "twice":
        rows.append(rows[0])
    else:
        # Into the seal before it, or out of all seals where there is none.
        moved = rows.pop()
        if batch:
            log.batches[batch - 1][1].append(moved)
    assert "changed" in found(log)


@given(LOGS, st.data())
def test_swapped_contents_are_found(log: Log, data: st.DataObject) -> None:
    """What two entries say does not change places, neither under one seal nor between two."""
    every = [(batch, at) for batch, (_, rows) in enumerate(log.batches) for at in range(len(rows))]
    one, other = data.draw(st.sampled_from(every)), data.draw(st.sampled_from(every))
    first, second = log.batches[one[0]][1][one[1]], log.batches[other[0]][1][other[1]]
    log.batches[one[0]][1][one[1]] = (*first[:2], *second[2:])
    log.batches[other[0]][1][other[1]] = (*second[:2], *first[2:])
    if first[2:] != second[2:]:
        assert "changed" in found(log)


@given(LOGS, st.data())
def test_a_seal_that_is_gone_or_moved_is_found(log: Log, data: st.DataObject) -> None:
    """A seal taken out of the middle, from the beginning or from the end is missed; two that changed places as well."""
    at = data.draw(st.integers(0, len(log.batches) - 1))
    deed = data.draw(st.sampled_from(["out", "cut", "swap"] if len(log.batches) > 1 else ["out", "cut"]))
    if deed == "out":
        del log.batches[at]
    elif deed == "cut":
        del log.batches[at:]
    else:
        other = (at + 1) % len(log.batches)
        (one, ones), (two, twos) = log.batches[at], log.batches[other]
        log.batches[at] = (msgspec.structs.replace(two, number=one.number), twos)
        log.batches[other] = (msgspec.structs.replace(one, number=two.number), ones)
    assert found(log)


def test_a_log_that_was_cut_off_at_its_end_is_found() -> None:
    """The head says how far it went, also where everything is gone."""
    log = kept([["a"], ["b"], ["c"]])
    assert found(msgspec.structs.replace(log, batches=log.batches[:2])) == ["truncated"]
    assert found(msgspec.structs.replace(log, batches=[])) == ["truncated"]


def test_a_log_that_was_cut_off_at_its_beginning_is_found() -> None:
    """Only an anchor of our own lets a log begin later than with its first seal."""
    log = kept([["a"], ["b"], ["c"]])
    assert "missing" in found(msgspec.structs.replace(log, batches=log.batches[1:]))
    forged = marked(ANCHOR, 1, log.batches[0][0].digest, OTHER)
    assert found(msgspec.structs.replace(log, batches=log.batches[1:], anchor=forged)) == ["anchor"]
    # The mac of a head, or of a seal, is not one of an anchor.
    head = marked(HEAD, 1, log.batches[0][0].digest)
    assert found(msgspec.structs.replace(log, batches=log.batches[1:], anchor=head)) == ["anchor"]


def test_a_head_that_is_gone_or_anothers_is_found() -> None:
    """The head is no more to be taken away, or written anew, than a seal."""
    log = kept([["a"], ["b"]])
    last = log.batches[-1][0]
    assert found(msgspec.structs.replace(log, head=None)) == ["head"]
    assert found(msgspec.structs.replace(log, head=marked(HEAD, 2, last.digest, OTHER))) == ["head"]
    assert found(msgspec.structs.replace(log, head=Mark(2, last.digest, b""))) == ["head"]
    assert found(Log([], None)) == []


@given(LOGS, st.data())
def test_seals_made_anew_without_the_key_are_found(log: Log, data: st.DataObject) -> None:
    """Who changes an entry and seals everything behind it again needs the key: with another one each seal shows it."""
    at = data.draw(st.integers(0, len(log.batches) - 1))
    log.batches[at][1][0] = row(1, "quite another")
    before = log.batches[at - 1][0].digest if at else (log.anchor.digest if log.anchor else START)
    name = data.draw(st.sampled_from([sealchain.key_id(OTHER), sealchain.key_id(KEY)]))
    for number in range(at, len(log.batches)):
        one, rows = log.batches[number]
        made = sealchain.sealed(OTHER, one.number, one.sealed_at, before, rows)
        log.batches[number] = (msgspec.structs.replace(made, key_id=name), rows)
        before = made.digest
    log.head = marked(HEAD, log.batches[-1][0].number, before, OTHER)
    kind = "forged" if name == sealchain.key_id(KEY) else "key"
    assert found(log) == [kind] * (len(log.batches) - at) + ["head"]


def test_another_key_finds_every_seal_foreign() -> None:
    """A check with the wrong key says so of each seal, and believes neither head nor anchor."""
    log = kept([["a"], ["b"], ["c"]], pruned=1)
    assert found(log, OTHER) == ["anchor", "key", "key", "head"]


def test_a_mark_that_cannot_be_read_has_no_mac() -> None:
    """Whatever stands in the place of a mark, it is no reason to stumble and none to believe."""
    for text in ("", ":", "1", "x:00:00", "1:zz:00", "1:00:é", "١:00:00"):
        assert not sealchain.is_macced(KEY, HEAD, sealchain.read_mark(text))


def test_entries_are_digested_apart() -> None:
    """No text moves from one member to the next, or from one entry to the next, without another digest."""
    one = ("t", "1", 1, "ab", "c", "d", "e", "f", b"{}")
    other = ("t", "1", 1, "a", "bc", "d", "e", "f", b"{}")
    assert sealchain.entry_digest(one) != sealchain.entry_digest(other)
    assert sealchain.digest(1, 1, START, [row(1), row(2)]) != sealchain.digest(1, 1, START, [row(1)])
    assert sealchain.digest(1, 1, START, []) != sealchain.digest(1, 1, b"\x01" * 32, [])
    assert sealchain.digest(1, 1, START, []) != sealchain.digest(1, 2, START, [])
