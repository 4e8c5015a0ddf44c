"""How a server stops: it says so at once, answers on for a while, and loses nobody who came in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvloop

from intaglio.errors import Misconfigured
from intaglio.server.http import connections, listening
from intaglio.server.http.acceptor import ABSENT, Tally
from intaglio.server.http.serving import Manner, Server

GET = b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n"


class App:
    """An application that answers once it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        self.asked.release()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Running:
    """A server that runs in this loop, and what it was told."""

    def __init__(self, app: App, manner: Manner) -> None:
        self.door = listening.bind("127.0.0.1", 0, listens=False)
        self.port = self.door.getsockname()[1]
        self.app = app
        self.ready = asyncio.Event()
        self.stopped_at = 0.0
        self.opened: list[asyncio.StreamWriter] = []
        self.server = Server(connections.config(app, grace=2), self.ready.set, self._stops, manner=manner)
        self.task = asyncio.create_task(self.server.serve(sockets=[self.door]))

    def _stops(self) -> None:
        self.stopped_at = time.monotonic()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        opened = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(opened[1])
        return opened


@contextlib.asynccontextmanager
async def running(**manner: Any) -> AsyncIterator[Running]:
    """Run a server; wait for its end when it was stopped."""
    made = Running(App(), Manner(**manner))
    await made.ready.wait()
    yield made
    made.server.stop()
    async with asyncio.timeout(8):
        await made.task
    for writer in made.opened:
        writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Send a request and return the answer."""
    writer.write(GET)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(await _head(reader)) and 2)


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def head_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Send a request and return the head of its answer; the rest of it is read."""
    writer.write(GET)
    async with asyncio.timeout(5):
        head = await _head(reader)
        await reader.readexactly(2)
    return head


def test_nobody_there_stops_at_once() -> None:
    """A server whom nobody is connected to does not drain."""

    async def story() -> float:
        async with running(drain_seconds=30) as one:
            began = time.monotonic()
            one.server.stop()
            await one.task
            return time.monotonic() - began

    assert uvloop.run(story()) < 1


def test_draining_answers_with_close() -> None:
    """While it drains newcomers are answered, each answer ends its connection, and what is under way ends well."""

    async def story() -> None:
        async with running(drain_seconds=0.6) as one:
            kept, slow = await one.open(), await one.open()
            assert b"connection: close" not in await head_of(*kept)
            one.app.may_answer.clear()
            slow[1].write(GET)
            for _ in range(2):
                await one.app.asked.acquire()
            assert not one.server.draining.is_draining
            one.server.stop()
            assert one.server.draining.is_draining, "at once"
            assert time.monotonic() - one.stopped_at < 0.1, "who waits is let go at once"
            one.app.may_answer.set()
            for reader, writer in (kept, await one.open()):
                assert b"\r\nconnection: close\r\n" in await head_of(reader, writer)
                assert await reader.read() == b"", "closed behind the answer"
            assert b"\r\nconnection: close\r\n" in await _head(slow[0])
            assert not one.task.done()
            await one.task
            assert 0.5 < time.monotonic() - one.stopped_at < 2

    uvloop.run(story())


def test_a_second_signal_drains_no_longer() -> None:
    """Who is asked again to stop ends draining, and waits for what is under way alone."""

    async def story() -> float:
        async with running(drain_seconds=30) as one:
            reader, writer = await one.open()
            await head_of(reader, writer)
            one.server.stop()
            await asyncio.sleep(0.1)
            began = time.monotonic()
            one.server.stop()
            await one.task
            return time.monotonic() - began

    assert uvloop.run(story()) < 1


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "one of several"])
def test_nobody_is_lost(shared: bool) -> None:
    """Whoever could send a request gets its answer: who comes too late is refused before anything was sent."""

    async def client(one: Running, lost: list[str]) -> int:
        answered = 0
        while True:
            try:
                async with asyncio.timeout(0.5):
                    reader, writer = await one.open()
            except (ConnectionRefusedError, TimeoutError):
                return answered
            try:
                answered += (await ask(reader, writer)) == b"ok"
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                lost.append(type(error).__name__)
            writer.close()

    async def story() -> tuple[int, list[str]]:
        lost: list[str] = []
        cells = memoryview(bytearray(8)).cast("i")
        cells[1] = ABSENT
        tally = Tally(cells, 0) if shared else None
        async with running(drain_seconds=0.05, tally=tally) as one:
            clients = [asyncio.create_task(client(one, lost)) for _ in range(8)]
            await asyncio.sleep(0.1)
            one.server.stop()
            await one.task
            return sum(await asyncio.gather(*clients)), lost

    for _ in range(2):
        answered, lost = uvloop.run(story())
        assert lost == []
        assert answered > 50


