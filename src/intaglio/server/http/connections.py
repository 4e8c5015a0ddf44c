"""Connections: listening sockets, and a server that bounds what a client may send before it is heard.

RFC 9112. The server as shipped has no bound on a request's head and never closes one that stays half sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from intaglio.errors import Misconfigured

HEAD_LIMIT = 64 * 1024
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
WRITE_SECONDS = 30.0
"""Seconds for which a client may leave unread what it asked for."""
CLOSE_SECONDS = 5.0
MESSAGE_LIMIT = 1024 * 1024
"""Octets of a whole request; routes bound its body, this the framing around it and the fields behind it."""
BACKLOG = 2048


class _Joined:
    """A transport that holds the head of an answer until its body comes, so that both leave in one call of the system.

    An answer without a body leaves when it is complete; an interim one (RFC 9110 15.2) at once.
    """

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        elif data.startswith(b"HTTP/1.1 1"):
            self._transport.write(data)
        else:
            self._held = data

    def flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        self.flush()
        self._transport.close()


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a bound on the head's size, the number of its fields and the time it takes to arrive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._octets = 0
        self._in_head = True
        self._begun = self._completed = self._answering = self._arriving = False
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._joined = _Joined(transport)
        self.transport = self._joined  # type: ignore[assignment]
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._unwatch()
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass the octets on, unless the head grows too long."""
        self._octets += len(data)
        # RFC 9112 7.1.2: fields may come behind a chunked body as well, and have to be read to be dropped.
        if self._octets > (HEAD_LIMIT if self._in_head else MESSAGE_LIMIT):
            self._refuse()
            return
        self._completed = False
        super().data_received(data)
        # RFC 9112 2.2: empty lines before a request line begin nothing, but they stop the server's keep-alive timer.
        if self._in_head and (self._begun or not self._completed):
            self._watch()

    def on_message_begin(self) -> None:
        """Take note of the head of a request; its octets count from the end of the message before it."""
        super().on_message_begin()
        self._in_head, self._begun = True, True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; one behind a body is dropped."""
        # SECURITY: RFC 9110 6.5.1: who looked at the head in front of us has not seen it, so it must not pass for part
        # of it, as it would where a request came all at once (test_d6_54_a_field_behind_the_body_is_no_header).
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop counting; refuse a head of too many fields."""
        self._in_head = self._begun = False
        self._unwatch()
        if len(self.headers) > HEAD_FIELDS:
            self._refuse()
            return
        self._answering = self._arriving = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be ready for the next head; an idle connection is closed by the keep-alive timer."""
        self._in_head, self._completed, self._octets, self._arriving = True, True, 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Take note that nothing is under way; a request that waits behind goes on at once."""
        self._answering = False
        self._joined.flush()
        if self._arriving:
            # Nobody waits for the rest of a body that was answered already.
            self._close()
            return
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Start the clock for a client that does not read what it asked for."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that clock."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; its unread rest is not waited for."""
        self._close()

    def _close(self) -> None:
        """Close the connection once what was sent is out, or after a few seconds if the client does not read it."""
        self.transport.close()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _watch(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _unwatch(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._answering:
            self._watch()
        elif self._in_head:
            self._end(b"HTTP/1.1 408 Request Timeout\r\n")

    def _refuse(self) -> None:
        self._end(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")

    def _end(self, status_line: bytes) -> None:
        self._unwatch()
        if not self.transport.is_closing():
            self.transport.write(status_line + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self._close()


class Server(uvicorn.Server):
    """A server that says when it listens, and when it is about to stop."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None] | None = None
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End by returning: a server that was asked to stop and did has not failed."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, then let the requests under way come to their end."""
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises `Misconfigured` (`port-taken`, `address-unusable`) and names the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as exc:
        listening.close()
        taken = exc.errno == errno.EADDRINUSE
        raise Misconfigured(
            "port-taken" if taken else "address-unusable",
            f"The port {port} on {host} is taken." if taken else f"Cannot listen on {host}, port {port}.",
            detail={"host": host, "port": port},
            hint="Stop the other program, or choose other ports.",
        ) from exc
    listening.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return listening


def config(
    app: Any,
    *,
    tls: tuple[str, str] | None = None,
    proxies: Sequence[str] = (),
    log_level: int = logging.WARNING,
    grace: int = 10,
) -> uvicorn.Config:
    """Return the server's configuration; forwarded headers are believed from the declared proxies alone."""
    made = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level=log_level,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies) or None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    made.load()
    if made.ssl is not None:
        made.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
