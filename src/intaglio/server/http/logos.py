"""Clients' logos under this origin, so that the pages' policy need not let any other host in."""

from __future__ import annotations

from intaglio.protocol.faults import NotFound
from intaglio.server.http import dispatch, pages
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.pages import LOGO
from intaglio.server.http.tenancy import Listener
from intaglio.wire import params
from intaglio.wire.message import Request, Response

HEADERS = (
    ("cache-control", "public, max-age=3600"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("cross-origin-resource-policy", "same-origin"),
)


async def answer(request: Request, listener: Listener, hall: Hall) -> Response:
    """Answer with the logo of a client; raises `NotFound` where no such client is, or it has none."""
    words = request.path.removeprefix(LOGO).split("/")
    if request.method != "GET" or len(words) != 2:
        raise NotFound(detail={"received": request.path[:200]})
    now = hall.clock.now()
    tenant = await hall.tenants.by_id(words[0], now)
    scene = dispatch.scene_of(listener, tenant, request, now, request.ref)
    client = await hall.house.client(scene, _word(words[1]))
    if client is None or not pages.is_fetched(client.logo_uri):
        raise NotFound(detail={"received": request.path[:200]})
    picture = await hall.logos.picture(client.logo_uri, hall.house, now)
    if picture is None:
        return Response(404, (("cache-control", "no-store"),))
    return Response(200, (("content-type", picture.media_type), *HEADERS), picture.octets)


def _word(text: str) -> str:
    try:
        return params.decode(text.replace("+", "%2B"))
    except params.ParamsError as exc:
        raise NotFound(detail={"received": "a client_id that cannot be read"}) from exc
