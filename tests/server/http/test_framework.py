"""Bodies are read whole, within a bound and a time; who goes away gets no answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from intaglio.errors import IntaglioError
from intaglio.server.http import framework
from intaglio.wire.message import Response
from tests import harness


def _receive(*messages: dict[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return receive


def _part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_parts_are_put_together() -> None:
    """In order, whatever is declared."""
    receive = _receive(_part(b"a", more=True), _part(b"", more=True), _part(b"b"))
    assert await framework.read_body(receive, None, 10) == b"ab"
    assert await framework.read_body(_receive(_part(b"ab")), "not a number", 10) == b"ab"


@pytest.mark.parametrize("declared", ["11", "99999999999999999999999999", "000000000000011"])
async def test_what_is_declared_too_long_is_not_read(declared: str) -> None:
    """Refused before the first octet."""
    if declared == "000000000000011":
        assert await framework.read_body(_receive(_part(b"ab")), declared, 10) == b"ab"
        return
    with pytest.raises(framework.TooLarge):
        await framework.read_body(_receive(), declared, 10)


async def test_what_turns_out_too_long_is_not_kept() -> None:
    """The bound holds for what comes, not for what was declared."""
    with pytest.raises(framework.TooLarge) as caught:
        await framework.read_body(_receive(_part(b"a" * 6, more=True), _part(b"a" * 6)), "2", 10)
    assert caught.value.code == "too_large"


async def test_who_is_slow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body has its time."""
    monkeypatch.setattr(framework, "BODY_SECONDS", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(10)
        return {}

    with pytest.raises(framework.TooSlow):
        await framework.read_body(never, None, 10)


async def test_who_goes_away_is_noticed() -> None:
    """No half request is answered."""
    with pytest.raises(framework.Disconnected):
        await framework.read_body(_receive(_part(b"a", more=True), {"type": "http.disconnect"}), None, 10)


def test_a_lost_client_leaves_nothing_behind(site: harness.Site) -> None:
    """Neither an answer nor a line in the log."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/default/token",
        "raw_path": b"/default/token",
        "query_string": b"",
        "headers": [],
        "client": None,
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
    }

    async def send(message: Any) -> None:
        sent.append(message)

    with harness.logged() as log:
        site.run(site.app(scope, _receive(_part(b"a", more=True), {"type": "http.disconnect"}), send))
        site.run(site.app({"type": "lifespan"}, _receive(), send))
    assert (sent, log.lines) == ([], [])


async def test_head_has_the_length_and_no_body() -> None:
    """RFC 9110 9.3.2."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await framework.send(send, Response(200, (("x", "y"),), b"abc"), (("z", "1"),), head=True)
    assert dict(sent[0]["headers"]) == {b"x": b"y", b"z": b"1", b"content-length": b"3"}
    assert sent[1]["body"] == b""


def test_faults_have_codes() -> None:
    """Each is one of the family that dialects know to write."""
    assert issubclass(framework.TooLarge, IntaglioError)
    assert framework.TooSlow().code == "invalid_request"
