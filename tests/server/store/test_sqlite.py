"""What is SQLite's own: settings, files, faults of the disk."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from intaglio import errors
from intaglio.server.model import grants, installation
from intaglio.server.store import open as opening
from intaglio.server.store import sqlite
from tests.conformance import store_suite

NOW = store_suite.NOW


def _run(path: Path, case: Callable[[sqlite.SQLiteStore], Awaitable[Any]], patience_ms: int = 10_000) -> Any:
    async def go() -> Any:
        await opening.prepare(f"sqlite:///{path}", NOW)
        store = sqlite.SQLiteStore(str(path), patience_ms=patience_ms)
        try:
            return await case(store)
        finally:
            await store.close()

    return asyncio.run(go())


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    """Both connections use the log, flush at each commit and watch foreign keys; the reader cannot write."""

    async def case(store: sqlite.SQLiteStore) -> None:
        for connection in (store._writing, store._reading):
            found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
            assert found == ["wal", 2]
            assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store._reading.execute("INSERT INTO installation_facts VALUES ('a', 'b')")

    _run(tmp_path / "store.db", case)


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    """Nobody else may read the database, its log, its index of the log and its lock."""

    async def case(store: sqlite.SQLiteStore) -> set[str]:
        await store.write(installation.keep_fact, "a", "b")
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "folder").iterdir()}
        assert set(modes.values()) == {0o600}
        assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
        return set(modes)

    names = _run(tmp_path / "folder" / "store.db", case)
    assert names == {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"}


def test_columns_keep_their_kinds(tmp_path: Path) -> None:
    """Digests stay blobs, instants integers and text text, whatever SQLite makes of the names of types."""

    async def case(store: sqlite.SQLiteStore) -> None:
        await store.write(grants.code_insert, store_suite.code(b"123", nonce="123", scope="1e3"))
        await store.write(installation.keep_fact, "0x10", "007")

    _run(tmp_path / "store.db", case)
    with sqlite3.connect(tmp_path / "store.db") as connection:
        row = connection.execute(
            "SELECT typeof(digest), typeof(nonce), scope, typeof(expires_at), typeof(used_at) FROM codes"
        ).fetchone()
        assert row == ("blob", "text", "1e3", "integer", "null")
        assert connection.execute("SELECT name, value FROM installation_facts").fetchall() == [("0x10", "007")]
    connection.close()


def test_full_disk_is_unavailable_and_nobody_hears_of_success(tmp_path: Path) -> None:
    """When the disk is full the whole group fails; exactly the acknowledged rows are there; with room it works on."""

    async def case(store: sqlite.SQLiteStore) -> None:
        await store.write(grants.grant_insert, store_suite.grant())
        pages = store._writing.execute("PRAGMA page_count").fetchone()[0]
        store._writing.execute(f"PRAGMA max_page_count = {pages + 4}")
        digests = [f"{number:04d}".encode() * 50 for number in range(400)]
        results = await asyncio.gather(
            *(store.write(grants.access_insert, store_suite.access(digest)) for digest in digests),
            return_exceptions=True,
        )
        failed = [one for one in results if one is not None]
        assert failed
        assert all(isinstance(one, errors.Unavailable) and one.code == "storage-unavailable" for one in failed)
        store._writing.execute("PRAGMA max_page_count = 100000")
        for digest, result in zip(digests, results, strict=True):
            kept = await store.read(grants.access_with_grant, digest, NOW) is not None
            assert kept == (result is None)
        await store.write(grants.access_insert, store_suite.access(b"later"))

    _run(tmp_path / "store.db", case)


def test_locked_database_is_unavailable(tmp_path: Path) -> None:
    """While another program holds the write lock writing fails after its patience; reading goes on."""

    async def case(store: sqlite.SQLiteStore) -> None:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.Unavailable) as met:
            await store.write(installation.keep_fact, "a", "b")
        assert met.value.code == "storage-unavailable"
        assert met.value.detail["reason"] == "SQLITE_BUSY"
        assert await store.read(installation.fact, "a") is None
        other.execute("ROLLBACK")
        other.close()
        await store.write(installation.keep_fact, "a", "b")

    _run(tmp_path / "store.db", case, patience_ms=50)


def test_stopped_neighbour_does_not_stop_us_for_ever(tmp_path: Path) -> None:
    """While another process keeps its turn, writing fails after its patience and reading goes on; later it works."""

    async def case(store: sqlite.SQLiteStore) -> None:
        with (tmp_path / "store.db-lock").open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            begun = time.monotonic()
            results = await asyncio.gather(
                *(store.write(installation.keep_fact, f"a{n}", "b") for n in range(5)), return_exceptions=True
            )
            assert time.monotonic() - begun < 5
            assert [getattr(one, "code", one) for one in results] == ["storage-unavailable"] * 5
            assert await store.read(installation.fact, "a0") is None
        await store.write(installation.keep_fact, "a0", "b")

    _run(tmp_path / "store.db", case, patience_ms=50)


def test_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite without RETURNING is refused with what was expected and received."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(errors.Misconfigured) as met:
        sqlite.connect(str(tmp_path / "store.db"), 50)
    assert met.value.code == "sqlite-too-old"
    assert met.value.detail["expected"] == "3.35.0"


def test_opening_a_file_again_drops_no_lock(tmp_path: Path) -> None:
    """With the file opened twice in this process, a writer elsewhere that closes does not remove the log in use."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute(\"INSERT INTO installation_facts VALUES ('theirs', 'kept')\"); c.commit(); c.close()"
    )

    async def case(store: sqlite.SQLiteStore) -> None:
        await store.write(installation.keep_fact, "first", "kept")
        again = sqlite.connect(str(tmp_path / "store.db"), 50)
        again.close()
        command = [sys.executable, "-c", program, str(tmp_path / "store.db")]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=30)
        assert (tmp_path / "store.db-wal").exists()
        await store.write(installation.keep_fact, "second", "kept")

    _run(tmp_path / "store.db", case)

    async def look(store: sqlite.SQLiteStore) -> list[str | None]:
        return [await store.read(installation.fact, name) for name in ("first", "theirs", "second")]

    assert _run(tmp_path / "store.db", look) == ["kept"] * 3


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    """A file that is no database is refused at the start, with a next step."""
    file = tmp_path / "store.db"
    file.write_bytes(b"not a database, but long enough to look at " * 100)
    for attempt in (opening.prepare(f"sqlite:///{file}", NOW), opening.open_store(f"sqlite:///{file}")):
        with pytest.raises(errors.Misconfigured) as met:
            asyncio.run(attempt)
        assert met.value.code == "database-unusable"
        assert met.value.hint


