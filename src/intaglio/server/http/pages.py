"""Pages as answers: the renderer's protocol, and the headers that keep a page from being framed or scripted.

Content Security Policy Level 3, RFC 9700 section 4.16 (clickjacking).
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote

import msgspec

from intaglio import codec, ids
from intaglio.protocol.pages import ClientFace, ErrorPage, LoggedOutPage, Page, WebMessagePage
from intaglio.server.model.clients import Client
from intaglio.wire import url
from intaglio.wire.message import NO_STORE, Headers, Response


class Pages(Protocol):
    """Turns page records into HTML, and knows the static files that pages need."""

    def render(self, page: Page) -> bytes:
        """Return the page as HTML in UTF-8."""
        ...

    def static(self, name: str) -> tuple[bytes, str, str] | None:
        """Return a static file's octets, content type and entity tag, or None if there is no such file."""
        ...


def security_policy(form_targets: tuple[str, ...], frames: tuple[str, ...] = ()) -> str:
    """Return the Content-Security-Policy of a page: nothing but its own style, pictures and script.

    `frames` are addresses that the page frames; their hosts are let in, and none besides.
    """
    forms = " ".join(("'self'", *form_targets))
    framed = " ".join(dict.fromkeys(url.form_target(address) for address in frames))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        f"{f'frame-src {framed}; ' if framed else ''}form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )


def form_targets(redirect_uri: str) -> tuple[str, ...]:
    """Return where a form on a sign-in page may lead.

    NOTE: Chromium applies `form-action` to every redirect behind the form, and an application's callback may lead on to
    another of its hosts; so any https address is allowed, and http only where the redirect URI is http itself.
    """
    own = url.form_target(redirect_uri)
    return tuple(dict.fromkeys(t for t in ("https:", own, "http:" if own.startswith("http://") else "") if t))


LOGO = "/_intaglio/logo/"


def is_fetched(logo_uri: str) -> bool:
    """Tell whether a logo is at another host, from where this server fetches it."""
    return logo_uri.startswith(("https://", "http://"))


def face(client: Client) -> ClientFace:
    """Return what a client shows of itself beside its name; a logo of another host under an address of this one."""
    logo = client.logo_uri
    if is_fetched(logo):
        version = codec.encode_base64url(ids.digest(logo)[:9])
        logo = f"{LOGO}{client.tenant_id}/{quote(client.client_id, safe='')}?v={version}"
    return ClientFace(logo, client.client_uri, client.policy_uri, client.tos_uri)


PAGE_HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    *NO_STORE,
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)


def _framing(page: Page, policy: str) -> Headers:
    """Return the headers that say who may frame a page, or keep hold of its window.

    A page that talks to the window which framed or opened it lets in the origin that it talks to, and no other.
    """
    if not isinstance(page, WebMessagePage):
        return (*PAGE_HEADERS, ("content-security-policy", policy))
    policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {url.form_target(page.target)}")
    kept = [header for header in PAGE_HEADERS if header[0] not in ("x-frame-options", "cross-origin-opener-policy")]
    return (*kept, ("content-security-policy", policy))


def answer(pages: Pages, page: Page, *, development: bool) -> Response:
    """Return a page as an answer; what was expected and received is shown in development alone."""
    if isinstance(page, ErrorPage) and not development:
        page = msgspec.structs.replace(page, expected="", received="")
    status = page.status if isinstance(page, ErrorPage) else 200
    frames = page.frames if isinstance(page, LoggedOutPage) else ()
    headers = _framing(page, security_policy(page.form_targets, frames))
    return Response(status, headers, pages.render(page))
