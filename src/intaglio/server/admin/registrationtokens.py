"""Initial access tokens: make one, list them, remove one (RFC 7591 section 1.2)."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.names import TenantId
from intaglio.server.model import registrationtokens
from intaglio.server.model.plan import Plan, Store
from intaglio.server.model.registrationtokens import RegistrationToken
from intaglio.server.registry import deeds, fields
from intaglio.server.registry.deeds import Actor

PREFIX = "ig_iat_"
"""What an initial access token begins with, so that people and scanners recognise it."""
MOST_USES = 1_000_000
LONGEST = 366 * 86_400


class Made(msgspec.Struct, frozen=True):
    """A token with its secret text, which is told this once."""

    token: RegistrationToken
    secret: ids.Secret


async def create(
    store: Store,
    clock: Clock,
    tenant_id: TenantId,
    *,
    name: str = "",
    uses: int = 1,
    lifetime: int = 86_400,
    actor: Actor | None = None,
) -> Made:
    """Make a token that `uses` clients may register with, for `lifetime` seconds. With `actor` the log tells of it.

    Raises `Misconfigured` (`value-unknown`, `lifetime-invalid`, `name-invalid`).
    """
    if not 1 <= uses <= MOST_USES:
        raise fields.refuse("value-unknown", "The number of uses cannot be used.", f"1 to {MOST_USES}", uses)
    if not 1 <= lifetime <= LONGEST:
        raise fields.refuse("lifetime-invalid", "The lifetime cannot be used.", f"1 to {LONGEST} seconds", lifetime)
    secret, now = PREFIX + ids.opaque(), clock.now()
    token = RegistrationToken(
        digest=ids.digest(secret),
        tenant_id=tenant_id,
        token_id=ids.new_uuid(),
        name=fields.display_name("name", name) if name else "",
        created_at=now,
        expires_at=now + lifetime,
        uses_left=uses,
    )
    await store.write(_insert, token, actor)
    return Made(token, ids.Secret(secret))


def _insert(token: RegistrationToken, actor: Actor | None) -> Plan[None]:
    yield from registrationtokens.insert(token)
    if actor is not None:
        resource = f"registration-tokens/{token.token_id}"
        yield from deeds.note(token.tenant_id, actor, "registration-token.create", resource, after=token)


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[RegistrationToken]:
    """List at most `limit` tokens behind the id `after`."""
    return await store.read(registrationtokens.page, tenant_id, after, limit)


async def remove(store: Store, tenant_id: TenantId, token_id: str, actor: Actor | None = None) -> None:
    """Remove a token. With `actor` the audit log tells of it. Raises `Misconfigured` (`token-unknown`)."""
    if not await store.write(_delete, tenant_id, token_id, actor):
        hint = "List them with: intaglio client registration-token list"
        raise fields.refuse("token-unknown", "There is no such token.", "the id of a token", token_id, hint)


def _delete(tenant_id: TenantId, token_id: str, actor: Actor | None) -> Plan[bool]:
    if not (yield from registrationtokens.delete(tenant_id, token_id)):
        return False
    if actor is not None:
        yield from deeds.note(tenant_id, actor, "registration-token.remove", f"registration-tokens/{token_id}")
    return True
