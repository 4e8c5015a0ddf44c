"""Group commit: many plans, one transaction, one flush to disk.

Statements run on the event loop, where nothing competes for the interpreter; only COMMIT, which waits for the disk,
runs on a thread, and meanwhile the next plans gather. Nobody hears of success before COMMIT has returned.

    gathering ──turn──▶ statements (event loop) ──▶ COMMIT (thread) ──▶ acknowledged ──▶ gathering

NOTE: with the statements on the thread as well, each of them gave up the interpreter's lock and waited for it behind
whatever the event loop was doing, a signature of 300 us for instance (docs/decisions/0005).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import struct
import sys
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
    """A lock between processes on a file beside the database, taken in turns.

    Two locks: whoever wants the turn first becomes the next in line and stays so until the turn is theirs. So a busy
    process that has just given it cannot take it again before one that waits.

    NOTE: SQLite would wait as well, but in sleeps of up to 100 ms; these are of half a millisecond at most. A wait in
    the kernel would not end if the holder were stopped. Checkpoints happen within COMMIT and on the last close, both in
    their turn: so two never meet, which damages a database before SQLite 3.51.3 (its "WAL-reset bug").
    """

    def __init__(self, path: Path, patience_ms: int) -> None:
        self._patience = patience_ms / 1000
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        """Take the lock; raises TimeoutError when patience is over."""
        deadline = time.monotonic() + self._patience
        self._wait(self._is_next, deadline)
        try:
            self._wait(self._take, deadline)
        finally:
            self._step_back()

    @staticmethod
    def _wait(take: Callable[[], bool], deadline: float) -> None:
        pause = 0.000_05
        while not take():
            if time.monotonic() > deadline:
                raise TimeoutError("another process keeps the lock")
            time.sleep(pause)
            pause = min(2 * pause, 0.000_5)

    def take_now(self) -> bool:
        """Take the lock if nobody has it and nobody waits for it, and tell whether it was taken."""
        if not self._is_next():
            return False
        try:
            return self._take()
        finally:
            self._step_back()

    def _is_next(self) -> bool:
        return _place(self._descriptor, _MINE)

    def _step_back(self) -> None:
        _place(self._descriptor, _ANYBODYS)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give(self) -> None:
        """Let the next process have its turn."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()

    def close(self) -> None:
        """Let go of the file; the file itself stays, since another process may hold it."""
        os.close(self._descriptor)


# The place of the next in line is a lock on the file's first octet that belongs to the open file, as the turn does
# (fcntl(2), "Open file description locks"); where the system has none, whoever comes first is next.
# The layout of the record is that of 64-bit Linux.
_SET = getattr(fcntl, "F_OFD_SETLK", None) if sys.platform == "linux" and sys.maxsize > 2**32 else None
_MINE, _ANYBODYS = (struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0) for kind in (fcntl.F_WRLCK, fcntl.F_UNLCK))


def _place(descriptor: int, wanted: bytes) -> bool:
    if _SET is None:
        return True
    try:
        fcntl.fcntl(descriptor, _SET, wanted)
    except BlockingIOError:
        return False
    return True


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


