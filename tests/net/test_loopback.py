"""The address to which a browser comes back: one answer, and nothing else that knocks."""

from __future__ import annotations

import asyncio
import contextlib
import re
import urllib.parse

import pytest

from intaglio.errors import Unavailable
from intaglio.net.loopback import Loopback
from tests.capability import capability

pytestmark = capability("cli-loopback", witness="raw sockets")
STATE = "the-state"


async def knock(door: Loopback, target: str, *, method: str = "GET", host: str | None = None) -> str:
    """Send a request as it is, and return the answer."""
    authority = urllib.parse.urlsplit(door.redirect_uri).netloc
    name, port = authority.split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: {authority if host is None else host}\r\n\r\n".encode("latin-1"))
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_the_answer_is_taken() -> None:
    """It listens on 127.0.0.1 at a free port, gives the parameters, and says that the window may be closed."""
    async with Loopback(STATE) as door:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d{2,5}/callback", door.redirect_uri)
        page = await knock(door, f"/callback?code=a%20b&state={STATE}&iss=x")
        assert page.startswith("HTTP/1.1 200 OK\r\n")
        assert "You may close this window." in page
        assert "default-src 'none'" in page
        assert await door.answer(1) == {"code": "a b", "state": STATE, "iss": "x"}


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("/callback?code=evil&state=another", {}),
        ("/callback?code=evil", {}),
        ("/callback", {}),
        ("/callback/?code=evil&state=the-state", {}),
        ("/other?code=evil&state=the-state", {}),
        ("/favicon.ico", {}),
        ("/callback?code=evil&state=the-state", {"method": "POST"}),
        ("/callback?code=evil&state=the-state", {"host": "rebound.example:1"}),
        ("/callback?code=evil&state=the-state", {"host": "localhost:1"}),
        ("/callback?code=a&code=b&state=the-state", {}),
        ("/callback?code=%ff&state=the-state", {}),
        ("/callback?code=evil&state=the-state&state=the-state", {}),
        ("nonsense", {}),
    ],
)
async def test_a_stranger_cannot_end_the_wait(target: str, options: dict[str, str]) -> None:
    """Whatever another page sends here is answered with 404 and changes nothing: the real answer still comes."""
    async with Loopback(STATE) as door:
        assert (await knock(door, target, **options)).startswith("HTTP/1.1 404 ")
        await knock(door, f"/callback?code=good&state={STATE}")
        assert (await door.answer(1))["code"] == "good"


async def test_the_second_answer_is_none() -> None:
    """Only the first counts."""
    async with Loopback(STATE) as door:
        await knock(door, f"/callback?code=first&state={STATE}")
        assert (await knock(door, f"/callback?code=second&state={STATE}")).startswith("HTTP/1.1 404 ")
        assert (await door.answer(1))["code"] == "first"


async def test_a_silent_connection_keeps_nobody_out() -> None:
    """Browsers open connections beforehand; one that says nothing does not stand in the way of another."""
    async with Loopback(STATE) as door:
        name, port = urllib.parse.urlsplit(door.redirect_uri).netloc.split(":")
        _, silent = await asyncio.open_connection(name, int(port))
        _, broken = await asyncio.open_connection(name, int(port))
        broken.close()
        await knock(door, f"/callback?code=good&state={STATE}")
        assert (await door.answer(1))["code"] == "good"
        silent.close()


async def test_a_flood_of_header_is_cut() -> None:
    """A head without an end is not read for ever."""
    async with Loopback(STATE) as door:
        name, port = urllib.parse.urlsplit(door.redirect_uri).netloc.split(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        await knock(door, f"/callback?code=good&state={STATE}")
        assert (await door.answer(1))["code"] == "good"


async def test_it_times_out_and_lets_go() -> None:
    """Nobody came: an error with a next step; afterwards nothing listens there any more."""
    async with Loopback(STATE) as door:
        with pytest.raises(Unavailable, match="sign-in-timeout"):
            await door.answer(0.05)
    with pytest.raises(OSError):
        await knock(door, "/callback")
