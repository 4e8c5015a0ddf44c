"""Tokens are given out fresh, kept ones while enough is left, and a silent server is told of at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from intaglio import clock as clocks
from intaglio.dialects.google.upstream import Given
from intaglio.errors import Denied, Unavailable
from intaglio.server.agent.desk import Desk
from intaglio.server.agent.sources import ByExchange
from intaglio.wire.flow import Call, Reply
from tests.capability import capability

NOW = 1_800_000_000


class Server:
    """Stands for the server: counts what it is asked, and answers, refuses or is silent."""

    def __init__(self, clock: clocks.FixedClock) -> None:
        self.clock = clock
        self.asked = 0
        self.mood = "well"

    async def id_token(self, account: str, audience: str) -> str:
        """Return a token with its number."""
        await self._think()
        return f"{account}/{audience}/{self.asked}"

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Given:
        """Return a token with its number, good for an hour."""
        await self._think()
        return Given(f"{account}/{self.asked}", 3600)

    async def _think(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.mood == "silent":
            await asyncio.sleep(60)
        if self.mood == "slow":
            await asyncio.sleep(0.5)
        if self.mood == "down":
            raise Unavailable("unreachable")
        if self.mood == "denies":
            raise Denied("upstream-refused")


@pytest.fixture
def server() -> Server:
    """A server in a good mood."""
    return Server(clocks.FixedClock(NOW))


@pytest.fixture
def desk(server: Server) -> Desk:
    """A desk before it."""
    return Desk(server, server.clock)


async def test_an_id_token_is_never_kept(desk: Desk, server: Server) -> None:
    """Two requests give two tokens: some clients take each for an hour's, whatever it says."""
    assert await desk.id_token("a", "x") != await desk.id_token("a", "x")
    assert server.asked == 2


@capability("metadata-token", witness="a clock that is moved")
async def test_what_is_given_out_always_has_more_than_five_minutes(desk: Desk, server: Server) -> None:
    """The same while enough is left, with its true end; then another one."""
    first = await desk.access_token("a", ())
    for _ in range(200):
        server.clock.advance(60)
        kept = await desk.access_token("a", ())
        assert kept.expires_at - server.clock.now() > 300
    assert server.asked == 1 + 200 * 60 // 3000
    assert first.expires_at == NOW + 3600


async def test_accounts_and_scopes_are_kept_apart(desk: Desk, server: Server) -> None:
    """Another account, or another set of scopes, is another token."""
    texts = {(await desk.access_token(who, scopes)).text for who in "ab" for scopes in ((), ("s",), ("s", "t"))}
    assert len(texts) == server.asked == 6


async def test_many_that_wait_share_one_call(desk: Desk, server: Server) -> None:
    """Fifty at once are one question to the server."""
    await asyncio.gather(*(desk.access_token("a", ()) for _ in range(50)))
    assert server.asked == 1


@capability("agent-failing", witness="a server that never answers")
@pytest.mark.parametrize("mood", ["silent", "down"])
async def test_while_the_server_is_away_what_is_kept_is_given(desk: Desk, server: Server, mood: str) -> None:
    """Within half a second, as long as more than five minutes are left; then the truth, and that at once."""
    first = await desk.access_token("a", ())
    server.mood = mood
    server.clock.advance(3600 - 301)
    began = time.monotonic()
    assert await desk.access_token("a", ()) == first
    assert time.monotonic() - began < 0.5
    server.clock.advance(2)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await desk.access_token("a", ())
    # The server was found silent a moment ago, and is not asked again yet.
    assert time.monotonic() - began < 0.1


async def test_a_silent_server_costs_one_wait_not_one_for_each(desk: Desk, server: Server) -> None:
    """Whoever asks within the next second is told at once; after it the server is asked again."""
    server.mood = "down"
    with pytest.raises(Unavailable):
        await desk.id_token("a", "x")
    asked = server.asked
    for _ in range(20):
        with pytest.raises(Unavailable):
            await desk.id_token("a", "x")
    assert server.asked == asked
    await asyncio.sleep(1.05)
    server.mood = "well"
    assert await desk.id_token("a", "x")


