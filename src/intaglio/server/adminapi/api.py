"""The administration API: from a request to an act, and from what it tells to an answer."""

from __future__ import annotations

import functools

import msgspec

from intaglio import ids
from intaglio.errors import IntaglioError
from intaglio.protocol.administration import API
from intaglio.server.admin.acts import table
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.adminapi import answers, callers, openapi, reading
from intaglio.server.adminapi.office import Office
from intaglio.server.adminapi.routing import Routes
from intaglio.server.http import faults
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.framework import Disconnected
from intaglio.server.http.tenancy import Listener
from intaglio.server.registry.deeds import Actor
from intaglio.wire.message import Request, Response, json_response

OPENAPI = f"{API}/openapi.json"
ROUTES = Routes(table.ACTS)


async def answer(request: Request, listener: Listener, hall: Hall) -> Response:
    """Perform the act that a request is for, and answer with what it told or why it did not."""
    words: tuple[str, ...] = ()
    try:
        if request.path == OPENAPI and request.method in ("GET", "HEAD"):
            return json_response(200, _described(listener.base_url), (("cache-control", "no-cache"),))
        found = ROUTES.find(request.method, request.path)
        words = found.act.words
        if request.noted is not None:
            request.noted.route = API + found.act.path
        now = hall.clock.now()
        caller = await callers.admitted(request, hall.house.store, now)
        asked = reading.asked(request, found)
        actor = Actor(caller.principal, now, request.ref, peer=request.peer)
        told = await found.act.perform(asked, Desk(Office(hall.house), actor, caller.rights))
        if found.act.right != "read":
            hall.house.forget_clients()
        return answers.told(told, asked, found, request)
    except Disconnected:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: logged with its reference, never shown
        return refused(error, request, listener, words)


def refused(error: Exception, request: Request, listener: Listener, words: tuple[str, ...] = ()) -> Response:
    """Return the answer to a request that was refused, or broke something; `words` are those of the path."""
    ref = request.ref or ids.reference()
    if not isinstance(error, IntaglioError):
        return answers.broken(faults.unexpected(error, ref, request), ref)
    faults.log(error, ref, request, listener.base_url)
    if request.noted is not None:
        request.noted.code = error.code
    return answers.refused(error, ref, words)


@functools.lru_cache(maxsize=4)
def _described(base_url: str) -> bytes:
    return msgspec.json.encode(openapi.document(table.ACTS, base_url))
