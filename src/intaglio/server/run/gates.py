"""`intaglio gate`: in front of services, letting in who may call them."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import pathlib
import sys
from typing import TYPE_CHECKING

import msgspec

from intaglio.clock import SystemClock
from intaglio.dialects import registry
from intaglio.server import compose
from intaglio.server.http import listening, serving
from intaglio.server.run import loop
from intaglio.server.settings.records import Settings

if TYPE_CHECKING:
    from intaglio.server.gate.building import Door
    from intaglio.server.gate.config import Config


class Opened(msgspec.Struct, frozen=True):
    """What a gate was told: its configuration, the folder of its files, and the installation that it is part of."""

    config: Config
    folder: pathlib.Path
    settings: Settings | None = None
    doors: dict[str, Door] = {}


async def _gate(told: Opened) -> None:
    # Only this command needs them: the others start without.
    from intaglio.server.gate import config as gates  # noqa: PLC0415
    from intaglio.server.gate import connections as gate_connections  # noqa: PLC0415
    from intaglio.server.gate.app import GateApp  # noqa: PLC0415
    from intaglio.server.gate.building import Builder, Installation  # noqa: PLC0415

    clock, gate = SystemClock(), told.config.gate
    async with contextlib.AsyncExitStack() as stack:
        installation = None
        if told.settings is not None:
            works = await stack.enter_async_context(compose.works(told.settings, clock))
            installation = Installation(works, told.doors)
        outside = compose.Outside(gate.ca_file or None, gate.connect_seconds, gate.idle_seconds)
        stack.push_async_callback(outside.aclose)
        builder = Builder(registry.DIALECTS, outside, told.folder, installation)
        services = await builder.services(told.config)
        sockets, port = [], 0
        if gate.listen:
            sockets.append(listening.bind(*gates.place(gate.listen, "gate.listen")))
        if gate.forward_auth:
            host, port = gates.place(gate.forward_auth, "gate.forward_auth")
            sockets.append(listening.bind(host, port))
        app = GateApp(services, port, gates.Trusted(gate.trusted_proxies), clock)
        tls = (gate.certificate_file, gate.key_file) if gate.certificate_file else None
        ready = functools.partial(loop.say, "ready: " + ", ".join(service.name for service in services))
        server = serving.Server(gate_connections.config(app, tls=tls), ready)
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(loop.SWITCH_SECONDS)
        await server.serve(sockets=sockets)


def gate(told: Opened, log_level: str = "info") -> int:
    """Stand in front of services until it is stopped; return the exit code.

    Raises `Misconfigured` (`gate-invalid`, `openapi-unusable`, `upstream-unusable`, `port-taken`, those of the store).
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(message)s")
    return loop.until_done(_gate(told))
