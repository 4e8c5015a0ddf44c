"""Which addresses are public: none of those that the registries keep for a special use.

RFC 6890 with the IANA special-purpose address registries, RFC 4291 section 2.5.5 (mapped), RFC 6052 (NAT64).
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
""".split()
"""The registries as a list of our own: what `is_global` says differs from one release of Python to the next."""

# A virtual address that is public by its number, and at which a cloud's machines reach what controls them.
_CONTROL = "168.63.129.16/32"

SPECIAL: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in (*_SPECIAL, _CONTROL))


def read(text: str) -> Address | None:
    """Return the address that a text is, None if it is none; an IPv4 address inside an IPv6 one is taken out."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # ::ffff:169.254.169.254 reaches what 169.254.169.254 reaches, and so does its form for NAT64.
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


def is_public(address: Address) -> bool:
    """Tell whether an address is anybody's on the internet: global unicast, and nothing of a special use."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in SPECIAL)


def customer(peer: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 address, which is one customer's."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
