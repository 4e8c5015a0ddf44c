"""What a client is told over the back channel when a session has ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import hashlib

import msgspec

from intaglio import codec
from intaglio.server.model.outbox import Entry
from intaglio.server.model.plan import encode

KIND = "backchannel-logout"
GIVE_UP_AFTER = 6 * 3600
"""Seconds after which a client is not told any more."""


class LogoutNotice(msgspec.Struct, frozen=True):
    """Whom to tell of the end of whose session. The token is made when it is sent, from what is true then."""

    tenant_id: str
    issuer: str
    dialect: str
    client_id: str
    user_id: str
    session_id: str


def target(tenant_id: str, client_id: str) -> str:
    """Return how the outbox calls a client."""
    return f"{KIND} {tenant_id} {client_id}"


def entry(notice: LogoutNotice, now: int) -> Entry:
    """Return the outbox's entry of a notice. A session ends once, so session and client name it."""
    name = hashlib.sha256(f"{KIND}\0{notice.session_id}\0{notice.client_id}".encode()).digest()
    return Entry(
        entry_id=codec.encode_base64url(name[:16]),
        kind=KIND,
        target=target(notice.tenant_id, notice.client_id),
        record=encode(notice),
        created_at=now,
        due_at=now,
        give_up_at=now + GIVE_UP_AFTER,
    )
