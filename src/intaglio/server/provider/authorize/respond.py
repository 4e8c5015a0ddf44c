"""The answers of the authorization endpoint: a code, tokens, or an error, always with `iss`.

RFC 6749 sections 4.1.2, 4.1.2.1 and 4.2.2, RFC 9207 section 2, OpenID Connect Core 3.1.2.5, 3.1.2.6, 3.2.2.5 and
3.3.2.5, OAuth 2.0 Multiple Response Type Encoding Practices 1.0.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.names import GrantId
from intaglio.protocol import circumstances, claimsrequest
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.protocol.circumstances import Holder
from intaglio.server.issue import gather
from intaglio.server.model import audit, grants, sessions
from intaglio.server.model.audit import Entry, Source
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import AccessToken, Code
from intaglio.server.model.plan import Plan
from intaglio.server.model.sessions import Session
from intaglio.server.model.users import User
from intaglio.server.provider import sessionstate
from intaglio.server.provider.authorize import responses
from intaglio.server.provider.exchange import grant
from intaglio.server.provider.scene import House, Scene

GRANT_TYPE = "implicit"
"""The grant type whose lifetimes the tokens have that come through the browser (RFC 6749 section 4.2)."""

ENDED = Problem("login_required", "The session has ended meanwhile.", reason="login-required")


class Wanted(msgspec.Struct, frozen=True):
    """What a client gets through the browser, of a code, an access token and an ID token; empty text is absent."""

    code: str = ""
    access_token: str = ""
    id_token: bool = False
    hears_of_logout: bool = False
    source: Source = Source()

    def __repr__(self) -> str:
        return "Wanted(…)"


def _answer(
    query: AuthorizeQuery,
    fields: list[tuple[str, str]],
    scene: Scene,
    wrong: Problem | None = None,
    signed_in: Session | None = None,
    holder: Holder | None = None,
) -> AuthorizeAnswer:
    fields += [("state", query.state)] if query.state else []
    kept = None
    if signed_in is not None and scene.tenant.session_management:
        kept = sessionstate.of(signed_in)
        # OpenID Connect Session Management 1.0 section 2.
        state = sessionstate.told(query.client_id, query.redirect_uri, kept)
        fields += [("session_state", state)] if state else []
    if scene.dialect.profile.tells_issuer:
        # RFC 9207 2: the client can tell which issuer answered, errors included.
        fields.append(("iss", scene.issuer))
    mode = responses.mode(query, scene.dialect.profile.response_modes)
    return AuthorizeAnswer(query.redirect_uri, mode, tuple(fields), wrong, browser_state=kept, holder=holder)


def error(query: AuthorizeQuery, wrong: Problem, scene: Scene) -> AuthorizeAnswer:
    """Return a standard error for the client; its description ends with the reference."""
    fields = [("error", wrong.error), ("error_description", f"{wrong.description} ({scene.ref})")]
    return _answer(query, fields, scene, wrong)


def plain(query: AuthorizeQuery, present: tuple[Session, User], scene: Scene) -> AuthorizeAnswer:
    """Return an answer without code and token; what it says besides is the dialect's."""
    told = of_request(query, present[0], scene)
    return _answer(query, [], scene, holder=grant.holder(present[1], present[0].session_id, told, scene))


async def code(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User],
    scope: tuple[str, ...],
    scene: Scene,
    house: House,
) -> AuthorizeAnswer:
    """Return a new authorization code, bound to client, redirect URI, challenge, user and session."""
    text = ids.opaque()
    kept = record(text, query, client, present[0], scope, scene)
    await house.store.write(grants.code_insert, kept)
    return _answer(query, [("code", text)], scene, signed_in=present[0], holder=_holder(kept, present, scene))


def _holder(kept: Code, present: tuple[Session, User], scene: Scene) -> Holder:
    return grant.holder(present[1], present[0].session_id, kept.circumstances, scene)


