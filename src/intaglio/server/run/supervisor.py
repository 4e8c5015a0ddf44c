"""Several workers under one process that opens nothing but their sockets, and begins one anew when it ends.

    starting ──first worker ready──▶ running ──a worker ends──▶ a new one, at once or after a while
                                        └──SIGTERM, SIGINT──▶ stopping ──all ended──▶ exit

The workers are forked before anything is opened, so that no connection and no lock is in two of them. Whatever this
process would need to know is in the database; it only lives longer than they do.
"""

from __future__ import annotations

import contextlib
import logging
import math
import mmap
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from intaglio.server.http.acceptor import ABSENT
from intaglio.server.run import seats
from intaglio.server.run.seats import Seat
from intaglio.server.run.systemd import Notifier

LOG = logging.getLogger("intaglio.run")
STUCK_SECONDS = 30.0
"""A worker that gives no sign of life for so long is ended: its event loop stands still."""
START_SECONDS = 60.0
STEADY_SECONDS = 10.0
"""A worker that lived for so long is followed at once; after a shorter life the next one waits, each time longer."""
LONGEST_SECONDS = 30.0
REFUSED = 2
"""The exit code of a worker whose settings are refused by now."""
REFUSED_SECONDS = 600.0
BEYOND_SECONDS = 15.0
"""What stopping may take beside draining, before what is left is killed."""
CRASHED = 1
_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class _Worker:
    """A worker as it is seen from above."""

    def __init__(self, pid: int, beat: int, now: float) -> None:
        self.pid = pid
        self.beat = beat
        self.begun_at = self.seen_at = now
        self.is_ready = False


