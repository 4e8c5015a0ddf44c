"""The authorization endpoint: which step comes next, decided in one place from the request and what is stored.

    request ─▶ checks ─▶ signed in? ──no──▶ login page ─┐
                            │ yes                       │
                            ▼                           ▼
                       consented? ──no──▶ consent page ─┤
                            │ yes                       │
                            ▼                           ▼
                    code, tokens ◀──────────────────────┘

OpenID Connect Core 3.1.2.1 to 3.1.2.6, 3.2.2 and 3.3.2.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery, Problem, SignInNeeded
from intaglio.server.model import sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.sessions import Session, Transaction
from intaglio.server.model.users import User
from intaglio.server.provider import (
    applications,
    assignment,
    connections,
    consent,
    encryption,
    hint,
    limited,
    organizations,
    session,
)
from intaglio.server.provider.authorize import (
    asked,
    checks,
    demands,
    everybody,
    pushed,
    request_object,
    respond,
    responses,
)
from intaglio.server.provider.scene import House, Scene

TRANSACTION_LIFETIME = 30 * 60
"""Seconds that a person has for signing in and consenting."""


SILENT = {
    "login": Problem(
        "login_required", "Nobody is signed in, or the request demands a fresh sign-in.", reason="login-required"
    ),
    "consent": Problem("consent_required", "The user has not consented yet.", reason="consent-required"),
    organizations.PAGE: Problem(
        "interaction_required", "The person has to choose an organization.", reason="interaction-required"
    ),
}
"""OpenID Connect Core 3.1.2.6: what `prompt=none` gets in place of a page."""


class Progress(msgspec.Struct, frozen=True):
    """How far this very request has come: whether it saw a sign-in, and which scopes were granted on its page."""

    authenticated: bool = False
    consented: frozenset[str] | None = None


async def authorize(query: AuthorizeQuery, scene: Scene, house: House) -> AuthorizeAnswer | SignInNeeded:
    """Answer an authorization request. Raises `UnsafeToRedirect` for one whose redirect URI cannot be trusted."""
    was_pushed = bool(scene.dialect.profile.pushed_path) and pushed.is_reference(query)
    query = await (pushed.taken if was_pushed else request_object.resolve)(query, scene, house)
    client = await checks.client_of(query, scene, house)
    wrong = None if was_pushed else pushed.demanded(client)
    wrong = wrong or checks.problem(query, client, scene) or demands.problem(query, scene)
    wrong = wrong or await connections.problem(query, client, scene, house)
    wrong = wrong or await organizations.problem(query, client, scene, house)
    wrong = wrong or await _unreadable_hint(query, scene, house)
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


async def _in_clear(query: AuthorizeQuery, client: Client, scene: Scene, house: House) -> Problem | None:
    """Return why the ID token that is asked for cannot be given: it would go in clear where it must not."""
    if "openid" not in query.scope or not encryption.concerns(client, scene.tenant):
        return None
    front_channel = "id_token" in responses.words(query.response_type)
    return await encryption.refusal(client, scene, house, front_channel=front_channel)


async def decide(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User] | None,
    progress: Progress,
    scene: Scene,
    house: House,
) -> AuthorizeAnswer | str:
    """Return the answer, or the step that the person has to take first, as `page_before` calls it."""
    # SECURITY: what the client may do is looked at again after the pages (test_d4_34_disabled_flow_stays_disabled).
    wrong = checks.problem(query, client, scene) or await _in_clear(query, client, scene, house)
    if wrong is not None:
        return respond.error(query, wrong, scene)
    page = await page_before(query, client, present, progress, scene, house)
    if page:
        return respond.error(query, SILENT[page], scene) if "none" in query.prompt else page
    assert present is not None
    if query.for_everybody:
        return await everybody.answer(query, client, present, progress.consented or frozenset(), scene, house)
    settled = await organizations.settle(query, client, present[1], scene, house)
    if settled.problem is not None:
        return respond.error(query, settled.problem, scene)
    if settled.organization is not None:
        told = {"organization": settled.organization.organization_id, "organization_name": settled.organization.name}
        query = msgspec.structs.replace(query, **told)
    unassigned = assignment.problem(client, present[1])
    if unassigned is not None:
        return respond.error(query, unassigned, scene)
    return await _given(query, client, present, progress, scene, house)


async def _given(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User],
    progress: Progress,
    scene: Scene,
    house: House,
) -> AuthorizeAnswer:
    """Return the code and tokens that the request gets, of what was granted to it."""
    if client.home_tenant_id:
        await house.store.write(applications.keep, client, scene.now)
    scope = checks.granted_scope(query, client)
    if progress.consented is not None:
        scope = tuple(word for word in scope if word in progress.consented)
    if query.include_granted:
        scope = (*scope, *await consent.before(client, present[1], scope, scene, house))
    query = asked.released(query, client, progress.consented, scene.dialect)
    if query.response_type == "code":
        return await respond.code(query, client, present, scope, scene, house)
    return await respond.front_channel(query, client, present, scope, scene, house)


async def page_before(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User] | None,
    progress: Progress,
    scene: Scene,
    house: House,
) -> str:
    """Return the page that has to come before a code, `login`, `create`, `organization` or `consent`, or nothing."""
    if present is None or await needs_login(query, client, present, progress, scene, house):
        return demands.sign_in_page(query, scene, authenticated=progress.authenticated)
    if query.for_everybody:
        return "consent" if progress.consented is None and everybody.may(present[1], scene) else ""
    settled = await organizations.settle(query, client, present[1], scene, house)
    if settled.choices:
        return organizations.PAGE
    if progress.consented is not None or settled.problem is not None:
        return ""
    scope = asked.scope(query, client, scene.dialect)
    asks = "consent" in query.prompt or await consent.missing(client, present[1], scope, scene, house)
    return "consent" if asks else ""


async def needs_login(
    query: AuthorizeQuery,
    client: Client,
    present: tuple[Session, User] | None,
    progress: Progress,
    scene: Scene,
    house: House,
) -> bool:
    """Tell whether somebody has to sign in for this very request."""
    if present is None:
        return True
    signed_in, user = present
    if not await connections.counts(signed_in, client, scene, house):
        return True
    if not progress.authenticated:
        if {"login", "select_account", "create"} & set(query.prompt) or connections.came_otherwise(query, signed_in):
            return True
        # OpenID Connect Core 3.1.2.1: max_age demands a fresh sign-in; 0 always does. Registration 1.0 section 2: the
        # client may have registered one for requests that name none.
        max_age = query.max_age if query.max_age is not None else client.default_max_age
        if max_age is not None and (max_age == 0 or scene.now - signed_in.auth_time > max_age):
            return True
    if demands.unmet(query, signed_in) or _names_another(query, client, user, scene, house):
        return True
    if not query.id_token_hint:
        return False
    named = await hint.read(query.id_token_hint, scene, house)
    # SECURITY: the subject is the one that this client is told; a hint of another sector would tell it whether two
    # subjects are one person (test_a_hint_of_another_sector_names_nobody).
    return named is None or named.subject != house.subjects.of(scene.dialect, client, user.user_id)


def _names_another(query: AuthorizeQuery, client: Client, user: User, scene: Scene, house: House) -> bool:
    if "sub" not in query.claims.id_token and "sub" not in query.claims.userinfo:
        return False
    return demands.names_another(query, house.subjects.of(scene.dialect, client, user.user_id))


async def _wait(query: AuthorizeQuery, client: Client, step: str, scene: Scene, house: House) -> SignInNeeded:
    """Keep the request until its person has acted."""
    await limited.count("waiting", scene, house)
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
            parameters=hint.at_rest(query.parameters, house),
            created_at=scene.now,
            expires_at=scene.now + TRANSACTION_LIFETIME,
            variant=scene.variant,
            word=scene.tenant.slug if scene.is_open else "",
        ),
    )
    connection = await connections.destination(query, client, scene, house) if step == "login" else ""
    return SignInNeeded(transaction, browser, step, TRANSACTION_LIFETIME, connection)
