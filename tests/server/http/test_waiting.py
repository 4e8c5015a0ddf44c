"""Queries that wait are held for those who are there, within a bound, and until the server stops."""

from __future__ import annotations

import asyncio
import pathlib
import time
from typing import Any

import pytest

from intaglio.errors import Unavailable
from intaglio.server.http.framework import Disconnected
from intaglio.server.http.waiting import Waiting
from tests import live
from tests.capability import capability


class Client:
    """The other end as ASGI has it: a request, then nothing until it goes."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def go(self) -> None:
        """Hang up."""
        self._messages.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        return await self._messages.get()


class Work:
    """What waits: ends when it is told, and knows whether it was given up."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.ended = False

    async def run(self) -> str:
        """Return a word, once it is told."""
        try:
            await self.done.wait()
        finally:
            self.ended = True
        return "changed"


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_is_answered() -> None:
    """With the client still there; nothing is held afterwards."""
    waiting, client, work = Waiting(), Client(), Work()
    held = asyncio.ensure_future(waiting.hold(work.run(), client.receive))
    await _settle()
    assert (waiting.held, held.done()) == (1, False)
    work.done.set()
    assert await held == "changed"
    assert waiting.held == 0


async def test_a_client_that_goes_ends_the_work() -> None:
    """Nothing goes on for nobody."""
    waiting, client, work = Waiting(), Client(), Work()
    held = asyncio.ensure_future(waiting.hold(work.run(), client.receive))
    await _settle()
    client.go()
    with pytest.raises(Disconnected):
        await held
    assert (waiting.held, work.ended) == (0, True)


async def test_a_stop_lets_everybody_go() -> None:
    """Those who wait, and those who come too late."""
    waiting, works = Waiting(), [Work() for _ in range(3)]
    held = [asyncio.ensure_future(waiting.hold(work.run(), Client().receive)) for work in works]
    await _settle()
    waiting.end()
    for one in (*held, asyncio.ensure_future(waiting.hold(Work().run(), Client().receive))):
        with pytest.raises(Unavailable):
            await one
    assert (waiting.held, all(work.ended for work in works)) == (0, True)


async def test_only_so_many_wait() -> None:
    """The next one is sent away; when one has gone there is room again."""
    waiting, client, first = Waiting(limit=1), Client(), Work()
    held = asyncio.ensure_future(waiting.hold(first.run(), client.receive))
    await _settle()
    with pytest.raises(Unavailable) as caught:
        await waiting.hold(Work().run(), Client().receive)
    assert caught.value.code == "too-many-waiting"
    client.go()
    with pytest.raises(Disconnected):
        await held
    ready = Work()
    ready.done.set()
    assert await waiting.hold(ready.run(), Client().receive) == "changed"


async def test_a_fault_of_the_work_is_its_answer() -> None:
    """Raised as it is."""

    async def fails() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable) as caught:
        await Waiting().hold(fails(), Client().receive)
    assert caught.value.code == "away"


@capability("metadata-waiting", witness="sockets that hang up at a development server")
def test_pollers_of_the_server_are_released(tmp_path: Any) -> None:
    """Two hundred wait and go; the server has no more connections than before, and answers on; a stop is quick."""
    for running in live.serve(tmp_path, "--memory"):
        port = running.port + 1
        request = (
            "GET /computeMetadata/v1/?recursive=true&wait_for_change=true HTTP/1.1\r\n"
            f"host: localhost:{port}\r\nmetadata-flavor: Google\r\n\r\n"
        ).encode()

        async def story(port: int = port, request: bytes = request, server: Any = running.process) -> None:
            process = server.pid
            before = _descriptors(process)
            many = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
            for _, writer in many:
                writer.write(request)
            await _until(lambda: _descriptors(process) >= before + 200)
            for _, writer in many:
                writer.close()
            await _until(lambda: _descriptors(process) <= before + 1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await asyncio.sleep(0.3)
            began = time.monotonic()
            server.terminate()
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 503")
            assert time.monotonic() - began < 1
            writer.close()

        asyncio.run(story())
        assert running.process.wait(5) == 0


async def _until(holds: Any) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _descriptors(process: int) -> int:
    return len(list(pathlib.Path(f"/proc/{process}/fd").iterdir()))
