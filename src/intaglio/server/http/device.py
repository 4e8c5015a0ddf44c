"""The steps of a person who lets a device in: typing the code, signing in, deciding (RFC 8628 sections 3.3 and 5.4).

SECURITY: every form needs the browser's cookie and a token bound to it; the decision's token is bound to the person as
well, so that nobody allows a device in another's place (test_decision_is_bound_to_its_person).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from intaglio import ids
from intaglio.dialects import coding
from intaglio.protocol.authorize import SessionBegins
from intaglio.protocol.device import DeviceEntry
from intaglio.protocol.faults import NotFound
from intaglio.server.http import devicepages, dispatch, faults, realmpages, realms, signup, upstream
from intaglio.server.http.devicepages import ENTRY, SIGN_UP, WAITING
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.limits.rates import TooMany
from intaglio.server.model import sessions
from intaglio.server.provider import device, session
from intaglio.server.provider.device import WaitingDevice
from intaglio.server.provider.scene import Scene
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

UNKNOWN = "No device waits under this code. Look at your device again: the code may have expired."
WRONG = "The user name or the password is not right."


def is_step(path: str) -> bool:
    """Tell whether the path is one of this flow's."""
    return path == ENTRY or path.startswith(WAITING)


async def answer(request: Request, listener: Listener, hall: Hall) -> Response:
    """Answer a step; raises `NotFound`, `UnsafeToRedirect`."""
    if request.path == ENTRY:
        if request.method != "POST":
            raise NotFound(detail={"received": request.path})
        return await _enter(request, listener, hall)
    return await _waiting(request.path.removeprefix(WAITING), request, listener, hall)


async def _scene(tenant_id: str, request: Request, listener: Listener, hall: Hall) -> Scene:
    """Return the scene of a tenant's UUID, or of a word that stands for several."""
    now, dialect = hall.clock.now(), listener.dialect
    if dialect is not None and dialect.profile.shares_ring and dialect.locate(f"/{tenant_id}/").by == "open":
        return await realms.reopened(tenant_id, "", request, listener, request.ref, hall, now)
    tenant = await hall.tenants.by_id(tenant_id, now)
    return dispatch.scene_of(listener, tenant, request, now, request.ref)


async def _enter(request: Request, listener: Listener, hall: Hall) -> Response:
    """Look the typed code up; go on to its device, or show the form again with one sentence for every cause."""
    form = coding.single(coding.form_params(request))
    scene = await _scene(coding.single(coding.query_params(request)).get("tenant"), request, listener, hall)
    purpose = devicepages.entry_purpose(scene)
    hall.forms.check(request, form.get("csrf"), scene.browser_secret, purpose, listener.origin)
    typed = form.get("user_code")
    again = DeviceEntry(device.user_code_of(typed), scene.browser_secret, device.ENTRY_LIFETIME)
    try:
        name = await device.enter(typed, scene, hall.house)
    except TooMany as error:
        faults.log(error, scene.ref, Request("POST", ENTRY, peer=scene.peer, noted=scene.noted), scene.issuer)
        page = hall.page(devicepages.entry(again, scene, hall.forms, error.public))
        return faults.slowed(page, error)
    if not name:
        faults.log_device_code(scene.ref, scene.peer, scene.issuer)
        return hall.page(devicepages.entry(again, scene, hall.forms, UNKNOWN))
    return message.redirect(WAITING + name)


async def _waiting(rest: str, request: Request, listener: Listener, hall: Hall) -> Response:
    now, (name, slash, word) = hall.clock.now(), rest.partition("/")
    if slash + word not in ("", SIGN_UP):
        raise NotFound(detail={"received": "another step of a device"})
    found = await hall.house.store.read(sessions.transaction_by_digest, ids.digest(name), now)
    if found is None or not found.device or listener.dialect is None or found.dialect != listener.dialect.name:
        raise device.gone()
    scene = await _scene(found.tenant_id or found.word, request, listener, hall)
    waiting = await device.find(found, scene, hall.house)
    if scene.is_open and not waiting.request.decision:
        return await realmpages.of_device(waiting, name, request, listener, scene, hall)
    if waiting.request.decision:
        return await _over(waiting, scene, hall)
    if request.method == "GET":
        return await _show(waiting, name, scene, hall, make=bool(word))
    form = coding.single_but(coding.form_params(request), "scope")
    if form.get("decision") in BEFORE:
        hall.forms.check(request, form.get("csrf"), scene.browser_secret, name, listener.origin)
        return await BEFORE[form.get("decision")](waiting, name, form, scene, hall, listener)
    return await _decide(waiting, name, form, request, scene, hall, listener)


