"""Gives out tokens: ID tokens fresh each time, access tokens kept while enough is left of them; and is quick to fail.

Clients of a metadata server wait half a second to three, and ask again and again: a server that does not answer must
not make each of them wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from intaglio.clock import Clock
from intaglio.errors import Unavailable
from intaglio.server.agent.sources import Source

T = TypeVar("T")

FRESH = 600
"""Seconds that are left of a kept token before another one is tried for."""
LEAST = 300
"""Seconds that have to be left of what is given out: clients renew from five minutes before the end."""
BUDGET_SECONDS = 2.5
KEPT_BUDGET_SECONDS = 0.3
"""How long another one is tried for while the kept one would still do."""
PAUSE_SECONDS = 1.0
"""After the server did not answer, it is not asked for the same kind of token of the same account for this long."""
MAX_KEPT = 1000


Wanted = tuple[str, str]
"""An account, and the kind of token that is wanted."""


class Kept(msgspec.Struct, frozen=True):
    """An access token and when it ends, in epoch seconds."""

    text: str
    expires_at: int

    def __repr__(self) -> str:
        return f"Kept(…, {self.expires_at})"


class Desk:
    """Gives out tokens of one source; belongs to one event loop."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._kept: dict[tuple[str, tuple[str, ...]], Kept] = {}
        self._asked: dict[tuple[str, tuple[str, ...]], asyncio.Task[Kept]] = {}
        # What fails for one user of this machine must not be a pause for the others, and little patience, where a kept
        # token will do, none for those who want an ID token.
        self._silent_until: dict[Wanted, float] = {}

    def __repr__(self) -> str:
        return "Desk(…)"

    async def id_token(self, account: str, audience: str) -> str:
        """Return an ID token that was made now; raises `Denied`, `Unavailable`, `Misconfigured`."""
        wanted = (account, "identity")
        self._refuse_while_silent(wanted)
        return await self._within(wanted, self._source.id_token(account, audience), BUDGET_SECONDS)

    async def access_token(self, account: str, scopes: tuple[str, ...]) -> Kept:
        """Return an access token of which more than five minutes are left; raises as `id_token` does."""
        key, now = (account, scopes), self._clock.now()
        kept = self._kept.get(key)
        left = kept.expires_at - now if kept is not None else 0
        if kept is not None and left > FRESH:
            return kept
        try:
            wanted = (account, "access")
            self._refuse_while_silent(wanted)
            # One call for all that wait; who loses patience does not end it for the others.
            asked = asyncio.shield(self._renewal(key))
            return await self._within(wanted, asked, KEPT_BUDGET_SECONDS if left > LEAST else BUDGET_SECONDS)
        except Unavailable:
            if kept is not None and left > LEAST:
                return kept
            raise

    def _renewal(self, key: tuple[str, tuple[str, ...]]) -> asyncio.Task[Kept]:
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(self._renew(key))
            task.add_done_callback(lambda done: self._settle(key, done))
        return task

    def _settle(self, key: tuple[str, tuple[str, ...]], done: asyncio.Task[Kept]) -> None:
        self._asked.pop(key, None)
        # Who waited has gone: somebody has to look at what went wrong.
        if not done.cancelled():
            done.exception()

    async def _renew(self, key: tuple[str, tuple[str, ...]]) -> Kept:
        now = self._clock.now()
        given = await asyncio.wait_for(self._source.access_token(*key), BUDGET_SECONDS)
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        kept = self._kept[key] = Kept(given.text, now + given.lifetime)
        return kept

    def _pause(self, wanted: Wanted) -> None:
        self._silent_until[wanted] = asyncio.get_running_loop().time() + PAUSE_SECONDS

    def _refuse_while_silent(self, wanted: Wanted) -> None:
        if asyncio.get_running_loop().time() < self._silent_until.get(wanted, 0.0):
            raise Unavailable("upstream-silent", "The server does not answer.")

    async def _within(self, wanted: Wanted, asked: Awaitable[T], seconds: float) -> T:
        task = asyncio.ensure_future(asked)
        try:
            async with asyncio.timeout(seconds):
                return await task
        except TimeoutError as exc:
            self._pause(wanted)
            raise Unavailable("upstream-silent", "The server does not answer.") from exc
        except Unavailable:
            self._pause(wanted)
            raise
        finally:
            task.cancel()
