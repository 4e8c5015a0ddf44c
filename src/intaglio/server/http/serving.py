"""A server that drains: it says at once that it is about to stop, answers on for a while, and loses nobody.

    serving ──signal──▶ draining (not ready, `connection: close`, nobody waits) ──▶ closing (door shut) ──▶ finished

RFC 9112 section 9.6 (who sends `close` will not answer another request on the connection).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import uvicorn

from intaglio.server.http import listening as listenings
from intaglio.server.http.acceptor import Acceptor, Tally

LOG = logging.getLogger("intaglio.http")
TICK_SECONDS = 0.1
DRAIN_TICK_SECONDS = 0.05
QUIET_SECONDS = 1.0
"""A server to which nobody has been connected for so long need not go on for whoever may come."""
SETTLE_SECONDS = 0.03
"""For what the kernel has taken already to reach us, when no more can come."""


class Draining:
    """Whether this process is about to stop; what asks for its readiness gets a no from then on."""

    __slots__ = ("is_draining",)

    def __init__(self) -> None:
        self.is_draining = False

    def __repr__(self) -> str:
        return f"Draining({self.is_draining})"


class Manner(msgspec.Struct, frozen=True):
    """How a server takes connections and lets go of them.

    `tally` is there where several processes take from the same sockets. `is_last` tells, when the server stops,
    whether nobody else goes on taking from them. `renews` has SIGHUP read the files of the certificate again.
    """

    drain_seconds: float = 0.0
    tally: Tally | None = None
    is_last: Callable[[], bool] = lambda: True
    signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)
    renews: bool = False
    certificate: tuple[str, str] | None = None


class Server(uvicorn.Server):
    """A server that says when it listens, and when it is about to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None] | None = None,
        *,
        draining: Draining | None = None,
        manner: Manner | None = None,
    ) -> None:
        super().__init__(config)
        self.draining = draining if draining is not None else Draining()
        self._manner = manner if manner is not None else Manner()
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._asked = asyncio.Event()
        self._seen_at = float("-inf")
        self._hurries = self._drained = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop by signal, and renew the certificate by SIGHUP; a server that was asked to stop has not failed."""
        # Signals reach the main thread alone.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in self._manner.signals:
            loop.add_signal_handler(number, self.stop)
        if self._manner.renews:
            loop.add_signal_handler(signal.SIGHUP, self.renew)
        try:
            yield
        finally:
            for number in (*self._manner.signals, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to stop; the second time drain no longer, and behind draining wait for nobody."""
        self.force_exit, self._hurries = self._drained, self.should_exit
        self.should_exit = True
        self._begin_to_stop()
        self._asked.set()

    def renew(self) -> None:
        """Read the certificate's files again; connections from now on see what they hold."""
        if self._manner.certificate is None or self.config.ssl is None:
            return
        try:
            # Tried apart: half of a renewed pair must not take the place of a whole one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._manner.certificate)
            self.config.ssl.load_cert_chain(*self._manner.certificate)
        except (OSError, ssl.SSLError) as error:
            LOG.warning("the certificate stays as it was: %s", type(error).__name__)
        else:
            LOG.info("the certificate was read again")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so; raises `Misconfigured` (`port-taken`, `address-unusable`)."""
        listening = sockets or []
        try:
            # The event loop would not say that it cannot.
            for one in listening:
                one.listen(listenings.BACKLOG)
            if self._manner.tally is None:
                await super().startup(sockets)
            else:
                await super().startup([])
                self._share(listening, self._manner.tally)
        except OSError as exc:
            host, port, *_ = listening[0].getsockname()
            raise listenings.unusable(host, port, exc) from exc
        self._on_ready()

    def _share(self, sockets: Sequence[socket.socket], tally: Tally) -> None:
        def protocol() -> asyncio.Protocol:
            make: Any = self.config.http_protocol_class
            made: asyncio.Protocol = make(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        connections = self.server_state.connections
        for listening in sockets:
            acceptor = Acceptor(listening, protocol, self.config.ssl, tally, lambda: len(connections))
            self.servers.append(acceptor)  # type: ignore[arg-type]
            acceptor.begin()

    async def on_tick(self, counter: int) -> bool:
        """Take note of whether anybody is there."""
        if self.server_state.connections:
            self._seen_at = asyncio.get_running_loop().time()
        if self._manner.tally is not None:
            self._manner.tally.keep(len(self.server_state.connections))
        return await super().on_tick(counter)

    async def main_loop(self) -> None:
        """Serve until asked to stop, then drain."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 10
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._asked.wait()
        self._begin_to_stop()
        await self._drain()

    def _begin_to_stop(self) -> None:
        if self.draining.is_draining:
            return
        self.draining.is_draining = True
        self.config.encoded_headers.append((b"connection", b"close"))
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        for connection in self.server_state.connections:
            _say_last(connection)
        if self._on_stop is not None:
            self._on_stop()

    async def _drain(self) -> None:
        """Answer on, so that whoever sends us requests has the time to notice; each answer ends its connection."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._manner.drain_seconds
        while not self._hurries and loop.time() < ends and loop.time() - self._seen_at < QUIET_SECONDS:
            await self.on_tick(0)
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        self._drained = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut the door, then let the requests under way come to their end."""
        self._begin_to_stop()
        if self._manner.is_last():
            for listening in sockets or []:
                listenings.turn_newcomers_away(listening)
            await asyncio.sleep(SETTLE_SECONDS)
            for one in self.servers:
                if isinstance(one, Acceptor):
                    one.take_all()
            await asyncio.sleep(SETTLE_SECONDS)
        await super().shutdown(sockets)


def _say_last(connection: object) -> None:
    """Let the answer under way be the last one of its connection."""
    cycle = getattr(connection, "cycle", None)
    if cycle is not None and not cycle.response_complete and not getattr(connection, "pipeline", ()):
        cycle.keep_alive = False
