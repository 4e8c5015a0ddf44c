"""The front pages of development mode: what was seeded, and what each port answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intaglio.dialects.dialect import Site
from intaglio.protocol.pages import DialectPage, Link, StartPage
from intaglio.server.devmode import seeds
from intaglio.server.devmode.demo import Demo
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.wire.message import Request, Response

if TYPE_CHECKING:
    from intaglio.server.devmode.conformancefront import ConformanceFront

WORKSPACE = f"/{seeds.OWNER}/{seeds.SLUG}"
"""Where the seeded tenant is in the dialect whose paths name an owner."""

SENTENCES = {
    "google": "Workloads get ID tokens here as from a metadata server; certificates and keys verify them.",
    "auth0": "Sign-in, tokens, logout and the Management API's applications, in this dialect's shape.",
    "microsoft": "A path begins with a tenant: its UUID, its domain, or common, organizations or consumers.",
    "cloudentity": "A path names an owner and a tenant: a tenant and its workspace, in this dialect's words.",
}


class DevelopmentFront:
    """Answers `/` on every port, and the demo on the standard one."""

    def __init__(
        self,
        start: StartPage,
        listeners: tuple[Listener, ...],
        demo: Demo,
        conformance: ConformanceFront | None = None,
    ) -> None:
        self._start = start
        self._demo = demo
        self._conformance = conformance
        self._fronts = {one.name: _front(one, start) for one in listeners}

    async def answer(self, request: Request, listener: Listener, hall: Hall) -> Response | None:
        """Return a front page, an answer of the demo, or None."""
        if listener.name == "standard":
            if request.path == "/" and request.method in ("GET", "HEAD"):
                return hall.page(self._start)
            if self._conformance is not None and self._conformance.owns(request.path):
                return await self._conformance.answer(request)
            return await self._demo.answer(request, hall) if f"{request.path}/".startswith("/demo/") else None
        wants_page = listener.dialect is None or _is_a_person(request)
        if request.path == "/" and request.method in ("GET", "HEAD") and wants_page:
            return hall.page(self._fronts[listener.name])
        return None

    async def refused(self, error: Exception, request: Request, listener: Listener, hall: Hall) -> None:
        """Leave what cannot be read to the dialect."""


def _is_a_person(request: Request) -> bool:
    # Java's own client asks for text/html whatever it wants; every browser names XHTML beside it.
    accept = request.header("accept") or ""
    return accept == "text/html" or ("text/html" in accept and "application/xhtml+xml" in accept)


def _front(listener: Listener, start: StartPage) -> DialectPage:
    paths = {
        "google": ("/.well-known/openid-configuration", "/oauth2/v1/certs", "/oauth2/v3/certs"),
        "auth0": ("/.well-known/openid-configuration", "/.well-known/jwks.json"),
        "microsoft": (
            f"/{seeds.DOMAIN}/v2.0/.well-known/openid-configuration",
            f"/{seeds.DOMAIN}/.well-known/openid-configuration",
            "/common/v2.0/.well-known/openid-configuration",
            "/common/discovery/v2.0/keys",
        ),
        "cloudentity": (f"{WORKSPACE}/.well-known/openid-configuration", f"{WORKSPACE}/.well-known/jwks.json"),
    }.get(listener.name, ())
    issuer = (
        ""
        if listener.dialect is None
        else listener.dialect.issuer(Site(listener.base_url, seeds.SLUG, seeds.TENANT_ID, seeds.OWNER))
    )
    return DialectPage(
        dialect=listener.name,
        issuer=issuer,
        links=tuple(Link(path, listener.base_url + path) for path in paths),
        sentence=SENTENCES.get(listener.name, ""),
        home=start.links[0].href if start.links else "/",
    )


def start_page(version: str, listeners: tuple[Listener, ...], lines: tuple[tuple[str, str], ...]) -> StartPage:
    """Return the start page: links, people and clients, and commands to copy."""
    base = listeners[0].base_url
    issuer = f"{base}/{seeds.SLUG}"
    return StartPage(
        version=version,
        issuer=issuer,
        links=(
            Link("Start page", base + "/", "this page"),
            Link("Demo", base + "/demo", "sign in and watch an ID token being checked"),
            Link("Sessions and apps", issuer + "/account", "where a person is signed in, and what they let in"),
            Link("Inspector", base + "/inspect", "look inside a token and check it, in the browser alone"),
            Link("Discovery", issuer + "/.well-known/openid-configuration", "the provider's metadata"),
            Link("Keys", issuer + "/jwks", "what verifies an ID token"),
        ),
        dialects=tuple(
            Link(one.name, one.base_url + "/", "answers" if one.dialect is not None else "reserved")
            for one in listeners
        ),
        accounts=(*seeds.ACCOUNTS, seeds.CAROL),
        clients=seeds.listed(base),
        commands=lines,
        identities=seeds.IDENTITIES,
    )
