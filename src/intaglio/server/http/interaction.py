"""The pages on which a person acts: signing in, making an account, consenting, signing out. One for all dialects.

SECURITY: every form needs the browser's cookie and a token bound to it (test_forms_need_their_page); what comes next is
decided from what is stored, so no step can be skipped by posting to a later one (test_consent_needs_a_login).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from intaglio import ids
from intaglio.dialects import coding
from intaglio.errors import IntaglioError
from intaglio.protocol.authorize import WEB_MESSAGE
from intaglio.protocol.faults import MethodNotAllowed, NotFound
from intaglio.protocol.logout import LogoutQuery
from intaglio.protocol.pages import Brand, ConsentPage, LoggedOutPage, LoginPage
from intaglio.server.http import (
    account,
    accountpages,
    agents,
    device,
    dispatch,
    faults,
    finishing,
    logos,
    organizations,
    pages,
    realmpages,
    signup,
    upstream,
)
from intaglio.server.http.dispatch import CONSENT, LOGIN, LOGOUT, ORGANIZATION, SIGN_UP, STEPS, Hall
from intaglio.server.http.pages import LOGO
from intaglio.server.http.tenancy import Listener
from intaglio.server.limits.rates import TooMany
from intaglio.server.model import sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.users import User
from intaglio.server.provider import consent
from intaglio.server.provider.authorize import asked
from intaglio.server.provider.logout import relying_party
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import steps
from intaglio.server.provider.signin.steps import Step, Waiting
from intaglio.wire import message, url
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

METHODS = ("GET", "POST")


async def answer(request: Request, listener: Listener, hall: Hall) -> Response:
    """Answer a request under `/_intaglio/`; faults are shown on a page."""
    try:
        if request.method not in METHODS:
            fault = MethodNotAllowed()
            fault.allowed = METHODS
            raise fault
        if request.path == accountpages.ACTION:
            return await account.answer(request, listener, hall)
        if request.path.startswith(LOGO):
            return await logos.answer(request, listener, hall)
        if device.is_step(request.path):
            return await device.answer(request, listener, hall)
        if request.method == "GET" and upstream.is_step(request.path, listener):
            return await _elsewhere(request, listener, hall)
        for prefix, act in PREFIXES:
            if request.path.startswith(prefix):
                return await _transaction(request.path.removeprefix(prefix), request, listener, hall, act)
        if request.path == LOGOUT and request.method == "POST":
            return await _logout(request, listener, hall)
        raise NotFound(detail={"received": request.path[:200]})
    except IntaglioError as error:
        return dispatch.no_page(error, _as_browser(request), listener, hall)


def _as_browser(request: Request) -> Request:
    return msgspec.structs.replace(request, headers=(("accept", "text/html"),))


async def _scene(tenant_id: str, request: Request, listener: Listener, hall: Hall, variant: str = "") -> Scene:
    now = hall.clock.now()
    tenant = await hall.tenants.by_id(tenant_id, now)
    scene = dispatch.scene_of(listener, tenant, request, now, request.ref, variant)
    if request.method != "POST":
        return scene
    return msgspec.structs.replace(scene, device=agents.label(request.header("user-agent") or ""))


Act = Callable[[Waiting, str, Params, Scene, Hall, Listener], Awaitable[Response]]


async def _transaction(transaction_id: str, request: Request, listener: Listener, hall: Hall, act: Act) -> Response:
    now = hall.clock.now()
    found = await hall.house.store.read(sessions.transaction_by_digest, ids.digest(transaction_id), now)
    if found is None or listener.dialect is None or found.dialect != listener.dialect.name:
        raise steps.gone()
    if not found.tenant_id:
        return await realmpages.answer(found, transaction_id, request, listener, hall)
    scene = await _scene(found.tenant_id, request, listener, hall, found.variant)
    waiting = await steps.find(transaction_id, scene, hall.house)
    if request.method == "GET":
        shown = await _show(waiting, transaction_id, scene, hall, make=act is _sign_up)
        return _beside_its_opener(shown, waiting)
    form = coding.single_but(coding.form_params(request), "scope")
    # SECURITY: a person who takes another's place in this browser cannot be made to consent in the other's words
    # (test_consent_form_is_bound_to_its_person).
    user = (await steps.resume(waiting, scene, hall.house))[1] if act in (_consent, _organization) else None
    purpose = _consent_purpose(transaction_id, user) if user is not None else transaction_id
    hall.forms.check(request, form.get("csrf"), scene.browser_secret, purpose, listener.origin)
    if form.get("decision") in ("cancel", "deny"):
        given = await steps.cancel(waiting, scene, hall.house)
        return finishing.answer(given, waiting.query, scene, hall)
    return _beside_its_opener(await act(waiting, transaction_id, form, scene, hall, listener), waiting)


def _beside_its_opener(response: Response, waiting: Waiting) -> Response:
    """Let a pop-up keep the window that opened it, which is told there how the sign-in ended.

    SECURITY: whoever opens a window can lead it elsewhere as long as it keeps it; only where the application's own
    pages are known to open them (test_a_pop_up_keeps_its_opener_only_for_listed_origins).
    """
    opener = url.origin(waiting.query.redirect_uri)
    if waiting.query.response_mode != WEB_MESSAGE or opener not in waiting.client.allowed_origins:
        return response
    kept = tuple(header for header in response.headers if header[0] != "cross-origin-opener-policy")
    return msgspec.structs.replace(response, headers=kept)


async def _elsewhere(request: Request, listener: Listener, hall: Hall) -> Response:
    async def shown(step: Step, waiting: Waiting, name: str, scene: Scene, at: Listener) -> Response:
        return await _step(step, waiting, name, waiting.query.login_hint, scene, hall, secure=at.secure)

    return await upstream.answer(request, listener, hall, shown)


async def _show(waiting: Waiting, transaction_id: str, scene: Scene, hall: Hall, *, make: bool) -> Response:
    """Draw the page that the request is at, whichever of them was asked for.

    Whoever has to sign in may choose between that and making an account, where people may.
    """
    page, user = await steps.resume(waiting, scene, hall.house)
    if page == "consent" and user is not None:
        return hall.page(await _consent_page(waiting, transaction_id, user, scene, hall))
    if page == "organization" and user is not None:
        csrf = hall.forms.token(scene.browser_secret, _consent_purpose(transaction_id, user))
        action = ORGANIZATION + transaction_id
        return hall.page(await organizations.page(waiting, action, csrf, user, scene, hall))
    if make and scene.tenant.sign_up:
        return hall.page(signup.page(_place(waiting, transaction_id), waiting.query.login_hint, "", scene, hall))
    return hall.page(await _login_page(waiting, transaction_id, waiting.query.login_hint, "", scene, hall))


async def _login_page(
    waiting: Waiting, transaction_id: str, username: str, error: str, scene: Scene, hall: Hall
) -> LoginPage:
    return LoginPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        client_name=waiting.client.client_name,
        action=LOGIN + transaction_id,
        csrf=hall.forms.token(scene.browser_secret, transaction_id),
        username=username,
        error=error,
        form_targets=pages.form_targets(waiting.query.redirect_uri),
        face=pages.face(waiting.client),
        sign_up=SIGN_UP + transaction_id if scene.tenant.sign_up else "",
        connections=await upstream.choices(waiting.client, transaction_id, scene, hall),
    )


def _consent_purpose(transaction_id: str, user: User) -> str:
    """Return what a consent form's token is bound to: the request, and the person who was shown it."""
    return f"{transaction_id}\0{user.user_id}"


