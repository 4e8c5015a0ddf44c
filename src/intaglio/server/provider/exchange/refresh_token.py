"""The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14, OpenID Connect Core 12).

What happens to the token is a policy of the client, its default the dialect's. `keep`: it stays good. `rotate`: a
successor takes its place; for a grace of 60 s a replay gets the very same answer, so that clients which race with
themselves stay signed in; a use after the grace ends the family, for then one of two holders is a thief. A dialect's
`never` is `keep` for every client.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.protocol import circumstances
from intaglio.protocol.exchange import RefreshExchange, TokenAnswer
from intaglio.protocol.faults import invalid_grant
from intaglio.server.issue.recipients import Recipient
from intaglio.server.model import audit, grants
from intaglio.server.model.audit import Source
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Grant, RefreshToken
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider import assignment, connections, organizations
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene

GRANT = "refresh_token"
WORD = "a live refresh token of this client"
NOTED = ("refresh-other-client", "refresh-reused")
"""Refusals that the audit log tells of: somebody has what is another's, or what was rotated away."""


class Use(msgspec.Struct, frozen=True):
    """What a client brings to use a refresh token, with the tokens that it is to get as digests."""

    token: bytes
    tenant_id: str
    issuer: str
    client_id: str
    scope: tuple[str, ...] | None
    access: bytes
    successor: bytes | None
    grace: int
    access_lifetime: int
    now: int
    narrows: bool = True
    source: Source = Source()

    def __repr__(self) -> str:
        return "Use(…)"


class Used(msgspec.Struct, frozen=True):
    """A good use: the grant, the scope, and the instant of the token's first use (now, unless it is a replay)."""

    family: Grant
    scope: tuple[str, ...]
    used_at: int


class Refusal(msgspec.Struct, frozen=True):
    """Why a refresh token was not good, for the log and in a word for the dialect; `error` is the standard code."""

    received: str
    reason: str = ""
    error: str = "invalid_grant"


def _fault(token: RefreshToken, family: Grant, use: Use) -> Refusal | None:
    if (family.tenant_id, family.issuer, family.client_id) != (use.tenant_id, use.issuer, use.client_id):
        return Refusal(f"a token of {family.client_id} at {family.issuer}", "refresh-other-client")
    if family.revoked_at is not None:
        return Refusal("a token of a revoked grant", "refresh-revoked")
    if use.now >= min(token.expires_at, family.expires_at):
        return Refusal("an expired token", "refresh-expired")
    # A token that was rotated away stays dead when the client's policy changes to keeping.
    if use.successor is None and token.used_at is not None:
        return Refusal("a token that was rotated before", "refresh-reused")
    return None


def refresh(use: Use) -> Plan[Used | Refusal]:
    """Use a refresh token; rotate it if `successor` is given."""
    found = yield from grants.refresh_with_grant(use.token)
    if found is None:
        return Refusal("an unknown token", "refresh-unknown")
    token, family = found
    wrong = _fault(token, family, use)
    if wrong is not None:
        if wrong.reason in NOTED:
            yield from _note_refused(family, use, wrong.reason)
        return wrong
    granted = tuple(token.scope.split())
    # RFC 6749 6: a refresh may narrow the scope, never widen it.
    if use.scope is not None and not set(use.scope) <= set(granted):
        return Refusal("a scope that was not granted", "scope-not-granted", "invalid_scope")
    scope = granted if use.scope is None or not use.narrows else use.scope
    used_at = use.now
    if use.successor is not None:
        # SECURITY: what was read above may be old by now: who comes first is said by the one statement that makes them
        # so (test_reuse_without_leeway); in the suite of the stores ten come at once.
        alone = bool(use.grace) or (yield from grants.refresh_use_first(use.token, use.now))
        first_used_at = yield from grants.refresh_use(use.token, use.now)
        if first_used_at is None:
            return Refusal("a token that was swept away meanwhile", "refresh-unknown")
        used_at = first_used_at
        # Without a grace the first use is the only one, in the same second too.
        if use.now - used_at > use.grace or not alone:
            yield from grants.grant_revoke(family.grant_id, use.now)
            yield from _note_refused(family, use, "refresh-reused")
            return Refusal("a token that was rotated before; its family is revoked", "refresh-reused")
        yield from grants.refresh_insert(
            RefreshToken(use.successor, family.grant_id, token.scope, used_at, token.expires_at)
        )
    # A rotated token's access token lives the grace longer, so that what a replay is told of it stays true.
    expires_at = used_at + use.access_lifetime + (use.grace if use.successor is not None else 0)
    words = " ".join(scope)
    told = (family.tenant_id, family.client_id, family.user_id, family.grant_id, GRANT, words, use.now, use.source)
    access = AccessToken(use.access, family.grant_id, words, used_at, expires_at)
    yield from grants.access_issue(access, audit.issued(*told))
    return Used(family, scope, used_at)


