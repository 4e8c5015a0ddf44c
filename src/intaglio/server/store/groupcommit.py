"""One thread that writes: many plans, one transaction, one flush to disk.

Every plan has its own savepoint, so that one that fails takes nothing with it. Nobody hears of success before COMMIT
has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from intaglio.server.model.plan import Ask, Plan, Row
from intaglio.server.store import driving

BATCH = 128


class Turn:
    """A lock between processes on a file beside the database.

    NOTE: SQLite would wait as well, but in sleeps of up to 100 ms; these are of 1 ms at most. A wait in the kernel
    would be no faster, and would not end if the holder were stopped. Checkpoints happen within COMMIT and on the last
    close, both in their turn: so two never meet, which damages a database before SQLite 3.51.3 (its "WAL-reset bug").
    """

    def __init__(self, path: Path, patience_ms: int) -> None:
        self._patience = patience_ms / 1000
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        """Take the lock; raises TimeoutError when patience is over."""
        pause = 0.000_05
        waited = 0.0
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waited > self._patience:
                    raise TimeoutError("another process keeps the lock") from None  # That it is kept says it all.
            else:
                return
            time.sleep(pause)
            waited += pause
            pause = min(2 * pause, 0.001)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; the file itself stays, since another process may hold it."""
        os.close(self._descriptor)


class Job:
    """A plan that waits for its transaction, and what became of it."""

    __slots__ = ("args", "error", "future", "loop", "plan", "value")

    def __init__(self, loop: asyncio.AbstractEventLoop, plan: Callable[..., Plan[Any]], args: tuple[Any, ...]) -> None:
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.plan = plan
        self.args = args
        self.value: Any = None
        self.error: BaseException | None = None


def run_in_savepoint(
    connection: sqlite3.Connection, answer: Callable[[Ask], list[Row]], plan: Callable[..., Plan[Any]], args: Any
) -> Any:
    """Run a plan inside an open transaction; whatever it raises, its own rows are gone and the others' are not."""
    connection.execute("SAVEPOINT plan")
    try:
        value = driving.drive(plan(*args), answer)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO plan")
            connection.execute("RELEASE plan")
        raise
    connection.execute("RELEASE plan")
    return value


class GroupCommit:
    """The writer thread of one database and process."""

    def __init__(self, connection: sqlite3.Connection, answer: Callable[[Ask], list[Row]], turn: Turn) -> None:
        self._connection = connection
        self._answer = answer
        self._turn = turn
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intaglio-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Hand over a plan; its future is resolved in its own event loop."""
        self._waiting.put(job)

    def stop(self) -> None:
        """Write everything that was handed over, then end the thread. Blocks."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._take()
            if batch:
                self._commit(batch)
                _report(batch)

    def _take(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        job = self._waiting.get()
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH:
                return batch, True
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: Sequence[Job]) -> None:
        try:
            with self._turn:
                self._transaction(batch)
        except BaseException as failure:  # noqa: BLE001 -- see below
            # Whatever it was, the thread lives on and nobody is told of success.
            reason = getattr(failure, "sqlite_errorname", type(failure).__name__)
            for job in batch:
                job.error = driving.unavailable(reason)
                job.error.__cause__ = failure

    def _transaction(self, batch: Sequence[Job]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                # A caller who gave up before the plan began is not served.
                if not job.future.done():
                    self._one(job)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise

    def _one(self, job: Job) -> None:
        try:
            job.value = run_in_savepoint(self._connection, self._answer, job.plan, job.args)
        except BaseException as error:
            # NOTE: a full disk or an I/O error rolls back the whole transaction, not the savepoint only. To go on
            # would run the next plans outside any transaction.
            if not self._connection.in_transaction:
                raise
            job.error = error


def _report(batch: Sequence[Job]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        # A closed loop has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)
