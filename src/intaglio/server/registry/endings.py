"""What ends when somebody leaves: plans that every function uses which disables or deletes a user, client or tenant.

What was ended stays ended when it is enabled again. OpenID Connect Back-Channel Logout 1.0 (who is told), RFC 7009
section 2.1 and RFC 7662 section 2.2 (what was withdrawn is not active anywhere).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from intaglio.names import TenantId
from intaglio.protocol import circumstances
from intaglio.server.keyring import rings
from intaglio.server.model import accounts, administrators, clients, endings, grants, logoutnotices, sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.connections import Connection
from intaglio.server.model.identities import Identity
from intaglio.server.model.plan import Plan

BATCH = 200
"""Rows of a step of what is done step by step, so that nobody else waits long for the database."""


class Ended(msgspec.Struct, frozen=True):
    """How many live sessions and grants were ended."""

    sessions: int = 0
    grants: int = 0


def end_user(tenant_id: TenantId, user_id: str, now: int) -> Plan[Ended]:
    """End all that a user has here: sessions, grants for offline access too, codes, devices; applications are told.

    Nothing of the record changes. What needs no row in the database, such as a session of the gate, ends by the
    record's `tokens_from`, which the caller sets.
    """
    ended = yield from end_sessions(tenant_id, user_id, now)
    revoked = yield from endings.grants_of_user(tenant_id, user_id, now)
    yield from endings.under_way(tenant_id, now, user_id=user_id)
    return Ended(ended, revoked)


def end_sessions(tenant_id: TenantId, user_id: str, now: int) -> Plan[int]:
    """End a user's sessions with what was granted in them, save offline access; return how many there were."""
    ended = 0
    while live := (yield from accounts.sessions_of(tenant_id, user_id, now)):
        for found in live:
            yield from sessions.end(found.session_id, now)
        ended += len(live)
    return ended


def end_identity(identity: Identity, now: int) -> Plan[Ended]:
    """End what a user has who signed in as somebody at another provider: they may not be that one any more."""
    ended = Ended()
    whose = (identity.tenant_id, identity.user_id, now)
    for session_id, told in (yield from endings.told_sessions(*whose)):
        if _came_as(identity, told):
            yield from sessions.end(session_id, now)
            ended = Ended(ended.sessions + 1, ended.grants)
    for grant_id, told in (yield from endings.told_grants(*whose)):
        if _came_as(identity, told):
            yield from grants.grant_revoke(grant_id, now)
            ended = Ended(ended.sessions, ended.grants + 1)
    return ended


def _came_as(identity: Identity, told: str) -> bool:
    known = circumstances.decode(told)
    return (known.idp, known.idp_subject) == (identity.issuer, identity.subject)


def end_client(client: Client, now: int) -> Plan[Ended]:
    """End all that a client has: grants, its own too, codes, devices and requests that wait.

    Of an application that tenants share this ends it in each, of another tenant's application here alone. Its people
    stay signed in.
    """
    revoked = 0
    for tenant_id in (yield from _where(client)):
        revoked += yield from endings.grants_of_client(tenant_id, client.client_id, now)
        yield from endings.under_way(tenant_id, now, client_id=client.client_id)
        yield from endings.requests_of_client(tenant_id, client.client_id, now)
    return Ended(grants=revoked)


def delete_client(client: Client, now: int) -> Plan[Ended | None]:
    """Remove a client with all that it has and was; None if it is gone.

    SECURITY: a client that is registered later under the same name inherits nothing: no consent, no administration, no
    notices, and at other tenants no place (test_a_client_of_the_same_name_inherits_nothing). What another tenant
    switched off stays so.
    """
    ended = yield from end_client(client, now)
    for tenant_id in (yield from _where(client)):
        yield from endings.traces_of_client(tenant_id, client.client_id)
    yield from endings.waiting_notices(logoutnotices.target(client.tenant_id, client.client_id))
    yield from administrators.forget(client.tenant_id, administrators.client(client.client_id))
    for copy in (yield from _copies(client)):
        if copy.disabled_at is None:
            yield from clients.delete(copy.tenant_id, copy.client_id)
        else:
            yield from clients.revise(
                copy.tenant_id, copy.client_id, lambda known: msgspec.structs.replace(known, consented_scope=())
            )
    return ended if (yield from clients.delete(client.tenant_id, client.client_id)) else None


