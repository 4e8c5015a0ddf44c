"""The keys under which everything at rest is sealed: what each is for, and from when to when.

NIST SP 800-57 part 1 revision 5 section 5.3 (cryptoperiods) and section 6.2.1.3 (key-encrypting keys).

    waiting ──active_at──▶ sealing ──(a newer one is active)──▶ opening ──closes_at──▶ closed

All keys of an installation are one bundle, so that none of them can be taken away, put back or swapped alone. `root` is
what narrower keys are derived from; it stays the same for as long as the installation does.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from intaglio import ids
from intaglio.errors import Misconfigured

OCTETS = 32
FIRST = "0"
"""The name of the first key. Texts that it sealed bear no name, as those of versions that knew one key alone."""

State = Literal["waiting", "sealing", "opening", "closed"]


class DataKey(msgspec.Struct, frozen=True):
    """A key that seals from `active_at` until a newer one does, and opens until `closes_at`. Does not print itself."""

    key_id: str
    octets: bytes
    created_at: int
    active_at: int
    closes_at: int | None = None

    def __repr__(self) -> str:
        return f"DataKey({self.key_id})"


class Bundle(msgspec.Struct, frozen=True):
    """All keys of an installation. `version` grows with each change; `keys` are in the order of their making.

    `derived` tells that the first master key itself is the root: of installations that were made when there was no
    other key. `recovered_at` is when they took the place of
    keys whose master key was lost, until everything is put in order that hung on those.
    """

    version: int
    root: bytes
    keys: tuple[DataKey, ...]
    derived: bool = False
    recovered_at: int | None = None

    def __repr__(self) -> str:
        return f"Bundle({self.version})"


def of_master_key(octets: bytes) -> Bundle:
    """Return the bundle of an installation whose master key is the only key."""
    return Bundle(0, octets, (DataKey(FIRST, octets, 0, 0),), derived=True)


def fresh(now: int) -> Bundle:
    """Make the bundle of a new installation: a root and a key, both random."""
    return Bundle(1, ids.random_octets(OCTETS), (DataKey(FIRST, ids.random_octets(OCTETS), now, now),))


def recovered(now: int, version: int) -> Bundle:
    """Make the bundle that takes the place of one that nobody can open."""
    # SECURITY: the first key's texts bear no name; this one's bear its own, so that no text of before is taken for one
    # (test_recovery_opens_nothing_of_before).
    key = DataKey(new_id(), ids.random_octets(OCTETS), now, now)
    return Bundle(version, ids.random_octets(OCTETS), (key,), recovered_at=now)


def new_id() -> str:
    """Return a name for a further key: never one that another installation, or a restored copy of this one, uses."""
    return ids.random_octets(6).hex()


def with_next(bundle: Bundle, now: int, active_at: int) -> Bundle:
    """Add a key that seals from `active_at` on."""
    added = DataKey(new_id(), ids.random_octets(OCTETS), now, active_at)
    return changed(bundle, (*bundle.keys, added))


def changed(bundle: Bundle, keys: tuple[DataKey, ...]) -> Bundle:
    """Return the next version of a bundle, with these keys."""
    return msgspec.structs.replace(bundle, version=bundle.version + 1, keys=keys)


def closing(bundle: Bundle, key_id: str, at: int) -> Bundle:
    """Let every key but one close at an instant, unless it closes earlier."""
    return changed(
        bundle,
        tuple(
            key
            if key.key_id == key_id or (key.closes_at is not None and key.closes_at <= at)
            else msgspec.structs.replace(key, closes_at=at)
            for key in bundle.keys
        ),
    )


def without_closed(bundle: Bundle, now: int) -> Bundle:
    """Forget the keys that are closed."""
    return changed(bundle, tuple(key for key in bundle.keys if state(bundle, key, now) != "closed"))


def sealing(bundle: Bundle, now: int) -> DataKey:
    """Return the key that seals now: the newest that has begun."""
    begun = [key for key in bundle.keys if key.active_at <= now and not _is_closed(key, now)]
    # A clock that is behind may see none that has begun: the oldest is known to everybody.
    return max(begun, key=lambda key: (key.active_at, key.created_at, key.key_id), default=bundle.keys[0])


def state(bundle: Bundle, key: DataKey, now: int) -> State:
    """Return where a key stands in its life."""
    if _is_closed(key, now):
        return "closed"
    if key.active_at > now:
        return "waiting"
    return "sealing" if key is sealing(bundle, now) else "opening"


def _is_closed(key: DataKey, now: int) -> bool:
    return key.closes_at is not None and key.closes_at <= now


# --- as it is sealed


def encode(bundle: Bundle) -> bytes:
    """Return a bundle as text, to be sealed."""
    return msgspec.json.encode(bundle)


def decode(octets: bytes) -> Bundle:
    """Return the bundle of its text; raises `Misconfigured` (`vault-keys-unusable`) for another text."""
    try:
        bundle = msgspec.json.decode(octets, type=Bundle)
    except msgspec.DecodeError:
        raise unusable("keys that this version understands", "something else") from None  # it would quote keys
    sizes = {len(bundle.root), *(len(key.octets) for key in bundle.keys)}
    if sizes != {OCTETS} or len({key.key_id for key in bundle.keys}) != len(bundle.keys):
        raise unusable("keys of 32 octets, each with a name of its own", "something else")
    return bundle


def unusable(expected: str, received: str) -> Misconfigured:
    """Return the error of keys that are kept and cannot be used."""
    return Misconfigured(
        "vault-keys-unusable",
        "The keys of this database cannot be used.",
        detail={"expected": expected, "received": received},
        hint="Restore the table vault_keys from a backup, or see `intaglio masterkey show`.",
    )