async def _owner(client: Client, hall: Hall) -> str:
    """Return the name of the tenant whose application it is, empty if it is of the one in which somebody signs in."""
    if not client.home_tenant_id:
        return ""
    return (await hall.tenants.by_id(client.home_tenant_id, hall.clock.now())).name


async def _consent_page(waiting: Waiting, transaction_id: str, user: User, scene: Scene, hall: Hall) -> ConsentPage:
    scope = asked.scope(waiting.query, waiting.client, scene.dialect)
    groups = consent.groups_of(scene.dialect, scene.tenant)
    scopes = consent.choices(scope, scene.dialect, groups)
    return ConsentPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        client_name=waiting.client.client_name,
        client_uri=waiting.client.client_uri,
        user_name=str(user.claims.get("name") or user.username),
        action=CONSENT + transaction_id,
        csrf=hall.forms.token(scene.browser_secret, _consent_purpose(transaction_id, user)),
        scopes=scopes,
        groups=consent.shown_groups(scopes, groups),
        destination=waiting.query.redirect_uri,
        for_everybody=waiting.query.for_everybody,
        owner=await _owner(waiting.client, hall),
        form_targets=pages.form_targets(waiting.query.redirect_uri),
        face=msgspec.structs.replace(pages.face(waiting.client), client_uri=""),
    )