def test_a_request_behind_the_last_moment_is_answered() -> None:
    """A connection that was opened before the door was shut has a moment for its request."""

    async def story() -> bytes:
        async with running() as one:
            reader, writer = await one.open()
            await asyncio.sleep(0.05)
            one.server.stop()
            await asyncio.sleep(0.3)
            return await head_of(reader, writer)

    assert b"\r\nconnection: close\r\n" in uvloop.run(story())


def test_newcomers_are_turned_away() -> None:
    """Once newcomers are turned away nobody else gets in, and who was in the queue still is."""
    door = listening.bind("127.0.0.1", 0)
    with contextlib.closing(door), socket.create_connection(door.getsockname(), 1) as early:
        if not listening.turn_newcomers_away(door):
            pytest.skip("this system has no such filter")
        with pytest.raises(TimeoutError):
            socket.create_connection(door.getsockname(), 0.1)
        taken, _ = door.accept()
        early.sendall(b"x")
        with taken:
            taken.settimeout(1)
            assert taken.recv(1) == b"x"


def test_a_taken_port_is_named() -> None:
    """A port that another program listens on is refused with its number, also when that program was a moment faster."""
    with contextlib.closing(listening.bind("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with pytest.raises(Misconfigured) as refused:
            listening.bind("127.0.0.1", port, listens=False)
        assert refused.value.code == "port-taken"
        assert str(port) in refused.value.public

    async def story() -> str:
        first, second = (listening.bind("127.0.0.1", port, listens=False) for _ in range(2))
        first.listen()
        server = Server(connections.config(App()), lambda: None)
        with contextlib.closing(first), contextlib.closing(second), pytest.raises(Misconfigured) as late:
            await server.serve(sockets=[second])
        return late.value.code

    assert uvloop.run(story()) == "port-taken"


def test_who_has_more_leaves_the_next_to_others() -> None:
    """A process is ahead by what it has more than the one with the fewest connections that takes part."""
    cells = memoryview(bytearray(12)).cast("i")
    first, second, third = (Tally(cells, number) for number in range(3))
    third.leave()
    first.keep(2)
    second.keep(2)
    assert first.ahead() == second.ahead() == 0
    first.keep(5)
    assert first.ahead() == 3
    assert second.ahead() == 0
    second.leave()
    assert first.ahead() == 0, "who has left does not count"


def test_two_servers_share_what_comes_at_once() -> None:
    """Connections that come all together to two servers with one socket are divided between them."""

    async def story() -> list[int]:
        door = listening.bind("127.0.0.1", 0, listens=False)
        cells = memoryview(bytearray(8)).cast("i")
        ready = [asyncio.Event(), asyncio.Event()]
        servers = [
            Server(connections.config(App(), grace=1), ready[n].set, manner=Manner(tally=Tally(cells, n), signals=()))
            for n in range(2)
        ]
        tasks = [asyncio.create_task(one.serve(sockets=[door.dup()])) for one in servers]
        await asyncio.gather(*(one.wait() for one in ready))
        opened = [await asyncio.open_connection(*door.getsockname()) for _ in range(16)]
        for pair in opened:
            assert b"200 OK" in await head_of(*pair)
        counts = [len(one.server_state.connections) for one in servers]
        for one in servers:
            one.stop()
        await asyncio.gather(*tasks)
        for _, writer in opened:
            writer.close()
        door.close()
        return counts

    counts = uvloop.run(story())
    assert sum(counts) == 16
    assert min(counts) >= 6
