"""What people see of their own sign-ins and applications, and end. Every plan names the person whose rows they are."""

from __future__ import annotations

import msgspec

from intaglio.server.model import endings, sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Ask, Plan, Value, decode, single
from intaglio.server.model.sessions import Session

LIMIT = 200
"""Rows of one list; a person with more sees the latest."""


class Use(msgspec.Struct, frozen=True):
    """What a person lets a client do: the scopes of live grants of one session, since an instant."""

    client: Client
    session_id: str
    scope: str
    since: int


class KeptSession(msgspec.Struct, frozen=True):
    """A session as it is still kept, ended or not, without what opens it."""

    session_id: str
    issuer: str
    dialect: str
    device: str
    auth_time: int
    amr: str
    acr: str
    circumstances: str
    created_at: int
    expires_at: int
    ended_at: int | None


class KeptGrant(msgspec.Struct, frozen=True):
    """A grant as it is still kept, revoked or not."""

    grant_id: str
    issuer: str
    client_id: str
    session_id: str
    scope: str
    auth_time: int
    acr: str
    amr: str
    claims: str
    circumstances: str
    created_at: int
    expires_at: int
    revoked_at: int | None


class Agreement(msgspec.Struct, frozen=True):
    """What a person has agreed to for a client, and when they last did."""

    client: Client
    scope: str
    updated_at: int


@single
def sessions_of(tenant_id: str, user_id: str, now: int) -> Plan[list[Session]]:
    """List the person's live sessions, the latest sign-in first."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "user_id": user_id, "now": now, "limit": LIMIT}
    return [sessions.from_row(row) for row in (yield Ask("sessions_of_user", values))]


@single
def uses_of(tenant_id: str, user_id: str, now: int) -> Plan[list[Use]]:
    """List what clients may do for the person at the moment."""
    values: dict[str, Value] = {"tenant_id": tenant_id, "user_id": user_id, "now": now, "limit": LIMIT}
    rows = yield Ask("apps_of_user", values)
    return [Use(decode(record, Client), session_id, scope, since) for record, session_id, scope, since in rows]


@single
def agreements_of(tenant_id: str, user_id: str, limit: int = LIMIT) -> Plan[list[Agreement]]:
    """List what the person has agreed to."""
    rows = yield Ask("consents_of_user", {"tenant_id": tenant_id, "user_id": user_id, "limit": limit})
    return [Agreement(decode(record, Client), scope, updated_at) for record, scope, updated_at in rows]


@single
def kept_sessions(tenant_id: str, user_id: str) -> Plan[list[KeptSession]]:
    """Return all sessions of a person that have not been swept yet, oldest first."""
    rows = yield Ask("whole_sessions_of_user", {"tenant_id": tenant_id, "user_id": user_id})
    return [KeptSession(*row) for row in rows]


@single
def kept_grants(tenant_id: str, user_id: str) -> Plan[list[KeptGrant]]:
    """Return all grants of a person that have not been swept yet, oldest first."""
    rows = yield Ask("whole_grants_of_user", {"tenant_id": tenant_id, "user_id": user_id})
    return [KeptGrant(*row) for row in rows]


def withdraw(tenant_id: str, user_id: str, client_id: str, now: int) -> Plan[None]:
    """Take back all that the person has granted to a client: consent, codes and devices under way, and every token."""
    whose = {"tenant_id": tenant_id, "user_id": user_id, "client_id": client_id}
    yield Ask("consent_delete", whose)
    yield from endings.under_way(tenant_id, now, user_id=user_id, client_id=client_id)
    yield Ask("grants_of_user_revoke", {**whose, "now": now})


def end_session(session_id: str, tenant_id: str, user_id: str, now: int) -> Plan[tuple[Client, ...] | None]:
    """End a session if it is the person's own; return who is to be told, None if it is not theirs or is over."""
    found = yield from sessions.by_id(session_id, now)
    if found is None or (found.tenant_id, found.user_id) != (tenant_id, user_id):
        return None
    return (yield from sessions.end(session_id, now))


def end_all(tenant_id: str, user_id: str, own: str, now: int) -> Plan[tuple[Client, ...]]:
    """End all of the person's sessions; return who is to be told by the browser of the session `own`."""
    told: tuple[Client, ...] = ()
    while live := (yield from sessions_of(tenant_id, user_id, now)):
        for found in live:
            ended = yield from sessions.end(found.session_id, now)
            told = ended if found.session_id == own else told
    return told
