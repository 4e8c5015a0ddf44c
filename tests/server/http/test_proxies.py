"""Whom a request comes from: read from the right, from declared proxies alone."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.server.http.proxies import Form, Proxies
from intaglio.wire.message import Request
from tests.capability import capability

DECLARED = ("10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48")
STRANGER = "203.0.113.9"


def settled(
    *headers: tuple[str, str], peer: str = "10.0.0.1", form: Form = "x-forwarded", declared: tuple[str, ...] = DECLARED
) -> tuple[str, bool]:
    """Return address and scheme of a request that comes from `peer` with these headers."""
    request = Proxies(declared, form).settle(Request("GET", "/", headers=headers, peer=peer))
    return request.peer, request.secure


FOR = "x-forwarded-for"
PROTO = "x-forwarded-proto"


@capability("forwarded-headers", witness="requests with every kind of list")
@pytest.mark.parametrize(
    ("told", "peer"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", id="one"),
        pytest.param("1.1.1.1, 203.0.113.9", "203.0.113.9", id="what a stranger wrote stands to the left"),
        pytest.param("1.1.1.1, 203.0.113.9, 10.1.1.1", "203.0.113.9", id="behind two proxies"),
        pytest.param("10.3.3.3, 10.2.2.2", "10.3.3.3", id="nobody but proxies"),
        pytest.param("203.0.113.9:51234", "203.0.113.9", id="with a port"),
        pytest.param("[2001:db8:2::7]:443", "2001:db8:2::7", id="IPv6 with a port"),
        pytest.param("2001:DB8:2:0::7", "2001:db8:2::7", id="IPv6 in another spelling"),
        pytest.param("::ffff:203.0.113.9", "203.0.113.9", id="a mapped address"),
        pytest.param("1.1.1.1, 2001:db8:1::9", "1.1.1.1", id="behind a proxy with IPv6"),
        pytest.param("203.0.113.9, unknown", "10.0.0.1", id="unknown"),
        pytest.param("203.0.113.9, _hidden", "10.0.0.1", id="hidden"),
        pytest.param("203.0.113.9,", "10.0.0.1", id="an empty element"),
        pytest.param("", "10.0.0.1", id="nothing"),
        pytest.param("203.0.113.9 10.0.0.2", "10.0.0.1", id="two in one"),
        pytest.param("203.0.113.9:port", "10.0.0.1", id="a port that is none"),
        pytest.param("203.0.113.09", "10.0.0.1", id="octal"),
        pytest.param("3405803785", "10.0.0.1", id="a number"),
        pytest.param("fe80::1%eth0", "10.0.0.1", id="an interface"),
        pytest.param("[203.0.113.9", "203.0.113.9", id="half a bracket"),
        pytest.param("１.1.1.1", "10.0.0.1", id="digits of another script"),
        pytest.param('"203.0.113.9"', "10.0.0.1", id="quoted"),
        pytest.param("9" * 5000, "10.0.0.1", id="long"),
    ],
)
def test_the_last_stranger_is_who_asks(told: str, peer: str) -> None:
    """The list is read from the right; the first address that is no proxy's asks; what is none stops the reading."""
    assert settled((FOR, told))[0] == peer


def test_two_fields_are_one_list() -> None:
    """Fields of one name are one list in their order: what a stranger sent first does not win."""
    assert settled((FOR, "1.1.1.1"), (FOR, STRANGER))[0] == STRANGER
    assert settled((FOR, STRANGER), (FOR, "10.9.9.9"))[0] == STRANGER
    assert settled((FOR, STRANGER), (FOR, "garbage"))[0] == "10.0.0.1"


@pytest.mark.parametrize(
    ("told", "secure"),
    [
        ((("https"),), True),
        ((("HTTPS "),), True),
        ((("http"),), False),
        (("https", "http"), False),
        (("https, http",), False),
        (("https", "https"), True),
        (("ftp",), False),
        (("",), False),
    ],
)
def test_one_scheme_is_believed(told: tuple[str, ...], secure: bool) -> None:
    """A scheme is one word; two that differ are none."""
    assert settled((FOR, STRANGER), *((PROTO, one) for one in told)) == (STRANGER, secure)


