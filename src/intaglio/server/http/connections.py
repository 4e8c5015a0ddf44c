"""Connections: what a client may send is bounded before it is heard.

RFC 9112. The server as shipped has no bound on a request's head and never closes one that stays half sent.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
WRITE_SECONDS = 30.0
"""Seconds for which a client may leave unread what it asked for."""
CLOSE_SECONDS = 5.0
MESSAGE_LIMIT = 1024 * 1024
"""Octets of a whole request; routes bound its body, this the framing around it and the fields behind it."""
FRESH_SECONDS = 1.0
"""For the request of a connection that was opened before the door was shut."""


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
        if self.client is None:
            # SECURITY: who is gone before it was taken has no address by which it could be limited or told of, and
            # would pass for a proxy where those at Unix sockets are (test_nobodys_request_is_not_answered).
            transport.abort()
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

    def shutdown(self) -> None:
        """Close when nothing is under way; wait a moment for a request that was perhaps sent already."""
        if self._begun or self.cycle is None:
            self.loop.call_later(FRESH_SECONDS, self._leave)
        else:
            super().shutdown()

    def _leave(self) -> None:
        if not self._answering and not self.transport.is_closing():
            self._close()

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


def config(
    app: Any,
    *,
    tls: tuple[str, str] | None = None,
    log_level: int = logging.WARNING,
    grace: int = 10,
) -> uvicorn.Config:
    """Return the server's configuration. Forwarded headers are not its business: `proxies` reads them."""
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
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    made.load()
    if made.ssl is not None:
        made.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
