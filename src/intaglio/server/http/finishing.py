"""The end of a sign-in's pages: the answer goes to the client, as the dialect writes it."""

from __future__ import annotations

import msgspec

from intaglio.dialects.coding import Context
from intaglio.protocol.authorize import AuthorizeAnswer, AuthorizeQuery
from intaglio.server.http import dispatch, faults, sessionframe
from intaglio.server.http.dispatch import LOGIN, Hall
from intaglio.server.provider.scene import Scene
from intaglio.wire.message import Request, Response


def answer(given: AuthorizeAnswer, query: AuthorizeQuery, scene: Scene, hall: Hall) -> Response:
    """Send the answer to the client."""
    if given.problem is not None:
        faults.log_redirected(
            given.problem, scene.ref, Request("POST", LOGIN, peer=scene.peer, noted=scene.noted), scene.issuer
        )
    ctx = msgspec.structs.replace(Context(now=scene.now, ref=scene.ref, asked=query), **dispatch.known(scene))
    kept = sessionframe.cookie(given.browser_state, scene, secure=scene.issuer.startswith("https:"))
    return dispatch.with_headers(hall.render(scene.dialect.write_authorize(given, ctx)), kept)
