"""Leaving, seen by the clock: two servers on one database, and an operator's commands; a second later all is over."""

from __future__ import annotations

import asyncio
import copy
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.capability import capability
from tests.proof import wire
from tests.proof import world as worlds
from tests.proof.browser import Browser
from tests.proof.world import CLIENT, SLUG, World

pytestmark = pytest.mark.alone
SECOND = 1.0
SLACK = 0.3
"""Seconds for the question itself, on a machine that does other things."""
WITNESS = "two servers, the command line and the clock"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[World, World]]:
    """Two servers of one installation, running."""
    first = World(f"sqlite:///{tmp_path / 'proof.db'}")
    second = copy.copy(first)
    second.port = worlds.free_port()
    second.more = {
        "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{second.port}",
        "INTAGLIO_STANDARD__BASE_URL": first.base,
    }
    try:
        for home in (first, second):
            home.start(tmp_path / f"{home.port}.log")
        yield first, second
    finally:
        for home in (first, second):
            home.kill()


def command(home: World, *words: str) -> float:
    """Run an operator's command and return when it was done."""
    subprocess.run(
        [sys.executable, "-m", "intaglio", *words, "-o", "value"],
        env={"PATH": os.environ["PATH"], **home.environment},
        capture_output=True,
        timeout=30,
        check=True,
    )
    return time.monotonic()


async def within_a_second(done: float, over: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again whether something is over; it has to be within a second of the instant `done`."""
    while not await over():
        assert time.monotonic() - done < SECOND + SLACK
        await asyncio.sleep(0.02)


class Person:
    """Somebody who signed in at the first server and is asked about at the second."""

    def __init__(self, browser: Browser, other: Browser, tokens: dict[str, str], code: str) -> None:
        self.browser, self.other, self.tokens, self.code = browser, other, tokens, code

    @classmethod
    async def sign_in(cls, pair: tuple[World, World], name: str) -> Person:
        """Sign in, redeem a code and keep another."""
        browser, other = [await Browser.open(home.port, home.path) for home in pair]
        tokens = (await browser.redeem(await browser.sign_in(name))).json()
        code = (await browser.authorize())["code"]
        other.cookies = browser.cookies
        assert (await other.userinfo(tokens["access_token"])).status == 200
        return cls(browser, other, tokens, code)

    async def is_unknown(self) -> bool:
        """Tell whether the other server refuses the access token."""
        return (await self.other.userinfo(self.tokens["access_token"])).status in (401, 404)

    async def is_signed_out(self) -> bool:
        """Tell whether the other server has no session of this browser."""
        return "code" not in await self.other.authorize(prompt="none")

    async def has_nothing(self) -> bool:
        """Tell whether neither server gives anything for what the person had."""
        refreshed = [await one.refresh(self.tokens["refresh_token"]) for one in (self.browser, self.other)]
        redeemed = await self.other.redeem(self.code)
        return {one.status for one in (*refreshed, redeemed)} <= {400, 401, 404}


@capability("leaving-user", witness=WITNESS)
@capability("leaving-client", witness=WITNESS)
@capability("leaving-tenant", witness=WITNESS)
@capability("leaving-stays", witness=WITNESS)
@capability("leaving-sign-out", witness=WITNESS)
@capability("leaving-second", witness=WITNESS)
def test_a_second_after_the_command_all_is_over(pair: tuple[World, World]) -> None:
    """User, sign-out, client and tenant in turn: the other server knows within a second, and nothing comes back."""
    home, at = pair[0], ("--tenant", SLUG)

    async def story() -> None:
        one, two, three = [await Person.sign_in(pair, name) for name in home.names[:3]]
        await within_a_second(await asyncio.to_thread(command, home, "user", "disable", "user0", *at), one.is_unknown)
        assert await one.has_nothing()
        assert await one.is_signed_out()
        assert not await two.is_signed_out()
        await asyncio.to_thread(command, home, "user", "enable", "user0", *at)
        done = await asyncio.to_thread(command, home, "user", "sign-out", "user1", *at)
        await within_a_second(done, two.is_signed_out)
        assert (await two.other.userinfo(two.tokens["access_token"])).status == 200, "offline access stays"
        done = await asyncio.to_thread(command, home, "client", "disable", CLIENT, *at)
        await within_a_second(done, three.is_unknown)
        await asyncio.to_thread(command, home, "client", "enable", CLIENT, *at)
        await asyncio.sleep(SECOND)
        for person in (one, two, three):
            assert await person.is_unknown()
            assert await person.has_nothing()
        assert await one.is_signed_out()
        assert not await three.is_signed_out()
        done = await asyncio.to_thread(command, home, "tenant", "disable", SLUG)

        async def is_gone() -> bool:
            asked = wire.request("GET", f"{home.path}/jwks")
            return {(await wire.once(each.port, asked)).status for each in pair} == {404}

        await within_a_second(done, is_gone)
        for person in (one, two, three):
            person.browser.close()
            person.other.close()

    asyncio.run(story())