def record(
    text: str, query: AuthorizeQuery, client: Client, session: Session, scope: tuple[str, ...], scene: Scene
) -> Code:
    """Return the code, bound to client, redirect URI, challenge, user and session, as it is kept."""
    return Code(
        digest=ids.digest(text),
        grant_id=GrantId(ids.opaque(16)),
        tenant_id=scene.tenant.tenant_id,
        issuer=scene.issuer,
        client_id=client.client_id,
        user_id=session.user_id,
        session_id=session.session_id,
        redirect_uri=query.redirect_uri,
        code_challenge=query.code_challenge,
        scope=" ".join(scope),
        nonce=query.nonce,
        auth_time=session.auth_time,
        acr=session.acr,
        amr=" ".join(session.amr),
        created_at=scene.now,
        expires_at=scene.now + gather.code_lifetime(client, scene.tenant, scene.dialect.profile).seconds,
        claims=claimsrequest.encode(query.claims),
        circumstances=of_request(query, session, scene),
    )


def of_request(query: AuthorizeQuery, session: Session, scene: Scene) -> str:
    """Return the circumstances of a sign-in for one request, as text."""
    told = circumstances.decode(session.circumstances)
    of_this = msgspec.structs.replace(
        told,
        requested_at=scene.now,
        audience=query.audience,
        # Without a name it was not looked at whether the person belongs to it.
        organization=query.organization if query.organization_name else "",
        organization_name=query.organization_name,
    )
    return circumstances.encode(of_this)


async def front_channel(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User],
    scope: tuple[str, ...],
    scene: Scene,
    house: House,
) -> AuthorizeAnswer:
    """Return what the response type asks for of code, access token and ID token, through the browser.

    All of it is one grant: a second use of the code ends the access token that came beside it.
    """
    words = responses.words(query.response_type)
    wanted = Wanted(
        ids.opaque() if "code" in words else "",
        grant.new_access_token() if "token" in words else "",
        "id_token" in words,
        client.hears_of_logout,
        scene.source,
    )
    kept = record(wanted.code, query, client, present[0], scope, scene)
    # Signed before anything is kept: an ID token that cannot be had leaves nothing behind.
    token = ""
    if wanted.id_token:
        told = signed(wanted, kept, query, present)
        token = await grant.id_token(told, client, wanted.access_token, scene.now, scene, house)
    lifetime = grant.lifetimes(client, GRANT_TYPE, scene).access_token
    if not await house.store.write(_keep, kept, wanted, lifetime):
        return error(query, ENDED, scene)
    fields = [("code", wanted.code)] if wanted.code else []
    if wanted.access_token:
        # RFC 6749 4.2.2: the scope is told, for it may be less than what was asked for.
        fields += [("access_token", wanted.access_token), ("token_type", "Bearer"), ("expires_in", str(lifetime))]
        fields += [("scope", kept.scope)]
    fields += [("id_token", token)] if token else []
    return _answer(query, fields, scene, signed_in=present[0], holder=_holder(kept, present, scene))


def signed(wanted: Wanted, record: Code, query: AuthorizeQuery, present: tuple[Session, User]) -> grant.Signed:
    """Return what the ID token says that goes through the browser."""
    session, user = present
    return grant.Signed(
        user=user,
        scope=tuple(record.scope.split()),
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        session_id=session.session_id,
        nonce=query.nonce,
        refreshed=False,
        grant_type=GRANT_TYPE,
        claims=record.claims,
        code=wanted.code,
        state=query.state,
        circumstances=record.circumstances,
    )


def _keep(record: Code, wanted: Wanted, lifetime: int) -> Plan[bool]:
    """Keep what was given; False, and nothing is kept, if the session has ended since it was looked at."""
    now, expires_at = record.created_at, record.created_at + lifetime
    if not (yield from sessions.hold(record.session_id, now)):
        return False
    if wanted.code:
        yield from grants.code_insert(record)
    family = grants.family(record, now, expires_at)
    if wanted.access_token:
        token = AccessToken(ids.digest(wanted.access_token), record.grant_id, record.scope, now, expires_at)
        yield from grants.grant_issue(family, token, _issued(record, wanted))
    else:
        if not wanted.code:
            # What comes of a code alone gets its grant when the code is redeemed.
            yield from grants.grant_insert(family)
        if wanted.id_token:
            yield from audit.insert_one(_issued(record, wanted))
    if wanted.hears_of_logout:
        yield from sessions.note_client(record.session_id, record.client_id)
    return True


def _issued(record: Code, wanted: Wanted) -> Entry:
    told = (record.tenant_id, record.client_id, record.user_id, record.grant_id, GRANT_TYPE, record.scope)
    return audit.issued(*told, record.created_at, wanted.source)
