"""Whom a request comes from where proxies stand in front: read from the right, from declared proxies alone.

RFC 7239 (`Forwarded`), and what is usual (`X-Forwarded-For`, `X-Forwarded-Proto`). One of the two forms is read, the
one that the operator's proxies write: what they do not write passes through them as a stranger sent it. Nothing of the
other form, of a host, a port or a prefix is looked at, nor a name with an underscore, which other servers take for the
same.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from intaglio.wire.addresses import Network
from intaglio.wire.message import Request

Form = Literal["x-forwarded", "forwarded"]
UNIX = "unix"
LONGEST = 64
"""Characters of an address with a port at most."""
HOPS = 20
"""Steps to the left at most; behind so many proxies nobody is."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf'{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\]|\\.)*")'
# The last element of a list, whatever stands before it: a stranger's open quotation mark does not swallow it.
_LAST = re.compile(rf"(?:^|,)[ \t]*({_PAIR}(?:;{_PAIR})*)[ \t]*$")
_PAIRS = re.compile(rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")')


class Hop(msgspec.Struct, frozen=True):
    """One step: the address that a proxy tells (empty: none, or something that is no address), and the scheme."""

    address: str
    scheme: str = ""


class Proxies:
    """The declared proxies: addresses, networks, and `unix` for whoever connects to a Unix socket."""

    def __init__(self, declared: Sequence[str], form: Form = "x-forwarded") -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(one) for one in declared if one != UNIX)
        self._unix = UNIX in declared
        self._form = form
        self.declares = lru_cache(4096)(self._declares)

    def _declares(self, address: str) -> bool:
        """Tell whether an address is a declared proxy's; the empty one is that of a Unix socket."""
        if not address:
            return self._unix
        try:
            read = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(read.version == network.version and read in network for network in self._networks)

    def settle(self, request: Request) -> Request:
        """Return the request with the address and the scheme that it had in front of the declared proxies.

        SECURITY: CVE-2026-0976 and others: whoever can choose the address escapes every limit by address
        (test_d4_41_forwarded_headers).
        """
        if not self.declares(request.peer):
            return request
        hops = self._forwarded(request) if self._form == "forwarded" else self._x_forwarded(request)
        peer, secure = request.peer, request.secure
        for hop in hops:
            if hop.scheme:
                secure = hop.scheme == "https"
            if not hop.address:
                break
            peer = hop.address
            if not self.declares(peer):
                break
        return msgspec.structs.replace(request, peer=peer, secure=secure)

    def _x_forwarded(self, request: Request) -> Iterable[Hop]:
        """Return the steps from the right. One scheme stands for all of them: several that differ are none."""
        schemes, lists = set(), []
        for name, value in request.headers:
            if name == "x-forwarded-for":
                lists.append(value)
            elif name == "x-forwarded-proto":
                schemes.add(value.strip().lower())
        scheme = schemes.pop() if len(schemes) == 1 else ""
        scheme = scheme if scheme in ("http", "https") else ""
        # RFC 9110 5.3: fields of one name are one list, in their order.
        rest: str | None = ",".join(lists) or None
        for _ in range(HOPS):
            if rest is None:
                break
            rest, comma, last = rest.rpartition(",")
            last = last.strip(" \t")
            yield Hop(_address(last) if len(last) <= LONGEST else "", scheme)
            scheme, rest = "", rest if comma else None

    def _forwarded(self, request: Request) -> Iterable[Hop]:
        """Return the steps from the right; what is not written as RFC 7239 section 4 says ends them."""
        rest = ",".join(request.header_values("forwarded"))
        for _ in range(HOPS):
            found = _LAST.search(rest)
            if found is None:
                break
            yield _hop(found[1])
            rest = rest[: found.start()]


def _hop(element: str) -> Hop:
    pairs = [(name.lower(), _bare(value)) for name, value in _PAIRS.findall(element)]
    given = dict(pairs)
    # RFC 7239 section 4: each parameter occurs once.
    if len(given) != len(pairs):
        return Hop("")
    scheme = given.get("proto", "").lower()
    told = given.get("for", "")
    return Hop(_address(told) if len(told) <= LONGEST else "", scheme if scheme in ("http", "https") else "")


def _bare(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


@lru_cache(4096)
def _address(text: str) -> str:
    """Return the address in its usual form, without its port; empty for what is none: `unknown`, `_hidden`, a name."""
    if text.startswith("["):
        text, _, port = text[1:].partition("]")
        if port and not (port[0] == ":" and port[1:].isascii() and port[1:].isdigit()):
            return ""
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not (port.isascii() and port.isdigit()):
            return ""
    try:
        read = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(read, ipaddress.IPv6Address):
        # An interface of the proxy's means nothing here, and a mapped address is the same client's.
        return "" if read.scope_id is not None else str(read.ipv4_mapped or read)
    return str(read)
