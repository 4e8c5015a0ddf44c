"""Places that an operator opens to outgoing calls: a host, a host with its port, an address, a network."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from intaglio.wire.addresses import Network

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")
_PORT = re.compile(r"[0-9]{1,5}")


class Place(msgspec.Struct, frozen=True):
    """A host at one port (None: at every port), or the addresses of a network at every port."""

    host: str = ""
    port: int | None = None
    network: Network | None = None


def read(text: str) -> Place:
    """Read `host`, `host:port`, an address with or without port (`[::1]:8443`), or a network such as `10.0.0.0/8`.

    Raises ValueError for anything else: patterns, URLs, and a network whose address is not its first one.
    """
    word = text.strip().lower()
    if "/" in word or _is_address(word):
        return Place(network=ipaddress.ip_network(word))
    host, colon, port = word.rpartition(":") if not word.endswith("]") else (word, "", "")
    if not colon:
        host = word
    elif not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise ValueError("no port")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif not _is_address(host) and not _NAME.fullmatch(host):
        raise ValueError("no host")
    return Place(host, int(port) if colon else None)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
