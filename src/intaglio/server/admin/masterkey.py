"""The master key: which wraps the keys of the vault, changing it while everything runs, and giving the old one up.

NIST SP 800-57 part 1 revision 5 section 8.2.3.1 (re-keying) and section 8.3.4 (destruction).

    rotate: the keys are wrapped by the new master key as well ─▶ every process starts with it ─▶ retire: the old one's
    wrapping is forgotten ─▶ reseal (see `resealing`): what is kept is sealed under a new key
"""

from __future__ import annotations

import asyncio

import msgspec

from intaglio.errors import Misconfigured
from intaglio.server.keyring import datakeys, envelope
from intaglio.server.keyring.datakeys import Bundle
from intaglio.server.keyring.masterkeys import MasterKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.model import audit, vaultkeys
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.vaultkeys import WrappedKeys
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

INSTALLATION = audit.INSTALLATION
"""Whose entries of the audit log these are: no tenant's."""
IN_USE_SECONDS = 180
"""A process says each minute that it runs with a master key; who was silent for this long has ended."""


class Wrapping(msgspec.Struct, frozen=True):
    """A master key that wraps the keys: since when, and when a running process last said that it uses it."""

    name: str
    configured: bool
    wrapped_at: int | None
    used_at: int | None


class KeyShown(msgspec.Struct, frozen=True):
    """A key of the vault without the key: its state and its instants."""

    key_id: str
    state: datakeys.State
    created_at: int
    active_at: int
    closes_at: int | None
    is_master_key: bool


class Overview(msgspec.Struct, frozen=True):
    """Where the keys of a database stand. `keys` is None where the configured master key does not open them."""

    configured: str
    wrappings: tuple[Wrapping, ...]
    keys: tuple[KeyShown, ...] | None
    derived: bool


async def show(store: Store, master: MasterKey, bundle: Bundle | None, now: int) -> Overview:
    """Return which master keys wrap the keys, and where each key stands; `bundle` is None where it does not open."""
    rows = await store.read(vaultkeys.every)
    wrappings = [Wrapping(row.wrapped_by, row.wrapped_by == master.name, row.created_at, row.used_at) for row in rows]
    if not rows and bundle is not None:
        wrappings.append(Wrapping(master.name, configured=True, wrapped_at=None, used_at=None))
    shown = tuple(_shown(bundle, now)) if bundle is not None else None
    return Overview(master.name, tuple(wrappings), shown, derived=bundle is not None and bundle.derived)


def _shown(bundle: Bundle, now: int) -> list[KeyShown]:
    return [
        KeyShown(
            key.key_id,
            datakeys.state(bundle, key, now),
            key.created_at,
            key.active_at,
            key.closes_at,
            is_master_key=bundle.derived and key.octets == bundle.root,
        )
        for key in bundle.keys
    ]


# --- rotate


class Rotated(msgspec.Struct, frozen=True):
    """Which master keys wrap the keys now. `again` tells that it was so before."""

    old: str
    new: str
    again: bool = False


async def rotate(store: Store, lock: Lock, fresh: MasterKey, actor: Actor) -> Rotated:
    """Let a new master key wrap the keys beside the one that unlocked them; processes with either go on.

    Raises `Misconfigured`: `master-key-same`, `master-key-changing` if another change is not finished,
    `master-key-untrue` if the new one does not give back what it wraps, and `vault-keys-changed`.
    """
    old = lock.master.name
    if fresh.name == old:
        raise fields.refuse("master-key-same", "The new master key is the present one.", "another key", old)
    vault, own = await lock.read(actor.now)
    rows = await store.read(vaultkeys.every)
    others = [row for row in rows if row.wrapped_by != old]
    if any(row.wrapped_by != fresh.name for row in others):
        raise _changing(others)
    if others:
        # It must open the same ones, or the old one could be given up for nothing.
        if envelope.opened(others[0], await asyncio.to_thread(envelope.between_of, others[0], fresh)) != vault.bundle:
            raise changed()
        return Rotated(old, fresh.name, again=True)
    bundle = datakeys.changed(vault.bundle, vault.bundle.keys)
    new, _ = await asyncio.to_thread(envelope.new, bundle, fresh, actor.now)
    if own is None:
        kept, _ = await asyncio.to_thread(envelope.new, bundle, lock.master, actor.now)
        before = None
    else:
        kept, before = lock.again(bundle, own), own.version
    try:
        await store.write(_rotate, before, kept, new, actor)
    except Conflict:
        raise changed() from None  # a row is there already: somebody else did the same
    return Rotated(old, fresh.name)


def _rotate(before: int | None, kept: WrappedKeys, new: WrappedKeys, actor: Actor) -> Plan[None]:
    yield from vaultkeys.lock()
    if before is None:
        yield from vaultkeys.insert(kept)
    elif not (yield from vaultkeys.exchange(before, kept)):
        raise changed()
    yield from vaultkeys.insert(new)
    told = {"old": kept.wrapped_by, "new": new.wrapped_by}
    yield from deeds.note(INSTALLATION, actor, "masterkey.rotate", "masterkey", **told)


