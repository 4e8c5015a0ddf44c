"""Acts on users."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.ids import Secret
from intaglio.server.admin import users
from intaglio.server.admin.acts import act
from intaglio.server.admin.acts.act import PAGE, Act, After, Asked, Limit, Seen, Told
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.admin.users import Changes
from intaglio.server.model.users import User
from intaglio.server.registry import versions


class UserFields(Asked, frozen=True, kw_only=True):
    """What may be said of a user: each entry by itself, null taking one away; what is not named stays.

    `claims` are those of OpenID Connect Core 5.1.
    """

    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    app_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    dialects: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


class UserCreate(Asked, frozen=True, kw_only=True):
    """A new user; without a password nobody can sign in as this user with one."""

    tenant: str
    username: str
    password: Secret | None = None
    claims: dict[str, Any] = msgspec.field(default_factory=dict)


class UserUpdate(UserFields, frozen=True, kw_only=True):
    """Changes of a user, who is named by UUID or user name."""

    tenant: str
    user: str
    etag: Seen = ""


class UserPassword(Asked, frozen=True, kw_only=True):
    """Another password, or none at all with null."""

    tenant: str
    user: str
    password: Secret | None
    etag: Seen = ""


class UserNamed(Asked, frozen=True, kw_only=True):
    """A user of a tenant by UUID or user name."""

    tenant: str
    user: str


class UserTouched(UserNamed, frozen=True, kw_only=True):
    """A user that something is done to."""

    etag: Seen = ""


class UserList(Asked, frozen=True, kw_only=True):
    """Users of a tenant by user name, page by page."""

    tenant: str
    after: After = ""
    limit: Limit = PAGE


class UserTold(Told, frozen=True, kw_only=True):
    """A user: whether there is a password, never its hash."""

    tenant_id: str
    user_id: str
    username: str
    created_at: int
    updated_at: int
    has_password: bool
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    disabled_at: int | None = None
    development: bool = False
    groups: tuple[str, ...] = ()
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    app_metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    dialects: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    etag: str = ""


class UsersTold(Told, frozen=True, kw_only=True):
    """A page of users; `next` is empty on the last one."""

    items: tuple[UserTold, ...]
    next: str = ""


def told(user: User) -> UserTold:
    """Return what is told of a user."""
    names = set(UserTold.__struct_fields__) - {"has_password", "etag"}
    values = {name: getattr(user, name) for name in names}
    return UserTold(**values, has_password=bool(user.password_hash), etag=versions.of(user))


async def list_(asked: UserList, desk: Desk) -> UsersTold:
    """List users by user name. Raises `Misconfigured` (`tenant-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    found = await users.page(desk.store, owner.tenant_id, after=asked.after, limit=asked.limit + 1)
    found, more = act.cut(found, asked.limit)
    return UsersTold(items=tuple(map(told, found)), next=found[-1].username if more else "")


async def show(asked: UserNamed, desk: Desk) -> UserTold:
    """Show a user. Raises `Misconfigured` (`tenant-unknown`, `user-unknown`)."""
    owner = await desk.tenant(asked.tenant, "read")
    return told(await users.show(desk.store, owner.tenant_id, asked.user))


async def create(asked: UserCreate, desk: Desk) -> UserTold:
    """Make a user. Raises `Misconfigured` with the code of the field, `tenant-unknown`, `user-exists`."""
    owner = await desk.tenant(asked.tenant, "write")
    made = await users.create(
        desk.store,
        desk.clock,
        desk.passwords,
        owner.tenant_id,
        username=asked.username,
        password=asked.password,
        claims=asked.claims,
        actor=desk.actor,
    )
    return told(made)


async def update(asked: UserUpdate, desk: Desk) -> UserTold:
    """Change a user. Raises `Misconfigured` with the code of the field, `user-unknown`, `record-changed`."""
    owner = await desk.tenant(asked.tenant, "write")
    changes = Changes(**act.given(asked, *UserFields.__struct_fields__))
    return told(
        await users.update(desk.store, desk.clock, owner.tenant_id, asked.user, changes, desk.actor, asked.etag)
    )


async def set_password(asked: UserPassword, desk: Desk) -> UserTold:
    """Give a user another password and end what they have. Raises `Misconfigured` (`password-invalid`, …)."""
    owner = await desk.tenant(asked.tenant, "write")
    # SECURITY: a password waits its turn to be hashed: what somebody set meanwhile, who may be out of reach by then, is
    # not overwritten (test_a_password_that_was_on_its_way_overwrites_no_later_one).
    known = await users.show(desk.store, owner.tenant_id, asked.user)
    seen = versions.of(known) if asked.etag in ("", versions.ANY) else asked.etag
    changed = await users.set_password(
        desk.store, desk.passwords, owner.tenant_id, known.user_id, asked.password, desk.actor, seen
    )
    return told(changed)


ACTS = (
    Act(
        name="user.list",
        method="GET",
        path="/tenants/{tenant}/users",
        summary="List users",
        asked=UserList,
        told=UsersTold,
        right="read",
        perform=list_,
    ),
    Act(
        name="user.create",
        method="POST",
        path="/tenants/{tenant}/users",
        summary="Make a user",
        asked=UserCreate,
        told=UserTold,
        right="write",
        perform=create,
        status=201,
        created="/tenants/{tenant}/users/{user_id}",
    ),
    Act(
        name="user.show",
        method="GET",
        path="/tenants/{tenant}/users/{user}",
        summary="Show a user",
        asked=UserNamed,
        told=UserTold,
        right="read",
        perform=show,
    ),
    Act(
        name="user.update",
        method="PATCH",
        path="/tenants/{tenant}/users/{user}",
        summary="Change a user",
        asked=UserUpdate,
        told=UserTold,
        right="write",
        perform=update,
    ),
    Act(
        name="user.password",
        method="POST",
        path="/tenants/{tenant}/users/{user}/password",
        summary="Give a user another password",
        asked=UserPassword,
        told=UserTold,
        right="write",
        perform=set_password,
    ),
)
