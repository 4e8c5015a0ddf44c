"""What ends with a user, a client or a tenant: grants, codes, waiting devices and requests, sessions, keys."""

from __future__ import annotations

from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Ask, Plan, Value, decode, encode, single

COPIES = 200
"""Records of a shared application in other tenants that are read at a time."""


def grants_of_user(tenant_id: str, user_id: str, now: int) -> Plan[int]:
    """Revoke all that a user has granted, for offline access too; return how many grants were alive."""
    rows = yield Ask("grants_of_person_revoke", {"tenant_id": tenant_id, "user_id": user_id, "now": now})
    return sum(row[0] for row in rows)


@single
def told_grants(tenant_id: str, user_id: str, now: int) -> Plan[list[tuple[str, str]]]:
    """Return a user's live grants with the circumstances of their sign-in as text, where there are any."""
    rows = yield Ask("grants_of_person", {"tenant_id": tenant_id, "user_id": user_id, "now": now})
    return [(row[0], row[1]) for row in rows]


@single
def told_sessions(tenant_id: str, user_id: str, now: int) -> Plan[list[tuple[str, str]]]:
    """Return a user's live sessions with the circumstances of their sign-in as text, where there are any."""
    rows = yield Ask("sessions_of_person", {"tenant_id": tenant_id, "user_id": user_id, "now": now})
    return [(row[0], row[1]) for row in rows]


def grants_of_client(tenant_id: str, client_id: str, now: int) -> Plan[int]:
    """Revoke all that a client has in a tenant; return how many grants were alive."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "client_id": client_id, "now": now}
    alive = yield Ask("grants_of_client_count", values)
    yield Ask("grants_of_client_revoke", values)
    return int(alive[0][0])


def grants_of_tenant(tenant_id: str, now: int) -> Plan[int]:
    """Revoke all grants of a tenant; return how many were alive."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "now": now}
    alive = yield Ask("grants_of_tenant_count", values)
    yield Ask("grants_of_tenant_revoke", values)
    return int(alive[0][0])


def under_way(tenant_id: str, now: int, *, user_id: str = "", client_id: str = "") -> Plan[None]:
    """End codes that nobody redeemed yet, and devices that wait: a tenant's, or one user's or client's in it."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "user_id": user_id, "client_id": client_id, "now": now}
    yield Ask("codes_end", values)
    yield Ask("devices_end", values)


def requests_of_client(tenant_id: str, client_id: str, now: int) -> Plan[None]:
    """Remove a client's authorization requests that wait or were pushed, those at addresses of no tenant too."""
    client = _member("client_id", client_id)
    for tenant in (tenant_id, ""):
        values: dict[str, Value] = {"one": client, "other": _member("tenant_id", tenant), "now": now}
        yield Ask("transactions_end", values)
        yield Ask("pushed_requests_end", values)


def requests_of_tenant(tenant_id: str, now: int) -> Plan[None]:
    """Remove the authorization requests of a tenant that wait or were pushed, and sign-ins at other providers."""
    tenant = _member("tenant_id", tenant_id)
    values: dict[str, Value] = {"one": tenant, "other": tenant, "now": now}
    yield Ask("transactions_end", values)
    yield Ask("pushed_requests_end", values)
    yield Ask("upstream_signins_end", {"one": tenant, "now": now})


def _member(name: str, value: str) -> bytes:
    """Return a member as records have it. In a string its quotes are escaped, so that nobody writes one into theirs."""
    return encode(name) + b":" + encode(value)


@single
def live_sessions(tenant_id: str, behind: tuple[str, str], now: int, limit: int) -> Plan[list[tuple[str, str]]]:
    """Return user and session of a tenant's live sessions behind such a pair, in order."""
    rows = yield Ask(
        "sessions_of_tenant",
        {"tenant_id": tenant_id, "user_id": behind[0], "session_id": behind[1], "now": now, "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


@single
def sessions_at(
    tenant_id: str, connection: str, behind: tuple[str, str], now: int, limit: int
) -> Plan[list[tuple[str, str]]]:
    """Return user and session of live sessions that began at a connection, behind such a pair, in order."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "user_id": behind[0], "session_id": behind[1], "now": now}
    values |= {"member": _member("connection", connection).decode(), "limit": limit}
    return [(row[0], row[1]) for row in (yield Ask("sessions_of_connection", values))]


@single
def grants_at(tenant_id: str, connection: str, now: int) -> Plan[None]:
    """Revoke what was granted in sessions that began at a connection, offline access too."""
    values: dict[str, Value] = {
        "tenant_id": tenant_id,
        "member": _member("connection", connection).decode(),
        "now": now,
    }
    yield Ask("grants_of_connection_revoke", values)


@single
def all_sessions(tenant_id: str, now: int) -> Plan[None]:
    """End all sessions of a tenant, and tell nobody."""
    yield Ask("sessions_of_tenant_end", {"tenant_id": tenant_id, "now": now})


@single
def waiting_notices(target: str) -> Plan[None]:
    """Forget what waits in the outbox for a target."""
    yield Ask("outbox_of_target_delete", {"target": target})


def traces_of_client(tenant_id: str, client_id: str) -> Plan[None]:
    """Forget what people of a tenant agreed to for a client, and in which of their sessions it got tokens."""
    whose = {"tenant_id": tenant_id, "client_id": client_id}
    yield Ask("consents_of_client_delete", whose)
    yield Ask("session_clients_of_client_delete", whose)


@single
def elsewhere(client_id: str, after: str) -> Plan[list[Client]]:
    """Return clients of an identifier in the tenants behind one, by tenant; some at a time."""
    rows = yield Ask("client_elsewhere", {"client_id": client_id, "after": after, "limit": COPIES})
    return [decode(row[0], Client) for row in rows]


@single
def delete_user(tenant_id: str, user_id: str) -> Plan[bool]:
    """Remove a user with identities, consents and memberships; False if there is none."""
    return bool((yield Ask("user_delete", {"tenant_id": tenant_id, "user_id": user_id})))


@single
def delete_users(tenant_id: str, limit: int) -> Plan[int]:
    """Remove at most `limit` users of a tenant; return how many."""
    return len((yield Ask("users_of_tenant_delete", {"tenant_id": tenant_id, "limit": limit})))


@single
def delete_clients(tenant_id: str, limit: int) -> Plan[list[str]]:
    """Remove at most `limit` clients of a tenant; return their identifiers."""
    return [row[0] for row in (yield Ask("clients_of_tenant_delete", {"tenant_id": tenant_id, "limit": limit}))]


@single
def delete_ring(ring_id: str) -> Plan[None]:
    """Remove all keys of a ring, private and public."""
    yield Ask("ring_delete", {"ring_id": ring_id})


@single
def delete_tenant(tenant_id: str) -> Plan[bool]:
    """Remove a tenant with all that belongs to it; False if there is none."""
    return bool((yield Ask("tenant_delete", {"tenant_id": tenant_id})))
