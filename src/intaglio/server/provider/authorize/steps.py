"""The authorization endpoint: which step comes next, decided in one place from the request and what is stored.

    request ─▶ checks ─▶ signed in? ──no──▶ login page ─┐
                            │ yes                       │
                            ▼                           ▼
                       consented? ──no──▶ consent page ─┤
                            │ yes                       │
                            ▼                           ▼
                          code ◀────────────────────────┘

OpenID Connect Core 3.1.2.1 to 3.1.2.6.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem, SignInNeeded
from intaglio.server.model import sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.sessions import Session, Transaction
from intaglio.server.model.users import User
from intaglio.server.provider import consent, hint, session
from intaglio.server.provider.authorize import checks, respond
from intaglio.server.provider.scene import House, Scene

TRANSACTION_LIFETIME = 30 * 60
"""Seconds that a person has for signing in and consenting."""


SILENT = {
    "login": Problem("login_required", "Nobody is signed in, or the request demands a fresh sign-in."),
    "consent": Problem("consent_required", "The user has not consented yet."),
}
"""OpenID Connect Core 3.1.2.6: what `prompt=none` gets in place of a page."""


class Progress(msgspec.Struct, frozen=True):
    """How far this very request has come: whether it saw a sign-in, and which scopes were granted on its page."""

    authenticated: bool = False
    consented: frozenset[str] | None = None


async def authorize(query: AuthorizeQuery, scene: Scene, house: House) -> AuthorizeAnswer | SignInNeeded:
    """Answer an authorization request. Raises `UnsafeToRedirect` for one whose redirect URI cannot be trusted."""
    client = await checks.client_of(query, scene, house)
    wrong = checks.problem(query, client) or await _unreadable_hint(query, scene, house)
    if wrong is not None:
        return respond.error(query, wrong, scene)
    present = await session.present(scene, house)
    answer = await decide(query, client, present, Progress(), scene, house)
    return await _wait(query, client, answer, scene, house) if isinstance(answer, str) else answer


async def _unreadable_hint(query: AuthorizeQuery, scene: Scene, house: House) -> Problem | None:
    # No sign-in could satisfy a hint that names nobody; with prompt=none the answer is login_required anyway.
    if (
        query.id_token_hint
        and "none" not in query.prompt
        and await hint.read(query.id_token_hint, scene, house) is None
    ):
        return Problem("invalid_request", "The id_token_hint is not an ID token of this issuer.", "an own ID token")
    return None


async def decide(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User] | None,
    progress: Progress,
    scene: Scene,
    house: House,
) -> AuthorizeAnswer | str:
    """Return the answer, or the step that the person has to take first: `login` or `consent`."""
    # SECURITY: what the client may do is looked at again after the pages (test_d4_34_disabled_flow_stays_disabled).
    wrong = checks.problem(query, client)
    if wrong is not None:
        return respond.error(query, wrong, scene)
    page = await page_before(query, client, present, progress, scene, house)
    if page:
        return respond.error(query, SILENT[page], scene) if "none" in query.prompt else page
    assert present is not None
    scope = checks.granted_scope(query, client)
    if progress.consented is not None:
        scope = tuple(word for word in scope if word in progress.consented)
    return await respond.code(query, client, present[0], scope, scene, house)


async def page_before(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User] | None,
    progress: Progress,
    scene: Scene,
    house: House,
) -> str:
    """Return the page that has to come before a code, `login` or `consent`, or nothing."""
    if present is None or await needs_login(query, present, progress, scene, house):
        return "login"
    if progress.consented is not None:
        return ""
    scope = checks.granted_scope(query, client)
    asked = "consent" in query.prompt or await consent.missing(client, present[1], scope, scene, house)
    return "consent" if asked else ""


async def needs_login(
    query: AuthorizeQuery, present: tuple[Session, User] | None, progress: Progress, scene: Scene, house: House
) -> bool:
    """Tell whether somebody has to sign in for this very request."""
    if present is None:
        return True
    signed_in, user = present
    if not progress.authenticated:
        if {"login", "select_account"} & set(query.prompt):
            return True
        # OpenID Connect Core 3.1.2.1: max_age demands a fresh sign-in; 0 always does.
        if query.max_age is not None and (query.max_age == 0 or scene.now - signed_in.auth_time > query.max_age):
            return True
    if not query.id_token_hint:
        return False
    named = await hint.read(query.id_token_hint, scene, house)
    return named is None or named.subject != scene.dialect.subject(user.user_id)


async def _wait(query: AuthorizeQuery, client: Client, step: str, scene: Scene, house: House) -> SignInNeeded:
    """Keep the request until its person has acted."""
    transaction, browser = ids.opaque(), scene.browser_secret or ids.opaque()
    await house.store.write(
        sessions.transaction_insert,
        Transaction(
            digest=ids.digest(transaction),
            browser=ids.digest(browser),
            tenant_id=scene.tenant.tenant_id,
            issuer=scene.issuer,
            dialect=scene.dialect.name,
            client_id=client.client_id,
            parameters=query.parameters,
            created_at=scene.now,
            expires_at=scene.now + TRANSACTION_LIFETIME,
        ),
    )
    return SignInNeeded(transaction, browser, step, TRANSACTION_LIFETIME)
