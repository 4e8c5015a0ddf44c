"""The inspector's page: a program for the browser, and the one policy that lets it ask an issuer for its keys.

Content Security Policy Level 3 (sections 2.3.1 and 6.1.2), Trusted Types, RFC 6454 section 6 (serialized origins),
WHATWG URL section 3.5 (hosts that are numbers).

SECURITY: the token never comes here. It is pasted, dropped, or arrives behind `#`, which no browser sends; the page may
connect to nobody (`connect-src 'none'`) until the person asks for an issuer's keys, and then to that issuer alone.
"""

from __future__ import annotations

import ipaddress
import re

from intaglio.protocol.faults import MethodNotAllowed
from intaglio.protocol.pages import InspectPage
from intaglio.server.http import pages
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.wire import params, url
from intaglio.wire.message import Request, Response

PATH = "/inspect"
MAX_ORIGINS = 2
"""The issuer, and where it keeps its keys if that is elsewhere."""
MAX_HOST = 253

_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?)(:[1-9][0-9]{0,4})?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_REFUSED = "The address asked for names an origin that may not be allowed, so this page connects to nobody."


def answers(request: Request, listener: Listener) -> bool:
    """Tell whether the request is for the inspector: it is on the standard dialect's port alone."""
    return listener.name == "standard" and request.path == PATH


def answer(request: Request, hall: Hall) -> Response:
    """Return the page, its policy opened to the origins that the query names; raises `MethodNotAllowed`."""
    if request.method not in ("GET", "HEAD"):
        fault = MethodNotAllowed(detail={"expected": "GET", "received": request.method})
        fault.allowed = ("GET", "HEAD")
        raise fault
    origins, problem = requested(request.query)
    page = InspectPage(origins=origins, problem=problem)
    headers = (
        *pages.PAGE_HEADERS,
        ("content-security-policy", policy(origins)),
        # What is behind the page's `#` is a token: not even the path may follow it out.
        ("referrer-policy", "no-referrer"),
    )
    return Response(200, headers, hall.pages.render(page))


def policy(origins: tuple[str, ...]) -> str:
    """Return the page's policy: its own script and style, no form, no markup from strings, these connections."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        f"connect-src {' '.join(origins) or chr(39) + 'none' + chr(39)}; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def requested(query: str) -> tuple[tuple[str, ...], str]:
    """Return the origins that a query asks for, and a sentence if they are refused: all of them, or none."""
    try:
        asked = tuple(dict.fromkeys(params.read(query).every("origin")))
    except params.ParamsError:
        return (), _REFUSED
    # CWE-113 and CSP injection: nothing reaches the header but what was matched whole, letter by letter.
    if len(asked) > MAX_ORIGINS or not all(is_origin(one) for one in asked):
        return (), _REFUSED
    return asked, ""


def is_origin(text: str) -> bool:
    """Tell whether the text is exactly an origin as browsers write it: https, or http on this machine itself."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return False
    scheme, host, port = match.groups()
    # RFC 6454 6.1: the default port is not written; a number that is no port is not one either.
    if url.origin(text) != text or (port is not None and int(port[1:]) > url.MAX_PORT):
        return False
    return _is_host(host) and (scheme == "https" or url.is_loopback_host(host))


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(0 < len(label) < 64 for label in labels):
        return False
    # WHATWG URL 3.5: a host whose last label is a number is an IPv4 address; browsers rewrite all spellings but one.
    if _NUMBER.fullmatch(labels[-1]) is None:
        return True
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False
