"""Where a call may go, how long it may take and how much it may bring.

RFC 9110 section 4.2 (schemes), RFC 3986 section 3.2.2 (hosts), RFC 6761 6.3 (localhost).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import msgspec

from intaglio.errors import Unavailable
from intaglio.wire import addresses, places
from intaglio.wire.places import Place

MAXIMUM_OCTETS = 256 * 1024
TIME_LIMIT_SECONDS = 10.0

_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")


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


def is_loopback_host(host: str) -> bool:
    """Return whether a host names this machine: localhost, a name under it, or a loopback address."""
    address = addresses.read(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _is_host(parts: SplitResult) -> bool:
    """Tell whether a host is written the one usual way: a name in letters, digits and hyphens, or an address."""
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return ":" in host and "%" not in host and addresses.read(host) is not None
    if not _NAME.fullmatch(host):
        return False
    # 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 to a resolver, and something else to whoever reads them.
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is None or addresses.read(host.rstrip(".")) is not None


class Guard:
    """Says where calls may go: https anywhere public, http to loopback only.

    The hosts of the `trusted` URLs, which an operator wrote down, may have private addresses as well, each at the port
    that was written down; so may the places of `allow` (see `places.read`). The hosts of the URLs `without_tls` may be
    asked over http as well: a machine's own metadata server, which has no other way. What a document, a client or a
    redirect names may not (SSRF): a neighbour on another port of a configured host is another program, and is called
    only where its address is public.
    """

    def __init__(
        self, trusted: Iterable[str] = (), *, allow: Iterable[str] = (), without_tls: Iterable[str] = ()
    ) -> None:
        named = (Place(host, port) for host, port in map(_place, trusted))
        self._bare = frozenset(Place(host, port) for host, port in map(_place, without_tls))
        self._open = frozenset((*named, *self._bare, *map(places.read, allow)))
        self._networks = tuple(place.network for place in self._open if place.network is not None)

    def _is_open(self, host: str, port: int, address: addresses.Address | None = None) -> bool:
        if Place(host, port) in self._open or Place(host) in self._open:
            return True
        return address is not None and any(address in network for network in self._networks)

    def check_url(self, url: str) -> None:
        """Raise `Unavailable` with code `destination-refused` unless a call may be made to `url`.

        A name that may be called can still have an address that may not: `check_address` judges that.
        """
        try:
            parts = urlsplit(url)
            host, port = _place(url)
        except ValueError:
            raise _refused("not a URL", "") from None  # the cause quotes the URL
        if not host or "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
            raise _refused("a URL without userinfo, in ASCII", host)
        if not _is_host(parts):
            raise _refused("a host name, or an address in its usual form", host)
        # RFC 6749 3.2, OpenID Connect Core 16.17: TLS, but for this machine itself.
        may_be_bare = is_loopback_host(host) or Place(host, port) in self._bare
        if parts.scheme != "https" and not (parts.scheme == "http" and may_be_bare):
            raise _refused("https, or http to loopback", host)
        self._check_place(host, port)

    def _check_place(self, host: str, port: int) -> None:
        address = addresses.read(host)
        if self._is_open(host, port, address):
            return
        if is_loopback_host(host) and not (address is None and any(net.is_loopback for net in self._networks)):
            raise _refused("a public host, or one that was configured", host)
        # Below 1024 other protocols are at home, and some of them read what TLS sends as their own (ALPACA).
        if port != 443 and port < 1024:
            raise _refused("port 443, or one from 1024 on", host)
        if address is not None:
            self.check_address(host, port, host)

    def check_address(self, host: str, port: int, text: str) -> None:
        """Raise `Unavailable` with `destination-refused` unless `host` may be at the address `text` for this port."""
        host, address = host.lower().rstrip("."), addresses.read(text)
        if address is None:
            raise _refused("an address", host)
        # The name says this machine, so that plain http was allowed; the resolver must not say otherwise.
        if is_loopback_host(host) and not address.is_loopback:
            raise _refused("a loopback address", host)
        if not self._is_open(host, port, address) and not addresses.is_public(address):
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
