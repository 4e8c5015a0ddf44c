"""Messages as values: headers by name, and no secret in what they print."""

from __future__ import annotations

import pytest

from intaglio.wire import message
from intaglio.wire.message import Request, Response

HEADERS = (("cookie", "a=canary"), ("authorization", "Bearer canary"), ("cookie", "b=2"))


def test_headers_are_found_by_name() -> None:
    """The first of a name, all of a name, or nothing."""
    request = Request("GET", "/", headers=HEADERS)
    assert request.header("cookie") == "a=canary"
    assert request.header_values("cookie") == ["a=canary", "b=2"]
    assert request.header("origin") is None


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, ""), ("", ""), ("Text/HTML; charset=x", "text/html"), (" application/json ;a", "application/json")],
)
def test_media_type(declared: str | None, expected: str) -> None:
    """RFC 9110 8.3.1: without case and parameters."""
    given = () if declared is None else (("content-type", declared),)
    assert Request("POST", "/", headers=given).media_type() == expected


def test_messages_do_not_print_what_they_carry() -> None:
    """Cookies, tokens, queries and bodies stay out of every text form."""
    request = Request("POST", "/x", query="code=canary", headers=HEADERS, body=b"canary")
    response = Response(200, (("location", "https://a/?code=canary"),), b"canary")
    assert "canary" not in f"{request!r}{request}{response!r}{response}"


def test_a_redirect_is_a_303_that_nobody_keeps() -> None:
    """RFC 9700 4.12: 303, so that a posted form is never posted again to the client."""
    answer = message.redirect("https://a/")
    assert answer.status == 303
    assert dict(answer.headers)["cache-control"] == "no-store"
