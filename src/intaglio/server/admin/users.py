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
from intaglio.server.registry import deeds, endings, fields, personclaims, settings, versions
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
    actor: Actor | None = None,
) -> User:
    """Make a user and return the record; without a password nobody can sign in as this user with one.

    With `actor` the audit log tells of it. Raises `Misconfigured` (`username-invalid`, `password-invalid`,
    `claim-invalid`, `user-exists`).
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
        kept = await store.write(_insert, user, actor)
    except Conflict as exc:
        raise exists(name) from exc
    if not kept:
        raise exists(name)
    return user


def exists(name: str) -> Misconfigured:
    """Return the refusal of a user name that is taken."""
    return Misconfigured(
        "user-exists",
        "A user with this name is there already.",
        detail={"expected": "a user name that is free, upper and lower case being the same", "received": name},
        hint="Choose another user name.",
    )


def _insert(user: User, actor: Actor | None) -> Plan[bool]:
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
    if actor is not None:
        yield from deeds.note(user.tenant_id, actor, "user.create", f"users/{user.user_id}", after=user)
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

    `disabled` lets the person sign in no more and ends all that they have, or lets them sign in again.
    """

    claims: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    app_metadata: dict[str, Any] = {}
    dialects: dict[str, dict[str, Any]] = {}
    disabled: bool | None = None


async def update(
    store: Store,
    clock: Clock,
    tenant_id: TenantId,
    name: str,
    changes: Changes,
    actor: Actor | None = None,
    etag: str = "",
) -> User:
    """Change a user, found by user name or UUID, and return the record. With `actor` the audit log tells of it.

    `etag` is of the version that was seen, empty for any. Raises `Misconfigured` (`user-unknown`, `claim-invalid`,
    `metadata-invalid`, `setting-invalid`, `dialect-unknown`, `record-changed`).
    """
    changed = await store.write(_change, tenant_id, name, changes, clock.now(), actor, etag)
    if changed is None:
        raise unknown(name)
    return changed


def _change(
    tenant_id: TenantId, name: str, changes: Changes, now: int, actor: Actor | None, etag: str
) -> Plan[User | None]:
    user = yield from _by_either(tenant_id, name)
    if user is None:
        return None
    versions.check(user, etag)
    changed = _changed(user, changes, now)
    if not (yield from users.exchange(user, changed)):
        raise _busy(name)
    if changed.disabled_at != user.disabled_at:
        yield from endings.end_user(tenant_id, user.user_id, now)
    if actor is not None:
        told = {field: "changed" for field in Changes.__struct_fields__ if getattr(changes, field) not in ({}, None)}
        resource = f"users/{user.user_id}"
        yield from deeds.note(tenant_id, actor, "user.update", resource, before=user, after=changed, **told)
    return changed


def _changed(user: User, changes: Changes, now: int) -> User:
    disabled_at = user.disabled_at
    if changes.disabled is not None:
        disabled_at = (disabled_at or now) if changes.disabled else None
    # Also when they come back: nothing of what they had comes with them.
    leaves = disabled_at != user.disabled_at
    return msgspec.structs.replace(
        user,
        updated_at=now,
        claims=check_claims(_merged(user.claims, changes.claims)),
        metadata=_noted("metadata", _merged(user.metadata, changes.metadata)),
        app_metadata=_noted("app_metadata", _merged(user.app_metadata, changes.app_metadata)),
        dialects=settings.check("user", settings.merge(user.dialects, changes.dialects)),
        disabled_at=disabled_at,
        tokens_from=now if leaves else user.tokens_from,
    )


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


def _noted(field: str, value: dict[str, Any]) -> dict[str, Any]:
    size = len(codec.encode_json(value))
    if size > MAX_NOTED:
        raise fields.refuse("metadata-invalid", f"{field} is too large.", f"at most {MAX_NOTED} octets", size)
    return value


async def set_password(
    store: Store,
    passwords: Passwords,
    tenant_id: TenantId,
    name: str,
    password: ids.Secret | None,
    actor: Actor,
    etag: str = "",
) -> User:
    """Give a user another password, or none, and end all that they have with the one before.

    Raises `Misconfigured` (`user-unknown`, `password-invalid`, `record-changed`, `user-changed`).
    """
    encoded = "" if password is None else await passwords.hash(fields.password(password.reveal()))
    return await store.write(_set_password, tenant_id, name, encoded, actor, etag)


def _set_password(tenant_id: TenantId, name: str, encoded: str, actor: Actor, etag: str) -> Plan[User]:
    before = yield from find(tenant_id, name)
    versions.check(before, etag)
    after = msgspec.structs.replace(before, password_hash=encoded, updated_at=actor.now, tokens_from=actor.now)
    if not (yield from users.exchange(before, after)):
        raise _busy(name)
    # SECURITY: a password is changed because somebody else may have had it: what they opened with it is closed
    # (test_another_password_ends_what_the_one_before_opened).
    yield from endings.end_user(tenant_id, before.user_id, actor.now)
    yield from deeds.note(tenant_id, actor, "user.password", f"users/{before.user_id}", before=before, after=after)
    return after


def _busy(name: str) -> Misconfigured:
    public = "Somebody else has changed the user."
    return fields.refuse("user-changed", public, "the record as it was", name, "Try again.")


async def show(store: Store, tenant_id: TenantId, name: str) -> User:
    """Find a user by user name or UUID; raises `Misconfigured` (`user-unknown`)."""
    return await store.read(find, tenant_id, name)


def find(tenant_id: TenantId, name: str) -> Plan[User]:
    """Find a user by user name or UUID, as part of a larger plan; raises `Misconfigured` (`user-unknown`)."""
    user = yield from _by_either(tenant_id, name)
    if user is None:
        raise unknown(name)
    return user


def unknown(name: str) -> Misconfigured:
    """Return the error for a user who is not there."""
    public, hint = "There is no such user in this tenant.", "List them with: intaglio user list"
    return fields.refuse("user-unknown", public, "the name or UUID of a user", name, hint)


def _by_either(tenant_id: TenantId, name: str) -> Plan[User | None]:
    # SECURITY: a person may call themselves what is another's UUID, and is not meant by it
    # (test_whoever_signs_up_in_the_tenant_of_operators_administers_nothing).
    return (yield from users.by_id(tenant_id, name)) or (yield from users.by_name(tenant_id, name))


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[User]:
    """List at most `limit` users behind the user name `after`, however it is spelt."""
    return await store.read(users.page, tenant_id, users.sign_in_name(after), limit)
