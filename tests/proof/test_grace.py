"""The grace of a rotated refresh token, and its end, with a clock that moves when it is told; on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from intaglio.clock import FixedClock, SystemClock
from intaglio.dialects import registry
from intaglio.server import compose
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.http.app import App
from intaglio.server.http.tenancy import Listener
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.unlocking import Lock
from tests.capability import capability
from tests.postgres import Server
from tests.proof.browser import Browser
from tests.proof.wire import Answer
from tests.proof.world import World

MANY = 50
GRACE = 60


class InProcess:
    """Stands where a connection stands, and calls the application in this process (ASGI)."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.port = port

    async def ask(self, octets: bytes) -> Answer:
        """Answer a request."""
        head, _, body = octets.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        method, target, _ = first.decode().split(" ")
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [tuple(line.split(b": ", 1)) for line in lines],
            "server": ("127.0.0.1", self.port),
            "client": ("127.0.0.1", 1),
            "scheme": "http",
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"])
        return Answer(sent[0]["status"], headers, sent[1]["body"])

    def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def _opened(home: World) -> AsyncIterator[tuple[Browser, FixedClock]]:
    clock = FixedClock(SystemClock().now())
    store = await compose.open_store(home.url, clock, create=False)
    passwords = Passwords()
    try:
        vault = await Lock(store, LocalKey(home.key)).open(clock.now())
        hall = compose.assemble(store, vault, clock, passwords, development=False)
        listener = Listener(registry.DIALECTS["standard"], "standard", home.base)
        yield Browser(InProcess(App(hall, {home.port: listener}), home.port), home.path), clock
    finally:
        passwords.close()
        await store.close()


async def _within_the_grace(home: World) -> None:
    async with _opened(home) as (person, clock):
        first = (await person.redeem(await person.sign_in(home.names[0]))).json()
        answers = await asyncio.gather(*(person.refresh(first["refresh_token"]) for _ in range(MANY)))
        clock.advance(GRACE)
        answers.append(await person.refresh(first["refresh_token"]))
        assert {answer.status for answer in answers} == {200}
        told = [(one["access_token"], one["refresh_token"], one["id_token"]) for one in map(Answer.json, answers)]
        assert len(set(told)) == 1
        assert (await person.userinfo(told[0][0])).status == 200


async def _after_the_grace(home: World) -> None:
    async with _opened(home) as (person, clock):
        first = (await person.redeem(await person.sign_in(home.names[0]))).json()
        second = (await person.refresh(first["refresh_token"])).json()
        third = (await person.refresh(second["refresh_token"])).json()
        clock.advance(GRACE + 1)
        late = await person.refresh(first["refresh_token"])
        assert (late.status, late.json()["error"]) == (400, "invalid_grant")
        for tokens in (second, third):
            again = await person.refresh(tokens["refresh_token"])
            assert (again.status, again.json()["error"]) == (400, "invalid_grant"), "a successor outlived its family"
        for tokens in (first, second, third):
            assert (await person.userinfo(tokens["access_token"])).status == 401, "an access token outlived its family"


async def _late_and_many(home: World) -> None:
    async with _opened(home) as (person, clock):
        first = (await person.redeem(await person.sign_in(home.names[0]))).json()
        second = (await person.refresh(first["refresh_token"])).json()
        clock.advance(GRACE + 1)
        pairs = [person.refresh(one["refresh_token"]) for _ in range(MANY // 2) for one in (first, second)]
        answers = await asyncio.gather(*pairs)
        assert {answer.status for answer in answers[::2]} == {400}
        for answer in answers[1::2]:
            if answer.status == 200:
                told = answer.json()
                assert (await person.userinfo(told["access_token"])).status == 401
                assert (await person.refresh(told["refresh_token"])).status == 400


def _sqlite(tmp_path: Path) -> World:
    return World(f"sqlite:///{tmp_path / 'grace.db'}")


@capability("refresh-rotate", witness="a clock that is moved by hand")
@capability("race-refresh-sqlite", witness="a clock that is moved by hand")
def test_within_the_grace_sqlite(tmp_path: Path) -> None:
    """On SQLite 50 parallel uses, and one at the grace's last second, get the same three tokens."""
    asyncio.run(_within_the_grace(_sqlite(tmp_path)))


@capability("race-refresh-postgresql", witness="a clock that is moved by hand")
def test_within_the_grace_postgresql(postgres_server: Server) -> None:
    """On PostgreSQL 50 parallel uses, and one at the grace's last second, get the same three tokens."""
    asyncio.run(_within_the_grace(World(postgres_server.create("proof_grace_in"))))


@capability("refresh-reuse", witness="a clock that is moved by hand")
def test_after_the_grace_sqlite(tmp_path: Path) -> None:
    """On SQLite one use after the grace ends the family: successors and access tokens are dead."""
    asyncio.run(_after_the_grace(_sqlite(tmp_path)))


@capability("refresh-reuse", witness="a clock that is moved by hand")
def test_after_the_grace_postgresql(postgres_server: Server) -> None:
    """On PostgreSQL one use after the grace ends the family: successors and access tokens are dead."""
    asyncio.run(_after_the_grace(World(postgres_server.create("proof_grace_out"))))


@capability("refresh-reuse", witness="50 uses at once")
def test_late_and_many_sqlite(tmp_path: Path) -> None:
    """On SQLite whatever a successor got in a race with a late replay is dead once the replay is answered."""
    asyncio.run(_late_and_many(_sqlite(tmp_path)))


@capability("refresh-reuse", witness="50 uses at once")
def test_late_and_many_postgresql(postgres_server: Server) -> None:
    """On PostgreSQL whatever a successor got in a race with a late replay is dead once the replay is answered."""
    asyncio.run(_late_and_many(World(postgres_server.create("proof_grace_race"))))


def test_grace_is_the_profiles() -> None:
    """The grace that these tests move across is the standard dialect's."""
    assert registry.DIALECTS["standard"].profile.refresh_grace == GRACE
