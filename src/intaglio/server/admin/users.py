"""Users: make one, find one, list them page by page. OpenID Connect Core 1.0 section 5.1 for the claims."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.names import TenantId, UserId
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.model import users
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.users import User
from intaglio.server.registry import fields

TEXT_CLAIMS = frozenset(
    """name given_name family_name middle_name nickname preferred_username profile picture website email gender
    birthdate zoneinfo locale phone_number""".split()
)
FLAG_CLAIMS = frozenset({"email_verified", "phone_number_verified"})
ADDRESS_PARTS = frozenset({"formatted", "street_address", "locality", "region", "postal_code", "country"})

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_BIRTHDATE = re.compile(r"\d{4}(?:-\d{2}-\d{2})?")


async def create(
    store: Store,
    clock: Clock,
    passwords: Passwords,
    tenant_id: TenantId,
    *,
    username: str,
    password: ids.Secret | None,
    claims: Mapping[str, Any] | None = None,
) -> User:
    """Make a user and return the record; without a password nobody can sign in as this user with one.

    Raises `Misconfigured` (`username-invalid`, `password-invalid`, `claim-invalid`, `user-exists`).
    """
    name = check_username(username)
    now = clock.now()
    checked = check_claims(claims or {})
    encoded = "" if password is None else await passwords.hash(fields.password(password.reveal()))
    user = User(
        tenant_id=tenant_id,
        user_id=UserId(ids.new_uuid()),
        username=name,
        created_at=now,
        updated_at=now,
        password_hash=encoded,
        claims=checked,
    )
    try:
        await store.write(users.insert, user)
    except Conflict as exc:
        raise Misconfigured(
            "user-exists",
            "A user with this name is there already.",
            detail={"expected": "a user name that is free, upper and lower case being the same", "received": name},
            hint="Choose another user name.",
        ) from exc
    return user


def check_username(username: str) -> str:
    """Return a user name, trimmed; raises `Misconfigured` (`username-invalid`)."""
    try:
        return fields.display_name("username", username)
    except Misconfigured as exc:
        expected = str(exc.detail["expected"])
        raise fields.refuse("username-invalid", "The user name cannot be used.", expected, ascii(username)) from exc


def check_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return standard claims of a person; raises `Misconfigured` (`claim-invalid`).

    What the issuer itself says (iss, sub, aud, exp, amr …) is not in the list, so nobody can write it into a user.
    """
    return {name: _check_claim(name, value) for name, value in claims.items()}


def _check_claim(name: str, value: Any) -> Any:
    if name in FLAG_CLAIMS:
        good, expected = isinstance(value, bool), "true or false"
    elif name == "address":
        good = isinstance(value, dict) and value.keys() <= ADDRESS_PARTS and all(map(_is_text, value.values()))
        expected = f"an object of texts with members of {', '.join(sorted(ADDRESS_PARTS))}"
    elif name in TEXT_CLAIMS:
        good, expected = _is_text(value), "text of 1 to 1000 characters"
    else:
        known = sorted(TEXT_CLAIMS | FLAG_CLAIMS | {"address"})
        raise fields.refuse("claim-invalid", "There is no such claim.", f"one of {', '.join(known)}", name)
    if name == "email" and good:
        good, expected = bool(_EMAIL.fullmatch(value)), "an e-mail address"
    # OpenID Connect Core 5.1: YYYY-MM-DD, YYYY for the year alone, year 0000 where it is withheld.
    if name == "birthdate" and good:
        good, expected = bool(_BIRTHDATE.fullmatch(value)), "YYYY-MM-DD or YYYY"
    if not good:
        raise fields.refuse("claim-invalid", f"The claim {name} cannot be used.", expected, type(value).__name__)
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 1000


async def show(store: Store, tenant_id: TenantId, name: str) -> User:
    """Find a user by user name or UUID; raises `Misconfigured` (`user-unknown`)."""
    user = await store.read(_by_either, tenant_id, name)
    if user is None:
        raise fields.refuse(
            "user-unknown",
            "There is no such user in this tenant.",
            "the name or UUID of a user",
            name,
            "List them with: intaglio user list",
        )
    return user


def _by_either(tenant_id: TenantId, name: str) -> Plan[User | None]:
    return (yield from users.by_name(tenant_id, name)) or (yield from users.by_id(tenant_id, name))


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[User]:
    """List at most `limit` users behind the user name `after`, however it is spelt."""
    return await store.read(users.page, tenant_id, users.sign_in_name(after), limit)
