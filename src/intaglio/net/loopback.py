"""The address on this machine to which a browser comes back from signing in, for one answer.

RFC 8252 section 7.3 (loopback redirects), 8.3 (loopback addresses and no names), RFC 6749 section 10.12 (state),
RFC 9112 (HTTP/1.1).
"""

from __future__ import annotations

import asyncio
import hmac
from types import TracebackType
from typing import Self

from intaglio.errors import Unavailable
from intaglio.wire import params

PATH = "/callback"
MAX_HEAD = 32 * 1024
HEAD_SECONDS = 10.0

_PAGE = (
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>{title}</title><h1>{title}</h1><p>{sentence}</p></html>\n"
)
_HEADERS = (
    "content-type: text/html; charset=utf-8",
    "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    "cache-control: no-store",
    "referrer-policy: no-referrer",
    "x-content-type-options: nosniff",
    "connection: close",
)


class Loopback:
    """Listens on 127.0.0.1 at a port that the system chooses, until the one answer with the right `state` has come.

    `async with Loopback(state) as door:` and then `door.redirect_uri` and `await door.answer(seconds)`.
    """

    def __init__(self, state: str) -> None:
        self._state = state
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None
        self._authority = ""

    def __repr__(self) -> str:
        return f"Loopback({self._authority})"

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        # RFC 8252 8.3: the address and not `localhost`, which may lead elsewhere.
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0, limit=MAX_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        self._authority = f"127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    @property
    def redirect_uri(self) -> str:
        """Where the browser is to come back to."""
        return f"http://{self._authority}{PATH}"

    async def answer(self, seconds: float) -> dict[str, str]:
        """Return the parameters of the answer; raises `Unavailable` (`sign-in-timeout`) after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._answer)
        except TimeoutError as exc:
            raise Unavailable(
                "sign-in-timeout",
                "Nobody came back from signing in.",
                detail={"expected": f"an answer within {seconds:.0f} s", "received": "none"},
                hint="Run the command again; with --device the browser may be on another machine.",
            ) from exc

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                found = self._read(head)
                writer.write(_reply(good=found is not None and not self._answer.done()))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            found = None
        finally:
            writer.close()
        # The page is on its way before anybody is told, for then this program may end.
        if found is not None and not self._answer.done():
            self._answer.set_result(found)

    def _read(self, head: bytes) -> dict[str, str] | None:
        """Return the parameters of the one request that counts, None for every other.

        SECURITY: any page in the browser may send requests here. One without the state changes nothing and ends
        nothing, so it cannot keep the answer out (test_a_stranger_cannot_end_the_wait).
        """
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.rpartition(" ")
        path, _, query = target.partition("?")
        if method != "GET" or path != PATH or not version.startswith("HTTP/1."):
            return None
        hosts = [line[5:].strip() for line in lines[1:] if line[:5].lower() == "host:"]
        # A name that was bound to this address anew has a Host of its own.
        if hosts != [self._authority]:
            return None
        try:
            found = params.read(query)
        except params.ParamsError:
            return None
        # RFC 6749 10.12: the answer belongs to the sign-in that this program began.
        if found.duplicates or not hmac.compare_digest(found.get("state").encode(), self._state.encode()):
            return None
        return dict(found.items())


def _reply(*, good: bool) -> bytes:
    status, title, sentence = (
        ("200 OK", "Back to the terminal", "You may close this window.")
        if good
        else ("404 Not Found", "Nothing here", "No sign-in waits for this address.")
    )
    body = _PAGE.format(title=title, sentence=sentence).encode()
    head = [f"HTTP/1.1 {status}", *_HEADERS, f"content-length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body
