"""Redirect URIs are compared as texts; one exception, for the port of a native program's loopback address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.wire import url

REGISTERED = "https://app.example.com/cb"
TRICKS = [
    "https://app.example.com/cb/",
    "https://app.example.com/cb/../cb",
    "https://app.example.com/cb/../../evil",
    "https://app.example.com//cb",
    "https://app.example.com/./cb",
    "https://app.example.com/cb?",
    "https://app.example.com/cb?x=1",
    "https://app.example.com/cb#",
    "https://app.example.com/cb#x",
    "https://app.example.com/CB",
    "https://APP.example.com/cb",
    "HTTPS://app.example.com/cb",
    "https://app.example.com./cb",
    "https://app.example.com:443/cb",
    "https://app.example.com:8443/cb",
    "http://app.example.com/cb",
    "https://app.example.com%2fcb",
    "https://app.example.com/%63b",
    "https://app.example.com/cb%2f",
    "https://app.example.com\\cb",
    "https:\\\\app.example.com\\cb",
    "https://app.example.com\\@evil.example/cb",
    "https://app.example.com@evil.example/cb",
    "https://user@app.example.com/cb",
    "https://user:pass@app.example.com/cb",
    "https://evil.example/https://app.example.com/cb",
    "https://app.example.com.evil.example/cb",
    "https://evil.example#https://app.example.com/cb",
    "https://evil.example?https://app.example.com/cb",
    "//app.example.com/cb",
    "/cb",
    "app.example.com/cb",
    " https://app.example.com/cb",
    "https://app.example.com/cb ",
    "https://app.example.com/cb\t",
    "https://app.example.com/cb%00",
    "https://app.example.com/cb;x",
    "https://app．example.com/cb",
    "javascript:alert(1)//https://app.example.com/cb",
    "*",
    "https://*.example.com/cb",
    "",
]
TEXT = st.text(min_size=1, max_size=40)
HOSTS = st.sampled_from(["127.0.0.1", "[::1]", "localhost"])
PORTS = st.one_of(st.just(""), st.integers(0, 65535).map(":{}".format))
PATHS = st.sampled_from(["", "/", "/cb", "/cb/x", "/cb?x=1", "?x=1"])


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("requested", TRICKS)
def test_no_trick_is_equal(requested: str, native: bool) -> None:
    """RFC 9700 2.1: only the very same text is the registered one."""
    assert not url.redirect_allowed(requested, [REGISTERED], native=native)


@given(TEXT, TEXT)
def test_equality_is_of_texts(left: str, right: str) -> None:
    """For anything but a native program the comparison is reflexive, symmetric and never normalises."""
    assert url.redirect_allowed(left, [left], native=False)
    assert url.redirect_allowed(left, [right], native=False) == (left == right)
    assert url.redirect_allowed(right, [left], native=False) == (left == right)


@given(HOSTS, PORTS, PATHS, HOSTS, PORTS, PATHS)
def test_only_the_port_of_a_loopback_address_may_differ(
    host: str, port: str, path: str, other_host: str, other_port: str, other_path: str
) -> None:
    """RFC 8252 7.3: any port, but the same host and path; nothing differs for a program that is not native."""
    left, right = f"http://{host}{port}{path}", f"http://{other_host}{other_port}{other_path}"
    same = (host, path) == (other_host, other_path)
    assert url.redirect_allowed(left, [right], native=True) == same
    assert url.redirect_allowed(left, [right], native=False) == (left == right)


@pytest.mark.parametrize(
    "requested",
    [
        "https://127.0.0.1:5000/cb",
        "http://127.0.0.1.evil.example:5000/cb",
        "http://127.0.0.1:5000@evil.example/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:5000x/cb",
        "http://127.0.0.1:500000/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:٣/cb",
        "http://127.0.0.2:5000/cb",
        "http://127.1:5000/cb",
        "http://2130706433:5000/cb",
        "http://localhost:5000/cb",
        "http://[::1]:5000/cb",
        "http://[::ffff:127.0.0.1]:5000/cb",
        "http://127.0.0.1:5000/cb#x",
        "http://127.0.0.1:5000/cb?x",
        "http://127.0.0.1:5000\\cb",
        "HTTP://127.0.0.1:5000/cb",
    ],
)
def test_what_is_no_loopback_address_with_another_port(requested: str) -> None:
    """Scheme, host, path and query of a native program's redirect stay exact."""
    assert not url.redirect_allowed(requested, ["http://127.0.0.1/cb"], native=True)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=x%20y"),
        ("https://a.example/cb?", "https://a.example/cb?code=x%20y"),
        ("https://a.example/cb?a=b", "https://a.example/cb?a=b&code=x%20y"),
        ("https://a.example/cb?a=b&", "https://a.example/cb?a=b&code=x%20y"),
        ("com.example.app:/cb", "com.example.app:/cb?code=x%20y"),
    ],
)
def test_fields_join_the_query(uri: str, expected: str) -> None:
    """RFC 6749 4.1.2: the registered query stays, and the fields come behind it."""
    assert url.with_query(uri, [("code", "x y")]) == expected
    assert url.with_query(uri, []) == uri
    assert url.with_fragment("https://a/cb", [("code", "x&y")]) == "https://a/cb#code=x%26y"


@pytest.mark.parametrize(
    ("uri", "origin", "target"),
    [
        ("https://a.example:443/cb", "https://a.example", "https://a.example"),
        ("http://a.example:80/", "http://a.example", "http://a.example"),
        ("http://[::1]:9/x", "http://[::1]:9", "http://[::1]:9"),
        ("HTTPS://A.example/x", "https://a.example", "https://a.example"),
        ("com.example.app:/cb", "", "com.example.app:"),
        ("https:///x", "", "https:"),
        ("https://a:b/x", "", "https:"),
        ("not a uri", "", ""),
        ("'unsafe-inline':x", "", ""),
    ],
)
def test_origin_and_form_target(uri: str, origin: str, target: str) -> None:
    """Origins are written as browsers write them; what has none gives its scheme to the policy, or nothing."""
    assert (url.origin(uri), url.form_target(uri)) == (origin, target)


@given(st.text(max_size=60))
def test_a_form_target_cannot_break_the_policy(text: str) -> None:
    """No address can bring a blank, a semicolon or a quote into the policy's text."""
    assert not set(url.form_target(text)) & set(" ;,'\"\n\t")
    assert not set(url.form_target("https://" + text)) & set(" ;,'\"\n\t")
