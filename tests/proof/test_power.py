"""Power cuts on SQLite: only what was flushed is kept, and what was acknowledged is there."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.capability import capability
from tests.proof import ledger as ledgers
from tests.proof import power
from tests.proof.ledger import Ledger
from tests.proof.power import Disk, PoweredWorld

CUTS = 4
WORKERS = 6
PEOPLE_A_ROUND = 120
EARLIEST, LATEST = 0.15, 0.9
SEED = 21


def _round(home: PoweredWorld, number: int, chance: random.Random, seconds: float) -> Ledger:
    """Let people live until the power goes, and return what was acknowledged by then."""
    ledger = Ledger()
    names = home.names[number * PEOPLE_A_ROUND : (number + 1) * PEOPLE_A_ROUND]
    cutter = threading.Timer(seconds, home.kill)
    cutter.start()
    failures = asyncio.run(ledgers.live(home, names, ledger, chance, WORKERS))
    cutter.join()
    for failure in failures:
        if not isinstance(failure, ledgers.GONE):
            raise failure
    home.cut()
    return ledger


@pytest.mark.slow
@pytest.mark.skipif(power.compiler() is None, reason="the disk that forgets is a C program, and there is no compiler")
@capability("power-loss", witness="a C library between SQLite and the kernel that keeps only what was flushed")
def test_power_cuts_take_nothing_acknowledged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After each cut redemptions, rotations and revocations are as acknowledged, whatever else reached the disk.

    The last disk lies about flushing, and then something is missing: the test would see a loss.
    """
    began = time.monotonic()
    home = PoweredWorld(Disk(tmp_path), people=(CUTS + 1) * PEOPLE_A_ROUND)
    chance, found = random.Random(SEED), Counter[str]()
    try:
        home.start()
        for number in range(CUTS):
            ledger = _round(home, number, chance, chance.uniform(EARLIEST, LATEST))
            home.kind = ("early", "strict")[number % 2] if number + 1 < CUTS else "lies"
            assert _integrity(home) == "ok"
            home.start()
            wrong = asyncio.run(ledgers.look_again(home, ledger))
            assert not wrong, Counter(wrong)
            found.update(ledger.acknowledged() + ledger.counts)
        lost = _round(home, CUTS, chance, LATEST)
        home.kind = "strict"
        home.start()
        assert asyncio.run(ledgers.look_again(home, lost))
    finally:
        home.kill()
    assert all(found[name] for name in ("redemptions", "refreshes", "revocations", "sign_outs")), found
    with capsys.disabled():
        counts = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
        print(f"\nSQLite: {CUTS} power cuts in {time.monotonic() - began:.0f} s, nothing missing; {counts}")  # noqa: T201


def _integrity(home: PoweredWorld) -> str:
    """Return what SQLite says of a copy: looking at the database itself would bring its log in."""
    copy = home.disk.folder.with_name("look")
    copy.mkdir(exist_ok=True)
    for name in ("proof.db", "proof.db-wal"):
        (copy / name).write_bytes((home.disk.folder / name).read_bytes())
    (copy / "proof.db-shm").unlink(missing_ok=True)
    with sqlite3.connect(copy / "proof.db") as connection:
        said: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return said
