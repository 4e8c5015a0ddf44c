"""Which pages of other origins may read an answer, never with credentials.

WHATWG Fetch (CORS protocol). Discovery and keys are for everybody. The token, UserInfo and revocation endpoints are for
the origins of the client's redirect URIs and its explicit list; a preflight comes before the client is known, so the
check is on the answer itself.
"""

from __future__ import annotations

from intaglio.dialects.routes import Route
from intaglio.server.model.clients import Client
from intaglio.wire import url
from intaglio.wire.message import Headers, Request, Response

PREFLIGHT_SECONDS = 3600
MAX_ALLOWED = 512


def preflight(request: Request, allowed: tuple[str, ...], route: Route | None) -> Response:
    """Answer OPTIONS: the methods of the path, and for a preflight what a page may send."""
    headers: Headers = (("allow", ", ".join(allowed)),)
    origin, wanted = request.header("origin"), request.header("access-control-request-method")
    if route is None or route.cors == "none" or origin is None or wanted is None:
        return Response(204, headers)
    return Response(
        204,
        (
            *headers,
            *_for_origin(origin, route),
            ("access-control-allow-methods", ", ".join(route.methods)),
            ("access-control-allow-headers", (request.header("access-control-request-headers") or "")[:MAX_ALLOWED]),
            ("access-control-max-age", str(PREFLIGHT_SECONDS)),
        ),
    )


def _for_origin(origin: str, route: Route) -> Headers:
    if route.cors == "public":
        return (("access-control-allow-origin", "*"),)
    return (("access-control-allow-origin", origin), ("vary", "Origin"))


def origins(client: Client) -> frozenset[str]:
    """Return the origins whose pages may read the client's tokens."""
    return frozenset(client.allowed_origins) | {url.origin(uri) for uri in client.redirect_uris} - {""}


def _is_of(origin: str, client: Client, *, any_port: bool) -> bool:
    known = origins(client)
    return origin in known or (any_port and url.is_localhost(origin) and any(map(url.is_localhost, known)))


def headers(
    request: Request, route: Route, client: Client | None, *, harmless: bool, any_port: bool = False
) -> Headers:
    """Return the CORS headers of an answer.

    `harmless` answers hold nothing but an error about the request's own token, and any origin may read them. With
    `any_port` every port of `http://localhost` is the client's that has one of them.
    """
    origin = request.header("origin")
    if route.cors == "public":
        return (("access-control-allow-origin", "*"),)
    if route.cors != "client" or origin is None:
        return ()
    if harmless or (client is not None and _is_of(origin, client, any_port=any_port)):
        return (*_for_origin(origin, route), ("access-control-expose-headers", "WWW-Authenticate"))
    return (("vary", "Origin"),)