class Supervisor:
    """Keeps `count` workers alive until it is told to stop."""

    def __init__(
        self,
        count: int,
        sockets: Sequence[socket.socket],
        notifier: Notifier,
        *,
        drain_seconds: float,
        on_ready: Callable[[], None],
    ) -> None:
        self._count = count
        self._sockets = sockets
        self._notifier = notifier
        self._drain_seconds = drain_seconds
        self._on_ready = on_ready
        self._workers: dict[int, _Worker] = {}
        self._due = {0: 0.0}
        self._short_lives = [0] * count
        self._begun = self._announced = False
        self._stopping_until: float | None = None
        self._code = 0
        # Shared memory: the first number tells whether all stop, the others how many connections each worker has.
        self._cells = memoryview(mmap.mmap(-1, 4 * (count + 1))).cast("i")
        self._life, self._own_life = os.pipe()
        self._wake, self._own_wake = os.pipe()
        for descriptor in (self._wake, self._own_wake):
            os.set_blocking(descriptor, False)

    def run(self) -> Seat | int:
        """Return the exit code when everything has ended; in a worker, return its seat at once."""
        self._listen_to_signals()
        self._beat_at = now = time.monotonic()
        while True:
            for number in [number for number, at in self._due.items() if at <= now]:
                seat = self._start(number)
                if seat is not None:
                    return seat
            if not self._workers and (self._stopping_until is not None or not self._due):
                return self._code
            before = time.monotonic()
            self._wait(before)
            now = time.monotonic()
            self._reap(now)
            self._look_after(now, asleep=now - before > STUCK_SECONDS / 2)

    # --- workers

    def _start(self, number: int) -> Seat | None:
        """Fork a worker; return its seat in the worker, None in this process."""
        del self._due[number]
        heard, said = os.pipe()
        os.set_blocking(heard, False)
        os.set_blocking(said, False)
        self._cells[1 + number] = ABSENT
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        pid = os.fork()
        if pid == 0:
            self._become_worker()
            os.close(heard)
            return Seat(number, is_first=not self._begun, beat=said, life=self._life, cells=self._cells)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        os.close(said)
        self._workers[number] = _Worker(pid, heard, time.monotonic())
        return None

    def _become_worker(self) -> None:
        """Leave behind what is the other process's: its pipes, and its ways with signals."""
        signal.set_wakeup_fd(-1)
        for number in _WATCHED:
            signal.signal(number, signal.SIG_DFL)
        # A terminal sends Ctrl+C to everybody; the process above passes it on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for descriptor in (self._own_life, self._wake, self._own_wake, *(one.beat for one in self._workers.values())):
            os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)

    def _reap(self, now: float) -> None:
        for number, worker in list(self._workers.items()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == 0:
                continue
            self._hear(number, worker, now)
            del self._workers[number]
            os.close(worker.beat)
            self._cells[1 + number] = ABSENT
            self._ended(number, worker, os.waitstatus_to_exitcode(status), now)

    def _ended(self, number: int, worker: _Worker, code: int, now: float) -> None:
        if self._stopping_until is not None:
            # One that was told to stop before it could listen to that ended by the signal itself.
            self._code = self._code or (CRASHED if code not in (0, -signal.SIGTERM) else 0)
        elif not self._begun:
            # What keeps the first worker from starting keeps every other one: it has said what, and this is its code.
            self._code = code if code > 0 else CRASHED
            self._stop(now)
        else:
            lived = now - worker.begun_at
            self._short_lives[number] = self._short_lives[number] + 1 if lived < STEADY_SECONDS else 0
            wait = pause(code, self._short_lives[number])
            self._due[number] = now + wait
            LOG.warning("worker %s ended (%s); another begins in %.1f s", worker.pid, _ending(code), wait)

    def _look_after(self, now: float, *, asleep: bool) -> None:
        """End whoever stands still; pass signs of life on; kill what does not stop in time."""
        for worker in self._workers.values():
            if asleep:
                # This process slept as well: the machine was stopped for a while, and they with it.
                worker.seen_at = now
            patience = STUCK_SECONDS if worker.is_ready else START_SECONDS
            if now - worker.seen_at > patience:
                LOG.error("worker %s stands still and is ended", worker.pid)
                worker.seen_at = now
                _send(worker.pid, signal.SIGKILL)
        if self._stopping_until is not None and now > self._stopping_until:
            self._stopping_until = math.inf
            for worker in self._workers.values():
                LOG.error("worker %s does not stop and is ended", worker.pid)
                _send(worker.pid, signal.SIGKILL)
        if self._notifier.every_seconds and now - self._beat_at >= self._notifier.every_seconds:
            self._beat_at = now
            self._notifier.beat()

    # --- waiting

    def _wait(self, now: float) -> None:
        beats = {worker.beat: number for number, worker in self._workers.items()}
        due = min(self._due.values(), default=now + seats.BEAT_SECONDS)
        readable, _, _ = select.select([self._wake, *beats], [], [], max(0.0, min(due - now, seats.BEAT_SECONDS)))
        now = time.monotonic()
        for descriptor in readable:
            if descriptor == self._wake:
                for number in os.read(self._wake, 64):
                    self._told(number, now)
            elif beats[descriptor] in self._workers:
                self._hear(beats[descriptor], self._workers[beats[descriptor]], now)

    def _hear(self, number: int, worker: _Worker, now: float) -> None:
        try:
            heard = os.read(worker.beat, 256)
        except BlockingIOError:
            return
        worker.seen_at = now
        if b"R" in heard:
            worker.is_ready = True
            self._is_ready(number)

    def _is_ready(self, number: int) -> None:
        if not self._begun:
            self._begun = True
            self._due |= {other: 0.0 for other in range(self._count) if other != number}
        ready = sum(worker.is_ready for worker in self._workers.values())
        if not self._announced and ready == self._count:
            self._announced = True
            self._notifier.ready()
            self._on_ready()

    # --- signals

    def _listen_to_signals(self) -> None:
        for number in _WATCHED:
            signal.signal(number, _note)
        signal.set_wakeup_fd(self._own_wake, warn_on_full_buffer=False)

    def _told(self, number: int, now: float) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop(now)
        elif number == signal.SIGHUP:
            for worker in self._workers.values():
                if worker.is_ready:
                    _send(worker.pid, signal.SIGHUP)

    def _stop(self, now: float) -> None:
        """Pass the signal on, each time that it comes; nobody is begun anew any more."""
        if self._stopping_until is None:
            self._stopping_until = now + self._drain_seconds + BEYOND_SECONDS
            self._notifier.stopping()
            self._due.clear()
            self._cells[0] = 1
            for one in self._sockets:
                one.close()
        for worker in self._workers.values():
            _send(worker.pid, signal.SIGTERM)


def pause(code: int, short_lives: int) -> float:
    """Return how many seconds the next worker waits behind one that ended with a code; `short_lives` in a row."""
    # SECURITY: a token whose PIN was changed is locked by a few tries with the old one, which nobody here can correct
    # (test_who_was_refused_does_not_hurry).
    if code == REFUSED:
        return REFUSED_SECONDS
    # NOTE: a worker that dies for hours must not make a number that is none, and end this process with the others.
    return min(0.1 * 2.0 ** min(short_lives, 30), LONGEST_SECONDS) if short_lives else 0.0


def _note(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: that the signal came is read from the pipe."""


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