def _note_refused(family: Grant, use: Use, reason: str) -> Plan[None]:
    given = (family.tenant_id, use.client_id, family.user_id, family.grant_id, GRANT, reason, use.now, use.source)
    yield from grant.note_refused(*given)


def _tokens(query: RefreshExchange, client: Client, scene: Scene, house: House) -> tuple[str, str]:
    """Return the access token and the successor (empty: the token is kept)."""
    usual = scene.dialect.profile.refresh_policy
    # RFC 9700 2.2.2: a public client's refresh tokens are rotated, for nothing else would show a theft; but for a
    # dialect whose official clients keep the first one for ever.
    policy = usual if usual == "never" else "rotate" if client.is_public else client.refresh_policy or usual
    if policy != "rotate":
        return grant.new_access_token(), ""
    presented = query.refresh_token.reveal()
    words = " ".join(query.scope) if query.scope is not None else "*"
    access = grant.successor(house, grant.ACCESS, "access/" + words, presented)
    return access, grant.successor(house, grant.REFRESH, "refresh", presented)


async def exchange(query: RefreshExchange, scene: Scene, house: House) -> TokenAnswer:
    """Give tokens for a refresh token.

    Raises `invalid_client`, `unauthorized_client`, `invalid_grant`, `invalid_scope`.
    """
    client = await grant.client_for(query.presented, "refresh_token", scene, house)
    recipient = await grant.recipient_beforehand(client, scene, house)
    access, successor = _tokens(query, client, scene, house)
    spans = grant.lifetimes(client, "refresh_token", scene)
    use = Use(
        token=ids.digest(query.refresh_token.reveal()),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        scope=query.scope,
        access=ids.digest(access),
        successor=ids.digest(successor) if successor else None,
        grace=client.refresh_grace if client.refresh_grace is not None else scene.dialect.profile.refresh_grace,
        access_lifetime=spans.access_token,
        now=scene.now,
        narrows=query.narrows,
        source=scene.source,
    )
    outcome = await house.store.write(refresh, use)
    if isinstance(outcome, Refusal):
        raise _fault_of(outcome, client)
    user = await house.user(scene, outcome.family.user_id)
    if user is None:
        raise invalid_grant(WORD, "a token of a user who is disabled or gone", "user-disabled")
    assignment.demand(client, user)
    family = outcome.family
    named = circumstances.decode(family.circumstances).organization
    organizations.demand(client, scene, named)
    if not await organizations.still_member(family.tenant_id, named, family.user_id, house):
        await house.store.write(grants.grant_revoke, family.grant_id, scene.now)
        received = "a token for an organization that the user left"
        raise invalid_grant(WORD, received).because("organization-not-member", organization=named)
    if not await connections.counts(family, client, scene, house):
        # SECURITY: who closes a connection, or takes it from an application, means what came of it as well
        # (test_no_refresh_by_a_closed_connection).
        await house.store.write(grants.grant_revoke, family.grant_id, scene.now)
        raise invalid_grant(WORD, "a token of a connection that is closed", "refresh-revoked")
    token = await _id_token(outcome, user, client, access, scene, house, recipient)
    about = grant.holder(user, outcome.family.session_id, outcome.family.circumstances, scene)
    return TokenAnswer(access, spans.access_token, outcome.scope, query.scope, successor, token, about)


def _fault_of(refusal: Refusal, client: Client) -> ProtocolFault:
    if refusal.error == "invalid_scope":
        return ProtocolFault(
            "invalid_scope", "The scope goes beyond what was granted.", detail={"received": refusal.received}
        ).because(refusal.reason, client_id=client.client_id)
    return invalid_grant(WORD, refusal.received, refusal.reason)


async def _id_token(
    used: Used, user: User, client: Client, access: str, scene: Scene, house: House, recipient: Recipient | None
) -> str:
    if "openid" not in used.scope:
        return ""
    family = used.family
    signed = grant.Signed(
        user=user,
        scope=used.scope,
        auth_time=family.auth_time,
        acr=family.acr,
        amr=tuple(family.amr.split()),
        session_id=family.session_id,
        nonce="",
        refreshed=True,
        claims=family.claims,
        circumstances=family.circumstances,
    )
    return await grant.id_token(signed, client, access, used.used_at, scene, house, recipient)
