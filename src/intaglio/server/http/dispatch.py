"""The three beats: read (dialect), act (neutral), write (dialect); and what every answer gets besides.

A dialect's route is found, the tenant resolved, the query read, the function of its type called, the answer written.
Faults are written by the route's own surface, so each group of routes keeps one face.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.clock import Clock
from intaglio.dialects.coding import Context
from intaglio.dialects.dialect import Dialect
from intaglio.dialects.routes import Found, Route, Surface, Table
from intaglio.errors import IntaglioError
from intaglio.protocol.account import AccountSignIn, AccountView
from intaglio.protocol.authorize import AuthorizeAnswer, SessionBegins, SessionEnds, SignInNeeded
from intaglio.protocol.device import DeviceEntry
from intaglio.protocol.faults import MethodNotAllowed, NotFound
from intaglio.protocol.logout import LogoutAsk, LogoutDone
from intaglio.protocol.pages import Brand, LoggedOutPage, LogoutPage, Page
from intaglio.protocol.sessionframe import SessionFrame
from intaglio.protocol.userinfo import UserinfoAnswer
from intaglio.server.http import (
    accountpages,
    cookies,
    cors,
    devicepages,
    faults,
    pages,
    posted,
    realms,
    scenes,
    sessionframe,
    table,
)
from intaglio.server.http.csrf import Forms
from intaglio.server.http.framework import Disconnected, Receive
from intaglio.server.http.pages import Pages
from intaglio.server.http.tenancy import Listener, Tenancy
from intaglio.server.http.waiting import Waiting
from intaglio.server.limits.rates import TooMany
from intaglio.server.provider import limited
from intaglio.server.provider.logos import Logos
from intaglio.server.provider.scene import House, Scene
from intaglio.server.workload.place import Place, Works
from intaglio.wire import message, params, url
from intaglio.wire.message import Headers, Request, Response

LOGIN = "/_intaglio/login/"
SIGN_UP = "/_intaglio/signup/"
CONSENT = "/_intaglio/consent/"
ORGANIZATION = "/_intaglio/organization/"
LOGOUT = "/_intaglio/logout"
GO = "/_intaglio/upstream/go/"
STEPS = {"login": LOGIN, "create": SIGN_UP, "organization": ORGANIZATION, "consent": CONSENT}
"""Where each step of a waiting request is taken."""

scene_of = scenes.scene_of


class Hall:
    """What dispatching works with; one a process."""

    def __init__(
        self,
        house: House,
        works: Works,
        tenants: Tenancy,
        renderer: Pages,
        forms: Forms,
        clock: Clock,
        *,
        development: bool,
    ) -> None:
        self.house = house
        self.works = works
        self.tenants = tenants
        self.pages = renderer
        self.forms = forms
        self.clock = clock
        self.development = development
        self.logos = Logos()
        self.waiting = Waiting()
        self._tables: dict[str, Table] = {}

    def table(self, dialect: Dialect) -> Table:
        """Return the dialect's route table."""
        found = self._tables.get(dialect.name)
        if found is None:
            found = self._tables[dialect.name] = Table(dialect.routes)
        return found

    def page(self, page: Page) -> Response:
        """Return a page as an answer."""
        return pages.answer(self.pages, page, development=self.development)

    def render(self, written: Response | Page) -> Response:
        """Return what a writer made as an answer."""
        return written if isinstance(written, Response) else self.page(written)


def session_cookie(begun: SessionBegins | SessionEnds | None, scene: Scene, *, secure: bool) -> Headers:
    """Return the Set-Cookie header for a session that begins or ends, if one does."""
    if begun is None:
        return ()
    cookie = cookies.name("session", scene.session_issuer, secure=secure)
    if isinstance(begun, SessionEnds):
        return (cookies.write(cookie, "", max_age=0, secure=secure), *sessionframe.forget(scene, secure=secure))
    kept = cookies.write(cookie, begun.secret, max_age=begun.expires_at - scene.now, secure=secure)
    return (kept, *realms.remember(scene, begun.expires_at - scene.now, secure=secure))


