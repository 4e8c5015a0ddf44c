"""Queries that wait until something changes: held as long as their clients are there, and no longer.

A client that is gone is noticed when its connection is, so that nothing is kept for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from intaglio.errors import Unavailable
from intaglio.server.http.framework import Disconnected, Receive

T = TypeVar("T")

LIMIT = 1000
"""How many may wait at a time: others are sent away to ask again."""


class Waiting:
    """Holds the queries that wait, of one process."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._ended = asyncio.Event()
        self.held = 0

    def __repr__(self) -> str:
        return f"Waiting({self.held})"

    def end(self) -> None:
        """Let everybody go, for the server stops."""
        self._ended.set()

    async def hold(self, acting: Awaitable[T], receive: Receive) -> T:
        """Return what acting returns, or raises.

        Raises `Disconnected` when the client goes; `Unavailable` (`stopping`, `too-many-waiting`) when the server
        stops, or too many wait already. Acting is ended then.
        """
        act = asyncio.ensure_future(acting)
        if self.held >= self._limit:
            await _put_down(act)
            raise Unavailable("too-many-waiting", detail={"limit": self._limit})
        gone, ended = asyncio.ensure_future(_goes(receive)), asyncio.ensure_future(self._ended.wait())
        self.held += 1
        try:
            await asyncio.wait((act, gone, ended), return_when=asyncio.FIRST_COMPLETED)
            if act.done():
                return act.result()
            if gone.done():
                raise Disconnected
            raise Unavailable("stopping", "The server stops. Ask again.")
        finally:
            self.held -= 1
            await _put_down(act, gone, ended)


async def _goes(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _put_down(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
