"""The chain of the audit log's seals: what a seal says, and whether a log is still what was sealed. Pure functions.

A seal's digest is SHA-256 over its number, instant and number of entries, the digest of the seal before it, and the
digests of its entries in the order of tenant and `entry_id`; its mac is HMAC-SHA256 of that (RFC 2104). The head (the
newest seal) and the anchor (the last one that was removed because its time was over) have a mac of their own, so that a
log that was cut off, at either end, is known by it.

SECURITY: who has the database and not the key can add an entry, as any process of the installation does; what a seal
covers can neither be changed, removed nor joined by anything (tests/server/model/test_sealchain.py).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

import msgspec

from intaglio.server.model.plan import Row

PURPOSE = "audit-seals"
"""What the key of the seals is derived for."""
HEAD, ANCHOR = "audit-head", "audit-anchor"
START = bytes(32)
"""Stands for the digest of the seal before the first."""


class Mark(msgspec.Struct, frozen=True):
    """A place in the chain: a seal's number and digest. `mac` says that it is the head, or the anchor."""

    number: int = 0
    digest: bytes = START
    mac: bytes = b""


class Seal(msgspec.Struct, frozen=True):
    """One seal; `key_id` tells keys apart and says nothing about them."""

    number: int
    sealed_at: int
    entries: int
    digest: bytes
    mac: bytes
    key_id: str


def key_id(key: bytes) -> str:
    """Return the name of a key: 16 hex digits that tell it from others."""
    return hashlib.sha256(b"intaglio audit key\n" + key).hexdigest()[:16]


def entry_digest(row: Row) -> bytes:
    """Return the digest of an entry's row: its columns from `tenant_id` to `ref` as a JSON array, its record behind."""
    record = row[8]
    # What somebody put into the database may be of any type, and is to be found and not stumbled over.
    octets = bytes(record) if isinstance(record, (bytes, memoryview)) else repr(record).encode()
    return hashlib.sha256(msgspec.json.encode(tuple(row[:8])) + b"\n" + octets).digest()


def digest(number: int, sealed_at: int, before: bytes, rows: Sequence[Row]) -> bytes:
    """Return the digest of a seal over entries' rows and the digest of the seal before it."""
    ordered = sorted(rows, key=lambda row: (str(row[0]), str(row[1])))
    head = f"intaglio audit seal\n[{number},{sealed_at},{len(rows)}]\n".encode()
    return hashlib.sha256(head + before + b"".join(map(entry_digest, ordered))).digest()


def mac(key: bytes, what: str, number: int, octets: bytes) -> bytes:
    """Return the mac of a seal's digest, or of the head or the anchor at it."""
    return hmac.digest(key, f"intaglio {what}\n{number}\n".encode() + octets, hashlib.sha256)


def is_macced(key: bytes, what: str, mark: Mark | Seal) -> bool:
    """Tell whether a seal or a mark has the mac that this key gives it."""
    return hmac.compare_digest(mark.mac, mac(key, what, mark.number, mark.digest))


def sealed(key: bytes, number: int, now: int, before: bytes, rows: Sequence[Row]) -> Seal:
    """Return the seal of entries' rows."""
    made = digest(number, now, before, rows)
    return Seal(number, now, len(rows), made, mac(key, "seal", number, made), key_id(key))


def read_mark(text: str) -> Mark:
    """Return the mark of its text; one that cannot be read has a mac that nothing has."""
    number, _, rest = text.partition(":")
    octets, _, mark_mac = rest.partition(":")
    try:
        return Mark(int(number), bytes.fromhex(octets), bytes.fromhex(mark_mac))
    except ValueError:
        return Mark()


def write_mark(key: bytes, what: str, number: int, octets: bytes) -> str:
    """Return the text of a mark, under its mac."""
    return f"{number}:{octets.hex()}:{mac(key, what, number, octets).hex()}"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with the log at a seal; `kind` is a word, `words` a sentence for whoever reads it."""

    kind: str
    seal: int
    words: str


class Chain:
    """Checks a log piece by piece, from the oldest seal on; `faults` are what was found, `MOST` of them at most."""

    MOST = 100

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._before: Mark | None = None
        self.faults: list[Fault] = []
        self.seals = 0
        self.entries = 0
        self.first = 0

    @property
    def last(self) -> Mark:
        """The place of the last seal that was looked at."""
        return self._before or Mark()

    def anchor(self, anchor: Mark | None) -> None:
        """Begin: behind what was removed because its time was over, if anything was."""
        self._before = anchor or Mark()
        if anchor is not None and not is_macced(self._key, ANCHOR, anchor):
            self._fault("anchor", anchor.number, "Where the log begins was not written by this installation.")

    def noted(self, earlier: Mark, one: Seal | None) -> None:
        """Begin behind a seal that an earlier check named, if it is the one that is there; `earlier` is believed."""
        self._before = earlier
        if one is None:
            self._fault("noted", earlier.number, "The seal that was noted is gone.")
        elif one.digest != earlier.digest:
            self._fault("noted", earlier.number, "The seal that was noted is another one now.")

    def seal(self, one: Seal, rows: Sequence[Row]) -> None:
        """Check one seal over its entries."""
        before = self.last
        self.first = self.first or one.number
        if one.number != before.number + 1:
            missing = f"{before.number + 1}" + (f" to {one.number - 1}" if one.number > before.number + 2 else "")
            self._fault("missing", one.number, f"The seals before it are gone: {missing}.")
        recomputed = digest(one.number, one.sealed_at, before.digest, rows)
        if one.key_id != key_id(self._key):
            self._fault("key", one.number, f"It was made under another key ({one.key_id[:16] or 'none'}).")
        elif not is_macced(self._key, "seal", one):
            self._fault("forged", one.number, "The seal itself was changed, or was not made by this installation.")
        elif recomputed != one.digest or one.entries != len(rows):
            self._fault("changed", one.number, self._words(one, len(rows)))
        self._before = Mark(one.number, one.digest)
        self.seals += 1
        self.entries += len(rows)

    def _words(self, one: Seal, count: int) -> str:
        if count < one.entries:
            return f"Entries were removed from it: {count} of {one.entries} are there."
        if count > one.entries:
            return f"Entries were put into it: {count} are there, {one.entries} were sealed."
        return "Entries of it, or the seal before it, were changed."

    def head(self, head: Mark | None) -> None:
        """End: with the head as it is kept."""
        last = self.last
        if head is None:
            if last.number:
                self._fault("head", last.number, "What the newest seal is was removed.")
        elif not is_macced(self._key, HEAD, head):
            self._fault("head", head.number, "What the newest seal is was not written by this installation.")
        elif head.number > last.number:
            self._fault("truncated", head.number, f"The newest seals are gone: {last.number + 1} to {head.number}.")
        elif (head.number, head.digest) != (last.number, last.digest):
            self._fault("head", last.number, "The newest seal is another one than was written down.")

    def strays(self, found: Iterable[tuple[str, str, int]]) -> None:
        """Entries that have the number of a seal that is not there."""
        for tenant_id, entry_id, number in found:
            self._fault("stray", number, f"Entry {entry_id} of tenant {tenant_id} has the number of no seal.")

    def _fault(self, kind: str, number: int, words: str) -> None:
        if len(self.faults) < self.MOST:
            self.faults.append(Fault(kind, number, words))
