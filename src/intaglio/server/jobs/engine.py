"""Takes entries of the outbox under leases, has them done, removes them or gives them back; loses none.

At least once: an entry is removed only after it was done, and one whose worker died is taken again when its lease has
run out. Bounded: attempts, time, entries at a time, and entries at a time for one target.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import IntaglioError
from intaglio.server.model import outbox
from intaglio.server.model.outbox import Entry, Undelivered
from intaglio.server.model.plan import Store

LOG = logging.getLogger("intaglio.work")

EVERY = 0.5
"""Seconds between two looks at an outbox that had nothing to do."""
LEASE = 60
"""Seconds for which an entry is taken; an attempt is ended well before."""
ATTEMPT_SECONDS = 30.0
AT_A_TIME = 32
SHARE = 4
"""Entries at a time, of all targets and of one."""
ATTEMPTS = 8
FIRST_PAUSE, LONGEST_PAUSE = 2, 3600
"""Seconds before the second attempt, and at most before any; each pause is four times the last."""
GRACE = 5.0
"""Seconds that attempts under way are given when the engine stops; what they leave is taken again later."""


Act = Callable[[Entry], Awaitable[None]]
"""Does what an entry asks for, or raises `Undelivered`. It may be asked again for what it has done."""


def pause(entry: Entry) -> int:
    """Return the seconds until the next attempt: four times the last pause, and up to a quarter more by the entry."""
    span: int = min(FIRST_PAUSE * 4 ** (entry.attempts - 1), LONGEST_PAUSE)
    # Entries that failed together do not come back together; which is which need not be secret.
    spread = hashlib.sha256(entry.entry_id.encode()).digest()[0]
    return span + span * spread // 1024


class Engine:
    """Works through one outbox. Several engines, in several processes, may share it."""

    def __init__(self, store: Store, clock: Clock, acts: Mapping[str, Act]) -> None:
        self._store = store
        self._clock = clock
        self._acts = acts
        self._lease = ids.opaque(12)
        self._running: set[asyncio.Task[None]] = set()

    async def forever(self) -> None:
        """Work until cancelled; then give what is under way a few seconds."""
        try:
            while True:
                if not await self._safe_turn():
                    await self._rest()
        finally:
            await self._finish_up()

    async def drain(self) -> None:
        """Do what is due now, and return when nothing is."""
        while await self._turn() or self._running:
            if self._running:
                await asyncio.wait(self._running)

    async def _safe_turn(self) -> bool:
        try:
            return await self._turn()
        except Exception:
            # Nobody would notice an engine that has ended; one that stumbles says so and looks again.
            LOG.exception("the engine stumbled")
            return False

    async def _turn(self) -> bool:
        """Take what is due and begin with it; tell whether there was anything to take."""
        free = AT_A_TIME - len(self._running)
        if free <= 0:
            return False
        try:
            taken = await self._claim(free)
        except IntaglioError as error:
            LOG.warning("the outbox cannot be read: %s", error)
            return False
        for entry in taken:
            task = asyncio.create_task(self._attempt(entry))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(taken)

    async def _claim(self, free: int) -> list[Entry]:
        now = self._clock.now()
        # A claim writes even if it finds nothing; looking first leaves an idle database alone.
        if not await self._store.read(outbox.is_due, now):
            return []
        return await self._store.write(outbox.claim, self._lease, now, now + LEASE, SHARE, free)

    async def _rest(self) -> None:
        """Wait for the next look: a moment, or until an attempt makes room."""
        if self._running:
            await asyncio.wait(self._running, timeout=EVERY, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(EVERY)

    async def _finish_up(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
        for task in self._running:
            task.cancel()

    async def _attempt(self, entry: Entry) -> None:
        try:
            await self._settle(entry, await self._outcome(entry))
        except IntaglioError as error:
            # Its lease runs out, and it is tried again.
            LOG.warning("the outbox cannot be written: %s %s", entry.entry_id, error)

    async def _outcome(self, entry: Entry) -> Undelivered | None:
        act = self._acts.get(entry.kind)
        if act is None:
            return Undelivered("nobody does this kind of thing here", final=True)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await act(entry)
        except Undelivered as failed:
            return failed
        except IntaglioError as error:
            return Undelivered(error.code)
        except TimeoutError:
            return Undelivered("it took too long")
        except Exception as error:
            # One faulty entry must not end the engine; it is logged with its trace, and in the end given up.
            LOG.exception("unexpected error %s %s", entry.entry_id, entry.kind)
            return Undelivered(type(error).__name__)
        return None

    async def _settle(self, entry: Entry, failed: Undelivered | None) -> None:
        now = self._clock.now()
        if failed is None:
            await self._store.write(outbox.finish, entry.entry_id, entry.lease)
            return
        due_at = now + pause(entry)
        if failed.final or entry.attempts >= ATTEMPTS or due_at > entry.give_up_at:
            if await self._store.write(outbox.finish, entry.entry_id, entry.lease):
                LOG.error("gave up %s", _line(entry, failed.why))
            return
        await self._store.write(outbox.again, entry, due_at, now)
        LOG.warning("put off %s", _line(entry, failed.why, next_in=due_at - now))


def _line(entry: Entry, why: str, **more: int) -> str:
    told = {"ref": entry.entry_id, "kind": entry.kind, "target": entry.target, "attempt": entry.attempts, "why": why}
    return json.dumps(told | more)
