"""The gate's own proxy over real connections: long bodies, slow answers, odd requests."""

from __future__ import annotations

import pathlib
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from tests.capability import capability
from tests.gate import conftest
from tests.gate.conftest import World

PIECE = b"x" * 65536
PIECES = 400


@pytest.fixture(scope="module")
def token(world: World) -> str:
    """A token that lets everybody through who has it."""
    return world.token()


def headers(token: str) -> dict[str, str]:
    """Return what a caller sends."""
    return {"Host": "hello.example.com", "Authorization": f"Bearer {token}"}


def where(world: World, path: str) -> str:
    """Return an address at the gate."""
    return f"http://127.0.0.1:{world.listen}{path}"


def raw(world: World, head: str, body: bytes = b"", wait: float = 5.0) -> bytes:
    """Send octets as they are and return what comes back until the gate closes or falls silent."""
    with socket.create_connection(("127.0.0.1", world.listen), timeout=wait) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
                if b"\r\n0\r\n\r\n" in found or b"content-length: 0" in found:
                    break
        except TimeoutError:
            pass
        return found


@capability("gate-proxy", witness="requests")
def test_a_long_body(world: World, token: str) -> None:
    """26 MB go through in pieces, with a length and without; head and body in one packet are no long head."""

    def pieces() -> Iterator[bytes]:
        for _ in range(PIECES):
            yield PIECE

    chunked = requests.post(where(world, "/upload"), data=pieces(), headers=headers(token), timeout=60)
    assert chunked.json()["length"] == PIECES * len(PIECE)
    whole = requests.post(where(world, "/upload"), data=PIECE * 20, headers=headers(token), timeout=60)
    assert whole.json()["length"] == 20 * len(PIECE)
    assert conftest.headers(whole)["content-length"] == [str(20 * len(PIECE))]


def test_each_piece_comes_at_once(world: World, token: str) -> None:
    """The head before the first event, each event before the next is made."""
    world.echo.go_on.clear()
    with requests.get(where(world, "/events"), headers=headers(token), stream=True, timeout=5) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        events = answer.iter_content(None)
        for number in range(3):
            world.echo.go_on.set()
            assert next(events) == f"data: {number}\n\n".encode()


def test_a_caller_who_leaves(world: World, token: str) -> None:
    """The service's connection ends too: a stream without an end is not read for nobody."""
    world.echo.go_on.clear()
    world.echo.broken.clear()
    answer = requests.get(where(world, "/events"), headers=headers(token), stream=True, timeout=5)
    answer.close()
    deadline = time.monotonic() + 5
    while not world.echo.broken.is_set() and time.monotonic() < deadline:
        world.echo.go_on.set()
        time.sleep(0.05)
    assert world.echo.broken.is_set()


def test_redirects_are_the_callers(world: World, token: str) -> None:
    """A redirect of the service goes back as it is; the token goes nowhere else."""
    answer = requests.get(where(world, "/redirect"), headers=headers(token), timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:1/elsewhere")


def test_head(world: World, token: str) -> None:
    """HEAD has the head of the answer and no body."""
    answer = requests.head(where(world, "/x"), headers=headers(token), timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_an_answer_without_a_body(world: World, token: str) -> None:
    """304 with the length of another answer is passed on as it is meant, and the connection stays good."""
    with requests.Session() as session:
        for _ in range(2):
            answer = session.get(where(world, "/unchanged"), headers=headers(token), timeout=5)
            assert (answer.status_code, answer.content) == (304, b"")


def test_websocket(world: World, token: str) -> None:
    """501 with a sentence."""
    head = f"GET / HTTP/1.1\nHost: hello.example.com\nAuthorization: Bearer {token}\nConnection: Upgrade\n"
    found = raw(world, head + "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: eA==\n\n", wait=1)
    assert found.startswith(b"HTTP/1.1 501 ")
    assert b"WebSocket" in found


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\nTransfer-Encoding: chunked\n",
        "Content-Length: 5\nContent-Length: 6\n",
        "Transfer-Encoding: identity, chunked, x\n",
        "Transfer-Encoding : chunked\n",
        "Content-Length: +5\n",
    ],
)
def test_requests_in_two_lengths(world: World, token: str, framing: str) -> None:
    """What two readers would cut in different places is refused, and never reaches the service as two requests."""
    world.echo.paths.clear()
    inner = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: hello.example.com\r\n\r\n"
    head = f"POST /outer HTTP/1.1\nHost: hello.example.com\nAuthorization: Bearer {token}\n{framing}\n"
    found = raw(world, head, inner, wait=1)
    assert b"HTTP/1.1 200" not in found
    assert "/smuggled" not in world.echo.paths


def test_a_head_without_end(world: World) -> None:
    """431, whatever comes behind it."""
    found = raw(world, "GET / HTTP/1.1\nHost: hello.example.com\nX: " + "a" * 70_000, wait=2)
    assert found.startswith(b"HTTP/1.1 431 ")


def test_a_service_that_is_gone(world: World, tmp_path: pathlib.Path) -> None:
    """502 and a sentence; in a gate that stands alone, started by options."""
    from tests import live

    listen, nobody = conftest.free_port(), conftest.free_port()
    (tmp_path / "openapi.json").write_text(
        '{"swagger": "2.0", "paths": {"/open": {"get": {}, "post": {}}}}', encoding="utf-8"
    )
    words = ("gate", "--mode", "endpoints", "--openapi", "openapi.json", "--listen", f"127.0.0.1:{listen}")
    started = live.command(*words, "--upstream", f"http://127.0.0.1:{nobody}")
    with conftest.running(started, tmp_path, "alone", lambda told: "ready:" in told):
        answer = requests.get(f"http://127.0.0.1:{listen}/open", timeout=5)
        assert (answer.status_code, answer.text) == (502, "The service could not be reached.\n")
        assert requests.get(f"http://127.0.0.1:{listen}/else", timeout=5).status_code == 404
