"""Sign-in sessions, and sign-ins that are under way."""

from __future__ import annotations

import msgspec

from intaglio.names import SessionId, TenantId, UserId
from intaglio.server.model.plan import Ask, Plan, Row, decode, encode, single
from intaglio.server.model.users import User


class Session(msgspec.Struct, frozen=True):
    """Somebody signed in at one issuer with one browser; the cookie's secret is kept as `digest` only."""

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


class Transaction(msgspec.Struct, frozen=True):
    """An authorization request that waits for its person.

    `digest` is of the identifier in the page's address, `browser` of the secret in the cookie: both are needed.
    `parameters` are the request's own; `authenticated_at` and `session_id` are set once this request saw a sign-in.
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
        },
    )
    return bool(rows)


def _session(rows: list[Row]) -> Session | None:
    if not rows:
        return None
    sid, digest, tenant, issuer, user, auth_time, amr, acr, created, expires = rows[0]
    return Session(sid, bytes(digest), tenant, issuer, user, auth_time, tuple(amr.split()), acr, created, expires)


@single
def with_user(digest: bytes, issuer: str, now: int) -> Plan[tuple[Session, User] | None]:
    """Find the live session of a cookie at one issuer with its user, disabled or not."""
    rows = yield Ask("session_with_user", {"digest": digest, "issuer": issuer, "now": now})
    session = _session([rows[0][:10]]) if rows else None
    return (session, decode(rows[0][10], User)) if session is not None else None


@single
def by_id(session_id: str, now: int) -> Plan[Session | None]:
    """Find a live session by its public identifier (`sid`)."""
    return _session((yield Ask("session_by_id", {"session_id": session_id, "now": now})))


def end(session_id: str, now: int) -> Plan[None]:
    """End a session and revoke what was granted in it, save grants for offline access."""
    yield Ask("session_end", {"session_id": session_id, "now": now})
    yield Ask("grants_of_session_revoke", {"session_id": session_id, "now": now})


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
