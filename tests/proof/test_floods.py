"""Clients that send too much, too slowly or nothing at all: bounded memory, bounded time, a standard refusal."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.proof import browser, wire
from tests.proof.wire import Answer, Connection
from tests.proof.world import World

MIB = 2**20
FLOOD = 200 * MIB
ROOM = 16 * MIB
"""How much the server's memory may move during a flood."""
HEAD_SECONDS = 10
SLACK = 3.0


async def _pour(port: int, head: bytes, chunk: bytes, total: int) -> tuple[int, bytes]:
    """Send `head` and then chunks until the server hangs up; return what was taken and what came back."""
    connection = await Connection.open(port)
    reading = asyncio.create_task(connection.reader.read(4096))
    connection.writer.write(head)
    taken = 0
    try:
        while taken < total and not reading.done():
            connection.writer.write(chunk)
            await connection.writer.drain()
            taken += len(chunk)
    except ConnectionError:
        pass
    try:
        async with asyncio.timeout(HEAD_SECONDS + SLACK):
            back = await reading
    except ConnectionError:
        back = b""
    except TimeoutError:
        back = b"(nothing)"
    connection.close()
    return taken, back


async def _silent(port: int, *parts: bytes) -> tuple[float, bytes]:
    """Send something unfinished, its parts apart, and wait; return how long that lasted and what came back."""
    connection = await Connection.open(port)
    began = time.monotonic()
    for number, part in enumerate(parts):
        await asyncio.sleep(0.3 if number else 0)
        connection.writer.write(part)
    back = b""
    try:
        async with asyncio.timeout(45):
            while chunk := await connection.reader.read(4096):
                back += chunk
    except ConnectionError:
        pass
    except TimeoutError:
        back += b"(still open)"
    connection.close()
    return time.monotonic() - began, back


def _flat(home: World, before: int) -> None:
    grown = home.peak() - before
    assert grown < ROOM, f"the server grew by {grown / MIB:.0f} MiB"


def _alive(home: World) -> None:
    target = f"{home.path}/.well-known/openid-configuration"
    assert asyncio.run(wire.once(home.port, wire.request("GET", target))).status == 200


def _ask(home: World, octets: bytes) -> Answer:
    return asyncio.run(wire.once(home.port, octets))


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: ", b"a" * MIB),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", b"".join(b"x-%d: %b\r\n" % (n, b"a" * 1000) for n in range(1000))),
        (b"GET /", b"a" * MIB),
        (b"GET / HTTP/1.1\r\n", b"a" * MIB),
    ],
    ids=["one-field", "many-fields", "address", "field-name"],
)
def test_header_flood(sqlite_world: World, head: bytes, chunk: bytes) -> None:
    """A head of 200 MiB is refused with 431 (or 400) soon after its beginning, and memory stays flat."""
    before = sqlite_world.peak()
    taken, back = asyncio.run(_pour(sqlite_world.port, head, chunk, FLOOD))
    assert taken < 16 * MIB, "the server went on listening"
    # The kernel may drop the answer when octets are still on their way to a closed socket.
    assert back == b"" or back.split(b" ")[1] in (b"431", b"400"), back[:100]
    _flat(sqlite_world, before)
    _alive(sqlite_world)


def test_head_just_too_long(sqlite_world: World) -> None:
    """A client that stops at the bound gets to read 431."""
    octets = b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (66 * 1024)
    _, back = asyncio.run(_silent(sqlite_world.port, octets))
    assert back.startswith(b"HTTP/1.1 431 "), back[:100]


def test_head_too_long_in_parts(sqlite_world: World) -> None:
    """The part of a head that came first counts like those that follow it."""
    first = b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (40 * 1024)
    lasted, back = asyncio.run(_silent(sqlite_world.port, first, b"a" * (26 * 1024)))
    assert back.startswith(b"HTTP/1.1 431 "), back[:100]
    assert lasted < HEAD_SECONDS - SLACK


def test_too_many_fields(sqlite_world: World) -> None:
    """101 header fields are refused with 431, 90 are not."""
    many = {f"x-{number}": "1" for number in range(101)}
    assert _ask(sqlite_world, wire.request("GET", "/", many)).status == 431
    few = {f"x-{number}": "1" for number in range(90)}
    assert _ask(sqlite_world, wire.request("GET", f"{sqlite_world.path}/jwks", few)).status == 200


def test_trailer_flood(sqlite_world: World) -> None:
    """Fields behind a chunked body (trailers) have a bound as well."""
    before = sqlite_world.peak()
    head = f"POST {sqlite_world.path}/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n".encode()
    chunk = b"".join(b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(1000))
    taken, _ = asyncio.run(_pour(sqlite_world.port, head, chunk, FLOOD))
    _flat(sqlite_world, before)
    assert taken < 32 * MIB, "the server went on listening"
    _alive(sqlite_world)


