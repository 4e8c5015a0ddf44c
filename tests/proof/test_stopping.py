"""SIGTERM: what is in flight is answered, nothing new is taken, and the exit is quick and says success."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.proof import browser, wire
from tests.proof.browser import Browser
from tests.proof.wire import Answer, Connection
from tests.proof.world import World

QUICK = 3.0
MANY = 16


def test_exit_is_success(tmp_path: Path) -> None:
    """A server that is asked to stop by SIGTERM ends with exit code 0, at once where nothing is in flight."""
    home = World(f"sqlite:///{tmp_path / 'proof.db'}")
    home.start()
    began = time.monotonic()
    code = home.stop()
    assert time.monotonic() - began < QUICK
    assert code == 0


def test_idle_connections_do_not_hold(tmp_path: Path) -> None:
    """Connections that are open and silent do not hold the exit."""
    home = World(f"sqlite:///{tmp_path / 'proof.db'}")
    home.start()

    async def story() -> float:
        idle = [await Connection.open(home.port) for _ in range(MANY)]
        for one in idle[1:]:
            assert (await one.ask(wire.request("GET", f"{home.path}/jwks"))).status == 200
        began = time.monotonic()
        await asyncio.to_thread(home.stop)
        for one in idle:
            one.close()
        return time.monotonic() - began

    assert asyncio.run(story()) < QUICK


def test_in_flight_is_answered(tmp_path: Path) -> None:
    """Sign-ins and redemptions under way when SIGTERM comes are answered, and what they were told is kept."""
    home = World(f"sqlite:///{tmp_path / 'proof.db'}")
    home.start()

    async def story() -> list[Answer]:
        person = await Browser.open(home.port, home.path)
        codes = [await person.sign_in(home.names[0])]
        codes += [(await person.authorize())["code"] for _ in range(MANY - 1)]
        waiting = [await Connection.open(home.port) for _ in codes]
        for connection, code in zip(waiting, codes, strict=True):
            connection.writer.write(browser.token_request(home.path, browser.code_form(code)))
        # The first answer shows that the others have been read: they were sent at the same moment.
        first = await waiting[0].read()
        os.kill(home.pid, signal.SIGTERM)
        rest = await asyncio.gather(*(connection.read() for connection in waiting[1:]))
        for connection in (person.connection, *waiting):
            connection.close()
        return [first, *rest]

    answers = asyncio.run(story())
    assert [answer.status for answer in answers] == [200] * MANY
    began = time.monotonic()
    home.stop()
    assert time.monotonic() - began < QUICK
    home.start()

    async def kept() -> set[int]:
        person = await Browser.open(home.port, home.path)
        found = {(await person.userinfo(answer.json()["access_token"])).status for answer in answers}
        person.close()
        return found

    assert asyncio.run(kept()) == {200}
    home.stop()
