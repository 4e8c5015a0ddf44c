"""Runs a flow, async, over pooled connections. RFC 9110, RFC 9112 (HTTP/1.1)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any, TypeVar

import httpcore2

from intaglio.errors import Unavailable
from intaglio.net import trust
from intaglio.net.guard import Guard, Limits, too_long, unreachable
from intaglio.wire.flow import Call, Flow, Reply

T = TypeVar("T")


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves a name once, judges every address, and connects to one of those: no second lookup to rebind."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the interface's own)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._guard.check_address(host, port, address)
        fault: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as raised:  # the other address family may answer
                fault = raised
        raise fault


class PooledDriver:
    """Runs flows on an event loop over pooled connections; redirects are not followed and proxies not asked.

    One driver belongs to one event loop.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        *,
        ca_file: str | None = None,
        verify: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._guard = guard or Guard()
        self._limits = limits or Limits()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=verify or trust.context(ca_file),
            network_backend=_GuardedBackend(self._guard),
            max_connections=20,
            keepalive_expiry=15.0,
        )

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; `Unavailable` of a failed call is thrown into the flow first."""
        try:
            call = next(flow)
            while True:
                try:
                    reply = await self._send(call)
                except Unavailable as fault:
                    call = flow.throw(fault)
                else:
                    call = flow.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            # Who is interrupted says so to the flow now, not when its memory is reclaimed: others may wait for it.
            flow.close()

    async def _send(self, call: Call) -> Reply:
        self._guard.check_url(call.url)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._exchange(call)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault
        except (httpcore2.UnsupportedProtocol, httpcore2.PoolTimeout, UnicodeError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault

    async def _exchange(self, call: Call) -> Reply:
        body = bytearray()
        async with self._pool.stream(
            call.method, call.url, headers=list(call.headers), content=call.body or None
        ) as response:
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > self._limits.octets:
                    raise too_long(call.url, self._limits.octets)
        headers = tuple((key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in response.headers)
        return Reply(response.status, headers, bytes(body), call.url)

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()
