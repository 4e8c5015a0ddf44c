"""kill -9 in the middle of restoring over a full SQLite database: it is as it was, or as the backup is."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from intaglio.server.store import open as opening
from tests.capability import capability
from tests.proof import power
from tests.proof.power import Disk

KILLS = 4
ROWS = 40_000


def _prepared(file: Path, word: str) -> str:
    """Make a database with many rows that all say one word."""
    asyncio.run(opening.prepare(f"sqlite:///{file}", 1))
    with sqlite3.connect(file) as connection:
        rows = ((f"{number:06}", word * 30) for number in range(ROWS))
        connection.executemany("INSERT INTO installation_facts VALUES (?, ?)", rows)
    connection.close()
    return f"sqlite:///{file}"


def _started(url: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "INTAGLIO_DATABASE__URL": url, **more}
    command = [sys.executable, "-m", "intaglio", "db", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _journal_met(process: subprocess.Popen[bytes], journal: Path, seconds: float) -> bool:
    """Kill a process some time after it began to write; return whether it was still writing."""
    while process.poll() is None and not journal.exists():
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    process.wait(10)
    return journal.exists()


def _words(url: str) -> list[tuple[str, int]]:
    """Return which words the database says and how often, after Intaglio has opened it as at every start."""
    assert {one.state for one in asyncio.run(opening.prepare(url, 1))} == {"applied"}
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = connection.execute("SELECT substr(value, 1, 3), count(*) FROM installation_facts GROUP BY 1")
        found: list[tuple[str, int]] = counted.fetchall()
    connection.close()
    return found


@pytest.mark.slow
@pytest.mark.skipif(power.compiler() is None, reason="the disk that forgets is a C program, and there is no compiler")
@capability("power-loss", witness="a C library between SQLite and the kernel that keeps only what was flushed")
def test_restored_database_survives_a_power_cut(tmp_path: Path) -> None:
    """When the command has said that it is done, a power cut takes nothing of it."""
    made = _started(_prepared(tmp_path / "other.db", "new"), "backup", f"{tmp_path}/new.backup")
    assert made.wait(60) == 0
    disk = Disk(tmp_path)
    url = _prepared(disk.folder / "store.db", "old")
    disk.settle()
    restore = ("restore", f"{tmp_path}/new.backup", "--replace", "--yes")
    assert _started(url, *restore, **disk.environment("strict")).wait(60) == 0
    disk.cut()
    assert _words(url) == [("new", ROWS)]


@pytest.mark.slow
@capability("db-restore", witness="the kernel's SIGKILL and Python's sqlite3")
def test_killed_while_restoring(tmp_path: Path) -> None:
    """However far a restoring over what was there has come when it is killed, all of it counts or nothing."""
    for word in ("one", "two"):
        made = _started(_prepared(tmp_path / f"{word}.db", word), "backup", f"{tmp_path}/{word}.backup")
        assert made.wait(60) == 0
    url, there = f"sqlite:///{tmp_path}/one.db", "one"
    chance, met = random.Random(4), 0
    for _ in range(KILLS):
        other = "two" if there == "one" else "one"
        process = _started(url, "restore", f"{tmp_path}/{other}.backup", "--replace", "--yes")
        met += _journal_met(process, tmp_path / "one.db-journal", chance.uniform(0, 0.3))
        [(there, rows)] = _words(url)
        assert rows == ROWS
    assert met > 0
