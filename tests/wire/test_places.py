"""Addresses and places: what is public, what an operator can write down, and that nothing else gets through."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intaglio.errors import Unavailable
from intaglio.net.guard import Guard
from intaglio.wire import addresses, places
from intaglio.wire.places import Place

ANY_ADDRESS = st.ip_addresses() | st.sampled_from(addresses.SPECIAL).flatmap(
    lambda network: st.integers(0, network.num_addresses - 1).map(lambda number: network[number])
)


@given(ANY_ADDRESS)
def test_what_is_public_is_global_and_of_no_special_use(address: addresses.Address) -> None:
    """Nothing is public that Python's own list keeps back, nor what stands in ours; a wrapped address is its inside."""
    read = addresses.read(str(address))
    assert read is not None
    if addresses.is_public(read):
        assert read.is_global
        assert not any(read in network for network in addresses.SPECIAL)
    if isinstance(address, ipaddress.IPv4Address):
        mapped = addresses.read(f"::ffff:{address}")
        translated = addresses.read(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))))
        assert mapped == translated == address


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rp.example", Place("rp.example")),
        ("  RP.Example ", Place("rp.example")),
        ("rp.example:8443", Place("rp.example", 8443)),
        ("my_host", Place("my_host")),
        ("10.0.0.1:8443", Place("10.0.0.1", 8443)),
        ("[::1]:8443", Place("::1", 8443)),
        ("[0:0::1]:8443", Place("::1", 8443)),
        ("[::1]", Place("::1")),
        ("10.0.0.1", Place(network=ipaddress.ip_network("10.0.0.1/32"))),
        ("::1", Place(network=ipaddress.ip_network("::1/128"))),
        ("10.0.0.0/8", Place(network=ipaddress.ip_network("10.0.0.0/8"))),
        ("fd00::/8", Place(network=ipaddress.ip_network("fd00::/8"))),
    ],
)
def test_places_are_read(text: str, place: Place) -> None:
    """A host, a host with its port, an address with or without, a network."""
    assert places.read(text) == place


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9:./\[\]*-]{0,30}", fullmatch=True))
@example("*.example")
@example("https://rp.example")
def test_anything_else_is_refused_as_a_place(text: str) -> None:
    """Any text is a place that says what it is, or a ValueError."""
    try:
        place = places.read(text)
    except ValueError:
        return
    assert bool(place.host) is (place.network is None)
    assert "*" not in place.host
    assert "/" not in place.host
    assert place.port is None or 0 < place.port < 65536


URLS = st.text(max_size=60) | st.builds(
    "{}://{}{}:{}/{}".format,
    st.sampled_from(["https", "http", "HTTPS", "ftp", ""]),
    st.sampled_from(["", "user@", "user:pw@", "@"]),
    st.sampled_from(["rp.example", "127.0.0.1", "[::1]", "0x7f.1", "localhost", "127.1", "①.example", "a..b", "%31"])
    | st.text(max_size=20),
    st.integers(-1, 70_000),
    st.text(max_size=5),
)


def _refused(url: str) -> Unavailable | None:
    try:
        Guard().check_url(url)
    except Unavailable as fault:
        return fault
    return None


@given(URLS)
def test_no_text_gets_past_the_guard_but_plain_https(url: str) -> None:
    """Without an allow-list, what may be called is https at a plainly written host that is not this machine."""
    refused = _refused(url)
    if refused is not None:
        assert refused.code == "destination-refused"
        assert len(str(refused.detail)) < 1000
        return
    assert url.lower().startswith("https://")
    assert url.isascii()
    assert "@" not in url.split("/")[2]
    host = url.split("/")[2].rpartition(":")[0] or url.split("/")[2]
    read = addresses.read(host.strip("[]").rstrip("."))
    assert read is None or addresses.is_public(read)


@given(st.sampled_from([None, "rp.example", "rp.example:8443", "10.0.0.0/8"]), ANY_ADDRESS, st.integers(1, 65535))
def test_an_opened_place_opens_that_place(allow: str | None, address: addresses.Address, port: int) -> None:
    """An address is let through where it is public, or where exactly its host, port or network was written down."""
    read = addresses.read(str(address))
    assert read is not None
    opened = {
        None: False,
        "rp.example": True,
        "rp.example:8443": port == 8443,
        "10.0.0.0/8": read in ipaddress.ip_network("10.0.0.0/8"),
    }[allow]
    guard = Guard(allow=[allow] if allow else [])
    if opened or addresses.is_public(read):
        guard.check_address("rp.example", port, str(address))
    else:
        with pytest.raises(Unavailable):
            guard.check_address("rp.example", port, str(address))
