"""Starting and stopping: `dev` with everything seeded, `serve` with what is configured."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import gc
import json
import logging
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import uvloop

from intaglio import __version__, ids
from intaglio.clock import Clock, SystemClock
from intaglio.dialects import registry
from intaglio.dialects.google import hosts
from intaglio.errors import Misconfigured
from intaglio.server import compose, upkeep
from intaglio.server.compose import Outward
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import localca, seeds
from intaglio.server.devmode.demo import Demo
from intaglio.server.devmode.front import DevelopmentFront, start_page
from intaglio.server.http import connections
from intaglio.server.http.app import App
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.vault import Vault
from intaglio.server.model import tenants
from intaglio.server.model.audit import Entry
from intaglio.server.settings import Outgoing, Settings

if TYPE_CHECKING:
    from intaglio.server.devmode.conformancefront import ConformanceFront
    from intaglio.server.gate.building import Door
    from intaglio.server.gate.config import Config

SWITCH_SECONDS = 0.0003
PORTS = ("standard", "google", "microsoft", "auth0", "cloudentity")
LOOPBACK = ("localhost", "127.0.0.0/8", "::1/128")
"""What development mode may call besides what is public: programs on this machine."""


def _say(line: str = "") -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - words for the person at the terminal


async def _run(
    app: App,
    hall: Hall,
    sockets: Sequence[socket.socket],
    on_ready: Callable[[], None],
    *,
    tls: tuple[str, str] | None,
    proxies: Sequence[str] = (),
    grace: int = 10,
    outward: Outward | None = None,
    works: bool = False,
) -> None:
    server = connections.Server(
        connections.config(app, tls=tls, proxies=proxies, grace=grace), on_ready, hall.waiting.end
    )
    tasks = [asyncio.create_task(upkeep.forever(hall.house, warns=not works))]
    if works:
        tasks.append(asyncio.create_task(compose.engine(hall.house).forever()))
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
        hall.house.passwords.close()
        hall.house.mint.close()
        hall.works.signatures.close()
        if outward is not None:
            await outward.aclose()
        await hall.house.store.close()


def _loop(coroutine: Coroutine[None, None, None]) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(coroutine)
    return 0


# --- dev


def _development_vault(directory: pathlib.Path, *, memory: bool) -> Vault:
    if memory:
        return Vault(ids.random_octets(vaults.OCTETS))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "master.key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(ids.random_octets(vaults.OCTETS)) + b"\n")
    return Vault(vaults.read_master_key(path.read_text("ascii")))


def _development_listeners(port: int, scheme: str) -> tuple[Listener, ...]:
    return tuple(
        Listener(
            dialect=registry.DIALECTS.get(name),
            name=name,
            base_url=f"{scheme}://localhost:{port + offset}",
            tenant="" if name == "standard" else seeds.SLUG,
            account={"google": seeds.ACCOUNT, "microsoft": seeds.ATTACHED}.get(name, ""),
        )
        for offset, name in enumerate(PORTS)
    )


def _both_families(port: int) -> list[socket.socket]:
    sockets = [connections.bind("127.0.0.1", port)]
    try:
        sockets.append(connections.bind("::1", port))
    except Misconfigured as fault:
        # A machine without IPv6 has no ::1 to be confused by; a taken port there is a fault all the same.
        if fault.code == "port-taken":
            sockets[0].close()
            raise
    return sockets


def _lines(listeners: tuple[Listener, ...], authority: pathlib.Path | None) -> tuple[tuple[str, str], ...]:
    google = listeners[1].base_url
    host = google.split("://", 1)[1]
    issuer = f"{listeners[0].base_url}/{seeds.SLUG}"
    curl = f"curl -u machine:machine-secret -d grant_type=client_credentials {issuer}/token"
    rows = [
        ("A token for a machine", curl),
        ("Google's clients", f"export GCE_METADATA_HOST={host} GCE_METADATA_IP={host}"),
        ("The same for each language", f"intaglio metadata env --at {host}"),
    ]
    return tuple(rows) + (localca.trust_lines(authority) if authority is not None else ())


def _announce(listeners: tuple[Listener, ...], lines: tuple[tuple[str, str], ...], where: str) -> None:
    base = listeners[0].base_url
    _say(f"\nIntaglio {__version__} is ready, for development on this machine only. {where}")
    _say(f"\n  Start page   {base}/")
    _say(f"  Demo         {base}/demo")
    _say(f"  Issuer       {base}/{seeds.SLUG}")
    _say()
    for one in listeners:
        _say(f"  {one.name:<12} {one.base_url}" + ("" if one.dialect is not None else "   (reserved)"))
    _say()
    for account in (*seeds.ACCOUNTS, seeds.CAROL):
        _say(f"  user         {account.username} / {account.password}")
    for client in seeds.listed(base):
        secret = f" / {client.client_secret}" if client.client_secret else f" ({client.kind})"
        _say(f"  client       {client.client_id}{secret}")
    for identity in seeds.IDENTITIES:
        _say(f"  account      {identity.email}")
    _say()
    for label, line in lines:
        _say(f"  {label}:\n    {line}")
    _say("\nStop with Ctrl+C.")


class Conformance(msgspec.Struct, frozen=True):
    """Development mode for the conformance suite: where the suite is, and the authority that vouches for it."""

    suite: str = ""
    ca_file: pathlib.Path | None = None


def _authorities(own: pathlib.Path | None, more: pathlib.Path | None) -> pathlib.Path | None:
    """Return a file with both authorities, for the calls that leave the server."""
    if own is None or more is None:
        return own or more
    both = own.with_name("outgoing.pem")
    both.write_bytes(own.read_bytes() + b"\n" + more.read_bytes())
    return both


async def _suite_front(wanted: Conformance, base: str, hall: Hall, vault: Vault, clock: Clock) -> ConformanceFront:
    from intaglio.server.devmode import conformance  # noqa: PLC0415
    from intaglio.server.devmode.conformancefront import ConformanceFront  # noqa: PLC0415

    house, suite, keys = hall.house, wanted.suite or conformance.SUITE, conformance.new_keys()
    await conformance.plant(house.store, suite, house.secrets, house.passwords, keys, clock.now())
    await house.keyring.published(compose.ring_of(conformance.TENANT_ID))
    return ConformanceFront(base, suite, keys, house.store, vault, clock)


def _announce_suite(front: ConformanceFront) -> None:
    listed = front.listed()
    if sys.stdout.isatty():
        _say("\n".join(f"  {one['configuration']}\n    {one['plan']}" for one in listed["plans"]))
    else:
        told = listed | {"configurations": front.configurations()}
        print(json.dumps(told, indent=2), flush=True)  # noqa: T201 - data for the suite
    _say(f"\n  Conformance  {front.base_url}/conformance  (the suite's configurations, also on stdout)")
    _say(f"  Rotate keys  curl -X POST {front.base_url}/conformance/rotate-keys")


async def _dev(
    port: int, directory: pathlib.Path, *, memory: bool, tls: bool, wanted: Conformance | None = None
) -> None:
    clock = SystemClock()
    listeners = _development_listeners(port, "https" if tls else "http")
    sockets = [listening for offset in range(len(PORTS)) for listening in _both_families(port + offset)]
    vault = _development_vault(directory, memory=memory)
    authority, chain, key = localca.prepare(directory, clock) if tls else (None, None, None)
    url = "sqlite:///:memory:" if memory else f"sqlite:///{directory / 'intaglio.db'}"
    store = await compose.open_store(url, clock, create=True)
    passwords = Passwords()
    trusted = _authorities(authority, wanted.ca_file if wanted is not None else None)
    outward = Outward(Outgoing(allow=LOOPBACK, ca_file=trusted))
    hall = compose.assemble(store, vault, clock, passwords, development=True, outward=outward)
    await compose.prove(store, vault)
    base = listeners[0].base_url
    await seeds.plant(store, base, hall.house.secrets, passwords, clock.now())
    await hall.house.keyring.published(compose.ring_of(seeds.TENANT_ID))
    lines = _lines(listeners, authority)
    demo = Demo(base, lambda: compose.outgoing(base, str(authority) if authority else None), clock)
    suite = await _suite_front(wanted, base, hall, vault, clock) if wanted is not None else None
    front = DevelopmentFront(start_page(__version__, listeners, lines), listeners, demo, suite)
    app = App(hall, {port + offset: listener for offset, listener in enumerate(listeners)}, front)
    where = "Nothing is kept." if memory else f"Kept in {directory}/."
    certificate = (str(chain), str(key)) if chain is not None else None

    def ready() -> None:
        if suite is not None:
            _announce_suite(suite)
        _announce(listeners, lines, where)

    await _run(app, hall, sockets, ready, tls=certificate, grace=1, outward=outward, works=True)


def dev(
    *,
    port: int = 8080,
    memory: bool = False,
    tls: bool = False,
    directory: pathlib.Path,
    conformance: Conformance | None = None,
) -> int:
    """Run everything for development until it is stopped; return the exit code.

    With `conformance` there is a tenant for the suite as well, whose addresses have to be https.

    Raises `Misconfigured` (`port-taken`, `address-unusable`, and those of the storage).
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    return _loop(_dev(port, directory, memory=memory, tls=tls or conformance is not None, wanted=conformance))