def browser_cookie(secret: str, lifetime: int, scene: Scene, *, secure: bool) -> Headers:
    """Return the Set-Cookie header of the secret that ties pages to this browser."""
    cookie = cookies.name("browser", scene.session_issuer, secure=secure)
    return (cookies.write(cookie, secret, max_age=lifetime, secure=secure),)


def with_headers(response: Response, extra: Headers) -> Response:
    """Return the answer with more headers."""
    return msgspec.structs.replace(response, headers=(*response.headers, *extra)) if extra else response


def body_limit(request: Request, listener: Listener, hall: Hall) -> int:
    """Return the largest body in octets that the route of a request takes; 0 where there is none."""
    dialect = listener.dialect
    assert dialect is not None
    found = hall.table(dialect).find(request.method, dialect.locate(request.path).rest)
    return found.route.limit if found.route is not None else 0


async def answer(request: Request, listener: Listener, hall: Hall, receive: Receive | None = None) -> Response:
    """Answer a request for a dialect's route. `receive` tells a query that waits when its client goes."""
    dialect = listener.dialect
    assert dialect is not None
    addressed = dialect.locate(request.path)
    found = hall.table(dialect).find(request.method, addressed.rest)
    if found.route is None:
        return _no_route(request, listener, found, hall, addressed.rest)
    ref, now = request.ref, hall.clock.now()
    if request.noted is not None:
        request.noted.route = found.route.path
    ctx = Context(now=now, ref=ref, words=found.words, fixed=found.route.fixed)
    try:
        tenant = await hall.tenants.of(listener, addressed, request, now)
        scene = scene_of(listener, tenant, request, now, ref, addressed.variant)
        ctx = msgspec.structs.replace(ctx, **known(scene))
        again = posted.by_get(request, found.route, listener.base_url, scene.base + addressed.rest)
        if again is not None:
            return with_headers(again, found.route.surface.headers)
        return await _beats(request, listener, found.route, scene, ctx, hall, receive)
    except Disconnected:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: logged with its reference, never shown
        return _fault(error, request, listener, found.route, ctx, hall)


def known(scene: Scene) -> dict[str, str]:
    """Return what readers and writers are told of the scene, by the names of `Context`."""
    tenant_id = str(scene.tenant.tenant_id)
    return {"issuer": scene.issuer, "base": scene.base, "tenant_id": tenant_id, "variant": scene.variant}


async def _beats(
    request: Request,
    listener: Listener,
    route: Route,
    scene: Scene,
    ctx: Context,
    hall: Hall,
    receive: Receive | None = None,
) -> Response:
    query = route.read(request, ctx)
    if scene.is_open:
        scene = await realms.settle(query, request, listener, scene, hall)
        ctx = msgspec.structs.replace(ctx, **known(scene))
    ctx = msgspec.structs.replace(ctx, asked=query)
    kind = type(query)
    client_id = ""
    is_limited = "tokens" in hall.house.rates and kind in table.TOKENS
    try:
        if is_limited:
            hall.house.rates.spend(scene.now, limited.of_address("tokens", scene))
        if kind in table.PROVIDER:
            result = await table.PROVIDER[kind](query, scene, hall.house)
        else:
            acting = table.WORKLOAD[kind](query, _place(scene, listener), hall.works)
            held = receive if route.waits and query.wait else None
            result = await (acting if held is None else hall.waiting.hold(acting, held))
        client_id = result.client_id if isinstance(result, UserinfoAnswer) else ""
        if request.noted is not None:
            request.noted.issued = table.ISSUES.get(kind, "")
        if isinstance(result, AuthorizeAnswer) and result.problem is not None:
            faults.log_redirected(result.problem, ctx.ref, request, scene.issuer)
        response = _written(result, route, scene, ctx, hall, secure=listener.secure)
    except IntaglioError as error:
        response = _fault(error, request, listener, route, ctx, hall, bare=True)
    extra = await _cors(request, route, query, client_id, response, scene, hall)
    left = _left(query, response, scene, hall) if is_limited else ()
    return with_headers(response, (*route.surface.headers, *extra, *left))


