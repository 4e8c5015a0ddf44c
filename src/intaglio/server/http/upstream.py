"""The addresses of sign-ins at other providers: where people leave, and where they come back.

OpenID Connect Core 3.1.2.5, RFC 9700 sections 4.4 and 4.7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from intaglio import ids
from intaglio.dialects import coding
from intaglio.errors import IntaglioError
from intaglio.protocol.faults import NotFound
from intaglio.protocol.pages import Brand, ConnectionChoice, LoggedOutPage, LoginPage
from intaglio.server.http import accountpages, agents, devicepages, dispatch, faults
from intaglio.server.http.dispatch import GO, Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.limits.rates import TooMany
from intaglio.server.model import sessions
from intaglio.server.model.clients import Client
from intaglio.server.model.sessions import Transaction
from intaglio.server.provider import account, connections, device, session
from intaglio.server.provider.scene import Scene
from intaglio.server.provider.signin import steps
from intaglio.server.provider.signin.steps import Step, Waiting
from intaglio.server.provider.upstream import going, leaving, returning
from intaglio.server.provider.upstream.going import Errand
from intaglio.server.provider.upstream.returning import Arrived, Found
from intaglio.server.registry.connectionrules import CALLBACK, SIGNED_OUT
from intaglio.wire import message
from intaglio.wire.message import Request, Response

GONE = "Signing in there is not possible any more."

Shown = Callable[[Step, Waiting, str, Scene, Listener], Awaitable[Response]]
"""Answers with the step that a waiting request is at."""


def is_step(path: str, listener: Listener) -> bool:
    """Tell whether an address belongs to sign-ins at other providers."""
    shared = listener.dialect.profile.upstream_callback if listener.dialect is not None else ""
    return path.startswith((GO, CALLBACK, accountpages.ELSEWHERE)) or path in {SIGNED_OUT, shared} - {""}


async def answer(request: Request, listener: Listener, hall: Hall, shown: Shown) -> Response:
    """Answer one of the addresses; raises `NotFound`, `UnsafeToRedirect`, `ProtocolFault` (`invalid_request`)."""
    fields = dict(coding.single(coding.query_params(request)).items())
    if request.path == SIGNED_OUT:
        return await _signed_out(fields, request, listener, hall)
    if not request.path.startswith((GO, accountpages.ELSEWHERE)):
        return await _return(fields, request, listener, hall, shown)
    return await _leave(fields, request, listener, hall, shown)


# --- what is offered


async def choices(client: Client | None, name: str, scene: Scene, hall: Hall) -> tuple[ConnectionChoice, ...]:
    """Return what a login page offers beside the password, of a transaction's name."""
    found = await connections.usable(client, scene, hall.house) if not scene.is_open else ()
    return tuple(ConnectionChoice(one.name, one.display_name or one.name, f"{GO}{name}/{one.name}") for one in found)


async def of_username(
    client: Client | None, way: Callable[[str], str], username: str, scene: Scene, hall: Hall
) -> Response | None:
    """Send somebody on whose address belongs to another provider; what they typed as a password is not looked at.

    `way` makes the address that leads to the connection of a name.
    """
    # SECURITY: on every page that takes a password, or a session begun on another one would do for the first
    # (test_a_domain_leads_away_from_every_password).
    if "@" not in username:
        return None
    meant = connections.of_domain(await connections.usable(client, scene, hall.house), username)
    return None if meant is None else message.redirect(way(meant.name))


def way_of(name: str) -> Callable[[str], str]:
    """Return what makes the addresses that lead from a waiting transaction to connections."""
    return lambda connection: f"{GO}{name}/{connection}"


# --- what it is for


async def _scene(tenant_id: str, variant: str, request: Request, listener: Listener, hall: Hall) -> Scene:
    now = hall.clock.now()
    tenant = await hall.tenants.by_id(tenant_id, now)
    scene = dispatch.scene_of(listener, tenant, request, now, request.ref, variant)
    return msgspec.structs.replace(scene, device=agents.label(request.header("user-agent") or ""))


async def _errand(
    found: Transaction | None, name: str, request: Request, listener: Listener, hall: Hall
) -> tuple[Errand, Scene]:
    """Return what a transaction of this browser is for; raises `UnsafeToRedirect` if there is none."""
    if found is None or listener.dialect is None or found.dialect != listener.dialect.name:
        raise steps.gone()
    scene = await _scene(found.tenant_id, found.variant, request, listener, hall)
    if found.device:
        asks = await device.find(found, scene, hall.house)
        return Errand(name, asks.transaction, asks.client), scene
    waits = await steps.find(name, scene, hall.house)
    return Errand(name, waits.transaction, waits.client, waits.query), scene


async def _own_page(tenant_id: str, request: Request, listener: Listener, hall: Hall) -> tuple[Errand, Scene]:
    dialect = listener.dialect
    if dialect is None or hall.table(dialect).find("GET", accountpages.PATH).route is None:
        raise NotFound(detail={"received": request.path[:200]})
    scene = await _scene(tenant_id, "", request, listener, hall)
    if not scene.browser_secret:
        raise steps.gone()
    return Errand(), scene


# --- there and back


