"""What people see of their own sign-ins and applications, and end. Every plan names the person whose rows they are."""

from __future__ import annotations

import msgspec

from intaglio.server.model import sessions
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
def agreements_of(tenant_id: str, user_id: str) -> Plan[list[Agreement]]:
    """List what the person has agreed to."""
    rows = yield Ask("consents_of_user", {"tenant_id": tenant_id, "user_id": user_id, "limit": LIMIT})
    return [Agreement(decode(record, Client), scope, updated_at) for record, scope, updated_at in rows]


def withdraw(tenant_id: str, user_id: str, client_id: str, now: int) -> Plan[None]:
    """Take back all that the person has granted to a client: consent, codes under way, and every token."""
    whose = {"tenant_id": tenant_id, "user_id": user_id, "client_id": client_id}
    yield Ask("consent_delete", whose)
    yield Ask("codes_of_user_use", {**whose, "now": now})
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
