"""Users: make one, change one, find one, list them page by page. OpenID Connect Core 1.0 section 5.1 for the claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from intaglio import codec, ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.names import TenantId, UserId
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.model import tenants, users
from intaglio.server.model.plan import Conflict, Plan, Store
from intaglio.server.model.users import User
from intaglio.server.registry import deeds, fields, personclaims, settings
from intaglio.server.registry.deeds import Actor

TEXT_CLAIMS = personclaims.TEXT_CLAIMS
FLAG_CLAIMS = personclaims.FLAG_CLAIMS
MAX_NOTED = 16 * 1024
"""Octets of what is noted about a person, as JSON, in either place."""


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
        user_id=UserId(await _new_id(store, tenant_id)),
        username=name,
        created_at=now,
        updated_at=now,
        password_hash=encoded,
        claims=checked,
    )
    try:
        kept = await store.write(_insert, user)
    except Conflict as exc:
        raise _exists(name) from exc
    if not kept:
        raise _exists(name)
    return user


def _exists(name: str) -> Misconfigured:
    return Misconfigured(
        "user-exists",
        "A user with this name is there already.",
        detail={"expected": "a user name that is free, upper and lower case being the same", "received": name},
        hint="Choose another user name.",
    )


def _insert(user: User) -> Plan[bool]:
    """Keep a new user; False if another one has the name, with or without one of the tenant's own domains."""
    tenant = yield from tenants.by_id(user.tenant_id)
    domains = tenant.domains if tenant is not None else ()
    name, _, domain = users.sign_in_name(user.username).rpartition("@")
    # SECURITY: some dialects tell user names with the tenant's domain; two people are never told as one
    # (test_nobody_gets_the_name_of_another_with_the_domain).
    same = [name] if name and domain in domains else [f"{user.username}@{one}" for one in domains]
    for one in same:
        if (yield from users.by_name(user.tenant_id, one)) is not None:
            return False
    yield from users.insert(user)
    return True


async def _new_id(store: Store, tenant_id: TenantId) -> str:
    tenant = await store.read(tenants.by_id, tenant_id)
    return ids.short_uuid() if tenant is not None and tenant.personal else ids.new_uuid()


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
    return {name: personclaims.check(name, value) for name, value in claims.items()}


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed about a user: each entry by itself, None taking one away; what is not named stays.

    `disabled` lets the person sign in no more, or again.
    """

    claims: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    app_metadata: dict[str, Any] = {}
    dialects: dict[str, dict[str, Any]] = {}
    disabled: bool | None = None


async def update(
    store: Store, clock: Clock, tenant_id: TenantId, name: str, changes: Changes, actor: Actor | None = None
) -> User:
    """Change a user, found by user name or UUID, and return the record. With `actor` the audit log tells of it.

    Raises `Misconfigured` (`user-unknown`, `claim-invalid`, `metadata-invalid`, `setting-invalid`, `dialect-unknown`).
    """
    changed = await store.write(_change, tenant_id, name, changes, clock.now(), actor)
    if changed is None:
        raise _unknown(name)
    return changed


def _change(tenant_id: TenantId, name: str, changes: Changes, now: int, actor: Actor | None) -> Plan[User | None]:
    user = yield from _by_either(tenant_id, name)
    if user is None:
        return None
    changed = _changed(user, changes, now)
    yield from users.replace(changed)
    if actor is not None:
        told = {field: "changed" for field in Changes.__struct_fields__ if getattr(changes, field) not in ({}, None)}
        yield from deeds.note(tenant_id, actor, "user.update", f"users/{user.user_id}", **told)
    return changed


def _changed(user: User, changes: Changes, now: int) -> User:
    disabled_at = user.disabled_at
    if changes.disabled is not None:
        disabled_at = (disabled_at or now) if changes.disabled else None
    return msgspec.structs.replace(
        user,
        updated_at=now,
        claims=check_claims(_merged(user.claims, changes.claims)),
        metadata=_noted("metadata", _merged(user.metadata, changes.metadata)),
        app_metadata=_noted("app_metadata", _merged(user.app_metadata, changes.app_metadata)),
        dialects=settings.check("user", settings.merge(user.dialects, changes.dialects)),
        disabled_at=disabled_at,
    )


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


def _noted(field: str, value: dict[str, Any]) -> dict[str, Any]:
    size = len(codec.encode_json(value))
    if size > MAX_NOTED:
        raise fields.refuse("metadata-invalid", f"{field} is too large.", f"at most {MAX_NOTED} octets", size)
    return value


async def show(store: Store, tenant_id: TenantId, name: str) -> User:
    """Find a user by user name or UUID; raises `Misconfigured` (`user-unknown`)."""
    user = await store.read(_by_either, tenant_id, name)
    if user is None:
        raise _unknown(name)
    return user


def _unknown(name: str) -> Misconfigured:
    public, hint = "There is no such user in this tenant.", "List them with: intaglio user list"
    return fields.refuse("user-unknown", public, "the name or UUID of a user", name, hint)


def _by_either(tenant_id: TenantId, name: str) -> Plan[User | None]:
    return (yield from users.by_name(tenant_id, name)) or (yield from users.by_id(tenant_id, name))


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[User]:
    """List at most `limit` users behind the user name `after`, however it is spelt."""
    return await store.read(users.page, tenant_id, users.sign_in_name(after), limit)