@capability("agent-failing", witness="a server that is slow")
async def test_a_slow_server_is_no_silent_one(desk: Desk, server: Server) -> None:
    """While a kept access token is given out in place of a slow new one, ID tokens are waited for as ever."""
    first = await desk.access_token("a", ())
    server.mood = "slow"
    server.clock.advance(3600 - 301)
    assert await desk.access_token("a", ()) == first
    assert await desk.id_token("a", "x")


async def test_a_refusal_is_passed_on_and_stops_nobody(desk: Desk, server: Server) -> None:
    """One account that is denied says nothing about the others."""
    server.mood = "denies"
    with pytest.raises(Denied):
        await desk.id_token("a", "x")
    server.mood = "well"
    assert await desk.id_token("b", "x")


async def test_who_loses_patience_ends_the_call_for_nobody_else(desk: Desk, server: Server) -> None:
    """The one call goes on for those who still wait."""
    first = asyncio.ensure_future(desk.access_token("a", ()))
    second = asyncio.ensure_future(desk.access_token("a", ()))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text == "a/1"
    assert server.asked == 1


class Wire:
    """Runs flows against answers by path, and remembers the calls."""

    def __init__(self, answers: dict[str, list[Reply]]) -> None:
        self.answers = answers
        self.calls: list[Call] = []

    async def run(self, flow):
        """Return what the flow returns."""
        try:
            call = next(flow)
            while True:
                self.calls.append(call)
                waiting = self.answers[call.url.rpartition(":" if "accounts" in call.url.lower() else "/")[2]]
                call = flow.send(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        except StopIteration as end:
            return end.value

    async def aclose(self) -> None:
        """Nothing is open."""


EXCHANGED = b'{"access_token":"ya29.fed%d","expires_in":3600}'
GRANTED = Reply(200, (), b'{"token":"a.b.c"}')


async def test_the_exchanged_token_is_kept_and_replaced_when_it_is_worn() -> None:
    """One exchange for many ID tokens; after a 401 one more, and after that the refusal stands."""
    wire = Wire(
        {
            "token": [Reply(200, (), EXCHANGED % number) for number in range(9)],
            "generateIdToken": [GRANTED, GRANTED, Reply(401, (), b"{}"), GRANTED, Reply(403, (), b"{}")],
        }
    )
    source = ByExchange("https://accounts.example.com", "//p", lambda: "s.u.b", wire, clocks.FixedClock(NOW))
    for _ in range(3):
        assert await source.id_token("a@p.iam.x", "https://app") == "a.b.c"
    assert [call.url.rpartition("/")[2].rpartition(":")[2] for call in wire.calls] == [
        "token", "generateIdToken", "generateIdToken", "generateIdToken", "token", "generateIdToken",
    ]  # fmt: skip
    with pytest.raises(Denied):
        await source.id_token("a@p.iam.x", "https://app")
    assert len(wire.calls) == 7
    assert wire.calls[0].url == "https://sts.example.com/v1/token"
    assert wire.calls[1].url.startswith("https://iamcredentials.example.com/v1/projects/-/serviceAccounts/a%40p.iam.x:")
    assert dict(wire.calls[1].headers)["authorization"] == "Bearer ya29.fed0"
    assert dict(wire.calls[5].headers)["authorization"] == "Bearer ya29.fed1"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_stumbles_is_unavailable_and_not_a_refusal(status: int) -> None:
    """Which clients try again."""
    wire = Wire({"token": [Reply(status, (), b"<html>")]})
    source = ByExchange("https://accounts.example.com", "//p", lambda: "s.u.b", wire, clocks.FixedClock(NOW))
    with pytest.raises(Unavailable):
        await source.access_token("a@p.iam.x", ())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"access_token":""}', b'{"access_token":"x"}', b'{"access_token":"x","expires_in":"1"}'],
)
async def test_an_answer_that_cannot_be_read_is_no_token(body: bytes) -> None:
    """Nothing is guessed."""
    wire = Wire({"token": [Reply(200, (), body)]})
    source = ByExchange("https://accounts.example.com", "//p", lambda: "s.u.b", wire, clocks.FixedClock(NOW))
    with pytest.raises(Unavailable):
        await source.access_token("a@p.iam.x", ())
