"""Passes a request on to one configured place and gives back the answer as it comes. RFC 9110, RFC 9112 (HTTP/1.1).

Bodies are held whole in neither direction; redirects are not followed, proxies not asked, nothing is tried twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import urlsplit

import httpcore2
import msgspec

from intaglio.errors import Misconfigured, Unavailable
from intaglio.net import trust

Raw = Sequence[tuple[bytes, bytes]]
_PORTS = {"http": 80, "https": 443}


class Forwarded(msgspec.Struct, frozen=True):
    """An answer: its head, and its body piece by piece."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: AsyncIterator[bytes]


class Forwarder:
    """Passes requests on to one origin over kept connections; belongs to one event loop.

    `connect_seconds` bounds making a connection, `idle_seconds` each wait for the other side: a body may be as long as
    it likes, but must not stand still.
    """

    def __init__(
        self,
        origin: str,
        *,
        ca_file: str | None = None,
        connect_seconds: float = 5.0,
        idle_seconds: float = 60.0,
        connections: int = 1024,
    ) -> None:
        """Raise `Misconfigured` (`upstream-unusable`, `ca-file-unusable`)."""
        parts = urlsplit(origin)
        try:
            port = parts.port
        except ValueError:
            port = -1
        alone = not parts.path.strip("/") and not parts.query and not parts.fragment and "@" not in parts.netloc
        if parts.scheme not in _PORTS or not parts.hostname or not alone or port in (-1, 0):
            raise Misconfigured(
                "upstream-unusable",
                "The address of the service cannot be used.",
                # What stands before an @ may be a password.
                detail={
                    "expected": "http:// or https://, a host, perhaps a port",
                    "received": origin.rpartition("@")[2],
                },
                hint="Write it as http://127.0.0.1:9000, with no path behind it.",
            )
        self._place = (parts.scheme.encode(), parts.hostname.encode("idna"), port or _PORTS[parts.scheme])
        self._timeouts = {"connect": connect_seconds, "pool": connect_seconds}
        self._timeouts |= {"read": idle_seconds, "write": idle_seconds}
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trust.context(ca_file) if parts.scheme == "https" else None,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=4.0,
        )

    @contextlib.asynccontextmanager
    async def forward(
        self, method: str, target: str, headers: Raw, body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Forwarded]:
        """Pass a request on; `target` is path and query as they came.

        Raises `Unavailable` (`upstream-unreachable`, `upstream-slow`), also while the body is read.
        """
        scheme, host, port = self._place
        url = httpcore2.URL(scheme=scheme, host=host, port=port, target=target.encode("latin-1"))
        with _told():
            async with self._pool.stream(
                method, url, headers=list(headers), content=body, extensions={"timeout": self._timeouts}
            ) as answer:
                yield Forwarded(answer.status, tuple(answer.headers), _pieces(answer))

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._pool.aclose()


async def _pieces(answer: httpcore2.Response) -> AsyncIterator[bytes]:
    with _told():
        async for piece in answer.aiter_stream():
            yield piece


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as fault:
        raise Unavailable(
            "upstream-slow", "The service did not answer in time.", detail={"cause": type(fault).__name__}
        ) from fault
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as fault:
        raise Unavailable(
            "upstream-unreachable", "The service could not be reached.", detail={"cause": type(fault).__name__}
        ) from fault
