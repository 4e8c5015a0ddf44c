"""Runs a flow, blocking. RFC 9110, RFC 9112 (HTTP/1.1)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any, TypeVar

import httpcore2

from intaglio.errors import Unavailable
from intaglio.net import trust
from intaglio.net.guard import Guard, Limits, too_long, unreachable
from intaglio.wire.flow import Call, Flow, Reply

T = TypeVar("T")


class _GuardedBackend(httpcore2.NetworkBackend):
    """Resolves a name once, judges every address, and connects to one of those: no second lookup to rebind."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._guard.check_address(host, address)
        fault: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as raised:  # the other address family may answer
                fault = raised
        raise fault


class SyncDriver:
    """Runs flows, blocking, over kept connections; redirects are not followed and proxies not asked."""

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
        self._pool = httpcore2.ConnectionPool(
            ssl_context=verify or trust.context(ca_file),
            network_backend=_GuardedBackend(self._guard),
            max_connections=10,
            keepalive_expiry=15.0,
        )

    def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; `Unavailable` of a failed call is thrown into the flow first."""
        try:
            call = next(flow)
            while True:
                try:
                    reply = self._send(call)
                except Unavailable as fault:
                    call = flow.throw(fault)
                else:
                    call = flow.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value

    def _send(self, call: Call) -> Reply:
        self._guard.check_url(call.url)
        try:
            return self._exchange(call, time.monotonic() + self._limits.seconds)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault
        except (httpcore2.UnsupportedProtocol, httpcore2.PoolTimeout, UnicodeError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault

    def _exchange(self, call: Call, ends_at: float) -> Reply:
        span = self._limits.seconds
        timeout = {"connect": span, "read": span, "write": span, "pool": span}
        body = bytearray()
        with self._pool.stream(
            call.method,
            call.url,
            headers=list(call.headers),
            content=call.body or None,
            extensions={"timeout": timeout},
        ) as response:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > self._limits.octets:
                    raise too_long(call.url, self._limits.octets)
                if time.monotonic() > ends_at:
                    raise unreachable(call.url, "TimeLimit")
        headers = tuple((key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in response.headers)
        return Reply(response.status, headers, bytes(body), call.url)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()
