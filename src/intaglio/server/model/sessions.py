"""Sign-in sessions, and sign-ins that are under way."""

from __future__ import annotations

import msgspec

from intaglio.names import SessionId, TenantId, UserId
from intaglio.server.model import clients, logoutnotices, outbox
from intaglio.server.model.clients import Client
from intaglio.server.model.logoutnotices import LogoutNotice
from intaglio.server.model.plan import Ask, Plan, Row, decode, encode, single
from intaglio.server.model.users import User


class Session(msgspec.Struct, frozen=True):
    """Somebody signed in at one issuer with one browser; the cookie's secret is kept as `digest` only.

    `dialect` is the one that was spoken; `device` says in a few words which browser it is, empty if nobody knows.
    `circumstances` are `protocol.circumstances` as text. `issuer` is the one under which the browser keeps it.
    """

    session_id: SessionId
    digest: bytes
    tenant_id: TenantId
    issuer: str
    user_id: UserId
    auth_time: int
    amr: tuple[str, ...]
    acr: str
    created_at: int
    expires_at: int
    dialect: str = ""
    device: str = ""
    circumstances: str = ""


class Transaction(msgspec.Struct, frozen=True):
    """An authorization request that waits for its person.

    `digest` is of the identifier in the page's address, `browser` of the secret in the cookie: both are needed.
    `parameters` are the request's own; `authenticated_at` and `session_id` are set once this request saw a sign-in.
    `device` is the digest of a device's code where it is a device that waits, and no redirect URI (RFC 8628).
    `variant` is the version of the endpoints that were spoken to; `word` stood for the tenant where that is open.
    `organization` is the one that the person chose.
    """

    digest: bytes
    browser: bytes
    tenant_id: TenantId
    issuer: str
    dialect: str
    client_id: str
    parameters: tuple[tuple[str, str], ...]
    created_at: int
    expires_at: int
    authenticated_at: int | None = None
    session_id: str = ""
    device: bytes = b""
    variant: str = ""
    word: str = ""
    organization: str = ""


@single
def insert(session: Session) -> Plan[None]:
    """Keep a new session."""
    yield Ask(
        "session_insert",
        {
            "session_id": session.session_id,
            "digest": session.digest,
            "tenant_id": session.tenant_id,
            "issuer": session.issuer,
            "user_id": session.user_id,
            "auth_time": session.auth_time,
            "amr": " ".join(session.amr),
            "acr": session.acr,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "dialect": session.dialect,
            "device": session.device,
            "circumstances": session.circumstances,
        },
    )


@single
def renew(session: Session) -> Plan[bool]:
    """Give a live session a new secret and sign-in; the secret before it opens nothing any more. False if it ended."""
    rows = yield Ask(
        "session_renew",
        {
            "session_id": session.session_id,
            "digest": session.digest,
            "auth_time": session.auth_time,
            "amr": " ".join(session.amr),
            "acr": session.acr,
            "expires_at": session.expires_at,
            "device": session.device,
            "circumstances": session.circumstances,
        },
    )
    return bool(rows)


def from_row(row: Row) -> Session:
    """Return the session of a row with all its columns, in the order of the record."""
    sid, digest, tenant, issuer, user, auth_time, amr, *rest = row
    return Session(sid, bytes(digest), tenant, issuer, user, auth_time, tuple(amr.split()), *rest)


@single
def with_user(digest: bytes, issuer: str, now: int) -> Plan[tuple[Session, User] | None]:
    """Find the live session of a cookie at one issuer with its user, disabled or not."""
    rows = yield Ask("session_with_user", {"digest": digest, "issuer": issuer, "now": now})
    return (from_row(rows[0][:13]), decode(rows[0][13], User)) if rows else None


@single
def by_id(session_id: str, now: int) -> Plan[Session | None]:
    """Find a live session by its public identifier (`sid`)."""
    rows = yield Ask("session_by_id", {"session_id": session_id, "now": now})
    return from_row(rows[0]) if rows else None


@single
def note_client(session_id: str, client_id: str) -> Plan[None]:
    """Note that a client got tokens in a session, so that it is told when the session ends.

    It is for clients with a front-channel or back-channel logout URI, in the transaction that keeps what they got.
    """
    yield Ask("session_client_insert", {"session_id": session_id, "client_id": client_id})


@single
def granted_clients(session_id: str) -> Plan[tuple[str, ...]]:
    """Return the ids of the clients to which something was granted in a session."""
    rows = yield Ask("session_granted_clients", {"session_id": session_id})
    return tuple(row[0] for row in rows)


def hold(session_id: str, now: int) -> Plan[bool]:
    """Tell whether a session is live, and keep it so until the transaction ends; part of a larger plan."""
    return bool((yield Ask("session_hold", {"session_id": session_id, "now": now})))


def end(session_id: str, now: int) -> Plan[tuple[Client, ...]]:
    """End a session and revoke what was granted in it, save grants for offline access; return who is to be told.

    What clients are told over the back channel goes into the outbox with it: both are kept, or neither.
    """
    ended = yield Ask("session_end", {"session_id": session_id, "now": now})
    yield Ask("grants_of_session_revoke", {"session_id": session_id, "now": now})
    if not ended:
        return ()
    tenant_id, issuer, user_id, dialect = ended[0]
    rows = yield Ask("clients_of_session", {"session_id": session_id, "tenant_id": tenant_id})
    told: list[Client] = []
    for row in rows:
        client: Client | None = decode(row[0], Client)
        assert client is not None
        if client.home_tenant_id:
            # An application of another tenant is told at the addresses that it has there.
            client = yield from clients.by_id(client.home_tenant_id, client.client_id)
        told += [client] if client is not None else []
    for one in told:
        if one.backchannel_logout_uri:
            notice = LogoutNotice(tenant_id, issuer, dialect, one.client_id, user_id, session_id)
            yield from outbox.insert(logoutnotices.entry(notice, now))
    return tuple(told)


@single
def transaction_insert(transaction: Transaction) -> Plan[None]:
    """Keep an authorization request that waits for its person."""
    yield Ask(
        "transaction_insert",
        {"digest": transaction.digest, "expires_at": transaction.expires_at, "record": encode(transaction)},
    )


@single
def transaction_replace(transaction: Transaction) -> Plan[None]:
    """Replace the record of a waiting request."""
    yield Ask("transaction_replace", {"digest": transaction.digest, "record": encode(transaction)})


@single
def transaction_by_digest(digest: bytes, now: int) -> Plan[Transaction | None]:
    """Find a waiting request that has not expired."""
    rows = yield Ask("transaction_by_digest", {"digest": digest, "now": now})
    return decode(rows[0][0], Transaction) if rows else None


@single
def transaction_take(digest: bytes, now: int) -> Plan[bool]:
    """Remove a waiting request; True for exactly one of several callers."""
    return bool((yield Ask("transaction_delete", {"digest": digest, "now": now})))
