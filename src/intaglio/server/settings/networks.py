"""Which networks may be declared as proxies: small enough that nobody else is in them."""

from __future__ import annotations

import ipaddress

from intaglio.wire.addresses import Network

UNIX = "unix"
"""The word for whoever connects to a Unix socket."""
EVERYBODY = frozenset({"*", "0.0.0.0/0", "::/0"})
PRIVATE_BITS = {4: 8, 6: 7}
PUBLIC_BITS = {4: 12, 6: 28}
"""Bits that a network's prefix has at least: delivery networks publish theirs, of which none is wider."""
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
EXPECTED = "addresses or networks of proxies, such as 10.0.0.0/8, or unix"


def fault(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a declared proxy and what to do; None if nothing is."""
    if text in EVERYBODY:
        return (
            f"{text}, which is everybody",
            "name the proxies: whoever is believed chooses the address that is limited",
        )
    if text == UNIX:
        return None
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return text[:80], _hint(text)
    if network.version == 6 and network.overlaps(_MAPPED):
        return text[:80], "write IPv4 addresses as they are"
    inside = any(network.version == one.version and network.subnet_of(one) for one in _INSIDE)  # type: ignore[arg-type]
    least = (PRIVATE_BITS if inside else PUBLIC_BITS)[network.version]
    if network.prefixlen < least:
        return f"{text}, {_size(network)}", f"name a network of /{least} or smaller"
    return None


def _hint(text: str) -> str:
    """Tell what was probably meant where host bits are set, as in 10.0.0.1/8."""
    try:
        return f"did you mean {ipaddress.ip_network(text, strict=False)}?"
    except ValueError:
        return "names are not looked up: write the address"


def _size(network: Network) -> str:
    return f"a network of 2^{network.max_prefixlen - network.prefixlen} addresses"