@pytest.mark.parametrize("peer", [STRANGER, "192.0.2.2", "2001:db8:2::1", "", "::ffff:10.0.0.1", "not an address"])
@pytest.mark.parametrize("form", ["x-forwarded", "forwarded"])
def test_strangers_say_nothing(peer: str, form: Form) -> None:
    """Whoever is no declared proxy is who they are, whatever they send."""
    headers = ((FOR, "10.0.0.7"), (PROTO, "https"), ("forwarded", "for=10.0.0.7;proto=https"))
    assert settled(*headers, peer=peer, form=form) == (peer, False)


def test_a_unix_socket_is_a_proxy_where_it_is_declared() -> None:
    """Who connects to a Unix socket has no address; the word `unix` declares them."""
    assert settled((FOR, STRANGER), peer="") == ("", False)
    assert settled((FOR, STRANGER), peer="", declared=("unix",)) == (STRANGER, False)
    assert settled((FOR, STRANGER), peer="10.0.0.1", declared=("unix",)) == ("10.0.0.1", False)


@pytest.mark.parametrize(
    "name",
    ["x_forwarded_for", "x-forwarded_for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "via",
     "cf-connecting-ip", "x-forwarded-host", "x-forwarded"],
)  # fmt: skip
def test_other_names_are_not_looked_at(name: str) -> None:
    """One form is read: neither its kin, nor names with underscores that other servers take for the same."""
    assert settled((name, STRANGER), (name.replace("for", "proto"), "https")) == ("10.0.0.1", False)
    assert settled(("x-forwarded-for", STRANGER), form="forwarded") == ("10.0.0.1", False)


@capability("forwarded-headers", witness="RFC 7239's examples")
@pytest.mark.parametrize(
    ("told", "peer", "secure"),
    [
        ("for=203.0.113.9", STRANGER, False),
        ("for=203.0.113.9;proto=https;by=10.0.0.1", STRANGER, True),
        ("For=203.0.113.9;PROTO=HTTPS", STRANGER, True),
        ('for="203.0.113.9:47011"', STRANGER, False),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17", False),
        ("for=1.1.1.1, for=203.0.113.9", STRANGER, False),
        ("for=1.1.1.1,for=203.0.113.9 , for=10.2.2.2;proto=https", STRANGER, True),
        ('for=";, for=203.0.113.9', STRANGER, False),
        ('", for="203.0.113.9"', STRANGER, False),
        ('for="203.0.113.9"', STRANGER, False),
        ('for="203\\.0.113.9"', STRANGER, False),
        ("for=unknown", "10.0.0.1", False),
        ('for="_gazonk"', "10.0.0.1", False),
        ("proto=https", "10.0.0.1", True),
        ("for=203.0.113.9;for=1.1.1.1", "10.0.0.1", False),
        ("for=[2001:db8::1]", "10.0.0.1", False),
        ("for=203.0.113.9;", "10.0.0.1", False),
        ("for = 203.0.113.9", "10.0.0.1", False),
        ("203.0.113.9", "10.0.0.1", False),
        ("", "10.0.0.1", False),
    ],
)
def test_the_standard_header_is_read(told: str, peer: str, secure: bool) -> None:
    """RFC 7239: pairs, quoted strings and lists, from the right; what is not written so ends the reading."""
    assert settled(("forwarded", told), form="forwarded") == (peer, secure)


@given(st.text(max_size=80), st.sampled_from(["x-forwarded", "forwarded"]))
def test_whatever_is_sent_the_answer_is_an_address(told: str, form: Form) -> None:
    """Nothing that a stranger writes to the left changes who is read on the right, and nothing fails."""
    name = "x-forwarded-for" if form == "x-forwarded" else "forwarded"
    ipaddress.ip_address(settled((name, told), form=form)[0])
    behind = f"{told}, {STRANGER}" if form == "x-forwarded" else f"{told}, for={STRANGER}"
    assert settled((name, behind), form=form)[0] == STRANGER


def test_a_long_list_ends() -> None:
    """Behind twenty proxies nobody is looked for."""
    assert settled((FOR, ",".join(["1.1.1.1", *["10.0.0.2"] * 30])))[0] == "10.0.0.2"
