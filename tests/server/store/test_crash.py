"""What survives: processes killed at random moments, several processes on one database, a server that dies."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from intaglio import errors
from intaglio.server.model import grants, installation, throttles
from intaglio.server.model.plan import Store
from intaglio.server.store import open as opening
from tests import postgres
from tests.capability import capability
from tests.conformance import store_suite

postgres_server = postgres.postgres_server
_ROOT = Path(__file__).parents[3]


def _start(url: str, prefix: str, times: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.server.store.writing_process", url, prefix, str(times)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT / "src")},
        stdout=subprocess.PIPE,
    )


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _killed_while_writing(url: str, prefix: str, seconds: float) -> list[bytes]:
    process = _start(url, prefix)
    try:
        assert _output(process).readline() == b"ready\n"
        time.sleep(seconds)
    finally:
        process.kill()
        written, _ = process.communicate(timeout=30)
    # The last line may be cut.
    return written.split(b"\n")[:-1]


async def _missing(store: Store, acknowledged: list[bytes]) -> list[bytes]:
    await store.write(grants.grant_insert, store_suite.grant())
    return [name for name in acknowledged if await store.read(grants.access_with_grant, name, store_suite.NOW) is None]


def _acknowledged_rows_are_there(url: str) -> None:
    acknowledged: list[bytes] = []
    for run in range(10):
        acknowledged += _killed_while_writing(url, f"run{run}", random.uniform(0.01, 0.15))
    assert len(acknowledged) > 50
    assert store_suite.StoreSuite.run(url, lambda store: _missing(store, acknowledged)) == []


@capability("durability", witness="kill -9")
def test_killed_process_loses_no_acknowledged_row_on_sqlite(tmp_path: Path) -> None:
    """After ten kills under load every row that was acknowledged is in the file, and the file is sound."""
    url = f"sqlite:///{tmp_path}/store.db"
    asyncio.run(opening.prepare(url, store_suite.NOW))
    _acknowledged_rows_are_there(url)
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@capability("durability", witness="kill -9")
def test_killed_process_loses_no_acknowledged_row_on_postgres(postgres_server: postgres.Server) -> None:
    """After ten kills under load every row that was acknowledged is in the database."""
    url = postgres_server.create("crash")
    asyncio.run(opening.prepare(url, store_suite.NOW))
    _acknowledged_rows_are_there(url)


def _several_processes_count(url: str) -> tuple[int, str | None]:
    processes = [_start(url, "", times=25) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0

    async def counted(store: Store) -> tuple[int, str | None]:
        failures = await store.read(throttles.failures, b"shared", store_suite.NOW - 60)
        return failures, await store.read(installation.fact, "counter")

    return store_suite.StoreSuite.run(url, counted)


def test_processes_share_an_sqlite_file_without_lost_writes(tmp_path: Path) -> None:
    """Three processes that count in the same rows reach the sum of their counts."""
    url = f"sqlite:///{tmp_path}/store.db"
    asyncio.run(opening.prepare(url, store_suite.NOW))
    assert _several_processes_count(url) == (300, "300")


def test_processes_share_a_postgres_database_without_lost_writes(postgres_server: postgres.Server) -> None:
    """Three processes that count in the same rows reach the sum of their counts."""
    url = postgres_server.create("shared")
    asyncio.run(opening.prepare(url, store_suite.NOW))
    assert _several_processes_count(url) == (300, "300")


def test_server_that_dies_is_unavailable_and_then_serves_again() -> None:
    """While PostgreSQL is down plans are `Unavailable`; once it is back the same store works, with every kept row."""
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    server = postgres.Server()
    try:
        url = server.create("dies")
        asyncio.run(opening.prepare(url, store_suite.NOW))
        store_suite.StoreSuite.run(url, lambda store: _write_while_the_server_dies(store, server))
    finally:
        server.remove()


async def _write_while_the_server_dies(store: Store, server: postgres.Server) -> None:
    acknowledged: list[bytes] = []
    failures: list[BaseException] = []

    async def write(worker: int) -> None:
        for number in range(100_000):
            name = f"{worker}-{number}".encode()
            try:
                await store.write(grants.access_insert, store_suite.access(name))
            except errors.Unavailable as exc:
                failures.append(exc)
                return
            acknowledged.append(name)

    writing = asyncio.gather(*(write(worker) for worker in range(6)))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(server.stop, kill=True)
    await writing
    assert [exc.code for exc in failures if isinstance(exc, errors.Unavailable)] == ["storage-unavailable"] * 6
    with pytest.raises(errors.Unavailable):
        await store.read(store_suite.two_facts)
    await asyncio.to_thread(server.start)
    assert acknowledged
    assert await _missing(store, acknowledged) == []
