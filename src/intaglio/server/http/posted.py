"""Requests that a page of another site posts here: the browser leaves its cookies out of them.

RFC 6265bis section 5.6.7 (SameSite=Lax), OpenID Connect Core 3.1.2.1 and RP-Initiated Logout 1.0 section 2 (by POST).
"""

from __future__ import annotations

from intaglio.dialects.routes import Route
from intaglio.wire import message, params, url
from intaglio.wire.message import Request, Response

FORM = "application/x-www-form-urlencoded"
LIMIT = 16 * 1024
"""Octets of a form that are carried on in an address."""


def by_get(request: Request, route: Route, origin: str, address: str) -> Response | None:
    """Return where the browser is to ask again by GET, with its cookies; None for a request that is to be answered.

    `origin` is the listener's own, `address` the route's. Without the cookies a person who is signed in would seem not
    to be: asked to sign in again, or, after a logout that named no session, signed out without being asked
    (test_nobody_is_signed_out_by_another_site).
    """
    came_from = request.header("origin")
    if request.method != "POST" or "GET" not in route.methods or route.surface.name != "page":
        return None
    if came_from is None or came_from == origin or request.media_type() != FORM or len(request.body) > LIMIT:
        return None
    try:
        fields = params.pairs(request.body.decode("ascii"))
    except (UnicodeDecodeError, params.ParamsError):
        return None
    return message.redirect(url.with_query(address, fields))
