"""The answers of the authorization endpoint: a code, or an error, always with `iss`.

RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 section 2, OpenID Connect Core 3.1.2.5 and 3.1.2.6.
"""

from __future__ import annotations

from intaglio import ids
from intaglio.names import GrantId
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem
from intaglio.server.model import grants
from intaglio.server.model.clients import Client
from intaglio.server.model.grants import Code
from intaglio.server.model.sessions import Session
from intaglio.server.provider.scene import House, Scene


def _answer(
    query: AuthorizeQuery, fields: list[tuple[str, str]], scene: Scene, wrong: Problem | None = None
) -> AuthorizeAnswer:
    fields += [("state", query.state)] if query.state else []
    # RFC 9207 2: the client can tell which issuer answered, errors included.
    fields.append(("iss", scene.issuer))
    mode = query.response_mode if query.response_mode == "form_post" else "query"
    return AuthorizeAnswer(query.redirect_uri, mode, tuple(fields), wrong)


def error(query: AuthorizeQuery, wrong: Problem, scene: Scene) -> AuthorizeAnswer:
    """Return a standard error for the client; its description ends with the reference."""
    fields = [("error", wrong.error), ("error_description", f"{wrong.description} ({scene.ref})")]
    return _answer(query, fields, scene, wrong)


async def code(
    query: AuthorizeQuery, client: Client, session: Session, scope: tuple[str, ...], scene: Scene, house: House
) -> AuthorizeAnswer:
    """Return a new authorization code, bound to client, redirect URI, challenge, user and session."""
    text = ids.opaque()
    record = Code(
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
        expires_at=scene.now + scene.dialect.profile.code_lifetime,
    )
    await house.store.write(grants.code_insert, record)
    return _answer(query, [("code", text)], scene)