class _Spoilt(Exception):
    """A plan raised after others had run beside it without savepoints."""


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
    """The writer of one database and process: gathers plans, runs them together, commits on its thread.

    Everything but `_work` and what it calls runs on the event loop; the connection is never used by both at once.
    """

    def __init__(
        self, connection: sqlite3.Connection, answer: Callable[[Ask], list[Row]], turn: Turn, patience_ms: int
    ) -> None:
        self._connection = connection
        self._answer = answer
        self._turn = turn
        self._patience_ms = patience_ms
        self._gathered: list[Job] = []
        self._busy = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drained: asyncio.Future[None] | None = None
        self._works: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # The event loop must not stand still for another program's lock; the thread waits for it instead.
        connection.execute("PRAGMA busy_timeout = 0")
        self._thread = threading.Thread(target=self._work, name="intaglio-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a plan into the next transaction; its future is resolved once that is on disk."""
        self._recover()
        self._gathered.append(job)
        if not self._busy:
            self._busy = True
            self._loop = job.loop
            job.loop.call_soon(self._begin, job.loop)

    def _recover(self) -> None:
        """Begin anew if the event loop that was at work has ended; nobody is left who waits for its plans."""
        if self._busy and self._loop is not None and self._loop.is_closed():
            at_rest = threading.Event()
            self._works.put(at_rest.set)
            at_rest.wait()
            self._roll_back()
            self._turn.give()
            self._gathered.clear()
            self._busy = False

    async def drain(self) -> None:
        """Wait until nothing is gathered and nothing is being committed."""
        self._recover()
        if self._busy:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def stop(self) -> None:
        """End the thread; only when idle. Blocks."""
        self._works.put(None)
        self._thread.join()

    # --- on the event loop

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            begun = self._turn.take_now()
            if begun:
                self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            # Another program has the database's own lock: wait for it elsewhere, in turn.
            self._works.put(lambda: self._begin_patiently(loop, has_turn=True))
        except BaseException as failure:  # noqa: BLE001 - whatever it was, nobody is told of success
            self._turn.give()
            self._failed(self._next_batch(), failure, loop)
        else:
            if begun:
                self._fill(loop)
            else:
                self._works.put(lambda: self._begin_patiently(loop, has_turn=False))

    def _next_batch(self) -> list[Job]:
        batch, self._gathered = self._gathered[:BATCH], self._gathered[BATCH:]
        return batch

    def _fill(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the gathered plans in the transaction that has begun, and have it committed."""
        # A caller who gave up before the plan began is not served.
        batch = [job for job in self._next_batch() if not job.future.done()]
        try:
            self._run(batch)
        except BaseException as failure:  # noqa: BLE001 - whatever it was, nobody is told of success
            self._roll_back()
            self._turn.give()
            self._failed(batch, failure, loop)
            return
        self._works.put(lambda: self._commit(batch, loop))

    def _run(self, batch: Sequence[Job]) -> None:
        try:
            for job in batch:
                self._run_plainly(job, alone=len(batch) == 1)
        except _Spoilt:
            # Plans may run again from their start: this time each with a savepoint, so that one takes nothing with it.
            self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._run_apart(job)

    def _run_plainly(self, job: Job, *, alone: bool) -> None:
        if alone:
            self._run_apart(job)
            return
        try:
            job.value = driving.drive(job.plan(*job.args), self._answer)
        except BaseException as error:
            if not self._connection.in_transaction:
                raise
            raise _Spoilt from error

    def _run_apart(self, job: Job) -> None:
        try:
            job.value = run_in_savepoint(self._connection, self._answer, job.plan, job.args)
        except BaseException as error:
            # NOTE: a full disk or an I/O error rolls back the whole transaction, not the savepoint only. To go on
            # would run the next plans outside any transaction.
            if not self._connection.in_transaction:
                raise
            job.error = error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _failed(self, batch: Sequence[Job], failure: BaseException, loop: asyncio.AbstractEventLoop) -> None:
        _spoil(batch, failure)
        self._acknowledge(batch, loop)

    def _acknowledge(self, batch: Sequence[Job], loop: asyncio.AbstractEventLoop) -> None:
        for job in batch:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.value)
        if self._gathered:
            # Those who were just told may have more to write: one round of the loop lets them join.
            loop.call_soon(self._begin, loop)
        else:
            self._busy = False
            if self._drained is not None and not self._drained.done():
                self._drained.set_result(None)

    # --- on the thread

    def _work(self) -> None:
        while (work := self._works.get()) is not None:
            work()

    def _begin_patiently(self, loop: asyncio.AbstractEventLoop, *, has_turn: bool) -> None:
        """Wait for the turn and for the database's lock, then go on on the event loop."""
        try:
            if not has_turn:
                self._turn.__enter__()
            try:
                self._connection.execute(f"PRAGMA busy_timeout = {self._patience_ms:d}")
                self._connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                self._turn.give()
                raise
            finally:
                self._connection.execute("PRAGMA busy_timeout = 0")
        except BaseException as failure:  # noqa: BLE001 - whatever it was, the thread lives on
            reason = failure
            self._on_loop(loop, lambda: self._failed(self._next_batch(), reason, loop))
            return
        self._on_loop(loop, lambda: self._fill(loop))

    def _commit(self, batch: Sequence[Job], loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._connection.execute("COMMIT")
        except BaseException as failure:  # noqa: BLE001 - whatever it was, nobody is told of success
            self._roll_back()
            _spoil(batch, failure)
        finally:
            self._turn.give()
        self._on_loop(loop, lambda: self._acknowledge(batch, loop))

    def _on_loop(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        # A closed loop has nobody left who waits; the next loop that comes recovers.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(then)


def _spoil(batch: Sequence[Job], failure: BaseException) -> None:
    reason = getattr(failure, "sqlite_errorname", type(failure).__name__)
    for job in batch:
        job.error = driving.unavailable(reason)
        job.error.__cause__ = failure