async def _show(waiting: WaitingDevice, name: str, scene: Scene, hall: Hall, *, make: bool = False) -> Response:
    """Draw the page that the device is at; who has to sign in may make an account, where people may."""
    present = await device.present(waiting, scene, hall.house)
    if present is not None:
        return hall.page(devicepages.confirm(waiting, name, present[1], scene, hall.forms))
    if make and scene.tenant.sign_up:
        return hall.page(signup.page(_place(waiting, name), "", "", scene, hall))
    return await _login_page(waiting, name, "", "", scene, hall)


async def _login_page(
    waiting: WaitingDevice, name: str, username: str, error: str, scene: Scene, hall: Hall
) -> Response:
    page = devicepages.login(waiting, name, scene, hall.forms, username, error)
    ways = await upstream.choices(waiting.client, name, scene, hall)
    return hall.page(msgspec.structs.replace(page, connections=ways))


def _place(waiting: WaitingDevice, name: str) -> signup.Place:
    return signup.Place(waiting.client, name, WAITING + name + SIGN_UP, WAITING + name)


def _begun(begins: SessionBegins, name: str, scene: Scene, listener: Listener) -> Response:
    """Go on to the question, with the cookie of the session that has just begun."""
    cookie = dispatch.session_cookie(begins, scene, secure=listener.secure)
    return dispatch.with_headers(message.redirect(WAITING + name), cookie)


async def _login(
    waiting: WaitingDevice, name: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    username = form.get("username")
    elsewhere = await upstream.of_username(waiting.client, upstream.way_of(name), username, scene, hall)
    if elsewhere is not None:
        return elsewhere
    try:
        begins = await device.sign_in(username, form.get("password"), scene, hall.house)
    except TooMany as error:
        faults.log(error, scene.ref, Request("POST", WAITING, peer=scene.peer, noted=scene.noted), scene.issuer)
        page = await _login_page(waiting, name, username, error.public, scene, hall)
        return faults.slowed(page, error)
    if begins is None:
        faults.log_sign_in(scene.ref, scene.peer, scene.issuer)
        return await _login_page(waiting, name, username, WRONG, scene, hall)
    return _begun(begins, name, scene, listener)


async def _sign_up(
    waiting: WaitingDevice, name: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    made = await signup.sign_up(_place(waiting, name), form, scene, hall)
    if isinstance(made, Response):
        return made
    return _begun(await device.signed_up(made, scene, hall.house), name, scene, listener)


async def _cancel(
    waiting: WaitingDevice, name: str, form: Params, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    """Turn the device away: whoever gives up before signing in lets it wait no longer."""
    return await _ended(waiting, scene, hall, decided=await device.deny(waiting, scene, hall.house), allowed=False)


Act = Callable[[WaitingDevice, str, Params, Scene, Hall, Listener], Awaitable[Response]]
BEFORE: dict[str, Act] = {"login": _login, "signup": _sign_up, "cancel": _cancel}
"""What can be decided before anybody is signed in."""


async def _decide(
    waiting: WaitingDevice, name: str, form: Params, request: Request, scene: Scene, hall: Hall, listener: Listener
) -> Response:
    """Allow or deny, in the words of the person who was shown the question."""
    present = await device.present(waiting, scene, hall.house)
    purpose = devicepages.confirm_purpose(name, present[1]) if present is not None else name
    hall.forms.check(request, form.get("csrf"), scene.browser_secret, purpose, listener.origin)
    if form.get("decision") == "allow" and present is not None:
        decided = await device.allow(waiting, present, frozenset(form.every("scope")), scene, hall.house)
        return await _ended(waiting, scene, hall, decided=decided, allowed=True)
    if form.get("decision") == "deny":
        decided = await device.deny(waiting, scene, hall.house)
        return await _ended(waiting, scene, hall, decided=decided, allowed=False)
    return await _show(waiting, name, scene, hall)


async def _ended(waiting: WaitingDevice, scene: Scene, hall: Hall, *, decided: bool, allowed: bool) -> Response:
    """Say how it ended: as was just decided, or as another click or browser decided a moment before."""
    if not decided:
        return await _over(await device.find(waiting.transaction, scene, hall.house), scene, hall)
    return hall.page(devicepages.done(waiting.client, scene, allowed=allowed))


async def _over(waiting: WaitingDevice, scene: Scene, hall: Hall) -> Response:
    present = await session.present(scene, hall.house)
    return hall.page(devicepages.done(waiting.client, scene, allowed=device.was_allowed(waiting, present)))