async def _leave(fields: dict[str, str], request: Request, listener: Listener, hall: Hall, shown: Shown) -> Response:
    """Send the browser to the other provider; the login page says so where that cannot be."""
    if request.path.startswith(accountpages.ELSEWHERE):
        name = request.path.removeprefix(accountpages.ELSEWHERE)
        errand, scene = await _own_page(fields.get("tenant", ""), request, listener, hall)
    else:
        waits, _, name = request.path.removeprefix(GO).partition("/")
        found = await hall.house.store.read(sessions.transaction_by_digest, ids.digest(waits), hall.clock.now())
        errand, scene = await _errand(found, waits, request, listener, hall)
    try:
        return message.redirect(await going.go(errand, name, scene, hall.house))
    except NotFound:
        raise
    except TooMany as error:
        return await _refused(error, error.public, errand, scene, listener, hall, shown)
    except IntaglioError as error:
        sentence = await _silent(errand, name, scene, hall)
        return await _refused(error, sentence, errand, scene, listener, hall, shown)


async def _silent(errand: Errand, name: str, scene: Scene, hall: Hall) -> str:
    found = connections.named(await connections.usable(errand.client, scene, hall.house), name)
    shown = (found.display_name or found.name) if found is not None else name
    return f"{shown} does not answer as it should. Try again, or sign in another way."


async def _return(fields: dict[str, str], request: Request, listener: Listener, hall: Hall, shown: Shown) -> Response:
    """Take somebody back from the other provider."""
    found = await returning.take(fields.get("state", ""), hall.clock.now(), hall.house)
    errand, scene = await _found(found, request, listener, hall)
    connection = await returning.connection_of(found, errand, request.path, scene, hall.house)
    if connection is None:
        fault = NotFound(detail={"expected": "a connection of this application", "received": "none any more"})
        return await _refused(fault, GONE, errand, scene, listener, hall, shown)
    try:
        arrived = await returning.finish(found, errand, connection, fields, scene, hall.house)
    except (returning.Failed, TooMany) as error:
        return await _refused(error, error.public, errand, scene, listener, hall, shown)
    return await _arrived(arrived, errand, scene, listener, hall, shown)


async def _found(found: Found, request: Request, listener: Listener, hall: Hall) -> tuple[Errand, Scene]:
    signin, waits = found.signin, found.transaction
    if listener.dialect is None or signin.dialect != listener.dialect.name:
        raise steps.gone()
    scene = await _scene(signin.tenant_id, waits.variant if waits is not None else "", request, listener, hall)
    name = returning.name_of(found, scene, hall.house)
    if waits is None:
        return await _own_page(signin.tenant_id, request, listener, hall)
    return await _errand(waits, name, request, listener, hall)


async def _waiting(errand: Errand, scene: Scene, hall: Hall) -> Waiting:
    return await steps.find(errand.name, scene, hall.house)


async def _arrived(
    arrived: Arrived, errand: Errand, scene: Scene, listener: Listener, hall: Hall, shown: Shown
) -> Response:
    """Begin the session, and go on with what it was for."""
    user, amr, told, since = arrived.user, arrived.amr, arrived.vouched, arrived.auth_time
    if errand.query is not None:
        waiting = await _waiting(errand, scene, hall)
        step = await steps.signed_in(waiting, user, scene, hall.house, amr, told, since)
        return await shown(step, waiting, errand.name, scene, listener)
    begins = (await session.begin(user, amr, scene, hall.house, told, since))[1]
    where = devicepages.WAITING + errand.name if errand.name else scene.base + accountpages.PATH
    cookie = dispatch.session_cookie(begins, scene, secure=listener.secure)
    return dispatch.with_headers(message.redirect(where), cookie)


async def _refused(
    fault: IntaglioError, sentence: str, errand: Errand, scene: Scene, listener: Listener, hall: Hall, shown: Shown
) -> Response:
    """Show the login page again, with one sentence; what is wrong is in the log."""
    faults.log(fault, scene.ref, Request("GET", GO, peer=scene.peer, noted=scene.noted), scene.issuer)
    told = f"{sentence} ({scene.ref})"
    if errand.query is not None:
        step = Step("login", error=told, elsewhere=True)
        return await shown(step, await _waiting(errand, scene, hall), errand.name, scene, listener)
    page = await _page(errand, told, scene, hall)
    return hall.page(msgspec.structs.replace(page, elsewhere=True))


async def _page(errand: Errand, error: str, scene: Scene, hall: Hall) -> LoginPage:
    if errand.transaction is not None:
        asks = await device.find(errand.transaction, scene, hall.house)
        page = devicepages.login(asks, errand.name, scene, hall.forms, "", error)
        return msgspec.structs.replace(page, connections=await choices(errand.client, errand.name, scene, hall))
    return accountpages.login(await account.sign_in(scene, hall.house), scene, hall.forms, error=error)


async def _signed_out(fields: dict[str, str], request: Request, listener: Listener, hall: Hall) -> Response:
    """Send somebody on who signed out at another provider."""
    found = leaving.back(fields.get("state", ""), hall.clock.now(), hall.house)
    if found.location:
        return message.redirect(found.location)
    scene = await _scene(found.tenant_id, "", request, listener, hall)
    return hall.page(LoggedOutPage(Brand(scene.tenant.name, scene.tenant.logo_uri)))
