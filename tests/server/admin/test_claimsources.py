"""Sources of claims as an operator writes them down: what may be in them, and what is never told of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.errors import Misconfigured
from intaglio.protocol.scopes import ISSUERS_OWN
from intaglio.server.admin import claimsources
from intaglio.server.model.tenants import ClaimSource

GOOD = {
    "bureau": {"claims": ["credit_score"], "jwt": {"alice": "a.b.c"}},
    "post": {"claims": ["shipping_address"], "endpoint": "https://post.example/claims", "access_token": "secret-token"},
}


def refused(text: str) -> Misconfigured:
    """Return the error with which a text is refused."""
    with pytest.raises(Misconfigured) as caught:
        claimsources.read(text)
    return caught.value


def source(**members: Any) -> str:
    """Return a text with one distributed source."""
    return json.dumps({"post": GOOD["post"] | members})


def test_both_kinds_are_read() -> None:
    """Aggregated ones by user name, distributed ones with or without a token; an empty object means none."""
    assert claimsources.read(json.dumps(GOOD)) == {
        "bureau": ClaimSource(("credit_score",), {"alice": "a.b.c"}),
        "post": ClaimSource(("shipping_address",), {}, "https://post.example/claims", "secret-token"),
    }
    assert claimsources.read(source(access_token=""))["post"].access_token == ""
    assert claimsources.read("{}") == {}


@pytest.mark.parametrize("name", [*sorted(ISSUERS_OWN), "openid", "offline_access"])
def test_nobody_vouches_for_what_the_issuer_says(name: str) -> None:
    """A source for `sub` or `exp` would say another thing than the token around it."""
    assert refused(source(claims=[name])).code == "claim-source-invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"a": 1}',
        '{"a": {"claims": ["x"], "endpoint": "https://a.example"}, "a": {"claims": ["y"], "jwt": {"b": "a.b.c"}}}',
        source(claims=[]),
        source(claims="x"),
        source(claims=["x"] * 51),
        source(unknown=1),
        source(endpoint=""),
        source(jwt={"alice": "a.b.c"}),
        source(endpoint="", access_token="", jwt={"alice": "not a token"}),
        source(endpoint="", access_token="", jwt={"alice": "a.b.c" + "c" * 20_000}),
        json.dumps({"": GOOD["post"]}),
        json.dumps({"x" * 81: GOOD["post"]}),
        json.dumps({str(number): GOOD["post"] | {"claims": [f"c{number}"]} for number in range(21)}),
        json.dumps({"one": GOOD["post"], "two": GOOD["post"]}),
    ],
)
def test_what_is_no_list_of_sources_is_refused(text: str) -> None:
    """Form, counts, lengths, either of the two kinds, and no claim of two sources; no token in the error."""
    error = refused(text)
    assert error.code == "claim-source-invalid"
    assert "secret-token" not in f"{error} {error.detail} {error.hint}"


@pytest.mark.parametrize("endpoint", ["http://post.example/claims", "file:///etc/passwd", "/claims", "https://"])
def test_an_endpoint_is_https(endpoint: str) -> None:
    """The client sends the source's access token there."""
    assert refused(source(endpoint=endpoint)).code == "uri-invalid"


@pytest.mark.parametrize("claim", ["two words", 'quo"te', ""])
def test_a_claim_can_be_a_scope(claim: str) -> None:
    """A claim outside the standard's scopes is released by the scope of its own name, so that it must be one."""
    assert refused(source(claims=[claim])).code == "scope-invalid"