def test_lost_tables_are_unavailable(tmp_path: Path) -> None:
    """A database that changed under the program fails closed, for reading and for writing."""

    async def case(store: sqlite.SQLiteStore) -> None:
        store._writing.execute("DROP TABLE installation_facts")
        for attempt in (
            store.read(installation.fact, "a"),
            store.read(store_suite.two_facts),
            store.write(installation.keep_fact, "a", "b"),
        ):
            with pytest.raises(errors.Unavailable):
                await attempt

    _run(tmp_path / "store.db", case)


def test_writers_survive_a_closed_event_loop(tmp_path: Path) -> None:
    """A loop that ends while its plan is written takes nothing down: the next loop is served by the same store."""
    url = f"sqlite:///{tmp_path}/store.db"
    asyncio.run(opening.prepare(url, NOW))
    store = asyncio.run(opening.open_store(url))

    async def give_up() -> None:
        asyncio.get_running_loop().create_task(store.write(installation.keep_fact, "a", "b"))
        await asyncio.sleep(0)

    async def go_on() -> str | None:
        await store.write(installation.keep_fact, "c", "d")
        return await store.read(installation.fact, "c")

    asyncio.run(give_up())
    assert asyncio.run(go_on()) == "d"
    asyncio.run(store.close())


def test_databases_in_memory_are_apart() -> None:
    """Two stores in memory share nothing."""

    async def case() -> None:
        first = await opening.open_store("sqlite:///:memory:")
        second = await opening.open_store("sqlite:///:memory:")
        await first.write(installation.keep_fact, "a", "b")
        assert await second.read(installation.fact, "a") is None
        await first.close()
        await second.close()

    asyncio.run(case())
