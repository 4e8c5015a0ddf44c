"""Taking connections from a listening socket that other processes take from as well, so that each has its share."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger("intaglio.http")
ABSENT = -1
STEP_BACK_SECONDS = 0.002
"""How long a process leaves the next connection to another, for each that it has more than that one."""
FARTHEST = 10
FULL_SECONDS = 0.1
HANDSHAKE_SECONDS = 10.0
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Tally:
    """How many connections each of several processes has, in memory that they share; `mine` is this one's place."""

    def __init__(self, cells: memoryview, mine: int) -> None:
        self._cells = cells
        self._mine = mine

    def keep(self, count: int) -> None:
        """Take note of how many connections this process has."""
        self._cells[self._mine] = count

    def leave(self) -> None:
        """Take no part any longer."""
        self._cells[self._mine] = ABSENT

    def ahead(self) -> int:
        """Return how many connections this process has more than the one that has the fewest."""
        return int(self._cells[self._mine]) - min(count for count in self._cells if count > ABSENT)


class Acceptor:
    """Takes one connection at a time: what takes all that wait, as event loops do, leaves nothing to the others."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        tally: Tally,
        count: Callable[[], int],
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._tally = tally
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def begin(self) -> None:
        """Take what comes."""
        self._loop.add_reader(self._listening, self._comes)

    def take_all(self) -> None:
        """Take every connection that waits."""
        while self._take():
            pass

    def close(self) -> None:
        """Take no more."""
        if not self._closed:
            self._closed = True
            if self._pause is not None:
                self._pause.cancel()
            self._loop.remove_reader(self._listening)
            self._tally.leave()

    async def wait_closed(self) -> None:
        """Wait for what is being opened."""
        while self._opening:
            await asyncio.wait(self._opening)

    def _comes(self) -> None:
        self._tally.keep(self._count() + len(self._opening))
        ahead = min(self._tally.ahead(), FARTHEST)
        if ahead > 0:
            self._hold(ahead * STEP_BACK_SECONDS, self._after_others)
        else:
            self._take()

    def _hold(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, then)

    def _after_others(self) -> None:
        self._take()
        self._again()

    def _again(self) -> None:
        self._loop.add_reader(self._listening, self._comes)

    def _take(self) -> bool:
        try:
            taken, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in _FULL:
                raise
            LOG.warning("no connection can be taken now: %s", error.strerror)
            if not self._closed:
                self._hold(FULL_SECONDS, self._again)
            return False
        task = self._loop.create_task(self._open(taken))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, taken: socket.socket) -> None:
        taken.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        given: dict[str, Any] = {} if self._tls is None else {"ssl_handshake_timeout": HANDSHAKE_SECONDS}
        # Who hangs up while the connection is being opened, or speaks no TLS, is nobody's loss.
        with contextlib.suppress(OSError):
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, taken, ssl=self._tls, **given)