def _left(query: Any, response: Response, scene: Scene, hall: Hall) -> Headers:
    """Return what is left to a client that got a token; who got none is told by the refusal alone."""
    presented = getattr(query, "presented", None)
    if response.status != 200 or presented is None:
        return ()
    whose = (scene.tenant.tenant_id, presented.client_id)
    return hall.house.rates.fields("tokens-by-client", whose, scene.now)


def _place(scene: Scene, listener: Listener) -> Place:
    return Place(
        tenant=scene.tenant,
        dialect=scene.dialect,
        issuer=scene.issuer,
        base=scene.base,
        ring_id=scene.ring_id,
        now=scene.now,
        ref=scene.ref,
        account=listener.account,
        peer=scene.peer,
    )


async def _cors(
    request: Request, route: Route, query: Any, client_id: str, response: Response, scene: Scene, hall: Hall
) -> Headers:
    if route.cors == "none" or (route.cors == "client" and request.header("origin") is None):
        return ()
    client = None
    if route.cors == "client":
        presented = getattr(query, "presented", None)
        client = await hall.house.client(scene, presented.client_id if presented is not None else client_id)
    harmless = any(name == "www-authenticate" and value.startswith("Bearer") for name, value in response.headers)
    any_port = scene.dialect.profile.relaxed_redirects
    return cors.headers(request, route, client, harmless=harmless, any_port=any_port)


def _written(result: Any, route: Route, scene: Scene, ctx: Context, hall: Hall, *, secure: bool) -> Response:
    if isinstance(result, SignInNeeded):
        kept = browser_cookie(result.browser, result.lifetime, scene, secure=secure)
        where = STEPS[result.step] + result.transaction
        if result.connection:
            where = f"{GO}{result.transaction}/{result.connection}"
        return with_headers(message.redirect(where), kept)
    if isinstance(result, DeviceEntry):
        kept = browser_cookie(result.browser, result.lifetime, scene, secure=secure)
        return with_headers(hall.page(devicepages.entry(result, scene, hall.forms)), kept)
    about_session = _about_session(result, scene, hall, secure=secure)
    if about_session is not None:
        return about_session
    assert route.write is not None
    written = hall.render(route.write(result, ctx))
    if not isinstance(result, AuthorizeAnswer):
        return written
    state = sessionframe.cookie(result.browser_state, scene, secure=secure)
    return with_headers(written, (*session_cookie(result.session, scene, secure=secure), *state))


def _about_session(result: Any, scene: Scene, hall: Hall, *, secure: bool) -> Response | None:
    """Return the answer to what was asked about the browser's session; None if it was something else."""
    if isinstance(result, AccountSignIn):
        kept = browser_cookie(result.browser, result.lifetime, scene, secure=secure)
        return with_headers(hall.page(accountpages.login(result, scene, hall.forms)), kept)
    if isinstance(result, AccountView):
        return hall.page(accountpages.page(result, scene, hall.forms))
    if isinstance(result, SessionFrame):
        return sessionframe.answer(result, hall.pages, secure=secure)
    if isinstance(result, LogoutDone):
        return logged_out(result, scene, hall, secure=secure)
    return hall.page(_logout_page(result, scene, hall)) if isinstance(result, LogoutAsk) else None


