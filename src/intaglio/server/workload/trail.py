"""Writing the audit log: entries that come at once share a transaction, and nobody goes on before theirs is kept."""

from __future__ import annotations

import asyncio

from intaglio.server.model import audit
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Store


class Trail:
    """Writes entries of the audit log; one a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        return "Trail(…)"

    async def note(self, entry: Entry) -> None:
        """Write an entry; when this returns it survives a power cut. Raises what the store raises: no log, no deed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._write)
        await future

    def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        task = asyncio.ensure_future(self._store.write(audit.insert, [entry for entry, _ in batch]))
        # The loop keeps no task alive by itself.
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        task.add_done_callback(lambda done: _tell(done, [future for _, future in batch]))


def _tell(done: asyncio.Future[None], futures: list[asyncio.Future[None]]) -> None:
    error = None if done.cancelled() else done.exception()
    for future in futures:
        if future.done():
            continue
        if done.cancelled():
            future.cancel()
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(None)
