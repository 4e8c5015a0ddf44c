"""Fifty at once: one code, one refresh token, over real HTTP, on both engines."""

from __future__ import annotations

import asyncio

from tests.capability import capability
from tests.proof import browser, wire
from tests.proof.browser import Browser
from tests.proof.wire import Answer, Connection
from tests.proof.world import World

MANY = 50
WITNESS = "50 raw HTTP connections"


async def _at_once(port: int, octets: bytes) -> list[Answer]:
    """Open every connection first, then send on all of them, then read."""
    connections = [await Connection.open(port) for _ in range(MANY)]
    for connection in connections:
        connection.writer.write(octets)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(connection.read() for connection in connections))
    for connection in connections:
        connection.close()
    return answers


async def _signed_in(world: World) -> tuple[Browser, str]:
    person = await Browser.open(world.port, world.path)
    return person, await person.sign_in(world.names[0])


async def _one_code(world: World) -> None:
    person, code = await _signed_in(world)
    answers = await _at_once(world.port, browser.token_request(world.path, browser.code_form(code)))
    won = [answer for answer in answers if answer.status == 200]
    lost = [answer.json()["error"] for answer in answers if answer.status == 400]
    assert len(won) == 1
    assert lost == ["invalid_grant"] * (MANY - 1)
    tokens = won[0].json()
    assert tokens["id_token"]
    info = await person.userinfo(tokens["access_token"])
    assert info.status == 401, "the winner's access token outlived the second use of its code"
    assert 'error="invalid_token"' in info.header("www-authenticate")
    again = await person.refresh(tokens["refresh_token"])
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    person.close()


async def _one_refresh_token(world: World) -> None:
    person, code = await _signed_in(world)
    first = (await person.redeem(code)).json()
    octets = browser.token_request(world.path, browser.refresh_form(first["refresh_token"]))
    answers = await _at_once(world.port, octets)
    assert [answer.status for answer in answers] == [200] * MANY
    pairs = {(answer.json()["access_token"], answer.json()["refresh_token"]) for answer in answers}
    assert len(pairs) == 1, "parallel uses of one refresh token got different tokens"
    access, successor = pairs.pop()
    assert successor != first["refresh_token"]
    assert len({answer.json()["id_token"] for answer in answers}) == 1
    assert (await person.userinfo(access)).status == 200
    assert (await person.refresh(successor)).status == 200
    person.close()


async def _fifty_codes(world: World) -> None:
    """Fifty different codes at once are no race: all of them win."""
    person, code = await _signed_in(world)
    codes = [code] + [(await person.authorize())["code"] for _ in range(MANY - 1)]
    answers = await asyncio.gather(
        *(wire.once(world.port, browser.token_request(world.path, browser.code_form(one))) for one in codes)
    )
    assert [answer.status for answer in answers] == [200] * MANY
    person.close()


@capability("race-code-sqlite", witness=WITNESS)
def test_one_code_sqlite(sqlite_world: World) -> None:
    """Of 50 parallel redemptions on SQLite one wins, and what it got is dead by the second."""
    asyncio.run(_one_code(sqlite_world))


@capability("race-code-postgresql", witness=WITNESS)
def test_one_code_postgresql(postgres_world: World) -> None:
    """Of 50 parallel redemptions on PostgreSQL one wins, and what it got is dead by the second."""
    asyncio.run(_one_code(postgres_world))


@capability("race-refresh-sqlite", witness=WITNESS)
def test_one_refresh_token_sqlite(sqlite_world: World) -> None:
    """50 parallel uses of a refresh token on SQLite get the same tokens."""
    asyncio.run(_one_refresh_token(sqlite_world))


@capability("race-refresh-postgresql", witness=WITNESS)
def test_one_refresh_token_postgresql(postgres_world: World) -> None:
    """50 parallel uses of a refresh token on PostgreSQL get the same tokens."""
    asyncio.run(_one_refresh_token(postgres_world))


def test_many_codes_sqlite(sqlite_world: World) -> None:
    """50 different codes at once on SQLite all win."""
    asyncio.run(_fifty_codes(sqlite_world))


def test_many_codes_postgresql(postgres_world: World) -> None:
    """50 different codes at once on PostgreSQL all win."""
    asyncio.run(_fifty_codes(postgres_world))