# --- serve


def _serving_listeners(settings: Settings) -> dict[int, Listener]:
    made: dict[int, Listener] = {}
    for one in settings.listeners:
        dialect = registry.DIALECTS.get(one.dialect)
        if dialect is None:
            raise Misconfigured("dialect-unknown", f"The dialect '{one.dialect}' does not answer yet.")
        made[one.port] = Listener(dialect=dialect, name=one.dialect, base_url=one.base_url, tenant=one.tenant)
    return made


async def _refuse_development(hall: Hall, clock: Clock) -> None:
    house = hall.house
    known = await seeds.known_secrets(house.store, house.secrets, house.passwords, clock.now())
    if known.what:
        raise Misconfigured(
            "development-database",
            "This database holds what development mode seeds: " + ", ".join(known.what) + ".",
            detail={"expected": "a database of its own", "received": ", ".join(known.what)},
            hint="Use another database; these secrets are known to everybody.",
        )


async def _confess(listeners: Iterable[Listener], hall: Hall, clock: Clock) -> None:
    """Say, and write into the audit log, that tokens are issued under a name that is not ours."""
    for one in listeners:
        if one.name != "google" or not hosts.is_google(one.base_url):
            continue
        _say(f"warning: tokens are issued as {one.base_url}, which is Google's issuer and not yours.")
        _say("  This is for tests in a network of their own. next step: unset google.allow_google_issuer")
        tenant, now = await hall.house.store.read(tenants.by_slug, one.tenant), clock.now()
        if tenant is not None:
            setting = {"setting": "google.allow_google_issuer"}
            await hall.works.trail.note(
                Entry(
                    tenant.tenant_id,
                    ids.ordered(now),
                    now,
                    "issuer.foreign",
                    "operator",
                    one.base_url,
                    "allowed",
                    detail=setting,
                )
            )


