"""`intaglio work`: what was decided and must still happen elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

from intaglio.clock import SystemClock
from intaglio.server import compose
from intaglio.server.compose import Outward
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.run import loop, systemd
from intaglio.server.run.systemd import Notifier
from intaglio.server.settings.records import Settings
from intaglio.server.telemetry import lines


async def _work(settings: Settings, notifier: Notifier) -> None:
    clock = SystemClock()
    store = await compose.open_store(settings.database.url, clock, create=False)
    outward, passwords = Outward(settings.outgoing), Passwords()
    try:
        async with compose.unlocked(compose.lock(settings, store), clock) as vault:
            house = compose.house_of(store, vault, clock, passwords, outward)
            engine = asyncio.create_task(compose.engine(house).forever())
            sealing = asyncio.create_task(compose.sealer(house, vault, settings.audit.keep_days).forever())
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, engine.cancel)
            beside = [sealing, *loop.watched(notifier, engine.cancel)]
            notifier.ready()
            loop.say("ready: what was decided is done")
            with contextlib.suppress(asyncio.CancelledError):
                await engine
            notifier.stopping()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            house.mint.close()
    finally:
        passwords.close()
        await outward.aclose()
        await store.close()


def work(settings: Settings, environment: Mapping[str, str] | None = None) -> int:
    """Work through the outbox until stopped; return the exit code.

    `environment` is what systemd may speak through.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, and those of the storage).
    """
    lines.configure(settings.server.log_level, settings.log.format)
    return loop.until_done(_work(settings, systemd.notifier(environment or {}, os.getpid())))
