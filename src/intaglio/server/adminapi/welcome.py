"""The page of a link that works once: somebody chooses a name and a password, and administers from then on.

SECURITY: the link is the only proof; its form needs the page that belongs to it besides (test_the_form_needs_its_page),
and a link that was used, or is too old, is as unknown as any other (test_a_link_works_once).
"""

from __future__ import annotations

from intaglio import ids
from intaglio.dialects import coding
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.ids import Secret
from intaglio.protocol.administration import WELCOME
from intaglio.protocol.faults import MethodNotAllowed
from intaglio.protocol.pages import AdminWelcomeDonePage, AdminWelcomePage, Brand, ErrorPage, Page
from intaglio.server.admin import bootstrap
from intaglio.server.http import cookies, faults
from intaglio.server.http.dispatch import Hall, with_headers
from intaglio.server.http.tenancy import Listener
from intaglio.server.model.tenants import Tenant
from intaglio.server.registry.deeds import Actor
from intaglio.wire.message import Request, Response

PERSONS_OWN = frozenset({"username-invalid", "password-invalid", "user-exists"})
"""Refusals that the person at the page puts right."""


async def answer(request: Request, listener: Listener, hall: Hall, sign_in_at: str) -> Response:
    """Answer with the page of a link, or make the account that it is for, which signs in under `sign_in_at`."""
    ref = request.ref or ids.reference()
    secret = request.path.removeprefix(WELCOME)
    if request.noted is not None:
        # The rest of the address is what lets somebody in.
        request.noted.route = WELCOME + "{secret}"
    try:
        if request.method not in ("GET", "HEAD", "POST"):
            fault = MethodNotAllowed()
            fault.allowed = ("GET", "HEAD", "POST")
            raise fault
        tenant = await bootstrap.is_open(hall.house.store, hall.clock, secret)
        if tenant is None:
            raise bootstrap.unknown()
        if request.method == "POST":
            return await _made(request, secret, tenant, listener, hall, ref, sign_in_at)
        return _shown(request, secret, tenant, listener, hall)
    except IntaglioError as fault_:
        faults.log(fault_, ref, request, listener.base_url)
        return _refused(fault_, ref, hall)


def _cookie(listener: Listener) -> str:
    return cookies.name("browser", listener.base_url + WELCOME, secure=listener.secure)


def _shown(
    request: Request, secret: str, tenant: Tenant, listener: Listener, hall: Hall, username: str = "", error: str = ""
) -> Response:
    browser = cookies.read(request, _cookie(listener)) or ids.opaque()
    page = AdminWelcomePage(
        Brand(tenant.name, tenant.logo_uri),
        action=WELCOME + secret,
        csrf=hall.forms.token(browser, _purpose(secret)),
        username=username,
        error=error,
    )
    kept = cookies.write(_cookie(listener), browser, max_age=bootstrap.LIFETIME, secure=listener.secure)
    return with_headers(hall.page(page), (kept,))


def _purpose(secret: str) -> str:
    return f"admin-welcome\0{secret}"


async def _made(
    request: Request, secret: str, tenant: Tenant, listener: Listener, hall: Hall, ref: str, sign_in_at: str
) -> Response:
    form = coding.single(coding.form_params(request))
    browser = cookies.read(request, _cookie(listener))
    hall.forms.check(request, form.get("csrf"), browser, _purpose(secret), listener.origin)
    username, house = form.get("username"), hall.house
    actor = Actor("invitation", hall.clock.now(), ref, peer=request.peer)
    try:
        user = await bootstrap.welcome(
            house.store, house.passwords, actor, secret, username, Secret(form.get("password"))
        )
    except Misconfigured as fault:
        if fault.code not in PERSONS_OWN:
            raise
        return _shown(request, secret, tenant, listener, hall, username[:200], _sentence(fault))
    done = AdminWelcomeDonePage(
        Brand(tenant.name, tenant.logo_uri),
        username=user.username,
        command=f"intaglio login --issuer {sign_in_at}/{tenant.slug} --client-id {bootstrap.CLIENT}"
        " --scope 'openid intaglio.admin'",
        next_command=f"intaglio tenant list --server {listener.base_url}",
    )
    gone = cookies.write(_cookie(listener), "", max_age=0, secure=listener.secure)
    return with_headers(hall.page(done), (gone,))


def _sentence(fault: Misconfigured) -> str:
    expected = str(fault.detail.get("expected", ""))
    return f"{fault.public} It needs {expected}." if expected else fault.public


def _refused(fault: IntaglioError, ref: str, hall: Hall) -> Response:
    status = 405 if isinstance(fault, MethodNotAllowed) else 404 if fault.code == "link-unknown" else 400
    page: Page = ErrorPage(status, fault.code, fault.public, ref, fault.hint)
    allowed = (("allow", ", ".join(fault.allowed)),) if isinstance(fault, MethodNotAllowed) else ()
    return with_headers(hall.page(page), allowed)
