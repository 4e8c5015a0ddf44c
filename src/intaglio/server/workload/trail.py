"""Writing the audit log: entries that come at once share a transaction, and nobody goes on before theirs is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store

Waiting = tuple[Entry, asyncio.Future[None]]


class Trail:
    """Writes entries of the audit log; one a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Waiting] = []
        self._writing: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return "Trail(…)"

    async def note(self, entry: Entry) -> None:
        """Write an entry; when this returns it survives a power cut. Raises what the store raises: no log, no deed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, future))
        if len(self._waiting) == 1:
            # The loop keeps no task alive by itself.
            task = loop.create_task(self._write())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        await future

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            await self._store.write(audit.insert, [entry for entry, _ in batch])
        except BaseException as error:
            # SECURITY: whatever stopped it, nobody goes on as if their entry were kept.
            fault = error if isinstance(error, Exception) else asyncio.CancelledError()
            _tell(batch, lambda future: future.set_exception(fault))
            if fault is not error:
                raise
        else:
            _tell(batch, lambda future: future.set_result(None))


def _tell(batch: list[Waiting], tell: Callable[[asyncio.Future[None]], None]) -> None:
    for _, future in batch:
        if not future.done():
            tell(future)
