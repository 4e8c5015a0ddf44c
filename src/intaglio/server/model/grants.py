"""Grants and what hangs on them: codes, refresh tokens, access tokens.

A grant is a family: one authorization and every token that came of it. Tokens are kept as digests only. A used code is
kept until it expires, so that a second use can end the family (RFC 6749 section 4.1.2, RFC 9700 section 2.1.1).
"""

from __future__ import annotations

import msgspec

from intaglio.names import ClientId, GrantId, TenantId
from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Ask, Plan, Row, single


class Grant(msgspec.Struct, frozen=True):
    """One authorization. `user_id` is empty for a client's own grant (client credentials).

    `claims` is the request's `claims` parameter as JSON text (OpenID Connect Core 5.5), empty if there was none;
    `circumstances` are `protocol.circumstances` as text.
    """

    grant_id: GrantId
    tenant_id: TenantId
    issuer: str
    client_id: ClientId
    user_id: str
    session_id: str
    scope: str
    auth_time: int
    acr: str
    amr: str
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    claims: str = ""
    circumstances: str = ""


class Code(msgspec.Struct, frozen=True):
    """An authorization code with what it stands for."""

    digest: bytes
    grant_id: GrantId
    tenant_id: TenantId
    issuer: str
    client_id: ClientId
    user_id: str
    session_id: str
    redirect_uri: str
    code_challenge: str
    scope: str
    nonce: str
    auth_time: int
    acr: str
    amr: str
    created_at: int
    expires_at: int
    used_at: int | None = None
    claims: str = ""
    circumstances: str = ""


class AccessToken(msgspec.Struct, frozen=True):
    """An opaque access token."""

    digest: bytes
    grant_id: GrantId
    scope: str
    created_at: int
    expires_at: int


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token; `used_at` is set when it was rotated."""

    digest: bytes
    grant_id: GrantId
    scope: str
    created_at: int
    expires_at: int
    used_at: int | None = None


def family(code: Code, now: int, expires_at: int) -> Grant:
    """Return the grant of what came of one authorization."""
    return Grant(
        grant_id=code.grant_id,
        tenant_id=code.tenant_id,
        issuer=code.issuer,
        client_id=code.client_id,
        user_id=code.user_id,
        session_id=code.session_id,
        scope=code.scope,
        auth_time=code.auth_time,
        acr=code.acr,
        amr=code.amr,
        created_at=now,
        expires_at=expires_at,
        claims=code.claims,
        circumstances=code.circumstances,
    )


def _values(record: msgspec.Struct) -> dict[str, str | int | bytes | None]:
    return msgspec.structs.asdict(record)


def _grant(row: Row) -> Grant:
    return Grant(*row)


@single
def code_insert(code: Code) -> Plan[None]:
    """Keep a new code."""
    yield Ask("code_insert", {k: v for k, v in _values(code).items() if k != "used_at"})


@single
def code_by_digest(digest: bytes) -> Plan[Code | None]:
    """Find a code, used or not, expired or not."""
    rows = yield Ask("code_by_digest", {"digest": digest})
    return Code(bytes(rows[0][0]), *rows[0][1:]) if rows else None


@single
def code_use(digest: bytes, now: int) -> Plan[Code | None]:
    """Mark a code used and return it; None unless it was there, unused, unexpired and its session had not ended.

    One caller of many wins.
    """
    rows = yield Ask("code_use", {"digest": digest, "now": now})
    return Code(bytes(rows[0][0]), *rows[0][1:]) if rows else None


@single
def grant_insert(grant: Grant) -> Plan[None]:
    """Keep a new grant."""
    yield Ask("grant_insert", {k: v for k, v in _values(grant).items() if k != "revoked_at"})


@single
def grant_keep(grant: Grant) -> Plan[bool]:
    """Keep a grant whose first token may have come before its code was redeemed; False if it was revoked since."""
    return bool((yield Ask("grant_keep", {k: v for k, v in _values(grant).items() if k != "revoked_at"})))


@single
def grant_issue(grant: Grant, token: AccessToken, entry: Entry) -> Plan[bool]:
    """Keep a grant as `grant_keep` does, an access token of it, and the entry that says so; False: nothing is kept.

    The token has the grant's scope and instant.
    """
    values = {**_values(grant), **audit.row(entry), "digest": token.digest, "token_expires_at": token.expires_at}
    del values["revoked_at"]
    return bool((yield Ask("grant_issue", values)))


@single
def grant_by_id(grant_id: str) -> Plan[Grant | None]:
    """Find a grant, revoked or not."""
    rows = yield Ask("grant_by_id", {"grant_id": grant_id})
    return _grant(rows[0]) if rows else None


@single
def grant_revoke(grant_id: str, now: int) -> Plan[None]:
    """Revoke a family: from now on none of its tokens is good."""
    yield Ask("grant_revoke", {"grant_id": grant_id, "now": now})


@single
def access_insert(token: AccessToken) -> Plan[None]:
    """Keep an access token; a second insert of the same digest changes nothing."""
    yield Ask("access_insert", _values(token))


def access_issue(token: AccessToken, entry: Entry) -> Plan[None]:
    """Keep an access token as `access_insert` does, with the entry of the audit log; part of a larger plan."""
    yield Ask("access_issue", {**_values(token), **audit.row(entry)})


@single
def access_with_grant(digest: bytes, now: int) -> Plan[tuple[AccessToken, Grant] | None]:
    """Find a live access token with its live grant: neither expired nor revoked."""
    rows = yield Ask("access_with_grant", {"digest": digest, "now": now})
    if not rows:
        return None
    return AccessToken(bytes(rows[0][0]), *rows[0][1:5]), _grant(rows[0][5:])


@single
def access_end(digest: bytes, now: int) -> Plan[None]:
    """Revoke one access token.

    Its row stays until it is swept: a replayed refresh derives the same token, and must not bring it back to life.
    """
    yield Ask("access_end", {"digest": digest, "now": now})


@single
def refresh_insert(token: RefreshToken) -> Plan[None]:
    """Keep a refresh token; a second insert of the same digest changes nothing."""
    yield Ask("refresh_insert", {k: v for k, v in _values(token).items() if k != "used_at"})


@single
def refresh_with_grant(digest: bytes) -> Plan[tuple[RefreshToken, Grant] | None]:
    """Find a refresh token with its grant, whatever their state."""
    rows = yield Ask("refresh_with_grant", {"digest": digest})
    if not rows:
        return None
    return RefreshToken(bytes(rows[0][0]), *rows[0][1:6]), _grant(rows[0][6:])


@single
def refresh_use_first(digest: bytes, now: int) -> Plan[bool]:
    """Mark a refresh token used; True for exactly one of several callers, False for one that was used or is gone."""
    return bool((yield Ask("refresh_use_first", {"digest": digest, "now": now})))


@single
def refresh_use(digest: bytes, now: int) -> Plan[int | None]:
    """Mark a refresh token used unless it is; return the instant of its first use, None if it is gone."""
    rows = yield Ask("refresh_use", {"digest": digest, "now": now})
    return int(rows[0][0]) if rows else None