async def _login(
    waiting: Waiting, transaction_id: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    username = form.get("username")
    elsewhere = await upstream.of_username(waiting.client, upstream.way_of(transaction_id), username, scene, hall)
    if elsewhere is not None:
        return elsewhere
    try:
        step = await steps.login(waiting, username, form.get("password"), scene, hall.house)
    except TooMany as error:
        faults.log(error, scene.ref, Request("POST", LOGIN, peer=scene.peer, noted=scene.noted), scene.issuer)
        page = await _login_page(waiting, transaction_id, username, error.public, scene, hall)
        return faults.slowed(hall.page(page), error)
    if step.error:
        faults.log_sign_in(scene.ref, scene.peer, scene.issuer)
    return await _step(step, waiting, transaction_id, username, scene, hall, secure=listener.secure)


def _place(waiting: Waiting, transaction_id: str) -> signup.Place:
    targets = pages.form_targets(waiting.query.redirect_uri)
    return signup.Place(waiting.client, transaction_id, SIGN_UP + transaction_id, LOGIN + transaction_id, targets)


async def _sign_up(
    waiting: Waiting, transaction_id: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    made = await signup.sign_up(_place(waiting, transaction_id), form, scene, hall)
    if isinstance(made, Response):
        return made
    step = await steps.signed_in(waiting, made, scene, hall.house)
    return await _step(step, waiting, transaction_id, "", scene, hall, secure=listener.secure)


async def _consent(
    waiting: Waiting, transaction_id: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    step = await steps.consent(waiting, frozenset(form.every("scope")), scene, hall.house)
    return await _step(step, waiting, transaction_id, "", scene, hall, secure=listener.secure)


async def _organization(
    waiting: Waiting, transaction_id: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    step = await steps.choose(waiting, form.get("organization"), scene, hall.house)
    return await _step(step, waiting, transaction_id, "", scene, hall, secure=listener.secure)


async def _step(
    step: Step, waiting: Waiting, transaction_id: str, username: str, scene: Scene, hall: Hall, *, secure: bool
) -> Response:
    begun = dispatch.session_cookie(step.begins, scene, secure=secure)
    if step.answer is not None:
        return dispatch.with_headers(finishing.answer(step.answer, waiting.query, scene, hall), begun)
    if step.error:
        page = await _login_page(waiting, transaction_id, username, step.error, scene, hall)
        return hall.page(msgspec.structs.replace(page, elsewhere=step.elsewhere))
    return dispatch.with_headers(message.redirect(STEPS[step.page] + transaction_id), begun)


async def _stayed(client_id: str, scene: Scene, hall: Hall) -> LoggedOutPage:
    client = await hall.house.client(scene, client_id)
    brand = Brand(scene.tenant.name, scene.tenant.logo_uri)
    name, uri = (client.client_name, client.client_uri) if client is not None else ("", "")
    return LoggedOutPage(brand, name, uri, ended=False)


async def _logout(request: Request, listener: Listener, hall: Hall) -> Response:
    bound = coding.single(coding.query_params(request))
    form = coding.single(coding.form_params(request))
    scene = await _scene(bound.get("tenant"), request, listener, hall)
    target, state = bound.get("post_logout_redirect_uri"), bound.get("state")
    purpose = dispatch.logout_purpose(scene.tenant.tenant_id, bound.get("client_id"), target, state)
    hall.forms.check(request, form.get("csrf"), scene.session_secret, purpose, listener.origin)
    query = LogoutQuery("", bound.get("client_id"), target, state)
    if form.get("decision") != "logout":
        return hall.page(await _stayed(query.client_id, scene, hall))
    return dispatch.logged_out(
        await relying_party.confirm(query, scene, hall.house), scene, hall, secure=listener.secure
    )


PREFIXES = ((LOGIN, _login), (SIGN_UP, _sign_up), (ORGANIZATION, _organization), (CONSENT, _consent))
"""Where each step of a waiting request is taken, and what takes it."""
