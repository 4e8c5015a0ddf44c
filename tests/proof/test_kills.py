"""kill -9 under a load of sign-ins: what was acknowledged is there afterwards, and no code works twice."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capability import capability
from tests.postgres import Server
from tests.proof import browser, wire
from tests.proof import ledger as ledgers
from tests.proof.ledger import Ledger
from tests.proof.world import World

KILLS = 20
DATABASE_KILLS = 4
WORKERS = 6
PEOPLE_A_ROUND = 120
EARLIEST, LATEST = 0.15, 0.9
SEED = 20
CHANGES = ("redemptions", "refreshes", "revocations", "sign_outs")
WITNESS = "the kernel's SIGKILL, then raw HTTP"


def _round(home: World, names: list[str], chance: random.Random, kill: Callable[[], object]) -> Ledger:
    ledger = Ledger()
    pause = chance.uniform(EARLIEST, LATEST)
    killer = threading.Timer(pause, kill)
    killer.start()
    failures = asyncio.run(ledgers.live(home, names, ledger, chance, WORKERS))
    killer.join()
    for failure in failures:
        if not isinstance(failure, ledgers.GONE):
            raise failure
    return ledger


def _check(home: World, ledger: Ledger, found: Counter[str]) -> None:
    wrong = asyncio.run(ledgers.look_again(home, ledger))
    assert not wrong, Counter(wrong)
    found.update(ledger.acknowledged())
    found.update(in_flight=len(ledger.unknown_codes), **ledger.counts)


def _names(home: World, number: int) -> list[str]:
    return home.names[number * PEOPLE_A_ROUND : (number + 1) * PEOPLE_A_ROUND]


def _kill_often(home: World, kills: int) -> Counter[str]:
    """Kill the server again and again, and look each time at what it had acknowledged."""
    chance = random.Random(SEED)
    found: Counter[str] = Counter()
    home.start()
    for number in range(kills):
        ledger = _round(home, _names(home, number), chance, home.kill)
        home.start()
        _check(home, ledger, found)
    home.stop()
    return found


def _tell(capsys: pytest.CaptureFixture[str], engine: str, kills: int, found: Counter[str], seconds: float) -> None:
    with capsys.disabled():
        counts = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
        print(f"\n{engine}: {kills} kills in {seconds:.0f} s, nothing missing; {counts}")  # noqa: T201


@pytest.mark.slow
@capability("kill-sqlite", witness=WITNESS)
def test_killed_on_sqlite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After each of 20 kills on SQLite every acknowledged write is there, and every used code is used."""
    began = time.monotonic()
    home = World(f"sqlite:///{tmp_path / 'proof.db'}", people=KILLS * PEOPLE_A_ROUND)
    try:
        found = _kill_often(home, KILLS)
    finally:
        home.kill()
    assert found["redemptions"] >= KILLS
    assert all(found[name] for name in CHANGES), found
    _tell(capsys, "SQLite", KILLS, found, time.monotonic() - began)


@pytest.mark.slow
@capability("kill-postgresql", witness=WITNESS)
def test_killed_on_postgresql(postgres_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """After each of 20 kills on PostgreSQL every acknowledged write is there, and every used code is used."""
    began = time.monotonic()
    home = World(postgres_server.create("proof_kills"), people=KILLS * PEOPLE_A_ROUND)
    try:
        found = _kill_often(home, KILLS)
    finally:
        home.kill()
    assert found["redemptions"] >= KILLS
    assert all(found[name] for name in CHANGES), found
    _tell(capsys, "PostgreSQL", KILLS, found, time.monotonic() - began)


@pytest.mark.slow
@capability("kill-postgresql", witness="PostgreSQL's own crash recovery")
def test_database_killed(capsys: pytest.CaptureFixture[str]) -> None:
    """When PostgreSQL itself is ended without notice, the server answers in the standard form and loses nothing."""
    began = time.monotonic()
    database = Server(fsync=True)
    home = None
    try:
        home = World(database.create("proof_database"), people=DATABASE_KILLS * PEOPLE_A_ROUND)
        home.start()
        chance, found = random.Random(SEED), Counter[str]()
        for number in range(DATABASE_KILLS):
            ledger = Ledger()
            killer = threading.Timer(chance.uniform(EARLIEST, LATEST), lambda: database.stop(kill=True))
            killer.start()
            found["refused_while_away"] += len(
                asyncio.run(ledgers.live(home, _names(home, number), ledger, chance, WORKERS))
            )
            killer.join()
            found.update(asyncio.run(_away(home)))
            database.start()
            _check(home, ledger, found)
        home.stop()
    finally:
        if home is not None:
            home.kill()
        database.remove()
    _tell(capsys, "PostgreSQL ended", DATABASE_KILLS, found, time.monotonic() - began)


async def _away(home: World) -> Counter[str]:
    """Ask while the database is away: a standard refusal that says so, and never a 500."""
    token = browser.token_request(home.path, browser.code_form("c" * 43))
    userinfo = browser.userinfo_request(home.path, "ig_at_" + "a" * 43)
    authorize = wire.request("GET", browser.authorize_target(home.path, "openid"))
    answers = [await wire.once(home.port, octets) for octets in (token, userinfo, authorize)]
    assert [answer.status for answer in answers] == [503, 503, 503], answers
    assert answers[0].json()["error"] == "temporarily_unavailable"
    return Counter(answered_503=len(answers))
