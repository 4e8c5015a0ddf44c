"""The keys of the vault as they are kept: sealed under a key that a master key wraps, once for each master key."""

from __future__ import annotations

import msgspec

from intaglio.server.model.plan import Ask, Plan, Row, single


class WrappedKeys(msgspec.Struct, frozen=True):
    """All keys of the vault as one master key wraps them.

    `wrapped_by` is the master key's name, `wrapped` the key that it wraps, `sealed` the keys of the vault under that
    one. `used_at` is when a running process last said that this is its master key.
    """

    wrapped_by: str
    version: int
    wrapped: str
    sealed: str
    created_at: int
    used_at: int | None = None

    def __repr__(self) -> str:
        return f"WrappedKeys({self.wrapped_by}, {self.version})"


def _keys(row: Row) -> WrappedKeys:
    return WrappedKeys(*row)


def lock() -> Plan[None]:
    """Take the keys for this transaction, so that whoever changes them sees what was changed before."""
    yield Ask("vault_lock")


@single
def every() -> Plan[list[WrappedKeys]]:
    """Return the keys as each master key wraps them, the oldest first."""
    rows = yield Ask("vault_keys_all")
    return sorted(map(_keys, rows), key=lambda keys: (keys.created_at, keys.wrapped_by))


@single
def of(wrapped_by: str) -> Plan[WrappedKeys | None]:
    """Return the keys as one master key wraps them."""
    rows = yield Ask("vault_keys_of", {"wrapped_by": wrapped_by})
    return _keys(rows[0]) if rows else None


@single
def insert(keys: WrappedKeys) -> Plan[None]:
    """Keep the keys under one more master key; `Conflict` if it wraps some already."""
    yield Ask("vault_keys_insert", msgspec.structs.asdict(keys))


@single
def exchange(before: int, keys: WrappedKeys) -> Plan[bool]:
    """Replace the keys under their master key if they are of the version `before`; False if they are not."""
    values = {"wrapped_by": keys.wrapped_by, "sealed": keys.sealed}
    return bool((yield Ask("vault_keys_exchange", {**values, "version": keys.version, "before": before})))


@single
def use(wrapped_by: str, now: int) -> Plan[None]:
    """Say that a process runs with this master key."""
    yield Ask("vault_keys_used", {"wrapped_by": wrapped_by, "now": now})


@single
def delete(wrapped_by: str) -> Plan[bool]:
    """Forget what a master key wraps; False if that is nothing."""
    return bool((yield Ask("vault_keys_delete", {"wrapped_by": wrapped_by})))


@single
def delete_every() -> Plan[None]:
    """Forget what any master key wraps: nothing that was sealed opens any more."""
    yield Ask("vault_keys_delete_all")
