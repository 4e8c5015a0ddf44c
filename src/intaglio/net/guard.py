"""Where a call may go, how long it may take and how much it may bring.

RFC 9110 section 4.2 (schemes), RFC 6890 and the IANA special-purpose registries (addresses), RFC 6761 6.3 (localhost).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from intaglio.errors import Unavailable

MAXIMUM_OCTETS = 256 * 1024
TIME_LIMIT_SECONDS = 10.0

_PORTS = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_STRANGE = tuple(ipaddress.ip_network(text) for text in ("64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10"))
"""Local-use NAT64, IPv4-compatible, IPv4-translated and site-local addresses: none of them is public."""


class Limits(msgspec.Struct, frozen=True):
    """The bounds of one call: octets of the answer's body, and seconds from start to end."""

    octets: int = MAXIMUM_OCTETS
    seconds: float = TIME_LIMIT_SECONDS


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower().rstrip(".")


def _place(url: str) -> tuple[str, int]:
    """Return the host and port that a URL names; raises ValueError for text that is no URL."""
    parts = urlsplit(url)
    port = parts.port
    return _host(url), port if port is not None else _PORTS.get(parts.scheme, 0)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # ::ffff:169.254.169.254 reaches what 169.254.169.254 reaches, and so do its forms for NAT64 and 6to4.
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner or address


def is_loopback_host(host: str) -> bool:
    """Return whether a host names this machine: localhost, a name under it, or a loopback address."""
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


class Guard:
    """Says where calls may go: https anywhere public, http to loopback only.

    The hosts of the `trusted` URLs, which an operator wrote down, may have private addresses as well, each at the port
    that was written down. What a document or a redirect names may not (SSRF): a neighbour on another port of a
    configured host is another program, and is called only where its address is public.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = frozenset(_place(url) for url in trusted)

    def check_url(self, url: str) -> None:
        """Raise `Unavailable` with code `destination-refused` unless a call may be made to `url`."""
        try:
            parts = urlsplit(url)
            host, port = _place(url)
        except ValueError:
            raise _refused("not a URL", "") from None  # the cause quotes the URL
        if not host or "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
            raise _refused("a URL without userinfo, in ASCII", host)
        # RFC 6749 3.2, OpenID Connect Core 16.17: TLS, but for this machine itself.
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
            raise _refused("https, or http to loopback", host)
        if is_loopback_host(host) and (host, port) not in self._trusted:
            raise _refused("a public host, or one that was configured", host)

    def check_address(self, host: str, port: int, text: str) -> None:
        """Raise `Unavailable` with `destination-refused` unless `host` may be at the address `text` for this port."""
        host, address = host.lower().rstrip("."), _address(text)
        if address is None:
            raise _refused("an address", host)
        # The name says this machine, so that plain http was allowed; the resolver must not say otherwise.
        if is_loopback_host(host) and not address.is_loopback:
            raise _refused("a loopback address", host)
        strange = any(address in network for network in _STRANGE) and not address.is_loopback
        if (host, port) not in self._trusted and (strange or not address.is_global or address.is_multicast):
            raise _refused("a public address", host)


def _refused(expected: str, host: str) -> Unavailable:
    return Unavailable(
        "destination-refused",
        "A call may not go there.",
        detail={"expected": expected, "host": host[:255]},
        hint="Configure the host if it is yours.",
    )


def unreachable(url: str, cause: str) -> Unavailable:
    """Return the error for a call that failed, with code `unreachable`; the query is left out of it."""
    return Unavailable(
        "unreachable",
        "The other side did not answer.",
        detail={"url": url.partition("?")[0], "cause": cause},
        hint="See whether the address can be reached from here, and whether its certificate is trusted.",
    )


def too_long(url: str, octets: int) -> Unavailable:
    """Return the error for an answer beyond the limit, with code `answer-too-long`."""
    return Unavailable("answer-too-long", detail={"url": url.partition("?")[0], "limit": octets})
