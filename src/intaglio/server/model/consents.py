"""Consent: which scopes a user let a client have."""

from __future__ import annotations

from intaglio.server.model.plan import Ask, Plan, single


@single
def granted(tenant_id: str, user_id: str, client_id: str) -> Plan[frozenset[str]]:
    """Return the scopes that the user has granted to the client so far."""
    rows = yield Ask("consent_scopes", {"tenant_id": tenant_id, "user_id": user_id, "client_id": client_id})
    return frozenset(rows[0][0].split()) if rows else frozenset()


def remember(tenant_id: str, user_id: str, client_id: str, scopes: frozenset[str], now: int) -> Plan[None]:
    """Add scopes to those granted; the row is made or widened."""
    before = yield from granted(tenant_id, user_id, client_id)
    yield Ask(
        "consent_upsert",
        {
            "tenant_id": tenant_id,
            "user_id": user_id,
            "client_id": client_id,
            "scopes": " ".join(sorted(before | scopes)),
            "now": now,
        },
    )
