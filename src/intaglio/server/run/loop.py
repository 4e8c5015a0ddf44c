"""The event loop of a process: what runs in it, and the order in which it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

import uvloop

from intaglio.server import compose, upkeep
from intaglio.server.compose import Outward
from intaglio.server.http import connections, serving
from intaglio.server.http.app import App
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.serving import Draining, Manner
from intaglio.server.run.systemd import Notifier

SWITCH_SECONDS = 0.0003


class Overseer(Protocol):
    """Who is told how this process is: systemd, or the process that this one is a worker of."""

    every_seconds: float
    """How often a sign of life is due; 0 if none is wanted."""
    life: int | None
    """A descriptor that is at its end when the overseer is gone, if that ends this process."""

    def ready(self) -> None:
        """Say that requests are answered."""

    def beat(self) -> None:
        """Give a sign of life."""

    def stopping(self) -> None:
        """Say that the end has begun."""

    def lost(self) -> None:
        """Take note that the overseer is gone."""


def say(line: str = "") -> None:
    """Write a line for the person at the terminal."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - words for the person at the terminal


async def run(
    app: App,
    hall: Hall,
    sockets: Sequence[socket.socket],
    on_ready: Callable[[], None],
    *,
    tls: tuple[str, str] | None,
    grace: int = 10,
    outward: Outward | None = None,
    works: bool = False,
    manner: Manner | None = None,
    draining: Draining | None = None,
    overseer: Overseer | None = None,
    beside: Sequence[Coroutine[None, None, None]] = (),
) -> None:
    """Serve the hall's requests until a signal comes, with what has to happen beside; then close everything."""
    above = overseer if overseer is not None else Notifier()

    def ready() -> None:
        on_ready()
        above.ready()

    def stopping() -> None:
        above.stopping()
        hall.waiting.end()

    configured = connections.config(app, tls=tls, grace=grace)
    server = serving.Server(configured, ready, stopping, draining=draining, manner=manner)
    tasks = [asyncio.create_task(upkeep.forever(hall.house, warns=not works))]
    tasks.append(asyncio.create_task(upkeep.exchange(hall.house)))
    if works:
        tasks.append(asyncio.create_task(compose.engine(hall.house).forever()))
    tasks += [asyncio.create_task(one) for one in beside]
    tasks += watched(above, server.stop)
    # The objects made at start-up live as long as the process: the collector need not look at them again.
    gc.collect()
    gc.freeze()
    # The signer and the writer need the interpreter for a few microseconds at a time, to hand over what they did; they
    # should not wait the usual 5 ms for it.
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        await server.serve(sockets=list(sockets))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        hall.house.passwords.close()
        hall.house.mint.close()
        hall.works.signatures.close()
        if outward is not None:
            await outward.aclose()
        await hall.house.store.close()


def watched(above: Overseer, stop: Callable[[], object]) -> list[asyncio.Task[None]]:
    """Give signs of life where they are wanted, and stop when who wants them is gone; return what goes on beside."""
    running = asyncio.get_running_loop()
    life = above.life
    if life is not None:

        def gone() -> None:
            running.remove_reader(life)
            above.lost()
            stop()

        running.add_reader(life, gone)
    return [asyncio.create_task(_beating(above))] if above.every_seconds else []


async def _beating(above: Overseer) -> None:
    while True:
        above.beat()
        await asyncio.sleep(above.every_seconds)


def until_done(coroutine: Coroutine[None, None, None]) -> int:
    """Run the coroutine to its end; return the exit code."""
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(coroutine)
    return 0