def _where(client: Client) -> Plan[list[TenantId]]:
    """Return the tenants in which a client may have anything."""
    copies = yield from _copies(client)
    return [client.tenant_id, *(copy.tenant_id for copy in copies)]


def _copies(client: Client) -> Plan[list[Client]]:
    """Return the records that other tenants keep of a client; those of another's application are not its own."""
    if client.home_tenant_id:
        return []
    found: list[Client] = []
    behind = ""
    while part := (yield from endings.elsewhere(client.client_id, behind)):
        found += [one for one in part if one.home_tenant_id == client.tenant_id]
        behind = part[-1].tenant_id
    return found


def delete_user(tenant_id: TenantId, user_id: str, now: int) -> Plan[Ended | None]:
    """Remove a user with all that they have: sign-ins elsewhere, consents, memberships, administration; None if gone.

    The audit log keeps what they did.
    """
    ended = yield from end_user(tenant_id, user_id, now)
    yield from administrators.forget(tenant_id, administrators.user(user_id))
    return ended if (yield from endings.delete_user(tenant_id, user_id)) else None


def end_tenant(tenant_id: TenantId, now: int) -> Plan[Ended]:
    """End all that was granted in a tenant, and what waits; its sessions end by `end_some_sessions`, a few at a time.

    The tenant itself is switched off in the same transaction: nothing of it is found from then on.
    """
    revoked = yield from endings.grants_of_tenant(tenant_id, now)
    yield from endings.under_way(tenant_id, now)
    yield from endings.requests_of_tenant(tenant_id, now)
    return Ended(grants=revoked)


def end_some_sessions(tenant_id: TenantId, behind: tuple[str, str], now: int) -> Plan[tuple[int, tuple[str, str]]]:
    """End some sessions of a tenant behind a user and a session; return how many, and where to go on."""
    found = yield from endings.live_sessions(tenant_id, behind, now, BATCH)
    for _, session_id in found:
        yield from sessions.end(session_id, now)
    return len(found), found[-1] if found else behind


def end_some_at(connection: Connection, behind: tuple[str, str], now: int) -> Plan[tuple[int, tuple[str, str]]]:
    """End some sessions that began at a connection, as `end_some_sessions`; before the first, what was granted there.

    A connection that is made later under the same name inherits none of its people.
    """
    tenant_id, name = connection.tenant_id, connection.name
    if behind == ("", ""):
        yield from endings.grants_at(tenant_id, name, now)
    found = yield from endings.sessions_at(tenant_id, name, behind, now, BATCH)
    for _, session_id in found:
        yield from sessions.end(session_id, now)
    return len(found), found[-1] if found else behind


def end_some_shared(tenant_id: TenantId, behind: str, now: int, *, gone: bool) -> Plan[str]:
    """End what applications of a tenant have at others, or remove them there if they are `gone`; some at a time.

    Return behind which client to go on, empty when all was done.
    """
    found = yield from clients.page(tenant_id, behind, BATCH)
    for client in found:
        if client.sign_in_audience != "tenant" and not client.home_tenant_id:
            yield from (delete_client if gone else end_client)(client, now)
    return found[-1].client_id if found else ""


def end_keys(tenant_id: TenantId) -> Plan[None]:
    """Remove the keys of a tenant; those that it shares with others stay."""
    for ring_id in _rings(tenant_id):
        yield from endings.delete_ring(ring_id)


def _rings(tenant_id: TenantId) -> Iterator[str]:
    yield tenant_id
    yield rings.of_assertions(tenant_id)


def delete_some(tenant_id: TenantId) -> Plan[int]:
    """Remove some users of a tenant, then some clients; return how many, 0 when none is left."""
    gone = yield from endings.delete_users(tenant_id, BATCH)
    if gone:
        return gone
    names = yield from endings.delete_clients(tenant_id, BATCH)
    for client_id in names:
        yield from endings.waiting_notices(logoutnotices.target(tenant_id, client_id))
    return len(names)


def delete_tenant(tenant_id: TenantId, now: int) -> Plan[bool]:
    """Remove a tenant with what is left of it; False if it is gone. The audit log stays."""
    yield from end_tenant(tenant_id, now)
    yield from endings.all_sessions(tenant_id, now)
    yield from end_keys(tenant_id)
    yield from administrators.forget_scope(tenant_id)
    return (yield from endings.delete_tenant(tenant_id))
