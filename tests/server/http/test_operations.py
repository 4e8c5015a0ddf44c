"""The operator's listener: what it answers, when it says no, and what it bears."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from intaglio import __version__
from intaglio.errors import Unavailable
from intaglio.server.http import listening, operations
from intaglio.server.http.operations import Operations
from intaglio.server.http.serving import Draining
from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.meters import Meters
from tests import harness
from tests.capability import capability


class Broken:
    """A store whose database does not answer; `asked` counts how often it was tried."""

    def __init__(self) -> None:
        self.asked = 0

    async def read(self, *_: Any) -> Any:
        """Fail as a store does that cannot reach its database."""
        self.asked += 1
        raise Unavailable("database-unreachable", "The database does not answer.")


async def asked(made: Operations, path: str, method: str = "GET") -> tuple[int, str]:
    """Return status and text of an answer."""
    answer = await made.answer(method, path)
    return answer.status, answer.body.decode().strip()


@capability("operations-health", witness="the answers through a server's life")
def test_ready_follows_the_life_of_the_server(site: harness.Site) -> None:
    """Starting: alive, not started, not ready. Then ready. Told to stop: not ready at once, and still alive."""
    draining = Draining()
    made = Operations(Board(), draining)

    async def told() -> list[int]:
        return [(await asked(made, f"/healthz/{one}"))[0] for one in ("live", "startup", "ready")]

    async def life() -> None:
        assert await told() == [200, 503, 503]
        made.begin(site.house)
        assert await told() == [200, 200, 200]
        draining.is_draining = True
        assert await asked(made, "/healthz/ready") == (503, "stopping")
        assert await told() == [200, 200, 503]

    site.run(life())


@capability("operations-health", witness="a database that does not answer")
def test_ready_needs_the_database_and_does_not_burden_it(site: harness.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its database it is alive but not ready; whoever asks all the time makes one question a second."""
    broken = Broken()
    monkeypatch.setattr(site.house, "store", broken)
    made = Operations(Board(), Draining())
    made.begin(site.house)

    async def ask() -> None:
        for _ in range(50):
            assert await asked(made, "/healthz/ready") == (503, "the database does not answer")
        assert await asked(made, "/healthz/live") == (200, "alive")

    site.run(ask())
    assert broken.asked == 1


def test_what_else_is_asked(site: harness.Site) -> None:
    """Only GET and HEAD; nothing else is here; the version is told; metrics have what was counted."""
    board = Board()
    Meters(board.take(0)).count("intaglio_sign_ins_total", "ok")
    made = Operations(board, Draining())
    made.begin(site.house)

    async def ask() -> None:
        assert (await asked(made, "/metrics", "POST"))[0] == 405
        for path in ("/", "/healthz", "/metrics/", "/../metrics", "http://x/metrics"):
            assert (await asked(made, path))[0] == 404
        assert __version__ in (await asked(made, "/version"))[1]
        told = (await asked(made, "/metrics"))[1]
        assert 'intaglio_sign_ins_total{outcome="ok"} 1' in told
        assert f'intaglio_build_info{{version="{__version__}"' in told
        assert "intaglio_outbox_oldest_seconds 0" in told
        assert "intaglio_ready 1" in told
        assert 'intaglio_worker_resident_octets{worker="0"}' in told

    site.run(ask())


async def said(port: int, octets: bytes) -> bytes:
    """Return everything that a listener answers to these octets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        answer = await reader.read()
    await closed(writer)
    return answer


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection that may be gone already."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("octets", "begins"),
    [
        (b"GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"GET /healthz/live?a=b HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"HEAD /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"DELETE /metrics HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 405 "),
        (b"\x16\x03\x01 hello\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /healthz/live\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b""),
        (b"GET /healthz/live HTTP/1.1\r\n", b""),
    ],
)
def test_the_listener_speaks_enough_http(monkeypatch: pytest.MonkeyPatch, octets: bytes, begins: bytes) -> None:
    """One request a connection; what is none, too long or never ends is closed."""
    monkeypatch.setattr(operations, "PATIENCE_SECONDS", 0.05)
    made = Operations(Board(), Draining())

    async def ask() -> bytes:
        bound: socket.socket = listening.bind("127.0.0.1", 0)
        port = bound.getsockname()[1]
        async with made.listening(bound):
            return await said(port, octets)

    answer = asyncio.run(ask())
    assert answer.startswith(begins)
    assert bool(answer) == bool(begins)
    if octets.startswith(b"HEAD"):
        assert answer.endswith(b"\r\n\r\n")
    elif begins:
        assert b"connection: close" in answer
        assert b"cache-control: no-store" in answer


def test_who_says_nothing_keeps_nobody_from_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens connections and says nothing has them for seconds only, and less long when others come to ask."""
    monkeypatch.setattr(operations, "CONNECTIONS", 3)
    monkeypatch.setattr(operations, "PATIENCE_SECONDS", 0.2)
    made = Operations(Board(), Draining())
    question = b"GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n"

    async def ask() -> tuple[bytes, int, bytes]:
        bound = listening.bind("127.0.0.1", 0)
        port = bound.getsockname()[1]
        async with made.listening(bound):
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            await asyncio.sleep(0.05)
            crowded = await said(port, question)
            gone = sum(reader.at_eof() for reader, _ in idle)
            for reader, _ in idle:
                await reader.read()
            afterwards = await said(port, question)
            for _, writer in idle:
                await closed(writer)
            return crowded, gone, afterwards

    crowded, gone, afterwards = asyncio.run(ask())
    assert crowded.startswith(b"HTTP/1.1 200")
    assert gone == 1
    assert afterwards.startswith(b"HTTP/1.1 200")
