"""The page that asks for the user name alone, where the address of a sign-in names no tenant.

SECURITY: what the page says depends on the domain behind the name and on nothing else, so it tells nobody who there is
(test_the_realm_page_tells_nothing_of_people); its form needs the browser's cookie and a token bound to it.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.dialects import coding
from intaglio.protocol.authorize import SignInNeeded
from intaglio.protocol.pages import Brand, DeviceDonePage, RealmPage
from intaglio.server.http import dispatch, finishing, pages, realms
from intaglio.server.http.devicepages import WAITING
from intaglio.server.http.dispatch import LOGIN, STEPS, Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import sessions, users
from intaglio.server.model.clients import Client
from intaglio.server.model.sessions import Transaction
from intaglio.server.provider import device, realm, session
from intaglio.server.provider.authorize import steps as authorizing
from intaglio.server.provider.device import WaitingDevice
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import password, steps
from intaglio.server.provider.signin.steps import Waiting
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

UNKNOWN = "Nobody signs in here by such a name. Look at the part behind the @."


async def answer(found: Transaction, name: str, request: Request, listener: Listener, hall: Hall) -> Response:
    """Show the page, or go on in the tenant that the name leads to; raises `UnsafeToRedirect` (`steps.gone`)."""
    scene = await realms.reopened(found.word, found.variant, request, listener, request.ref, hall, hall.clock.now())
    waiting = await steps.find(name, scene, hall.house)
    if request.method == "GET":
        return hall.page(_page(waiting, name, waiting.query.login_hint, "", scene, hall))
    form = coding.single(coding.form_params(request))
    hall.forms.check(request, form.get("csrf"), scene.browser_secret, name, listener.origin)
    if form.get("decision") in ("cancel", "deny"):
        return finishing.answer(await steps.cancel(waiting, scene, hall.house), waiting.query, scene, hall)
    username = form.get("username")[: password.MAX_USERNAME]
    tenant = await realm.of_person(username, scene, hall.house)
    if tenant is None:
        return hall.page(_page(waiting, name, username, UNKNOWN, scene, hall))
    if not await hall.house.store.write(sessions.transaction_take, found.digest, scene.now):
        raise steps.gone()
    there = await realms.within(tenant.tenant_id, request, listener, scene, hall)
    return await _go_on(waiting, username, there, hall, secure=listener.secure)


def _page(waiting: Waiting, name: str, username: str, error: str, scene: Scene, hall: Hall) -> RealmPage:
    targets = pages.form_targets(waiting.query.redirect_uri)
    return _drawn(waiting.client, LOGIN + name, name, username, error, scene, hall, targets)


def _drawn(
    client: Client,
    action: str,
    name: str,
    username: str,
    error: str,
    scene: Scene,
    hall: Hall,
    targets: tuple[str, ...] = (),
) -> RealmPage:
    return RealmPage(
        brand=Brand(scene.tenant.name),
        client_name=client.client_name,
        action=action,
        csrf=hall.forms.token(scene.browser_secret, name),
        username=username,
        error=error,
        form_targets=targets,
    )


async def of_device(
    waiting: WaitingDevice, name: str, request: Request, listener: Listener, scene: Scene, hall: Hall
) -> Response:
    """Ask whoever typed a device's code for their user name, and go on with the device in their tenant."""
    if request.method == "GET":
        tenant_id = await realms.signed_in(request, listener, scene, hall)
        if tenant_id:
            return await _moved(waiting, tenant_id, request, listener, scene, hall)
        return hall.page(_drawn(waiting.client, WAITING + name, name, "", "", scene, hall))
    form = coding.single(coding.form_params(request))
    hall.forms.check(request, form.get("csrf"), scene.browser_secret, name, listener.origin)
    if form.get("decision") == "cancel":
        await device.deny(waiting, scene, hall.house)
        return hall.page(DeviceDonePage(Brand(scene.tenant.name), waiting.client.client_name, allowed=False))
    username = form.get("username")[: password.MAX_USERNAME]
    tenant = await realm.of_person(username, scene, hall.house)
    if tenant is None:
        return hall.page(_drawn(waiting.client, WAITING + name, name, username, UNKNOWN, scene, hall))
    return await _moved(waiting, tenant.tenant_id, request, listener, scene, hall)


async def _moved(
    waiting: WaitingDevice, tenant_id: str, request: Request, listener: Listener, scene: Scene, hall: Hall
) -> Response:
    """Let the device wait in a tenant, under a new name that is bound to this browser there."""
    there = await realms.within(tenant_id, request, listener, scene, hall)
    name, browser = ids.opaque(), there.browser_secret or ids.opaque()
    moved = msgspec.structs.replace(
        waiting.transaction,
        digest=ids.digest(name),
        browser=ids.digest(browser),
        tenant_id=there.tenant.tenant_id,
        issuer=there.issuer,
        word="",
    )
    if not await hall.house.store.write(sessions.transaction_take, waiting.transaction.digest, scene.now):
        raise device.gone()
    await hall.house.store.write(sessions.transaction_insert, moved)
    kept = dispatch.browser_cookie(browser, device.ENTRY_LIFETIME, there, secure=listener.secure)
    return dispatch.with_headers(message.redirect(WAITING + name), kept)


async def _go_on(waiting: Waiting, username: str, scene: Scene, hall: Hall, *, secure: bool) -> Response:
    """Ask the tenant's own address in the place of the open one, for the person who was named."""
    asked = dict(waiting.transaction.parameters) | {"login_hint": username}
    present = await session.present(scene, hall.house)
    if present is not None and not _is(present[1].username, username, scene):
        # Somebody else is signed in there than whoever was named. What the request wants besides is asked all the same
        # (test_a_name_typed_at_an_open_address_spares_no_consent).
        asked["prompt"] = "login consent" if "consent" in waiting.query.prompt else "login"
    query = scene.dialect.read_authorize(Params(asked.items()))
    given = await authorizing.authorize(query, scene, hall.house)
    if not isinstance(given, SignInNeeded):
        return finishing.answer(given, query, scene, hall)
    kept = dispatch.browser_cookie(given.browser, given.lifetime, scene, secure=secure)
    return dispatch.with_headers(message.redirect(STEPS[given.step] + given.transaction), kept)


def _is(username: str, typed: str, scene: Scene) -> bool:
    names = {users.sign_in_name(one) for one in (typed, password.own_name(typed.strip(), scene.tenant))}
    return users.sign_in_name(username) in names
