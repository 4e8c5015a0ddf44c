"""Writing the audit log: entries that come at once share a transaction, and nobody goes on before theirs is kept."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store

Waiting = tuple[Entry, asyncio.Future[None]]


class Trail:
    """Writes entries of the audit log; one a process. One transaction is under way at a time; others gather for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return "Trail(…)"

    async def note(self, entry: Entry) -> None:
        """Write an entry; when this returns it survives a power cut. Raises what the store raises: no log, no deed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, future))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write())
        await future

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._store.write(audit.insert, [entry for entry, _ in batch])
            except BaseException as error:
                # SECURITY: whatever stopped it, nobody goes on as if their entry were kept.
                fault = error if isinstance(error, Exception) else asyncio.CancelledError()
                _tell(batch, functools.partial(_fail, fault))
                if fault is not error:
                    _tell(self._waiting, functools.partial(_fail, fault))
                    self._waiting = []
                    raise
            else:
                _tell(batch, _succeed)


def _fail(fault: BaseException, future: asyncio.Future[None]) -> None:
    future.set_exception(fault)


def _succeed(future: asyncio.Future[None]) -> None:
    future.set_result(None)


def _tell(batch: list[Waiting], tell: Callable[[asyncio.Future[None]], None]) -> None:
    for _, future in batch:
        if not future.done():
            tell(future)
