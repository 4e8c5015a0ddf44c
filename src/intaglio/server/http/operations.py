"""What an operator's tools ask on a listener of their own: is it alive, is it ready, how much of what.

    GET /healthz/live      200 while the event loop turns
    GET /healthz/startup   200 once requests are answered, 503 before
    GET /healthz/ready     200 while the database answers and nobody said stop, 503 otherwise
    GET /metrics           Prometheus's text form, of all processes of this server together
    GET /version           which release this is

RFC 9112, so much of it as these need: one request a connection, no body, plain HTTP whatever the other listeners speak.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import platform
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from intaglio import __version__
from intaglio.errors import IntaglioError
from intaglio.server.http.serving import Draining
from intaglio.server.model import installation, outbox
from intaglio.server.provider.scene import House
from intaglio.server.telemetry import exposition
from intaglio.server.telemetry.board import Board
from intaglio.wire.message import Headers, Response

LOG = logging.getLogger("intaglio.operations")
HEAD_LIMIT = 8 * 1024
PATIENCE_SECONDS = 5.0
DATABASE_SECONDS = 2.0
FRESH_SECONDS = 1.0
"""For how long an answer of the database counts: whoever asks more often makes no more work."""
CONNECTIONS = 64
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
NOT_STORED: Headers = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
TEXT = "text/plain; charset=utf-8"


class Operations:
    """Answers for one process. It is asked before the server's parts exist: `begin` hands them over."""

    def __init__(self, board: Board, draining: Draining) -> None:
        self._board = board
        self._draining = draining
        self._house: House | None = None
        self._started = False
        self._asked_at = float("-inf")
        self._answers = False
        self._tasks: dict[asyncio.Task[Any], asyncio.WriteTransport] = {}

    def __repr__(self) -> str:
        return f"Operations(started={self._started})"

    def begin(self, house: House) -> None:
        """Take note that requests are answered, and of the database that they need."""
        self._house, self._started = house, True

    async def unready(self) -> str:
        """Return why no requests should be sent here, or nothing."""
        if not self._started:
            return "starting"
        if self._draining.is_draining:
            return "stopping"
        return "" if await self._database_answers() else "the database does not answer"

    async def _database_answers(self) -> bool:
        assert self._house is not None
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < FRESH_SECONDS:
            return self._answers
        self._asked_at = now
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._house.store.read(installation.fact, "ready")
        except (IntaglioError, TimeoutError):
            self._answers = False
        else:
            self._answers = True
        return self._answers

    async def answer(self, method: str, path: str) -> Response:
        """Return the answer to a request."""
        if method not in ("GET", "HEAD"):
            return _text(405, "only GET", (("allow", "GET, HEAD"),))
        if path == "/healthz/live":
            return _text(200, "alive")
        if path == "/healthz/startup":
            return _text(200, "started") if self._started else _text(503, "starting")
        if path == "/healthz/ready":
            reason = await self.unready()
            return _text(503, reason) if reason else _text(200, "ready")
        if path == "/metrics":
            body = exposition.write(self._board, await self._samples())
            return Response(200, (("content-type", exposition.CONTENT_TYPE), *NOT_STORED), body)
        if path == "/version":
            body = msgspec.json.encode({"version": __version__, "python": platform.python_version()})
            return Response(200, (("content-type", "application/json"), *NOT_STORED), body)
        return _text(404, "there is nothing at this address")

    async def _samples(self) -> exposition.Samples:
        """Return the numbers of this moment, which nobody counts."""
        found: dict[str, dict[tuple[str, ...], float]] = {
            "intaglio_build_info": {(__version__, platform.python_version()): 1.0},
            "intaglio_ready": {(): 0.0 if await self.unready() else 1.0},
        }
        for place, pid in self._board.processes():
            for name, value in _process(pid).items():
                found.setdefault(name, {})[str(place),] = value
        if self._house is not None:
            with contextlib.suppress(IntaglioError, TimeoutError):
                async with asyncio.timeout(DATABASE_SECONDS):
                    now = self._house.clock.now()
                    due_at = await self._house.store.read(outbox.oldest, now)
                    found["intaglio_outbox_oldest_seconds"] = {(): float(now - due_at) if due_at is not None else 0.0}
        return found

    @contextlib.asynccontextmanager
    async def listening(self, bound: socket.socket | None) -> AsyncIterator[None]:
        """Answer at a socket meanwhile; without one do nothing."""
        if bound is None:
            yield
            return
        server = await asyncio.start_server(self._serve, sock=bound, limit=HEAD_LIMIT)
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        # SECURITY: whoever opens connections and says nothing keeps nobody from asking whether we are alive, and has us
        # begun anew for it: who has been here longest goes (test_who_says_nothing_keeps_nobody_from_asking).
        if len(self._tasks) >= CONNECTIONS:
            self._tasks.pop(next(iter(self._tasks))).abort()
        self._tasks[task] = writer.transport
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._one(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._tasks.pop(task, None)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            method, response = "GET", _text(400, "this is no request")
        else:
            method = words[0]
            response = await self.answer(method, words[1].partition("?")[0])
        writer.write(_octets(response, with_body=method != "HEAD"))
        await writer.drain()


def _text(status: int, words: str, more: Headers = ()) -> Response:
    return Response(status, (("content-type", TEXT), *NOT_STORED, *more), words.encode() + b"\n")


def _octets(response: Response, *, with_body: bool) -> bytes:
    fields = (*response.headers, ("content-length", str(len(response.body))), ("connection", "close"))
    head = f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields)
    return head.encode("latin-1") + b"\r\n" + (response.body if with_body else b"")


def _process(pid: int) -> dict[str, float]:
    """Return what the kernel tells of a process; nothing of one that is gone, or where it tells nothing."""
    folder = pathlib.Path(f"/proc/{pid}")
    try:
        pages = int((folder / "statm").read_text().split()[1])
        times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        files = len(list((folder / "fd").iterdir()))
    except (OSError, ValueError, IndexError):
        return {}
    return {
        "intaglio_worker_resident_octets": float(pages * os.sysconf("SC_PAGE_SIZE")),
        "intaglio_worker_cpu_seconds_total": sum(map(int, times)) / os.sysconf("SC_CLK_TCK"),
        "intaglio_worker_open_files": float(files),
    }
