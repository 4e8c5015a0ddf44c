"""Which Unix user holds the other end of a connection: what Linux says of its sockets in /proc/net.

proc(5), /proc/net/tcp and /proc/net/tcp6: addresses as words in the machine's own order, ports in hexadecimal.
"""

from __future__ import annotations

import ipaddress
import pathlib
import struct
import sys

ESTABLISHED = "01"
NAMELESS = 65534
"""As whom user_namespaces(7) shows everybody that has no number here (/proc/sys/kernel/overflowuid)."""
PROC = pathlib.Path("/proc/net")
Address = tuple[str, int]


def user_of(peer: Address, own: Address, folder: pathlib.Path = PROC) -> int | None:
    """Return the user id of a connection's other end, from its two addresses; None unless it is certain.

    Only an established socket counts: one that is closing belongs to nobody any more, and is listed as root's
    (test_a_socket_that_closes_is_nobodys).
    """
    try:
        tables = [("tcp", False), ("tcp6", True)] if ":" not in peer[0] else [("tcp6", True)]
        found: set[int] = set()
        for name, mapped in tables:
            wanted = (_written(peer, mapped=mapped), _written(own, mapped=mapped))
            found |= _users(folder / name, wanted)
    except (OSError, ValueError):
        return None
    # SECURITY: fail closed: none, two different ones, or one that stands for many, is nobody.
    return found.pop() if len(found) == 1 and NAMELESS not in found else None


def _users(table: pathlib.Path, wanted: tuple[str, str]) -> set[int]:
    found: set[int] = set()
    if not table.exists():
        return found
    for line in table.read_text("ascii").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and (fields[1], fields[2]) == wanted and fields[3] == ESTABLISHED:
            found.add(int(fields[7]))
    return found


def _written(address: Address, *, mapped: bool) -> str:
    """Return an address as the tables have it; `mapped` writes one of IPv4 as IPv6 has it."""
    ip = ipaddress.ip_address(address[0].partition("%")[0])
    if mapped and ip.version == 4:
        ip = ipaddress.IPv6Address(f"::ffff:{ip}")
    words = struct.unpack(f">{len(ip.packed) // 4}I", ip.packed)
    own = struct.pack(f"{'<' if sys.byteorder == 'little' else '>'}{len(words)}I", *words)
    return f"{own.hex().upper()}:{address[1]:04X}"
