"""A bounded set of connections, taken and given back without a task or a round trip (the driver's pool needs both)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from intaglio.server.store import driving


class Pool:
    """At most `size` connections of one event loop; the one used last is used next."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, patience_seconds: float) -> None:
        self._connect = connect
        self._size = size
        self._patience = patience_seconds
        self._busy: set[Any] = set()
        self._idle: list[Any] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._growing: set[asyncio.Task[None] | None] = set()
        self._closed = False
        self._all_back = asyncio.Event()

    async def take(self) -> Any:
        """Return a connection for the caller alone; it must be given back.

        Raises `Unavailable` (`storage-unavailable`) once closed, TimeoutError if none is free in time, and whatever
        connecting raises.
        """
        while not self._closed:
            if self._idle:
                connection = self._idle.pop()
                self._busy.add(connection)
            else:
                connection = await self._wait()
            if connection is not None and not connection.is_closed():
                return connection
            self._busy.discard(connection)
        raise driving.unavailable("closed")

    async def _wait(self) -> Any:
        """Return the next connection that comes free, in the order of asking; None if there will be none."""
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if len(self._busy) + len(self._growing) < self._size:
            # NOTE: a task of its own, so that a caller who is cancelled does not cut a connection off half-made.
            task = asyncio.create_task(self._grow())
            self._growing.add(task)
        try:
            async with asyncio.timeout(self._patience):
                return await waiter
        except (asyncio.CancelledError, TimeoutError):
            # Whoever was served and does not come passes the connection on.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._busy.discard(waiter.result())
                self._hand_on(waiter.result())
            raise

    async def _grow(self) -> None:
        task = asyncio.current_task()
        try:
            connection = await self._connect()
        except Exception as exc:  # noqa: BLE001 -- whatever it is, the one who waits for the connection gets it
            self._growing.discard(task)
            self._fail(exc)
        else:
            self._growing.discard(task)
            self._hand_on(connection)

    def _fail(self, failure: Exception) -> None:
        waiter = self._next()
        while waiter is not None:
            waiter.set_exception(failure)
            # With no connection left that could come back, nobody else waits in vain either.
            waiter = None if self._busy or self._growing else self._next()

    def _next(self) -> asyncio.Future[Any] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _hand_on(self, connection: Any) -> None:
        # NOTE: given to the one who waits longest, not laid down for whoever comes first: those who give back and
        # ask again at once would starve the others.
        waiter = self._next()
        if waiter is not None:
            # It counts as in use from now on, though its user has not run yet: else one too many would be made.
            if connection is not None:
                self._busy.add(connection)
            waiter.set_result(connection)
        elif connection is not None and self._closed:
            connection.terminate()
        elif connection is not None:
            self._idle.append(connection)

    def give(self, connection: Any, *, sound: bool) -> None:
        """Give a connection back; one that is not sound (a plan was cut off on it) is dropped, and so rolled back."""
        self._busy.discard(connection)
        if self._closed or not sound or connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
            # Whoever waits looks again, and may make a new connection.
            self._hand_on(None)
        else:
            self._hand_on(connection)
        if self._closed and not self._busy:
            self._all_back.set()

    async def close(self) -> None:
        """Close what is idle at once, and what is in use when it is given back, for which there is some patience."""
        if self._closed:
            return
        self._closed = True
        while (waiter := self._next()) is not None:
            waiter.set_result(None)
        if self._growing:
            await asyncio.wait([task for task in self._growing if task], timeout=self._patience)
        while self._idle:
            await self._idle.pop().close(timeout=self._patience)
        if self._busy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._all_back.wait()
        for connection in self._busy:
            connection.terminate()
        # The event loop closes the sockets of terminated connections in its next round.
        await asyncio.sleep(0)
