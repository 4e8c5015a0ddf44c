"""`intaglio dev`: everything seeded, on this machine only."""

from __future__ import annotations

import base64
import json
import logging
import os
import pathlib
import socket
import sys
from typing import TYPE_CHECKING

import msgspec

from intaglio import __version__, ids
from intaglio.clock import Clock, SystemClock
from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.server import compose
from intaglio.server.adminapi.front import AdministrationFront
from intaglio.server.compose import Outward
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.devmode import localca, seeds
from intaglio.server.devmode.demo import Demo
from intaglio.server.devmode.front import DevelopmentFront, start_page
from intaglio.server.http import listening
from intaglio.server.http.app import App
from intaglio.server.http.dispatch import Hall
from intaglio.server.http.tenancy import Listener
from intaglio.server.keyring import vault as vaults
from intaglio.server.keyring.masterkeys import LocalKey
from intaglio.server.keyring.unlocking import Lock
from intaglio.server.keyring.vault import Vault
from intaglio.server.run import loop
from intaglio.server.settings.records import Outgoing

if TYPE_CHECKING:
    from intaglio.server.devmode.conformancefront import ConformanceFront

PORTS = ("standard", "google", "microsoft", "auth0", "cloudentity")
LOOPBACK = ("localhost", "127.0.0.0/8", "::1/128")
"""What development mode may call besides what is public: programs on this machine."""


def _development_key(directory: pathlib.Path, *, memory: bool) -> LocalKey:
    if memory:
        return LocalKey(ids.random_octets(vaults.OCTETS))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "master.key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(ids.random_octets(vaults.OCTETS)) + b"\n")
    return LocalKey(vaults.read_master_key(path.read_text("ascii")))


def development_listeners(port: int, scheme: str) -> tuple[Listener, ...]:
    """Return a door for each dialect, at five ports one after another."""
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


def both_families(port: int) -> list[socket.socket]:
    """Return sockets that listen at the port of this machine alone; raises `Misconfigured` (`port-taken`)."""
    sockets = [listening.bind("127.0.0.1", port)]
    try:
        sockets.append(listening.bind("::1", port))
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
    loop.say(f"\nIntaglio {__version__} is ready, for development on this machine only. {where}")
    loop.say(f"\n  Start page   {base}/")
    loop.say(f"  Demo         {base}/demo")
    loop.say(f"  Issuer       {base}/{seeds.SLUG}")
    loop.say()
    for one in listeners:
        loop.say(f"  {one.name:<12} {one.base_url}" + ("" if one.dialect is not None else "   (reserved)"))
    loop.say()
    for account in (*seeds.ACCOUNTS, seeds.CAROL):
        loop.say(f"  user         {account.username} / {account.password}")
    for client in seeds.listed(base):
        secret = f" / {client.client_secret}" if client.client_secret else f" ({client.kind})"
        loop.say(f"  client       {client.client_id}{secret}")
    for identity in seeds.IDENTITIES:
        loop.say(f"  account      {identity.email}")
    loop.say()
    for label, line in lines:
        loop.say(f"  {label}:\n    {line}")
    loop.say("\nStop with Ctrl+C.")


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
        loop.say("\n".join(f"  {one['configuration']}\n    {one['plan']}" for one in listed["plans"]))
    else:
        told = listed | {"configurations": front.configurations()}
        print(json.dumps(told, indent=2), flush=True)  # noqa: T201 - data for the suite
    loop.say(f"\n  Conformance  {front.base_url}/conformance  (the suite's configurations, also on stdout)")
    loop.say(f"  Rotate keys  curl -X POST {front.base_url}/conformance/rotate-keys")


async def _dev(
    port: int, directory: pathlib.Path, *, memory: bool, tls: bool, wanted: Conformance | None = None
) -> None:
    clock = SystemClock()
    listeners = development_listeners(port, "https" if tls else "http")
    sockets = [one for offset in range(len(PORTS)) for one in both_families(port + offset)]
    master = _development_key(directory, memory=memory)
    authority, chain, key = localca.prepare(directory, clock) if tls else (None, None, None)
    url = "sqlite:///:memory:" if memory else f"sqlite:///{directory / 'intaglio.db'}"
    store = await compose.open_store(url, clock, create=True)
    passwords = Passwords()
    trusted = _authorities(authority, wanted.ca_file if wanted is not None else None)
    outward = Outward(Outgoing(allow=LOOPBACK, ca_file=trusted))
    lock = Lock(store, master)
    vault = await lock.open(clock.now())
    hall = compose.assemble(store, vault, clock, passwords, development=True, outward=outward)
    base = listeners[0].base_url
    await seeds.plant(store, base, hall.house.secrets, passwords, clock.now())
    await hall.house.keyring.published(compose.ring_of(seeds.TENANT_ID))
    lines = _lines(listeners, authority)
    demo = Demo(base, lambda: compose.outgoing(base, str(authority) if authority else None), clock)
    suite = await _suite_front(wanted, base, hall, vault, clock) if wanted is not None else None
    seeded = DevelopmentFront(start_page(__version__, listeners, lines), listeners, demo, suite)
    front = AdministrationFront(behind=seeded)
    app = App(hall, {port + offset: listener for offset, listener in enumerate(listeners)}, front)
    where = "Nothing is kept." if memory else f"Kept in {directory}/."
    certificate = (str(chain), str(key)) if chain is not None else None

    def ready() -> None:
        if suite is not None:
            _announce_suite(suite)
        _announce(listeners, lines, where)

    beside = [lock.follow(vault, clock), compose.sealer(hall.house, vault, keep_days=0).forever()]
    await loop.run(app, hall, sockets, ready, tls=certificate, grace=1, outward=outward, works=True, beside=beside)


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
    return loop.until_done(_dev(port, directory, memory=memory, tls=tls or conformance is not None, wanted=conformance))
