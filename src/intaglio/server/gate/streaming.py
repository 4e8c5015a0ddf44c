"""Passing a request on and its answer back, piece by piece, with nothing held and no redirect followed.

ASGI 3, HTTP connection scope. RFC 9110 section 7.6 (forwarding), RFC 9112 section 6 (message body).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from intaglio.errors import Unavailable
from intaglio.server.gate import outcome
from intaglio.server.gate.asked import OF_CONNECTION, Asked
from intaglio.server.http import framework
from intaglio.server.http.framework import Disconnected, Receive, Send

log = logging.getLogger("intaglio.gate")

SHORT = 64 * 1024
"""Octets of an answer that is over before anybody could lose patience."""
PIECE_SECONDS = 60.0
"""Seconds for which the next piece of a request's body may be waited for."""


class Answered(Protocol):
    """The head of the service's answer, and its body piece by piece."""

    @property
    def status(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers as they came."""
        ...

    @property
    def body(self) -> AsyncIterator[bytes]:
        """The body."""
        ...


class Upstream(Protocol):
    """Passes requests on to one place (`net.forwarding`)."""

    def forward(
        self, method: str, target: str, headers: Sequence[tuple[bytes, bytes]], body: AsyncIterator[bytes] | None
    ) -> AbstractAsyncContextManager[Answered]:
        """Pass one on; raises `Unavailable`."""
        ...


async def stream(
    upstream: Upstream, asked: Asked, headers: list[tuple[str, str]], receive: Receive, send: Send
) -> None:
    """Pass a request on and its answer back. An answer that breaks off is cut off, never made to look complete."""
    sent = False
    watcher: asyncio.Task[None] | None = None
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    body, framing = _body(asked, receive)
    raw = [pair for pair in raw if pair[0] != b"content-length"] + framing
    try:
        async with upstream.forward(asked.method, asked.target, raw, body) as answer:
            kept = _answer_headers(answer.status, answer.headers)
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            sent = True
            if not _is_short(answer.headers):
                # The head leaves at once: who listens to events waits for it, and the first event may be far off.
                await send({"type": "http.response.body", "body": b"", "more_body": True})
                watcher = asyncio.create_task(_until_gone(receive, asyncio.current_task()))
            async for piece in answer.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if watcher is not None:
                watcher.cancel()
            await send({"type": "http.response.body", "body": b""})
    except Unavailable as fault:
        log.warning("the service failed: %s %s", fault.code, ascii(fault.detail))
        if sent:
            # RFC 9112 8: the connection is cut, so that nobody takes what came for the whole.
            raise Disconnected from fault
        status = 504 if fault.code == "upstream-slow" else 502
        response = outcome.words(status, fault.public)
        await framework.send(send, response, (), head=asked.method == "HEAD")
    finally:
        if watcher is not None:
            watcher.cancel()


def _is_short(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Tell whether an answer says that it ends soon: nobody need be told of its beginning, or watched until its end."""
    declared = [value for name, value in headers if name.lower() == b"content-length"]
    return len(declared) == 1 and declared[0].isdigit() and int(declared[0][:12]) <= SHORT


async def _until_gone(receive: Receive, task: asyncio.Task[object] | None) -> None:
    """Stop passing an answer on once nobody is there to take it: a stream of events has no end of its own."""
    message = await receive()
    while message["type"] == "http.request":
        message = await receive()
    if task is not None:
        task.cancel()


def _body(asked: Asked, receive: Receive) -> tuple[AsyncIterator[bytes] | None, list[tuple[bytes, bytes]]]:
    """Return the body as it arrives, and how it is framed on the way on: anew, whatever the client wrote."""
    declared, chunked = asked.every("content-length"), asked.every("transfer-encoding")
    if chunked:
        return _pieces(receive), [(b"transfer-encoding", b"chunked")]
    if len(declared) == 1 and declared[0].isascii() and declared[0].isdigit():
        length = int(declared[0])
        if length:
            return _pieces(receive), [(b"content-length", str(length).encode())]
        return None, [(b"content-length", b"0")]
    return None, []


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                message = await receive()
        except TimeoutError as fault:
            raise Disconnected from fault
        if message["type"] != "http.request":
            raise Disconnected
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


def _answer_headers(status: int, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that travel on (RFC 9110 section 7.6.1)."""
    named = {
        word.strip().lower() for name, value in headers if name.lower() == b"connection" for word in value.split(b",")
    }
    barred = {name.encode() for name in OF_CONNECTION} | named
    # RFC 9110 8.6: in an answer without a body the length is that of another answer.
    barred |= {b"content-length"} if status in (204, 304) else set()
    return [(name.lower(), value) for name, value in headers if name.lower() not in barred]