async def _serve(settings: Settings) -> None:
    clock = SystemClock()
    vault = compose.open_vault(settings)
    if vault is None:
        raise Misconfigured("master-key-missing", "serve needs the master key.")
    listeners = _serving_listeners(settings)
    store = await compose.open_store(settings.database.url, clock, create=False)
    try:
        await compose.prove(store, vault)
        outward = Outward(settings.outgoing)
        hall = compose.assemble(store, vault, clock, Passwords(), development=False, outward=outward)
        await _refuse_development(hall, clock)
        await _confess(listeners.values(), hall, clock)
        sockets = [connections.bind(one.host, one.port) for one in settings.listeners]
    except BaseException:
        await store.close()
        raise
    tls = (str(settings.tls.certificate_file), str(settings.tls.key_file)) if settings.tls is not None else None
    addresses = ", ".join(f"{one.dialect} {one.base_url}" for one in settings.listeners)
    proxies = settings.server.trusted_proxies
    ready = functools.partial(_say, f"ready: {addresses}")
    await _run(App(hall, listeners), hall, sockets, ready, tls=tls, proxies=proxies, outward=outward)


async def _work(settings: Settings) -> None:
    clock = SystemClock()
    vault = compose.open_vault(settings)
    if vault is None:
        raise Misconfigured("master-key-missing", "work needs the master key.")
    store = await compose.open_store(settings.database.url, clock, create=False)
    outward, passwords = Outward(settings.outgoing), Passwords()
    try:
        await compose.prove(store, vault)
        house = compose.house_of(store, vault, clock, passwords, outward)
        engine = asyncio.create_task(compose.engine(house).forever())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, engine.cancel)
        _say("ready: what was decided is done")
        with contextlib.suppress(asyncio.CancelledError):
            await engine
        house.mint.close()
    finally:
        passwords.close()
        await outward.aclose()
        await store.close()


# --- gate


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
            sockets.append(connections.bind(*gates.place(gate.listen, "gate.listen")))
        if gate.forward_auth:
            host, port = gates.place(gate.forward_auth, "gate.forward_auth")
            sockets.append(connections.bind(host, port))
        app = GateApp(services, port, gates.Trusted(gate.trusted_proxies), clock)
        tls = (gate.certificate_file, gate.key_file) if gate.certificate_file else None
        ready = functools.partial(_say, "ready: " + ", ".join(service.name for service in services))
        server = connections.Server(gate_connections.config(app, tls=tls), ready)
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        await server.serve(sockets=sockets)


def gate(told: Opened, log_level: str = "info") -> int:
    """Stand in front of services until it is stopped; return the exit code.

    Raises `Misconfigured` (`gate-invalid`, `openapi-unusable`, `upstream-unusable`, `port-taken`, those of the store).
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(message)s")
    return _loop(_gate(told))


def work(settings: Settings) -> int:
    """Work through the outbox until stopped; return the exit code.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, and those of the storage).
    """
    logging.basicConfig(level=settings.server.log_level.upper(), format="%(asctime)s %(name)s %(message)s")
    return _loop(_work(settings))


def serve(settings: Settings) -> int:
    """Serve the configured issuer until it is stopped; return the exit code.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, `development-database`, `port-taken` and others).
    """
    logging.basicConfig(level=settings.server.log_level.upper(), format="%(asctime)s %(name)s %(message)s")
    return _loop(_serve(settings))
