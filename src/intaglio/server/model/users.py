"""Users: people who sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from intaglio.names import TenantId, UserId
from intaglio.server.model.plan import TRIES, Ask, Conflict, Plan, Row, Value, decode, encode, single

EMAIL_KEY = 320
"""Characters of an address by which the index knows it."""


class User(msgspec.Struct, frozen=True):
    """A person of one tenant. `claims` holds standard claims by name (OpenID Connect Core 5.1).

    `groups` are ids of the tenant's groups. `metadata` and `app_metadata` are what the person and what applications
    noted, for claim rules. `dialects` are attributes that one dialect alone understands. What was issued before
    `tokens_from` is not believed any more where nothing else says that it ended.
    """

    tenant_id: TenantId
    user_id: UserId
    username: str
    created_at: int
    updated_at: int
    password_hash: str = ""
    claims: dict[str, Any] = {}
    disabled_at: int | None = None
    development: bool = False
    groups: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    app_metadata: dict[str, Any] = {}
    dialects: dict[str, dict[str, Any]] = {}
    tokens_from: int = 0

    def __repr__(self) -> str:
        return f"User({self.user_id})"


def sign_in_name(username: str) -> str:
    """Return the form under which a user name is unique: trimmed and case-folded."""
    return username.strip().casefold()


@single
def insert(user: User) -> Plan[None]:
    """Keep a new user; `Conflict` if the id or the sign-in name is taken in the tenant."""
    yield Ask(
        "user_insert",
        {
            "tenant_id": user.tenant_id,
            "user_id": user.user_id,
            "sign_in_name": sign_in_name(user.username),
            "created_at": user.created_at,
            "record": encode(user),
        },
    )


@single
def replace(user: User) -> Plan[bool]:
    """Replace a user's record (not the sign-in name); False if there is none."""
    values: dict[str, Any] = {"tenant_id": user.tenant_id, "user_id": user.user_id, "record": encode(user)}
    return bool((yield Ask("user_replace", values)))


def exchange(before: User, after: User) -> Plan[bool]:
    """Replace a user's record unless it is another one by now than `before`; False if it is, or is gone."""
    key: dict[str, Any] = {"tenant_id": before.tenant_id, "user_id": before.user_id}
    rows = yield Ask("user_by_id", key)
    if not rows or decode(rows[0][0], User) != before:
        return False
    # Compared as it is stored, once more and by the statement itself: another transaction may have come between.
    return bool((yield Ask("user_exchange", {**key, "record": encode(after), "before": bytes(rows[0][0])})))


@single
def by_id(tenant_id: str, user_id: str) -> Plan[User | None]:
    """Find a user of a tenant by UUID."""
    rows: list[Row] = yield Ask("user_by_id", {"tenant_id": tenant_id, "user_id": user_id})
    return decode(rows[0][0], User) if rows else None


@single
def by_name(tenant_id: str, username: str) -> Plan[User | None]:
    """Find a user of a tenant by the name typed at sign-in."""
    rows: list[Row] = yield Ask("user_by_name", {"tenant_id": tenant_id, "sign_in_name": sign_in_name(username)})
    return decode(rows[0][0], User) if rows else None


@single
def by_confirmed_email(tenant_id: str, email: str) -> Plan[list[User]]:
    """Return at most two users whose confirmed address is exactly this."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "email": email, "key": _email_key(email)}
    rows: list[Row] = yield Ask("users_by_confirmed_email", values)
    return [decode(row[0], User) for row in rows]


@single
def has_email(tenant_id: str, email: str, but: str = "") -> Plan[bool]:
    """Tell whether a user other than `but` has this address, confirmed or not, in whatever case (of ASCII letters)."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "email": _folded(email), "key": _email_key(email), "but": but}
    return bool((yield Ask("user_has_email", values)))


def _folded(email: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in email)


def _email_key(email: str) -> str:
    """Return the key under which the index of migration 8 has an address: as JSON writes it, up to a quotation mark."""
    return _folded(encode(email).decode()[1:].partition('"')[0])[:EMAIL_KEY]


def revise(tenant_id: str, user_id: str, change: Callable[[User], User]) -> Plan[User | None]:
    """Change a user's record as it is at the moment, and return it; None if there is none.

    SECURITY: what somebody else writes in that very moment is not overruled by what was read before: a user who is
    disabled stays so; in the suite of the stores nine come at once. Raises `Conflict` where others never stop writing.
    """
    for _ in range(TRIES):
        before = yield from by_id(tenant_id, user_id)
        if before is None:
            return None
        after = change(before)
        if (yield from exchange(before, after)):
            return after
    raise Conflict


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[User]]:
    """List at most `limit` users of a tenant whose sign-in name sorts behind `after`, by that name."""
    rows = yield Ask("user_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], User) for row in rows]
