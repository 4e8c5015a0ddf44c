"""Acts on signing keys."""

from __future__ import annotations

from typing import Annotated

import msgspec

from intaglio.names import RingId
from intaglio.server.admin import keys
from intaglio.server.admin.acts.act import Act, Asked, Told
from intaglio.server.admin.acts.desk import Desk, Right
from intaglio.server.admin.keys import Listed
from intaglio.server.keyring import lifecycle
from intaglio.server.registry import fields

Authority = Annotated[
    str, msgspec.Meta(description="Base address whose tenants share their keys, in the place of the tenant's own.")
]


class KeyList(Asked, frozen=True, kw_only=True):
    """The keys of a tenant, or those of an authority."""

    tenant: str
    authority: Authority = ""


class KeyNamed(KeyList, frozen=True, kw_only=True):
    """A key."""

    key_id: str


class KeyCreate(KeyList, frozen=True, kw_only=True):
    """The next key of an algorithm."""

    alg: str = "RS256"


class KeyUpdate(KeyNamed, frozen=True, kw_only=True):
    """When a waiting key begins to sign, in epoch seconds; whoever caches the key set should have it by then."""

    active_at: int


class KeyTold(Told, frozen=True, kw_only=True):
    """A key: its state and its instants, nothing of the key itself.

    `signed_from`, `signed_until` and `out_until` are told of one that was just disabled: what it signed between the
    first two may be believed by whoever has the key set cached, and after `out_until` the last has expired.
    """

    key_id: str
    ring_id: str
    alg: str
    state: str
    created_at: int
    active_at: int
    retired_at: int | None = None
    gone_at: int | None = None
    revoked_at: int | None = None
    signed_from: int | None = None
    signed_until: int | None = None
    out_until: int | None = None


class KeysTold(Told, frozen=True, kw_only=True):
    """The keys of a ring, which are few."""

    items: tuple[KeyTold, ...]
    next: str = ""


def told(listed: Listed) -> KeyTold:
    """Return what is told of a key."""
    key = listed.key
    instants = ("created_at", "active_at", "retired_at", "gone_at", "revoked_at")
    values = {name: getattr(key, name) for name in instants}
    return KeyTold(key_id=key.key_id, ring_id=key.ring_id, alg=key.alg, state=listed.state, **values)


async def _ring(asked: KeyList, desk: Desk, right: Right) -> RingId:
    if asked.authority:
        # SECURITY: those keys are every tenant's of that authority (test_shared_keys_are_theirs_who_have_all).
        desk.demand(right)
        return await keys.ring(desk.store, "", asked.authority)
    return RingId((await desk.tenant(asked.tenant, right)).tenant_id)


async def list_(asked: KeyList, desk: Desk) -> KeysTold:
    """List keys, the oldest first. Raises `Misconfigured` (`tenant-unknown`, `authority-invalid`)."""
    found = await keys.page(desk.store, desk.clock, await _ring(asked, desk, "read"))
    return KeysTold(items=tuple(map(told, found)))


async def show(asked: KeyNamed, desk: Desk) -> KeyTold:
    """Show a key. Raises `Misconfigured` (`tenant-unknown`, `key-unknown`)."""
    for one in await keys.page(desk.store, desk.clock, await _ring(asked, desk, "read")):
        if one.key.key_id == asked.key_id:
            return told(one)
    raise keys.unknown(asked.key_id)


async def create(asked: KeyCreate, desk: Desk) -> KeyTold:
    """Publish the next key of an algorithm, or return the one that waits already. Raises `Misconfigured`."""
    fields.one_of("alg", asked.alg, fields.ALGORITHMS)
    ring = await _ring(asked, desk, "write")
    return told(await keys.publish_successor(desk.store, desk.clock, desk.vault, ring, asked.alg, desk.actor))


async def update(asked: KeyUpdate, desk: Desk) -> KeyTold:
    """Say when a waiting key begins. Raises `Misconfigured` (`key-unknown`, `key-not-waiting`, `instant-invalid`)."""
    ring = await _ring(asked, desk, "write")
    return told(await keys.begin(desk.store, desk.clock, ring, asked.key_id, asked.active_at, desk.actor))


async def delete(asked: KeyNamed, desk: Desk) -> KeyTold:
    """Forget a key that is not published any more. Raises `Misconfigured` (`key-unknown`, `key-published`)."""
    gone = await keys.delete(desk.store, await _ring(asked, desk, "write"), asked.key_id, desk.actor)
    return told(Listed(gone, lifecycle.state(gone, desk.clock.now())))


async def disable(asked: KeyNamed, desk: Desk) -> KeyTold:
    """Withdraw a key at once; another takes its place. Raises `Misconfigured` (`key-unknown`)."""
    ring = await _ring(asked, desk, "write")
    gone = await keys.withdraw(desk.store, desk.clock, desk.vault, ring, asked.key_id, desk.actor)
    return msgspec.structs.replace(
        told(Listed(gone.key, "revoked")),
        signed_from=gone.signed_from,
        signed_until=gone.signed_until,
        out_until=gone.out_until,
    )


ACTS = (
    Act(
        name="key.list",
        method="GET",
        path="/tenants/{tenant}/keys",
        summary="List signing keys",
        asked=KeyList,
        told=KeysTold,
        right="read",
        perform=list_,
    ),
    Act(
        name="key.create",
        method="POST",
        path="/tenants/{tenant}/keys",
        summary="Publish the next signing key of an algorithm",
        asked=KeyCreate,
        told=KeyTold,
        right="write",
        perform=create,
        status=201,
        created="/tenants/{tenant}/keys/{key_id}",
    ),
    Act(
        name="key.show",
        method="GET",
        path="/tenants/{tenant}/keys/{key_id}",
        summary="Show a signing key",
        asked=KeyNamed,
        told=KeyTold,
        right="read",
        perform=show,
    ),
    Act(
        name="key.update",
        method="PATCH",
        path="/tenants/{tenant}/keys/{key_id}",
        summary="Say when a waiting signing key begins",
        asked=KeyUpdate,
        told=KeyTold,
        right="write",
        perform=update,
    ),
    Act(
        name="key.delete",
        method="DELETE",
        path="/tenants/{tenant}/keys/{key_id}",
        summary="Forget a signing key that is not published any more",
        asked=KeyNamed,
        told=KeyTold,
        right="write",
        perform=delete,
    ),
    Act(
        name="key.disable",
        method="POST",
        path="/tenants/{tenant}/keys/{key_id}/disable",
        summary="Withdraw a signing key at once",
        asked=KeyNamed,
        told=KeyTold,
        right="write",
        perform=disable,
    ),
)
