"""Runs a flow, async, over pooled connections. RFC 9110, RFC 9112 (HTTP/1.1)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpcore2

from intaglio.errors import Unavailable
from intaglio.net import trust
from intaglio.net.guard import Guard, Limits, too_long, unreachable
from intaglio.net.resolving import Resolver
from intaglio.wire.flow import Call, Flow, Reply

T = TypeVar("T")


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves a name once, judges every address, and connects to one of those: no second lookup to rebind."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._resolver = Resolver()
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the interface's own)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolver.addresses(host, port)
        for address in addresses:
            self._guard.check_address(host, port, address)
        fault: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as raised:  # the other address family may answer
                fault = raised
        raise fault


class _Turns:
    """Lets so many calls to one host go on at a time; the others wait, within their own time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn, and give it back at the end."""
        line, waiting = self._lines.get(host) or (asyncio.Semaphore(self._most), 0)
        self._lines[host] = (line, waiting + 1)
        try:
            async with line:
                yield
        finally:
            left = self._lines[host][1] - 1
            if left:
                self._lines[host] = (line, left)
            else:
                del self._lines[host]


class PooledDriver:
    """Runs flows on an event loop over pooled connections; redirects are not followed and proxies not asked.

    One driver belongs to one event loop. It has at most so many `connections`, and so many calls `per_host` at a time:
    a host that never answers keeps nobody else waiting.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        *,
        ca_file: str | None = None,
        verify: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        connections: int = 20,
        per_host: int = 20,
    ) -> None:
        self._guard = guard or Guard()
        self._limits = limits or Limits()
        self._turns = _Turns(per_host)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=verify or trust.context(ca_file),
            network_backend=_GuardedBackend(self._guard),
            max_connections=connections,
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
            async with asyncio.timeout(self._limits.seconds), self._turns.turn(urlsplit(call.url).netloc.lower()):
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
