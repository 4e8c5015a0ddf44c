"""The ASGI application: one for all listeners, told apart by the port that a request came in on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import msgspec

from intaglio import ids
from intaglio.protocol.faults import NotFound
from intaglio.server.http import dispatch, framework, inspector, interaction
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.framework import Disconnected, Receive, Scope, Send
from intaglio.server.http.observing import GONE, Observer
from intaglio.server.http.proxies import Proxies
from intaglio.server.http.tenancy import Listener
from intaglio.wire.message import Headers, Noted, Request, Response

NEUTRAL = "/_intaglio/"
STATIC = "/_intaglio/static/"
FAVICON = "/favicon.ico"
BODY_LIMIT = 64 * 1024
WORDS = frozenset(
    {"account", "admin", "consent", "device", "login", "logo", "logout", "organization", "signup", "upstream"}
)
"""The words behind the neutral prefix that are told of a request."""


class Front(Protocol):
    """Answers paths that belong to no dialect: the front pages of development."""

    async def answer(self, request: Request, listener: Listener, hall: Hall) -> Response | None:
        """Return an answer, or None if the path is not one of its own."""
        ...

    async def refused(self, error: Exception, request: Request, listener: Listener, hall: Hall) -> Response | None:
        """Return the answer to a request that could not even be read, or None if the path is not one of its own."""
        ...


class App:
    """An ASGI application over listeners by port."""

    def __init__(
        self,
        hall: Hall,
        listeners: Mapping[int, Listener],
        front: Front | None = None,
        *,
        proxies: Proxies | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._hall = hall
        self._listeners = dict(listeners)
        self._front = front
        self._proxies = proxies
        self._observer = observer if observer is not None else Observer(hall.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope; only HTTP is spoken."""
        if scope["type"] != "http":
            return
        listener = self._listeners[scope["server"][1]]
        observer, noted = self._observer, Noted()
        begun = observer.now()
        request = framework.read_head(scope, ids.reference(), noted)
        if self._proxies is not None:
            request = self._proxies.settle(request)
        try:
            _, response = await self._answer(request, listener, receive)
        except (Disconnected, asyncio.CancelledError):
            observer.tell(request, noted, listener.name, GONE, begun)
            return
        await framework.send(send, response, _besides(response, listener), head=request.method == "HEAD")
        observer.tell(request, noted, listener.name, response.status, begun)

    async def _answer(self, request: Request, listener: Listener, receive: Receive) -> tuple[Request, Response]:
        try:
            listener = await self._hall.tenants.door(listener, request, self._hall.clock.now())
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                length = request.header("content-length")
                body = await framework.read_body(receive, length, self._limit(request, listener, length or ""))
                request = msgspec.structs.replace(request, body=body)
            return request, await self._route(request, listener, receive)
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged with its reference, never shown
            return request, await self._refused(error, request, listener)

    def _limit(self, request: Request, listener: Listener, length: str) -> int:
        """Return how long the body may be: the route is looked for only where the usual bound is announced to break."""
        if len(length) < len(str(BODY_LIMIT)) or listener.dialect is None:
            return BODY_LIMIT
        return dispatch.body_limit(request, listener, self._hall) or BODY_LIMIT

    async def _refused(self, error: Exception, request: Request, listener: Listener) -> Response:
        if self._front is not None:
            own = await self._front.refused(error, request, listener, self._hall)
            if own is not None:
                return own
        if listener.dialect is None:
            return Response(
                404, (("content-type", "text/plain; charset=utf-8"),), b"There is nothing at this address.\n"
            )
        return dispatch.no_page(error, request, listener, self._hall)

    async def _route(self, request: Request, listener: Listener, receive: Receive) -> Response:
        if request.path.startswith(STATIC) or request.path == FAVICON:
            _note(request, STATIC + "{name}")
            return self._static(request)
        if inspector.answers(request, listener):
            return inspector.answer(request, self._hall)
        if self._front is not None:
            own = await self._front.answer(request, listener, self._hall)
            if own is not None:
                return own
        if listener.dialect is None:
            raise NotFound
        if request.path.startswith(NEUTRAL) or request.path == listener.dialect.profile.upstream_callback:
            _note(request, neutral_pattern(request.path))
            return await interaction.answer(request, listener, self._hall)
        return await dispatch.answer(request, listener, self._hall, receive)

    def _static(self, request: Request) -> Response:
        name = "favicon.svg" if request.path == FAVICON else request.path.removeprefix(STATIC)
        found = self._hall.pages.static(name)
        if found is None or request.method not in ("GET", "HEAD"):
            raise NotFound
        octets, content_type, tag = found
        kept = "public, max-age=31536000, immutable" if request.query else "public, max-age=3600"
        headers = (("content-type", content_type), ("etag", f'"{tag}"'), ("cache-control", kept))
        if request.header("if-none-match") == f'"{tag}"':
            return Response(304, headers)
        return Response(200, headers, octets)


def _note(request: Request, route: str) -> None:
    if request.noted is not None:
        request.noted.route = route


def neutral_pattern(path: str) -> str:
    """Return what is told of a path of ours: which step it is. What stands behind is half of what opens a sign-in."""
    if not path.startswith(NEUTRAL):
        return path
    word, slash, _ = path.removeprefix(NEUTRAL).partition("/")
    return f"{NEUTRAL}{word}{'/{…}' if slash else ''}" if word in WORDS else NEUTRAL + "(none)"


def _besides(response: Response, listener: Listener) -> Headers:
    """Return what the answer gets besides its own headers, which come first."""
    own = {name for name, _ in response.headers}
    return tuple((name, value) for name, value in _always(listener) if name not in own)


def _always(listener: Listener) -> Headers:
    """Return the headers of every answer; over https the browser is told to stay there (RFC 6797).

    NOTE: under `no-referrer` a browser sends `Origin: null` with our own forms, which then look like a stranger's.
    """
    usual: Headers = (("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"))
    return (
        (*usual, ("strict-transport-security", "max-age=31536000"))
        if listener.secure and not listener.on_loopback
        else usual
    )
