"""What is removed when its time is over, in small batches."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, single

QUERIES = (
    "expired_codes_delete",
    "expired_access_delete",
    "expired_refresh_delete",
    "expired_sessions_delete",
    "expired_transactions_delete",
    "expired_devices_delete",
    "expired_upstream_signins_delete",
    "expired_pushed_requests_delete",
    "expired_throttles_delete",
    "expired_grants_delete",
    "expired_assertions_delete",
    "expired_registration_tokens_delete",
    "expired_account_keys_delete",
    "expired_revoked_tokens_delete",
    "expired_rates_delete",
    "expired_invitations_delete",
    "gone_keys_delete",
)


@single
def sweep(query: str, now: int, limit: int) -> Plan[int]:
    """Delete at most `limit` rows of one kind that expired before `now`; return how many were deleted."""
    rows = yield Ask(query, {"now": now, "limit": limit})
    return len(rows)