def logged_out(done: LogoutDone, scene: Scene, hall: Hall, *, secure: bool) -> Response:
    """Forget the session's cookie, and go on or say that it is over.

    Where applications are to be told by the browser, the page comes first, and goes on by itself. To a native program
    it could not: browsers open those for a redirect, and from a page only for a click.
    """
    if done.location and not (done.frames and url.origin(done.location)):
        response = message.redirect(done.location)
    else:
        brand = Brand(scene.tenant.name, scene.tenant.logo_uri)
        page = LoggedOutPage(brand, done.client_name, done.client_uri, frames=done.frames, location=done.location)
        response = hall.page(page)
    # A request that brought no session says nothing about the browser's: it may come from another site's page.
    ends = SessionEnds() if scene.session_secret else None
    return with_headers(response, session_cookie(ends, scene, secure=secure))


def logout_purpose(tenant_id: str, client_id: str, target: str, state: str) -> str:
    """Return what a logout form's token is bound to: everything that the form's address says."""
    return "logout\0" + params.write(
        [("tenant", tenant_id), ("client_id", client_id), ("post_logout_redirect_uri", target), ("state", state)]
    )


def _logout_page(ask: LogoutAsk, scene: Scene, hall: Hall) -> LogoutPage:
    fields = [
        ("tenant", scene.tenant.tenant_id),
        ("client_id", ask.client_id),
        ("post_logout_redirect_uri", ask.post_logout_redirect_uri),
        ("state", ask.state),
    ]
    purpose = logout_purpose(*(value for _, value in fields))
    leads = [address for address in (ask.post_logout_redirect_uri, ask.onward) if address]
    targets = tuple(dict.fromkeys(target for address in leads for target in pages.form_targets(address)))
    return LogoutPage(
        brand=Brand(scene.tenant.name, scene.tenant.logo_uri),
        user_name=ask.user_name,
        client_name=ask.client_name,
        action=url.with_query(LOGOUT, [(k, v) for k, v in fields if v]),
        csrf=hall.forms.token(scene.session_secret, purpose),
        form_targets=targets,
    )


def _no_route(request: Request, listener: Listener, found: Found, hall: Hall, rest: str) -> Response:
    dialect = listener.dialect
    assert dialect is not None
    if request.method == "OPTIONS" and found.allowed:
        asked = request.header("access-control-request-method") or found.allowed[0]
        return cors.preflight(request, found.allowed, hall.table(dialect).find(asked, rest).route)
    fault: IntaglioError = NotFound(detail={"received": request.path[:200]})
    if found.allowed:
        fault = MethodNotAllowed(detail={"expected": " ".join(found.allowed), "received": request.method})
        fault.allowed = found.allowed
    return no_page(fault, request, listener, hall)


def no_page(error: Exception, request: Request, listener: Listener, hall: Hall) -> Response:
    """Answer where no route is: a page for browsers, the dialect's own form for programs."""
    return _fault(error, request, listener, None, Context(now=hall.clock.now(), ref=request.ref), hall)


def _face(dialect: Dialect, path: str) -> Surface:
    return dialect.surface if dialect.face is None else dialect.face(dialect.locate(path).rest)


def _fault(
    error: Exception,
    request: Request,
    listener: Listener,
    route: Route | None,
    ctx: Context,
    hall: Hall,
    *,
    bare: bool = False,
) -> Response:
    known = error if isinstance(error, IntaglioError) else faults.unexpected(error, ctx.ref, request)
    faults.log(known, ctx.ref, request, ctx.issuer)
    public = faults.public_form(known)
    dialect = listener.dialect
    assert dialect is not None
    surface = route.surface if route is not None else _face(dialect, request.path)
    wants_page = route is None and surface.pages and "text/html" in (request.header("accept") or "")
    write = dialect.page_fault if wants_page else surface.write_fault
    response = hall.render(write(public, ctx))
    if isinstance(known, TooMany):
        response = with_headers(response, known.fields)
    if isinstance(known, MethodNotAllowed) and not any(name == "allow" for name, _ in response.headers):
        # RFC 9110 15.5.6: a page says it as well.
        response = with_headers(response, (("allow", ", ".join(known.allowed)),))
    return response if bare or wants_page else with_headers(response, surface.headers)
