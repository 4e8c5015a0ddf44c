"""Seals the audit log about once a second, and removes what is older than it is kept; one process does it for all."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import IntaglioError
from intaglio.server.model import duties, seals
from intaglio.server.model.plan import Conflict, Store

LOG = logging.getLogger("intaglio.audit")
EVERY = 1.0
"""Seconds between two looks at what no seal covers yet."""
PAUSE = 0.02
"""Seconds between two seals of one look, in which others use the database."""
BATCH = 256
"""Entries of one seal: two milliseconds in which nobody else is answered."""
HELD = 5
"""Seconds for which the process that seals goes on doing so; when it dies another takes over."""
AWAY = 2.0
"""Seconds until a process looks again whether the one that seals is still there."""
PATIENCE = 2.0
"""Seconds that a process which ends takes for a last seal."""
PRUNE_EVERY = 3600
SEALS_AT_A_TIME = 8


class Sealer:
    """Seals one installation's log. `keep_days` is how long entries are kept, 0 for ever."""

    def __init__(self, store: Store, clock: Clock, key: bytes, keep_days: int) -> None:
        self._store = store
        self._clock = clock
        self._key = key
        self._keep_days = keep_days
        self._holder = ids.opaque(12)
        self._pruned_at = clock.now()

    def __repr__(self) -> str:
        return "Sealer(…)"

    async def forever(self) -> None:
        """Seal until cancelled, and once more at the end; a failure is logged and tried again a second later."""
        try:
            pause = EVERY
            while True:
                await asyncio.sleep(pause)
                pause = await self._look()
        finally:
            with contextlib.suppress(IntaglioError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self.seal()
                    await self._store.write(duties.lay_down, seals.DUTY, self._holder)

    async def _look(self) -> float:
        try:
            if await self.seal() is None:
                return AWAY
            if self._keep_days and self._clock.now() >= self._pruned_at + PRUNE_EVERY:
                self._pruned_at = self._clock.now()
                if await self._store.write(duties.take, seals.DUTY, self._holder, self._pruned_at, HELD):
                    await self.prune()
        except IntaglioError as error:
            LOG.warning("the audit log is not sealed for now: %s", error)
        except Exception:
            # Nobody would notice a log that is sealed no more.
            LOG.exception("the audit log could not be sealed")
        return EVERY

    async def seal(self) -> int | None:
        """Seal what waits; return how many entries, or None if another process does it."""
        total = 0
        while await self._store.read(seals.waiting):
            try:
                done = await self._store.write(seals.seal, self._key, self._holder, HELD, self._clock.now(), BATCH)
            except Conflict:
                # Another process, which had taken this one for dead, was a moment faster.
                return None
            if done is None:
                return None
            total += done
            if done < BATCH:
                break
            await asyncio.sleep(PAUSE)
        return total

    async def prune(self) -> int:
        """Remove the seals of before `keep_days` with their entries; return how many seals."""
        before, total = self._clock.now() - self._keep_days * 86400, 0
        while True:
            gone = await self._store.write(seals.prune, self._key, before, SEALS_AT_A_TIME)
            if gone is None:
                LOG.error("the audit log is not whole where it begins, so nothing is removed: intaglio audit verify")
                return total
            total += gone
            if gone < SEALS_AT_A_TIME:
                return total
            await asyncio.sleep(PAUSE)
