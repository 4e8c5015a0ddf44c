"""The authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID Connect Core 3.1.3)."""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.protocol import pkce
from intaglio.protocol.exchange import CodeExchange, TokenAnswer
from intaglio.protocol.faults import invalid_grant
from intaglio.server.model import audit, grants, sessions
from intaglio.server.model.audit import Source
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Code, RefreshToken
from intaglio.server.model.plan import Plan
from intaglio.server.model.users import User
from intaglio.server.provider import assignment
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene

GRANT = "authorization_code"
WORD = "a live, unused code of this client"


class Redemption(msgspec.Struct, frozen=True):
    """What a client brings to redeem a code, with the tokens that it is to get as digests."""

    code: bytes
    tenant_id: str
    issuer: str
    client_id: str
    redirect_uri: str
    code_verifier: str
    access: bytes
    refresh: bytes
    lifetimes: grant.Lifetimes
    may_refresh: bool
    now: int
    hears_of_logout: bool = False
    source: Source = Source()

    def __repr__(self) -> str:
        return "Redemption(…)"


class Refusal(msgspec.Struct, frozen=True):
    """Why a code was not redeemed, for the log, and in a word for the dialect."""

    received: str
    reason: str = ""


def fault_of(code: Code, brought: Redemption) -> Refusal | None:
    """Return what is wrong with how a code is redeemed, None if nothing is."""
    if code.tenant_id != brought.tenant_id:
        return Refusal("a code of another tenant", "code-other-tenant")
    if (code.issuer, code.client_id) != (brought.issuer, brought.client_id):
        return Refusal(f"a code of {code.client_id} at {code.issuer}", "code-other-client")
    if code.redirect_uri != brought.redirect_uri:
        return Refusal("another redirect_uri than in the authorization request", "redirect-mismatch")
    # RFC 9700 2.1.1: a challenge must be answered, and a verifier without a challenge is a downgrade.
    if code.code_challenge and not brought.code_verifier:
        return Refusal("no code_verifier", "verifier-missing")
    if brought.code_verifier and not code.code_challenge:
        return Refusal("a code_verifier where no challenge was sent", "verifier-unasked")
    if code.code_challenge and not pkce.answers(brought.code_verifier, code.code_challenge):
        return Refusal("a code_verifier that does not answer the challenge", "verifier-wrong")
    return None


def redeem(brought: Redemption) -> Plan[Code | Refusal]:
    """Use the code up and keep what came of it; a second use ends the family (RFC 6749 section 4.1.2).

    A code that is brought wrongly is used up as well: whoever has it must not try again.
    """
    code = yield from grants.code_use(brought.code, brought.now)
    if code is None:
        earlier = yield from grants.code_by_digest(brought.code)
        if earlier is None:
            return Refusal("an unknown code", "code-unknown")
        if earlier.used_at is None:
            reason = "code-expired" if brought.now >= earlier.expires_at else "session-ended"
            return Refusal("a code that has expired, or whose session has ended", reason)
        yield from grants.grant_revoke(earlier.grant_id, brought.now)
        yield from _note_refused(earlier, brought, "code-used")
        return Refusal("a code that was used before; what it gave is revoked", "code-used")
    wrong = fault_of(code, brought)
    if wrong is not None:
        yield from _note_refused(code, brought, wrong.reason)
        return wrong
    offline = brought.may_refresh and "offline_access" in code.scope.split()
    kept = yield from _keep(code, brought, offline=offline)
    return code if kept else Refusal("a code of a grant that is revoked", "session-ended")


def _note_refused(code: Code, brought: Redemption, reason: str) -> Plan[None]:
    given = (code.tenant_id, brought.client_id, code.user_id, code.grant_id, GRANT, reason, brought.now, brought.source)
    yield from grant.note_refused(*given)


def _keep(code: Code, brought: Redemption, *, offline: bool) -> Plan[bool]:
    """Keep the family with its tokens; False if what came through the browser was revoked meanwhile."""
    now, spans = brought.now, brought.lifetimes
    expires_at = now + (spans.refresh_token if offline else spans.access_token)
    token = AccessToken(brought.access, code.grant_id, code.scope, now, now + spans.access_token)
    told = (code.tenant_id, code.client_id, code.user_id, code.grant_id, GRANT, code.scope, now, brought.source)
    if not (yield from grants.grant_issue(grants.family(code, now, expires_at), token, audit.issued(*told))):
        return False
    if offline:
        yield from grants.refresh_insert(
            RefreshToken(brought.refresh, code.grant_id, code.scope, now, now + spans.refresh_token)
        )
    if brought.hears_of_logout:
        yield from sessions.note_client(code.session_id, code.client_id)
    return True


def _brought(query: CodeExchange, client: Client, tokens: tuple[str, str], scene: Scene) -> Redemption:
    spans, dialect = grant.lifetimes(client, "authorization_code", scene), scene.dialect
    bound = dialect.terms(query, client.dialects.get(dialect.name, {})) if dialect.terms is not None else None
    if bound is not None:
        spans = msgspec.structs.replace(spans, refresh_token=min(spans.refresh_token, bound))
    return Redemption(
        code=ids.digest(query.code.reveal()),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        redirect_uri=query.redirect_uri,
        code_verifier=query.code_verifier.reveal() if query.code_verifier is not None else "",
        access=ids.digest(tokens[0]),
        refresh=ids.digest(tokens[1]),
        lifetimes=spans,
        may_refresh="refresh_token" in client.grant_types,
        now=scene.now,
        hears_of_logout=client.hears_of_logout,
        source=scene.source,
    )


def signed(code: Code, user: User) -> grant.Signed:
    """Return what the ID token says that comes of a code."""
    return grant.Signed(
        user=user,
        scope=tuple(code.scope.split()),
        auth_time=code.auth_time,
        acr=code.acr,
        amr=tuple(code.amr.split()),
        session_id=code.session_id,
        nonce=code.nonce,
        refreshed=False,
        claims=code.claims,
        circumstances=code.circumstances,
    )


async def exchange(query: CodeExchange, scene: Scene, house: House) -> TokenAnswer:
    """Give tokens for a code.

    Raises `invalid_client`, `unauthorized_client`, `invalid_grant`, and what the dialect's `terms` raise.
    """
    client = await grant.client_for(query.presented, "authorization_code", scene, house)
    access, refresh = grant.new_access_token(), grant.new_refresh_token()
    recipient = await grant.recipient_beforehand(client, scene, house)
    brought = _brought(query, client, (access, refresh), scene)
    outcome = await house.store.write(redeem, brought)
    if isinstance(outcome, Refusal):
        raise invalid_grant(WORD, outcome.received, outcome.reason)
    user = await house.user(scene, outcome.user_id)
    if user is None:
        raise invalid_grant(WORD, "a code of a user who is disabled or gone", "user-disabled")
    assignment.demand(client, user)
    scope, told = tuple(outcome.scope.split()), signed(outcome, user)
    wanted = "openid" in scope
    token = await grant.id_token(told, client, access, scene.now, scene, house, recipient) if wanted else ""
    offline = brought.may_refresh and "offline_access" in scope
    about = grant.holder(user, outcome.session_id, outcome.circumstances, scene)
    return TokenAnswer(access, brought.lifetimes.access_token, scope, None, refresh if offline else "", token, about)
