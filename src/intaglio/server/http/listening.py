"""Listening sockets: bound, shared by several processes, and closed without losing who is at the door.

RFC 9293 section 3.1 (the flags of a segment).
"""

from __future__ import annotations

import array
import errno
import socket
import struct
import sys

from intaglio.errors import Misconfigured

BACKLOG = 2048
_SO_ATTACH_FILTER = 26
_NO_NEWCOMERS = (
    (0x30, 0, 0, 13),  # load octet 13 of the segment: its flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # then drop it
    (0x06, 0, 0, 0xFFFF_FFFF),  # else take it
)
"""A filter of Linux (classic BPF, as code, jump if true, jump if false, operand)."""


def bind(host: str, port: int, *, listens: bool = True) -> socket.socket:
    """Return a socket at an address, which listens already or will when a server takes it over.

    Raises `Misconfigured` (`port-taken`, `address-unusable`) and names the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        bound.bind((host, port))
        if listens:
            bound.listen(BACKLOG)
    except OSError as exc:
        bound.close()
        raise unusable(host, port, exc) from exc
    bound.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return bound


def unusable(host: str, port: int, error: OSError) -> Misconfigured:
    """Return why an address cannot be listened on: `port-taken` or `address-unusable`."""
    taken = error.errno == errno.EADDRINUSE
    return Misconfigured(
        "port-taken" if taken else "address-unusable",
        f"The port {port} on {host} is taken." if taken else f"Cannot listen on {host}, port {port}.",
        detail={"host": host, "port": port},
        hint="Stop the other program, or choose other ports.",
    )


def turn_newcomers_away(listening: socket.socket) -> bool:
    """Have the kernel drop what would begin a connection; tell whether it does. Connections that have begun go on.

    NOTE: a connection that comes between the last accept and the close would be reset, perhaps with a request in it.
    Who is dropped here instead tries again a second later, and is refused before anything was sent.
    """
    if not sys.platform.startswith("linux") or listening.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    code = array.array("B", b"".join(struct.pack("HBBI", *one) for one in _NO_NEWCOMERS))
    program = struct.pack("HP", len(_NO_NEWCOMERS), code.buffer_info()[0])
    try:
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError:
        return False
    return True
