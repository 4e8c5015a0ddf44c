"""Initial access tokens: who has one may register a client (RFC 7591 section 1.2)."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, single


class RegistrationToken(msgspec.Struct, frozen=True):
    """An initial access token as a hash; `token_id` names it, `name` says what it is for, `uses_left` counts down."""

    digest: bytes
    tenant_id: TenantId
    token_id: str
    name: str
    created_at: int
    expires_at: int
    uses_left: int


@single
def insert(token: RegistrationToken) -> Plan[None]:
    """Keep a new token."""
    values = {name: getattr(token, name) for name in token.__struct_fields__}
    yield Ask("registration_token_insert", values)


@single
def is_live(digest: bytes, tenant_id: str, now: int) -> Plan[bool]:
    """Tell whether a token may be used; it is not used by that."""
    return bool((yield Ask("registration_token_live", {"digest": digest, "tenant_id": tenant_id, "now": now})))


@single
def use(digest: bytes, tenant_id: str, now: int) -> Plan[bool]:
    """Use a token once; False if it may not be used."""
    return bool((yield Ask("registration_token_use", {"digest": digest, "tenant_id": tenant_id, "now": now})))


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[RegistrationToken]]:
    """List at most `limit` tokens of a tenant whose id sorts behind `after`, by id."""
    rows = yield Ask("registration_token_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [RegistrationToken(bytes(row[0]), *row[1:]) for row in rows]


@single
def delete(tenant_id: str, token_id: str) -> Plan[bool]:
    """Remove a token; False if there is none of that id."""
    return bool((yield Ask("registration_token_delete", {"tenant_id": tenant_id, "token_id": token_id})))