# --- retire


async def retire(store: Store, lock: Lock, name: str, actor: Actor, *, force: bool = False) -> Wrapping:
    """Forget what an old master key wraps; processes that run with it work on, and cannot start again.

    Without a `name` it is the only other one, and an older one. Raises `Misconfigured`: `master-key-unknown`,
    `master-key-configured` for the one that unlocks them now, `master-key-newer` for one that came later and is not
    named, and `master-key-in-use` if a process said lately that it runs with it, unless `force`.
    """
    vault, mine = await lock.read(actor.now)
    rows = {row.wrapped_by: row for row in await store.read(vaultkeys.every)}
    own, named = lock.master.name, bool(name)
    if not name:
        others = [one for one in rows if one != own]
        name = others[0] if len(others) == 1 else ""
    if name == own:
        raise fields.refuse(
            "master-key-configured",
            "This is the master key that is configured; without it nothing would open.",
            "another one",
            name,
            "Configure the new master key, and then retire the old one.",
        )
    if mine is None or name not in rows:
        raise fields.refuse(
            "master-key-unknown",
            "No such master key wraps the keys of this database.",
            ", ".join(one for one in rows if one != own) or "a name, and there is no other",
            name or "none",
            "List them with: intaglio masterkey show",
        )
    row = rows[name]
    # SECURITY: of two rows the one that is behind may be an older one that was put back; nothing is given up for it
    # (test_no_row_is_given_up_for_an_older_one).
    if row.version != mine.version:
        raise changed()
    if not named and _is_newer(row, mine):
        raise _newer(row, mine)
    if not force and row.used_at is not None and actor.now - row.used_at < IN_USE_SECONDS:
        raise _in_use(row, actor.now)
    await store.write(_retire, mine.version, _next(lock, vault.bundle, mine), name, actor)
    return Wrapping(name, configured=False, wrapped_at=row.created_at, used_at=row.used_at)


def _is_newer(row: WrappedKeys, mine: WrappedKeys) -> bool:
    """Tell whether a master key came after the configured one: whoever configures the new one first never sees this."""
    same = row.created_at == mine.created_at and row.used_at is None and mine.used_at is not None
    return row.created_at > mine.created_at or same


def _newer(row: WrappedKeys, mine: WrappedKeys) -> Misconfigured:
    return fields.refuse(
        "master-key-newer",
        "This would give up the newer of the two master keys.",
        f"{row.wrapped_by} in the configuration",
        mine.wrapped_by,
        f"Configure the new one first. To stay with the old one: intaglio masterkey retire {row.wrapped_by}",
    )


def _next(lock: Lock, bundle: Bundle, row: WrappedKeys) -> WrappedKeys:
    return lock.again(datakeys.changed(bundle, bundle.keys), row)


def _retire(before: int, kept: WrappedKeys, name: str, actor: Actor) -> Plan[None]:
    yield from vaultkeys.lock()
    # NOTE: the row that stays is written too: of two who retire each other's at once, one finds it changed.
    if not (yield from vaultkeys.exchange(before, kept)):
        raise changed()
    yield from vaultkeys.delete(name)
    yield from deeds.note(INSTALLATION, actor, "masterkey.retire", "masterkey", old=name, kept=kept.wrapped_by)


def _in_use(row: WrappedKeys, now: int) -> Misconfigured:
    return fields.refuse(
        "master-key-in-use",
        "A process still runs with this master key.",
        f"nobody for {IN_USE_SECONDS} s",
        f"somebody {now - (row.used_at or 0)} s ago",
        "Start each process again with the new master key, and wait; or say --force.",
    )


def _changing(others: list[WrappedKeys]) -> Misconfigured:
    return fields.refuse(
        "master-key-changing",
        "The master key is being changed already.",
        "one master key",
        ", ".join(row.wrapped_by for row in others) + " beside it",
        "Finish that change with: intaglio masterkey retire",
    )


def require_one(rows: list[WrappedKeys]) -> None:
    """Refuse a change of the keys while two master keys wrap them, or none does.

    Raises `Misconfigured` (`master-key-changing`, `master-key-alone`).
    """
    if not rows:
        raise fields.refuse(
            "master-key-alone",
            "The master key itself is the only key of this database.",
            "keys of its own, which a master key wraps",
            "none",
            "Change the master key first: intaglio masterkey rotate",
        )
    if len(rows) > 1:
        raise _changing(rows[1:])


def changed() -> Misconfigured:
    """Return the error of keys that somebody else changed at the same time."""
    return fields.refuse(
        "vault-keys-changed",
        "The keys were changed by somebody else at this moment.",
        "the keys as they were read",
        "others",
        "Look with `intaglio masterkey show` and try again.",
    )
