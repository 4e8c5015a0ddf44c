"""`intaglio serve`: what is configured."""

from __future__ import annotations

import functools
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from intaglio import ids
from intaglio.clock import Clock, SystemClock
from intaglio.dialects import registry
from intaglio.dialects.google import hosts
from intaglio.errors import Misconfigured
from intaglio.server import compose
from intaglio.server.adminapi.front import AdministrationFront
from intaglio.server.compose import Outward
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import seeds
from intaglio.server.http import listening
from intaglio.server.http.app import App
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.observing import Observer
from intaglio.server.http.operations import Operations
from intaglio.server.http.proxies import Proxies
from intaglio.server.http.serving import Draining, Manner
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import tenants
from intaglio.server.model.audit import Entry
from intaglio.server.run import loop, systemd
from intaglio.server.run.metering import MeteredStore
from intaglio.server.run.seats import Seat
from intaglio.server.run.supervisor import Supervisor
from intaglio.server.run.systemd import Notifier
from intaglio.server.settings.records import Settings
from intaglio.server.telemetry import lines
from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.meters import Meters
from intaglio.server.telemetry.requestlog import RequestLog

LOG = logging.getLogger(lines.ALWAYS)


def serving_listeners(settings: Settings) -> dict[int, Listener]:
    """Return who answers at which port; raises `Misconfigured` (`dialect-unknown`)."""
    made: dict[int, Listener] = {}
    own = settings.administration
    if own is not None:
        made[own.port] = Listener(dialect=None, name=own.dialect, base_url=own.base_url)
    for one in settings.listeners:
        dialect = registry.DIALECTS.get(one.dialect)
        if dialect is None:
            raise Misconfigured("dialect-unknown", f"The dialect '{one.dialect}' does not answer yet.")
        made[one.port] = Listener(
            dialect=dialect,
            name=one.dialect,
            base_url=one.base_url,
            tenant=one.tenant,
            backchannel_base_url=one.backchannel_base_url,
        )
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
        LOG.warning("warning: tokens are issued as %s, which is Google's issuer and not yours.", one.base_url)
        LOG.warning("This is for tests in a network of their own. next step: unset google.allow_google_issuer")
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


class Doors(msgspec.Struct, frozen=True):
    """The sockets of the configured addresses; `lasting` if somebody else keeps them when this process is gone."""

    sockets: Sequence[socket.socket]
    lasting: bool = False
    operations: socket.socket | None = None


def doors(settings: Settings, environment: Mapping[str, str]) -> Doors:
    """Return the sockets: those that systemd opened, and what is configured beyond them, bound.

    Raises `Misconfigured` (`socket-unusable`, `port-taken`, `address-unusable`).
    """
    given = systemd.handed_over(environment, os.getpid())
    lasting = bool(given)
    # They listen when there is somebody to answer: until then who connects is refused, and may go elsewhere.
    sockets = [
        systemd.take(given, one.port, one.host) or listening.bind(one.host, one.port, listens=False)
        for one in settings.doors
    ]
    own = settings.operations
    operations = (
        (systemd.take(given, own.port, own.host) or listening.bind(own.host, own.port, listens=False)) if own else None
    )
    systemd.refuse_rest(given)
    return Doors(sockets, lasting, operations)


def _manner(settings: Settings, opened: Doors, seat: Seat | None) -> Manner:
    """Return how connections are taken: from whom else, and what becomes of those that wait when this one stops."""
    tls = settings.tls
    return Manner(
        drain_seconds=settings.server.drain_seconds,
        tally=seat.tally if seat is not None else None,
        is_last=(lambda: False) if opened.lasting else seat.all_go if seat is not None else (lambda: True),
        signals=(signal.SIGTERM,) if seat is not None else (signal.SIGTERM, signal.SIGINT),
        renews=True,
        certificate=(str(tls.certificate_file), str(tls.key_file)) if tls is not None else None,
    )


def _proxies(settings: Settings) -> Proxies | None:
    declared = settings.server.trusted_proxies
    return Proxies(declared, settings.server.forwarded_header) if declared else None


def _sign_in_at(settings: Settings) -> str:
    door = settings.listener("standard")
    return door.base_url if door is not None else ""


async def _serve(settings: Settings, opened: Doors, overseer: Notifier | Seat, words: str, board: Board) -> None:
    draining = Draining()
    operations = Operations(board, draining)
    async with operations.listening(opened.operations):
        await _answer(settings, opened, overseer, words, board, draining, operations)


async def _answer(
    settings: Settings,
    opened: Doors,
    overseer: Notifier | Seat,
    words: str,
    board: Board,
    draining: Draining,
    operations: Operations,
) -> None:
    clock, seat = SystemClock(), overseer if isinstance(overseer, Seat) else None
    listeners = serving_listeners(settings)
    store = await compose.open_store(settings.database.url, clock, create=False)
    try:
        lock = compose.lock(settings, store)
        vault = await lock.open(clock.now())
        outward = Outward(settings.outgoing)
        limits = compose.limits_of(settings)
        meters = Meters(board.take(seat.number if seat is not None else 0))
        timed = MeteredStore(store, meters)
        hall = compose.assemble(timed, vault, clock, Passwords(), development=False, outward=outward, limits=limits)
        hall.house.mint.meters = meters
        if seat is None or seat.is_first:
            await _refuse_development(hall, clock)
            await _confess(listeners.values(), hall, clock)
    except BaseException:
        await store.close()
        raise
    manner = _manner(settings, opened, seat)
    observer = Observer(clock, meters, RequestLog() if settings.log.requests else None)

    def ready() -> None:
        operations.begin(hall.house)
        if seat is None:
            LOG.info(words)

    try:
        await loop.run(
            App(
                hall,
                listeners,
                AdministrationFront(apart=settings.administration is not None, sign_in_at=_sign_in_at(settings)),
                proxies=_proxies(settings),
                observer=observer,
            ),
            hall,
            opened.sockets,
            ready,
            tls=manner.certificate,
            outward=outward,
            manner=manner,
            draining=draining,
            overseer=overseer,
            beside=[
                lock.follow(vault, clock),
                compose.sealer(hall.house, vault, settings.audit.keep_days).forever(),
            ],
        )
    finally:
        observer.close()


def serve(settings: Settings, environment: Mapping[str, str] | None = None) -> int:
    """Serve the configured issuer until it is stopped; return the exit code.

    `environment` is what systemd may speak through. With several workers this process is the one above them, and
    returns in each of them as well.

    Raises `Misconfigured` (`master-key-missing`, `master-key-wrong`, `development-database`, `port-taken`,
    `socket-unusable` and others).
    """
    lines.configure(settings.server.log_level, settings.log.format)
    told = environment if environment is not None else {}
    notifier, opened = systemd.notifier(told, os.getpid()), doors(settings, told)
    words = "ready: " + ", ".join(f"{one.dialect} {one.base_url}" for one in settings.doors)
    # Made here, before anything is forked: all workers write on it.
    board = Board(settings.server.workers)
    if settings.server.workers == 1:
        return loop.until_done(_serve(settings, opened, notifier, words, board))
    # What is loaded by now is the same for all workers, and stays in memory that they share.
    gc.collect()
    gc.freeze()
    outcome = Supervisor(
        settings.server.workers,
        [*opened.sockets, *([opened.operations] if opened.operations is not None else [])],
        notifier,
        drain_seconds=settings.server.drain_seconds,
        on_ready=functools.partial(LOG.info, words),
    ).run()
    return outcome if isinstance(outcome, int) else loop.until_done(_serve(settings, opened, outcome, words, board))
