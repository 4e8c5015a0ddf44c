"""The Authorization header: one way to read it, and nothing when in doubt."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.wire import authorization


def _basic(octets: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(octets).decode()}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a\tb",
        "Bearer é",
        "Bearer =a",
        "Bearer a=b",
        "Token abc",
        "Basic abc",
        "Bearer " + "a" * 16384,
    ],
)
def test_no_bearer_token(value: str) -> None:
    """RFC 6750 2.1: one token of the b64token characters."""
    assert authorization.bearer(value) is None


@pytest.mark.parametrize("value", ["Bearer abc", "bearer abc", "BEARER  abc", "Bearer abc "])
def test_bearer_token(value: str) -> None:
    """RFC 9110 11.1: the scheme has no case, and blanks may stand around the token."""
    assert authorization.bearer(value) == "abc"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic YTpi\n",
        _basic(b"nocolon"),
        _basic(b"\xff:b"),
        _basic(b"a:%ff"),
        _basic(b"a:%00"),
        _basic(b"a:b", "Bearer"),
        _basic(b"a:" + b"b" * 16384),
    ],
)
def test_no_basic_pair(value: str) -> None:
    """RFC 7617: base64 of UTF-8 with a colon; controls have no place in it."""
    assert authorization.basic(value) is None


def test_the_first_colon_divides() -> None:
    """A secret may hold colons."""
    assert authorization.basic(_basic(b"a:b:c")) == ("a", "b:c")


PART = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(PART, PART)
def test_both_halves_are_form_encoded(name: str, secret: str) -> None:
    """RFC 6749 2.3.1: what a client encodes by the book is read as it was meant."""
    value = _basic(f"{quote_plus(name)}:{quote_plus(secret)}".encode())
    assert authorization.basic(value) == (name, secret)


@given(st.text(max_size=100))
def test_any_text_is_read_or_not(text: str) -> None:
    """No header makes the readers fail."""
    for scheme in ("", "Basic ", "Bearer "):
        authorization.basic(scheme + text)
        authorization.bearer(scheme + text)
