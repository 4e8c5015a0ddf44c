"""What systemd tells a service and is told: sockets that it opened, readiness, and signs of life.

sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). No library: each is a few lines.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence

from intaglio.errors import Misconfigured

FIRST = 3
"""The first descriptor that is handed over."""


class Notifier:
    """Tells systemd how this process is; nobody where nobody asked."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.every_seconds = watchdog_seconds / 3
        """How often a sign of life is due; 0 if none is wanted."""
        self.life: int | None = None

    def __repr__(self) -> str:
        return f"Notifier({bool(self._address)})"

    def ready(self) -> None:
        """Say that requests are answered."""
        self._tell("READY=1")

    def beat(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def lost(self) -> None:
        """Take note that nobody is told any more."""

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def status(self, words: str) -> None:
        """Say in words how it is."""
        self._tell(f"STATUS={words}")

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)  # noqa: FBT003 - the standard library's own signature
            to.sendto(what.encode(), self._address)


def notifier(environment: Mapping[str, str], pid: int) -> Notifier:
    """Return who is told of this process, by what the environment says."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    seconds = int(microseconds) / 1_000_000 if meant and microseconds.isascii() and microseconds.isdigit() else 0.0
    return Notifier(environment.get("NOTIFY_SOCKET", ""), seconds)


def handed_over(environment: Mapping[str, str], pid: int) -> list[socket.socket]:
    """Return the listening sockets that were opened for this process; raises `Misconfigured` (`socket-unusable`)."""
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID") != str(pid) or not (count.isascii() and count.isdigit()):
        return []
    return [_socket(FIRST + number) for number in range(int(count[:4]))]


def _socket(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the standard library's own signature
        opened = socket.socket(fileno=descriptor)
        is_fit = opened.family in (socket.AF_INET, socket.AF_INET6) and opened.type == socket.SOCK_STREAM
    except OSError as exc:
        raise _unusable(f"descriptor {descriptor} is no socket") from exc
    if not is_fit:
        opened.close()
        raise _unusable(f"descriptor {descriptor} is no TCP socket")
    opened.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return opened


def _unusable(received: str) -> Misconfigured:
    return Misconfigured(
        "socket-unusable",
        "A socket that was handed over cannot be used.",
        detail={"expected": "a listening TCP socket for each configured address", "received": received},
        hint="Let ListenStream= of the .socket unit name the addresses of the configuration.",
    )


def take(sockets: list[socket.socket], port: int, host: str = "") -> socket.socket | None:
    """Take the socket of a port out of those that were handed over, if it is among them.

    Raises `Misconfigured` (`socket-unusable`) where it is at another address than `host`.
    """
    for one in sockets:
        if one.getsockname()[1] == port:
            # SECURITY: what was meant for this machine alone, as metrics or http, is not answered to everybody
            # (test_a_socket_at_another_address_is_refused).
            if not _is_at(one.getsockname()[0], host):
                where = one.getsockname()[0]
                one.close()
                raise _unusable(f"port {port} at {where}, which is configured at {host}")
            sockets.remove(one)
            return one
    return None


def _is_at(address: str, host: str) -> bool:
    """Tell whether a socket's address is a configured one; names but localhost are not looked up."""
    opened = ipaddress.ip_address(address.partition("%")[0])
    try:
        wanted = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return opened.is_loopback or host != "localhost"
    return wanted.is_unspecified or wanted == opened


def refuse_rest(sockets: Sequence[socket.socket]) -> None:
    """Refuse a socket that belongs to no configured address; raises `Misconfigured` (`socket-unusable`).

    SECURITY: what is listened on and answered by nobody would look alive to whoever connects.
    """
    for one in sockets:
        raise _unusable("port {1} at {0}, which nothing is configured for".format(*one.getsockname()))
