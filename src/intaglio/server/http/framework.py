"""ASGI on one side, wire messages on the other.

ASGI 3 HTTP connection scope. Bodies are read whole, within a bound and a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from intaglio.errors import ProtocolFault
from intaglio.wire.message import Noted, Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_SECONDS = 15


class Disconnected(Exception):
    """The client went away before its request was complete."""


class TooLarge(ProtocolFault):
    """The body is longer than its route bears."""

    code = "too_large"
    public = "The request body is too large."


class TooSlow(ProtocolFault):
    """The body did not arrive in time."""

    code = "invalid_request"
    public = "The request body did not arrive in time."


def read_head(scope: Scope, ref: str = "", noted: Noted | None = None) -> Request:
    """Return the request without its body. Path and query stay percent-encoded as they came."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        peer=client[0] if client else "",
        secure=scope.get("scheme") == "https",
        ref=ref,
        noted=noted,
    )


async def read_body(receive: Receive, declared: str | None, limit: int) -> bytes:
    """Return the body; raises `TooLarge`, `TooSlow`, `Disconnected`."""
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared[:12]) > limit:
        raise TooLarge(detail={"expected": f"at most {limit} octets", "received": declared[:20]})
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _chunks(receive, limit)
    except TimeoutError as exc:
        raise TooSlow(detail={"expected": f"a body within {BODY_SECONDS} s"}) from exc


async def _chunks(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunk = message.get("body", b"")
        total += len(chunk)
        if total > limit:
            raise TooLarge(detail={"expected": f"at most {limit} octets", "received": f"{total} or more"})
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send(send_message: Send, response: Response, extra: Iterable[tuple[str, str]], *, head: bool) -> None:
    """Send an answer, without its body for HEAD."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*response.headers, *extra)]
    headers.append((b"content-length", str(len(response.body)).encode()))
    # A connection that was cut off meanwhile takes nothing more, and says so in this way.
    with contextlib.suppress(RuntimeError):
        await send_message({"type": "http.response.start", "status": response.status, "headers": headers})
        await send_message({"type": "http.response.body", "body": b"" if head else response.body})
