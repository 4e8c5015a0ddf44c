"""Authorization requests that a client pushed beforehand (RFC 9126)."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single


class PushedRequest(msgspec.Struct, frozen=True):
    """A request's parameters as its authenticated client pushed them; `digest` is of the reference's random part."""

    digest: bytes
    tenant_id: TenantId
    issuer: str
    client_id: str
    parameters: tuple[tuple[str, str], ...]
    created_at: int
    expires_at: int

    def __repr__(self) -> str:
        return f"PushedRequest({self.client_id})"


@single
def insert(pushed: PushedRequest) -> Plan[None]:
    """Keep a pushed request."""
    values: dict[str, Value] = {"digest": pushed.digest, "expires_at": pushed.expires_at, "record": encode(pushed)}
    yield Ask("pushed_request_insert", values)


@single
def by_digest(digest: bytes, now: int) -> Plan[PushedRequest | None]:
    """Find a pushed request that has not expired."""
    rows = yield Ask("pushed_request_by_digest", {"digest": digest, "now": now})
    return decode(rows[0][0], PushedRequest) if rows else None


@single
def use(digest: bytes, now: int) -> Plan[bool]:
    """Use a pushed request up; True for exactly one of several callers."""
    return bool((yield Ask("pushed_request_delete", {"digest": digest, "now": now})))