def test_body_flood(sqlite_world: World) -> None:
    """A body of 200 MiB is refused with 413 (or the connection closed), declared or chunked, and memory stays flat."""
    before = sqlite_world.peak()
    start = f"POST {sqlite_world.path}/token HTTP/1.1\r\nhost: x\r\n"
    form = "content-type: application/x-www-form-urlencoded\r\n"
    for framing, chunk in (
        (f"content-length: {FLOOD}\r\n\r\n", b"a" * MIB),
        ("transfer-encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n" % (MIB, b"a" * MIB)),
    ):
        _, back = asyncio.run(_pour(sqlite_world.port, (start + form + framing).encode(), chunk, FLOOD))
        assert back == b"" or 400 <= int(back.split(b" ")[1]) < 500, back[:100]
    _flat(sqlite_world, before)
    _alive(sqlite_world)


@pytest.mark.slow
@pytest.mark.waits
def test_half_open(sqlite_world: World) -> None:
    """Unfinished heads are closed after 10 s, dripping ones and second ones too; a slow body after 15 s."""
    port, path = sqlite_world.port, sqlite_world.path
    whole = wire.request("GET", f"{path}/jwks")
    slow = f"POST {path}/token HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n"
    slow += "content-type: application/x-www-form-urlencoded\r\n\r\ngrant"

    async def all_at_once() -> list[tuple[float, bytes]]:
        return await asyncio.gather(
            _silent(port, b""),
            _silent(port, b"GET / HTTP/1.1\r\nhost"),
            _silent(port, whole + b"GET / HT"),
            _drip(port, b"GET / HTTP/1.1\r\nx: ", b"a"),
            _silent(port, slow.encode()),
            _silent(port, whole),
            _drip(port, whole, b"\r\n"),
        )

    nothing, half, second, dripping, body, idle, blank = asyncio.run(all_at_once())
    for seconds, _ in (nothing, half, second, dripping):
        assert HEAD_SECONDS - 1 < seconds < HEAD_SECONDS + SLACK
    assert half[1].startswith(b"HTTP/1.1 408 ")
    assert second[1].count(b"HTTP/1.1 ") == 2
    assert 14 < body[0] < 15 + 30 + SLACK
    assert b"HTTP/1.1 400 " in body[1]
    assert 29 < idle[0] < 30 + SLACK
    assert blank[0] < 30 + SLACK, "blank lines between requests keep a connection open"


@pytest.mark.slow
@pytest.mark.waits
def test_unread_answers_and_unwanted_bodies(sqlite_world: World) -> None:
    """A client that never reads what it asks for is cut off, and so is one that goes on with an answered body."""
    port, path = sqlite_world.port, sqlite_world.path
    answered = f"GET {path}/jwks HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n".encode()
    sheet = wire.request("GET", "/_intaglio/static/style.css")

    async def unread() -> float:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        began = time.monotonic()
        writer.transport.pause_reading()
        try:
            while time.monotonic() - began < 80:
                writer.write(sheet)
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        writer.transport.abort()
        return time.monotonic() - began

    async def both() -> tuple[tuple[float, bytes], float]:
        return await asyncio.gather(_drip(port, answered, b"a"), unread())

    (body_seconds, back), unread_seconds = asyncio.run(both())
    assert back.startswith(b"HTTP/1.1 200 ")
    assert body_seconds < SLACK
    assert unread_seconds < 60
    _alive(sqlite_world)


async def _drip(port: int, start: bytes, drop: bytes) -> tuple[float, bytes]:
    """Send a start and then a drop each half second, until the server hangs up."""
    connection = await Connection.open(port)
    began = time.monotonic()
    connection.writer.write(start)
    reading = asyncio.create_task(_everything(connection))
    while not reading.done() and time.monotonic() - began < 45:
        connection.writer.write(drop)
        await asyncio.sleep(0.5)
    reading.cancel()
    (back,) = await asyncio.gather(reading, return_exceptions=True)
    connection.close()
    return time.monotonic() - began, back if isinstance(back, bytes) else b""


async def _everything(connection: Connection) -> bytes:
    back = b""
    try:
        while chunk := await connection.reader.read(4096):
            back += chunk
    except ConnectionError:
        pass
    return back


def test_parameters_and_dots(sqlite_world: World) -> None:
    """100 parameters are read and 101 are not; long dotted paths, hosts and tokens are refused quickly."""
    path = sqlite_world.path
    for number, error in ((100, "unsupported_grant_type"), (101, "invalid_request")):
        body = "&".join(["grant_type=x", *(f"p{n}=1" for n in range(number - 1))])
        answer = _ask(sqlite_world, browser.token_request(path, body))
        assert (answer.status, answer.json()["error"]) == (400, error)
    dots = "." * 30_000
    began = time.monotonic()
    for target in (f"/{dots}", f"{path}/{dots}/../jwks", f"{path}/authorize?client_id={dots}", "/" + "../" * 9_000):
        assert 400 <= _ask(sqlite_world, wire.request("GET", target)).status < 500
    assert _ask(sqlite_world, browser.userinfo_request(path, dots)).status in (400, 401)
    hint = f"{path}/logout?id_token_hint={dots}"
    assert 400 <= _ask(sqlite_world, wire.request("GET", hint)).status < 500
    assert 400 <= _ask(sqlite_world, wire.request("GET", "/", {"host": dots})).status < 500
    assert time.monotonic() - began < 3
    _alive(sqlite_world)
