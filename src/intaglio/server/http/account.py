"""What a person does on the page `sessions and apps`: signing in there, ending sessions, taking consent back.

SECURITY: every form carries a token bound to the browser's session and to the person who was shown it, so no other site
ends anything, and whoever takes another's place in the browser ends nothing of theirs
(test_account_forms_need_their_page).
"""

from __future__ import annotations

import msgspec

from intaglio.dialects import coding
from intaglio.protocol.account import AccountSignIn
from intaglio.protocol.faults import NotFound
from intaglio.server.http import accountpages, agents, dispatch, faults, upstream
from intaglio.server.http.accountpages import ACTION, PATH
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.limits.rates import TooMany
from intaglio.server.provider import account, session
from intaglio.server.provider.account import Present
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import password
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

WRONG = "The user name or the password is not right."


async def answer(request: Request, listener: Listener, hall: Hall) -> Response:
    """Answer a form of the page; raises `NotFound`, `UnsafeToRedirect`."""
    dialect = listener.dialect
    if request.method != "POST" or dialect is None or hall.table(dialect).find("GET", PATH).route is None:
        raise NotFound(detail={"received": request.path})
    form = coding.single(coding.form_params(request))
    now = hall.clock.now()
    tenant = await hall.tenants.by_id(coding.single(coding.query_params(request)).get("tenant"), now)
    scene = dispatch.scene_of(listener, tenant, request, now, request.ref)
    if form.get("decision") in ("login", "cancel"):
        scene = msgspec.structs.replace(scene, device=agents.label(request.header("user-agent") or ""))
        return await _login(form, request, scene, listener, hall)
    present = await session.present(scene, hall.house)
    if present is None:
        return _back(scene)
    purpose = accountpages.purpose(present[1].user_id, scene)
    hall.forms.check(request, form.get("csrf"), scene.session_secret, purpose, listener.origin)
    return await _act(form, present, scene, hall, secure=listener.secure)


async def _act(form: Params, present: Present, scene: Scene, hall: Hall, *, secure: bool) -> Response:
    done = None
    match form.get("decision"):
        case "end":
            done = await account.end_session(form.get("session"), present, scene, hall.house)
        case "everywhere":
            done = await account.end_all(present, scene, hall.house)
        case "withdraw":
            await account.withdraw(form.get("client"), present, scene, hall.house)
    return _back(scene) if done is None else dispatch.logged_out(done, scene, hall, secure=secure)


def _again(needed: AccountSignIn, username: str, error: str, scene: Scene, hall: Hall) -> Response:
    return hall.page(accountpages.login(needed, scene, hall.forms, username=username, error=error))


def _back(scene: Scene) -> Response:
    return message.redirect(scene.base + PATH)


async def _login(form: Params, request: Request, scene: Scene, listener: Listener, hall: Hall) -> Response:
    hall.forms.check(
        request, form.get("csrf"), scene.browser_secret, accountpages.login_purpose(scene), listener.origin
    )
    if form.get("decision") == "cancel":
        return _back(scene)
    needed, username = await account.sign_in(scene, hall.house), form.get("username")
    elsewhere = await upstream.of_username(None, lambda name: accountpages.way(name, scene), username, scene, hall)
    if elsewhere is not None:
        return elsewhere
    try:
        user = await password.verify(username, form.get("password"), scene, hall.house)
    except TooMany as error:
        faults.log(error, scene.ref, Request("POST", ACTION, peer=scene.peer, noted=scene.noted), scene.issuer)
        refused = _again(needed, username, error.public, scene, hall)
        return faults.slowed(refused, error)
    if user is None:
        faults.log_sign_in(scene.ref, scene.peer, scene.issuer)
        return _again(needed, username, WRONG, scene, hall)
    begun = (await session.begin(user, password.AMR, scene, hall.house))[1]
    return dispatch.with_headers(_back(scene), dispatch.session_cookie(begun, scene, secure=listener.secure))
