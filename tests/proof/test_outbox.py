"""kill -9 between the decision and the delivery: whoever was signed out is told of, and nobody else is."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import parse_qs

import msgspec
import pytest

from tests.capability import capability
from tests.postgres import Server
from tests.proof import ledger, world
from tests.proof.browser import Browser
from tests.proof.world import World

KILLS = 10
PEOPLE_A_ROUND = 8
SIGNING_OUT = 0.25
EARLIEST, LATEST = 0.05, 1.1
"""Seconds within which people sign out, and between which the kill comes: the worker looks every half second."""
PAUSE = 0.15
"""Seconds that the application takes for a message."""
SEED = 5
LEASE_AND_MORE = 90.0
"""Seconds after which whatever a killed worker held has been tried again."""
WITNESS = "the kernel's SIGKILL, and an HTTP receiver of the standard library"


def _claims(token: str) -> dict[str, object]:
    middle = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


class Receiver:
    """The application's back channel: takes its time, and counts the sessions that it was told of."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        receiver = self

        class Answering(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                time.sleep(PAUSE)
                receiver.told[str(_claims(parse_qs(body)["logout_token"][0])["sid"])] += 1
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/told"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Outbox(World):
    """A server and a worker, two processes on one database, whose client has a back channel."""

    def __init__(self, url: str, receiver: Receiver) -> None:
        super().__init__(url, people=KILLS * PEOPLE_A_ROUND)
        self.worker: subprocess.Popen[bytes] | None = None
        words = ["client", "update", world.CLIENT, "--tenant", world.SLUG, "--backchannel-logout-uri", receiver.url]
        subprocess.run([sys.executable, "-m", "intaglio", *words], env=self._shell(), check=True, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of both processes."""
        return super().environment | {"INTAGLIO_OUTGOING__ALLOW": "127.0.0.1"}

    def _shell(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **self.environment}

    def work(self) -> None:
        """Start the worker."""
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "intaglio", "work"],
            env=self._shell(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_worker(self) -> None:
        """End the worker at once."""
        if self.worker is not None:
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait(10)
            self.worker = None

    def stop_worker(self) -> int:
        """Ask the worker to end, and return its exit code."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGTERM)
        code = self.worker.wait(15)
        self.worker = None
        return code


class Person(msgspec.Struct):
    """Somebody signed in: their browser's cookies, ID token and session, and whether a sign-out was answered."""

    cookies: dict[str, str]
    id_token: str
    sid: str
    answered: bool = False


async def _signed_in(home: Outbox, name: str) -> Person:
    visitor = await Browser.open(home.port, home.path, "openid")
    answer = await visitor.redeem(await visitor.sign_in(name))
    token = str(answer.json()["id_token"])
    visitor.close()
    return Person(visitor.cookies, token, str(_claims(token)["sid"]))


async def _sign_out(home: Outbox, person: Person, after: float) -> None:
    await asyncio.sleep(after)
    try:
        visitor = await Browser.open(home.port, home.path)
    except OSError:
        return
    visitor.cookies = dict(person.cookies)
    try:
        person.answered = (await visitor.sign_out(person.id_token)).status == 200
    except ledger.GONE:
        pass
    finally:
        visitor.close()


async def _is_live(home: Outbox, person: Person) -> bool:
    visitor = await Browser.open(home.port, home.path, "openid")
    visitor.cookies = dict(person.cookies)
    found = await visitor.authorize(prompt="none")
    visitor.close()
    return found.get("error") != "login_required"


async def _round(home: Outbox, people: list[Person], chance: random.Random, kill: threading.Timer) -> None:
    kill.start()
    await asyncio.gather(*(_sign_out(home, one, chance.uniform(0, SIGNING_OUT)) for one in people))
    kill.join()


async def _all_signed_in(home: Outbox, names: list[str]) -> list[Person]:
    return [await _signed_in(home, name) for name in names]


async def _lives(home: Outbox, people: list[Person]) -> list[bool]:
    return [await _is_live(home, one) for one in people]


def _kill_often(home: Outbox, receiver: Receiver) -> Counter[str]:
    chance = random.Random(SEED)
    everybody: list[Person] = []
    home.start()
    home.work()
    for number in range(KILLS):
        names = home.names[number * PEOPLE_A_ROUND : (number + 1) * PEOPLE_A_ROUND]
        people = asyncio.run(_all_signed_in(home, names))
        both = number % 2 == 1

        def kill(both: bool = both) -> None:
            home.kill_worker()
            if both:
                home.kill()

        asyncio.run(_round(home, people, chance, threading.Timer(chance.uniform(EARLIEST, LATEST), kill)))
        if both:
            home.start()
        home.work()
        everybody += people
    live = asyncio.run(_lives(home, everybody))
    ended = {one.sid for one, is_live in zip(everybody, live, strict=True) if not is_live}
    deadline = time.monotonic() + LEASE_AND_MORE
    while set(receiver.told) != ended and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {one.sid for one in everybody if one.answered} <= ended
    # Nobody is missing, and nobody was told of a session that goes on.
    assert set(receiver.told) == ended
    found = Counter(ended=len(ended), answered=sum(one.answered for one in everybody), live=sum(live))
    found["told_twice"] = sum(count > 1 for count in receiver.told.values())
    assert home.stop_worker() == 0
    home.stop()
    return found


def _prove(url: str, engine: str) -> tuple[Counter[str], str]:
    """Kill often; return what was found, and a line that tells it."""
    begun, receiver = time.monotonic(), Receiver()
    home = Outbox(url, receiver)
    try:
        found = _kill_often(home, receiver)
    finally:
        home.kill_worker()
        home.kill()
        receiver.close()
    counts = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
    return found, f"{engine}: {KILLS} kills in {time.monotonic() - begun:.0f} s, nothing lost; {counts}"


Proof = Future[tuple[Counter[str], str]]


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> Iterator[dict[str, Proof]]:
    """Both engines at once: most of the time nothing happens but a lease that runs out."""
    urls = {
        "SQLite": f"sqlite:///{tmp_path_factory.mktemp('outbox') / 'proof.db'}",
        "PostgreSQL": postgres_server.create("proof_outbox"),
    }
    with ThreadPoolExecutor(len(urls)) as pool:
        yield {engine: pool.submit(_prove, url, engine) for engine, url in urls.items()}


def _told(proof: Proof, capsys: pytest.CaptureFixture[str]) -> None:
    found, line = proof.result()
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201
    assert found["ended"] >= KILLS


@pytest.mark.slow
@pytest.mark.waits
@capability("outbox-durable-sqlite", witness=WITNESS)
@capability("outbox-work", witness="`serve` and `work` as processes")
def test_nothing_is_lost_on_sqlite(proofs: dict[str, Proof], capsys: pytest.CaptureFixture[str]) -> None:
    """After 10 kills of the worker, half of them with the server, on SQLite: who was signed out is told of."""
    _told(proofs["SQLite"], capsys)


@pytest.mark.slow
@pytest.mark.waits
@capability("outbox-durable-postgresql", witness=WITNESS)
def test_nothing_is_lost_on_postgresql(proofs: dict[str, Proof], capsys: pytest.CaptureFixture[str]) -> None:
    """After 10 kills of the worker, half of them with the server, on PostgreSQL: who was signed out is told of."""
    _told(proofs["PostgreSQL"], capsys)
