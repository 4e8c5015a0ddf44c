"""A thread that signs with RSA beside the event loop.

An RSA signature takes some 250 us, a third of a whole sign-in, and gives up the interpreter's lock meanwhile; so the
event loop goes on. Other algorithms are done sooner than a thread is woken, and are signed where they are.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Protocol

import msgspec

SLOW = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"})

TOGETHER = 4
"""Signatures that are told at once where so many came at once, a millisecond of RSA.

With more, this thread has nothing to do while the event loop asks for the next ones; with fewer, the two spend their
time on waking each other.
"""


class Signs(Protocol):
    """Turns octets into the text of a signature, or of what it signs."""

    def sign(self, payload: bytes) -> str:
        """Return the text."""
        ...


class _Job(msgspec.Struct, frozen=True):
    future: asyncio.Future[str]
    signer: Signs
    payload: bytes
    loop: asyncio.AbstractEventLoop

    def __repr__(self) -> str:
        return "_Job(…)"


class SignerThread:
    """Signs payloads one after the other; started when it is first needed."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._gathered: list[_Job] = []
        self._thread: threading.Thread | None = None

    def sign(self, signer: Signs, payload: bytes) -> asyncio.Future[str]:
        """Return what `signer.sign(payload)` will return, or raise."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="intaglio-signer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        job = _Job(loop.create_future(), signer, payload, loop)
        self._gathered.append(job)
        if len(self._gathered) == 1:
            # One wake-up for all that this turn of the event loop gathers.
            loop.call_soon(self._hand_over)
        return job.future

    def _hand_over(self) -> None:
        jobs, self._gathered = self._gathered, []
        self._jobs.put(jobs)

    def close(self) -> None:
        """End the thread after what was handed over."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (jobs := self._jobs.get()) is not None:
            for start in range(0, len(jobs), TOGETHER):
                group = jobs[start : start + TOGETHER]
                done = [(job.future, _signed(job)) for job in group]
                try:
                    # What came together is told together: each wake-up of the event loop takes the interpreter's lock
                    # from one and gives it to the other, which costs as much as half a signature.
                    group[0].loop.call_soon_threadsafe(_tell, done)
                except RuntimeError:
                    # A closed loop has nobody left who waits.
                    continue


def _signed(job: _Job) -> str | Exception:
    try:
        return job.signer.sign(job.payload)
    except Exception as error:  # noqa: BLE001 - whoever waits gets it
        return error


def _tell(done: list[tuple[asyncio.Future[str], str | Exception]]) -> None:
    for future, result in done:
        _resolve(future, result)


def _resolve(future: asyncio.Future[str], done: str | Exception) -> None:
    if future.done():
        return
    if isinstance(done, Exception):
        future.set_exception(done)
    else:
        future.set_result(done)
