"""Requests of connections that were torn down: whom they come from cannot be told any more."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import uvloop
from uvicorn.server import ServerState

from intaglio.server.http import connections

REQUEST = b"POST /token HTTP/1.1\r\nhost: id.example.com\r\nx-forwarded-for: 203.0.113.9\r\ncontent-length: 0\r\n\r\n"
RESET = struct.pack("ii", 1, 0)


def test_nobodys_request_is_not_answered() -> None:
    """Who sends a request and tears the connection down before it is taken has no address: nothing is done for them.

    Nothing would be counted against them, the audit log would not tell from where, and where Unix sockets are declared
    proxies they would be one.
    """
    seen: list[object] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["client"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def go() -> None:
        config, state = connections.config(app), ServerState()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            gone, client = (socket.create_connection(listening.getsockname()) for _ in range(2))
            gone.sendall(REQUEST)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            gone.close()
            client.sendall(REQUEST)
            listening.setblocking(False)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: connections.BoundedProtocol(config=config, server_state=state, app_state={}), sock=listening
            )
            for _ in range(200):
                if seen:
                    break
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            client.close()
            server.close()
            await asyncio.sleep(0.05)

    uvloop.run(go())
    assert len(seen) == 1
    assert seen[0] is not None
