"""Runs a flow, blocking. RFC 9110, RFC 9112 (HTTP/1.1)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, TypeVar

import httpcore2

from intaglio.errors import Unavailable
from intaglio.net import trust
from intaglio.net.guard import Guard, Limits, too_long, unreachable
from intaglio.wire.flow import Call, Flow, Reply

T = TypeVar("T")


class _Deadline(threading.local):
    """When this thread's call has to be over."""

    at = float("inf")

    def left(self, timeout: float | None) -> float:
        """Return the seconds that a step may take; raises the transport's time-out when none are left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout
        return left if timeout is None else min(left, timeout)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Resolves a name once, judges every address, and connects to one of those: no second lookup to rebind."""

    def __init__(self, guard: Guard, deadline: _Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
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
            self._guard.check_address(host, port, address)
        fault: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                left = self._deadline.left(timeout)
                plain = self._plain.connect_tcp(address, port, left, local_address, socket_options)
                return _TimedStream(plain, self._deadline)
            except httpcore2.ConnectError as raised:  # the other address family may answer
                fault = raised
        raise fault


class _TimedStream(httpcore2.NetworkStream):
    """A stream on which no step lasts beyond the end of the call: a peer that drips octets gains nothing."""

    def __init__(self, plain: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._plain = plain
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        secured = self._plain.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


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
        self._deadline = _Deadline()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=verify or trust.context(ca_file),
            network_backend=_GuardedBackend(self._guard, self._deadline),
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
        finally:
            # Who is interrupted says so to the flow now, not when its memory is reclaimed: others may wait for it.
            flow.close()

    def _send(self, call: Call) -> Reply:
        self._guard.check_url(call.url)
        try:
            self._deadline.at = time.monotonic() + self._limits.seconds
            return self._exchange(call)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault
        except (httpcore2.UnsupportedProtocol, httpcore2.PoolTimeout, UnicodeError) as fault:
            raise unreachable(call.url, type(fault).__name__) from fault

    def _exchange(self, call: Call) -> Reply:
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
        headers = tuple((key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in response.headers)
        return Reply(response.status, headers, bytes(body), call.url)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()
