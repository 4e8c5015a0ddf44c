"""The store on SQLite: statements on the event loop, commits in groups on one thread.

Every commit is flushed to disk before it is acknowledged (`synchronous=FULL`); see docs/explanation/durability.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from intaglio.errors import Misconfigured
from intaglio.server.model.plan import Ask, Conflict, Plan, Row
from intaglio.server.store import driving, groupcommit, mounts, queries

T = TypeVar("T")

MEMORY = ":memory:"
# The first with RETURNING (SQLite release history, 2021-03-12).
OLDEST = (3, 35, 0)
WRITER_PATIENCE_MS = 10_000
# The event loop stands still while a reader waits, and readers wait only while a database is recovered.
READER_PATIENCE_MS = 1_000
_UNIQUE = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}
)


def connect(path: str, patience_ms: int) -> sqlite3.Connection:
    """Open a database with the settings on which durability rests; the file is made, for its owner only, if absent.

    Raises `Misconfigured` (`storage-on-network`, `sqlite-too-old`) and sqlite3.Error.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise Misconfigured(
            "sqlite-too-old",
            "The SQLite of this Python is too old.",
            detail={"expected": ".".join(map(str, OLDEST)), "received": sqlite3.sqlite_version},
            hint="Use a Python with a newer SQLite, or PostgreSQL.",
        )
    if path != MEMORY:
        mounts.refuse_network(Path(path))
        _make_private(path)
    connection = sqlite3.connect(
        path, timeout=patience_ms / 1000, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    # SECURITY: what is deleted or replaced leaves the file as well, as texts under keys that were given up; some builds
    # have it so, others not (test_replaced_texts_leave_the_file).
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def lock_path(path: str) -> Path:
    """Return the file on which processes take turns in writing to a database."""
    return Path(path + "-lock")


def _make_private(path: str) -> None:
    # NOTE: a file that is there is never opened here. Closing it would drop the POSIX locks that this process's other
    # connections hold on it, another process would take itself for the last one, and remove the log in use: lost
    # writes (SQLite, "How To Corrupt An SQLite Database File", section 2.2; test_crash shows it).
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        flush_folder(Path(path).parent)


def flush_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a file just made in it is still there after a power cut. See fsync(2)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fault(error: Exception, ask: Ask) -> Exception:
    """Return our error for one of SQLite's: `Conflict`, `ProtocolFault`, `IntaglioError` or `Unavailable`."""
    if isinstance(error, sqlite3.IntegrityError):
        if error.sqlite_errorcode in _UNIQUE:
            return Conflict()
        return driving.refused(ask, error.sqlite_errorname)
    if isinstance(error, UnicodeEncodeError):
        return driving.unstorable(ask)
    if isinstance(error, (OverflowError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return driving.refused(ask, type(error).__name__)
    return driving.unavailable(getattr(error, "sqlite_errorname", type(error).__name__), query=ask.name)


class SQLiteStore:
    """Runs plans on one SQLite database; used from one thread, and opened after any fork.

    A database in memory has one connection, on which plans run at once: nothing there outlives the process.
    """

    def __init__(self, path: str, *, patience_ms: int = WRITER_PATIENCE_MS) -> None:
        self._queries = queries.load("sqlite")
        self._closed = False
        self._writing = connect(path, patience_ms)
        self._reading = self._writing
        self._writer: groupcommit.GroupCommit | None = None
        if path != MEMORY:
            self._reading = connect(path, READER_PATIENCE_MS)
            self._reading.execute("PRAGMA query_only = ON")
            for connection in (self._writing, self._reading):
                # What SQLite would put aside in a folder for temporary files stays here: there may be none to write to.
                connection.execute("PRAGMA temp_store = MEMORY")
            self._turn = groupcommit.Turn(lock_path(path), patience_ms)
            self._writer = groupcommit.GroupCommit(self._writing, self._answer_writing, self._turn, patience_ms)

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for migrations of a database in memory."""
        return self._writing

    async def read(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan that changes nothing; see `model.plan.Store`. Raises `Unavailable` (`storage-unavailable`)."""
        if self._closed:
            raise driving.unavailable("closed")
        if self._writer is None or getattr(plan, "single", False):
            return driving.drive(plan(*args), self._answer_reading)
        try:
            self._reading.execute("BEGIN")
            return driving.drive(plan(*args), self._answer_reading)
        except sqlite3.Error as exc:
            raise driving.unavailable(type(exc).__name__) from exc
        finally:
            if self._reading.in_transaction:
                self._reading.execute("ROLLBACK")

    async def write(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Run a plan as one transaction; see `model.plan.Store`. Raises `Unavailable` (`storage-unavailable`)."""
        if self._closed:
            raise driving.unavailable("closed")
        if self._writer is None:
            return self._write_at_once(plan, args)
        job = groupcommit.Job(asyncio.get_running_loop(), plan, args)
        self._writer.submit(job)
        result: T = await job.future
        return result

    async def close(self) -> None:
        """Write what was handed over, then let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await self._writer.drain()
            await asyncio.to_thread(self._let_go, self._writer)
        else:
            self._writing.close()

    def _let_go(self, writer: groupcommit.GroupCommit) -> None:
        writer.stop()
        self._reading.close()
        # The last connection of all copies the log into the database: as a write, in its turn.
        with contextlib.suppress(TimeoutError), self._turn:
            self._writing.close()
        self._writing.close()
        self._turn.close()

    def _write_at_once(self, plan: Callable[..., Plan[T]], args: tuple[Any, ...]) -> T:
        connection = self._writing
        try:
            connection.execute("BEGIN IMMEDIATE")
            value = driving.drive(plan(*args), self._answer_writing)
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise driving.unavailable(type(exc).__name__) from exc
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return value

    def _answer_reading(self, ask: Ask) -> list[Row]:
        query = driving.find(self._queries, ask, reading=True)
        try:
            return self._reading.execute(query.text, ask.values).fetchall()
        except UnicodeEncodeError:
            # No row can hold what cannot be encoded.
            return []
        except (sqlite3.Error, OverflowError) as exc:
            raise fault(exc, ask) from exc

    def _answer_writing(self, ask: Ask) -> list[Row]:
        query = driving.find(self._queries, ask, reading=False)
        if query.writes and not driving.is_storable(ask.values):
            raise driving.unstorable(ask)
        try:
            rows = self._writing.execute(query.text, ask.values).fetchall()
            if rows or not query.gives:
                for text in query.more:
                    self._writing.execute(text, ask.values)
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as exc:
            raise fault(exc, ask) from exc
        return rows
