"""Connections of a gate: bodies may be as long as they like, and every piece leaves as it comes.

RFC 9112 section 7.1 (chunked), section 8 (incomplete messages).
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

from intaglio.server.http import connections
from intaglio.server.http.connections import BoundedProtocol

SLICE = 16 * 1024


class StreamingProtocol(BoundedProtocol):
    """The bounds of the issuer's server on a request's head; on a body, that it makes progress."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Write each piece at once: an event that waits for the next one comes too late."""
        super().connection_made(transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass the octets on; those of a head in slices, so that a body behind it does not count as head."""
        if not self._in_head or len(data) <= SLICE:
            super().data_received(data)
            return
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE])

    def on_body(self, body: bytes) -> None:
        """Begin to count anew: what is bounded is the framing between two pieces, and the fields behind the last."""
        self._octets = 0
        super().on_body(body)


def config(app: Any, *, tls: tuple[str, str] | None, grace: int = 10) -> uvicorn.Config:
    """Return the server's configuration. Forwarded headers are the gate's own business."""
    made = connections.config(app, tls=tls, grace=grace)
    made.http_protocol_class = StreamingProtocol
    return made
