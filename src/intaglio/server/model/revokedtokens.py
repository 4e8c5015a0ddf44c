"""Access tokens that are not kept, withdrawn before their time."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, single


@single
def revoke(digest: bytes, expires_at: int) -> Plan[None]:
    """Withdraw the token of a digest; the row goes when the token would have expired. Again is no fault."""
    yield Ask("token_revoke", {"digest": digest, "expires_at": expires_at})


@single
def is_revoked(digest: bytes) -> Plan[bool]:
    """Tell whether the token of a digest was withdrawn."""
    return bool((yield Ask("token_is_revoked", {"digest": digest})))
