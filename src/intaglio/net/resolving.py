"""Looking names up beside the event loop, so that a name server that never answers holds up nobody else's names.

The loop's own lookups share a handful of threads; these have threads of their own, of which there are never more than a
bound, and which no exit waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

AT_A_TIME = 32


class Resolver:
    """Looks names up for one event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, each once, in the system's order; raises OSError."""
        await self._turns.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()
        # A turn ends with its thread, not with whoever lost patience: threads must not pile up behind a silent server.
        thread = threading.Thread(
            target=self._look, args=(host, port, loop, found), name="intaglio-resolver", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as fault:
            self._turns.release()
            raise OSError("no thread left for a name") from fault
        return await found

    def _look(self, host: str, port: int, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[str]]) -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome: list[str] | OSError | UnicodeError = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as fault:
            outcome = fault
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._settle, found, outcome)

    def _settle(self, found: asyncio.Future[list[str]], outcome: list[str] | OSError | UnicodeError) -> None:
        self._turns.release()
        if found.done():
            return
        if isinstance(outcome, list):
            found.set_result(outcome)
        else:
            found.set_exception(outcome)
