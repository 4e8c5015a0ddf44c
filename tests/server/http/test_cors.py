"""Which pages of other origins may read an answer, endpoint by endpoint; never with credentials."""

from __future__ import annotations

import pytest

from tests import harness
from tests.capability import capability

OWN = "http://localhost:3000"
OTHER = "https://evil.example"
HARMLESS = {"~/userinfo"}


def _allowed(answer: harness.Answer) -> str | None:
    assert answer.header("access-control-allow-credentials") is None
    return answer.header("access-control-allow-origin")


@capability("cors-clients", witness="pages of two origins")
@pytest.mark.parametrize(("origin", "expected"), [(OWN, OWN), ("http://localhost:5173", "http://localhost:5173")])
def test_a_clients_own_pages_may_read(site: harness.Site, origin: str, expected: str) -> None:
    """Token, UserInfo and revocation for the origins of the client's redirect URIs."""
    app = harness.spa(site)
    form = {
        "grant_type": "authorization_code",
        "code": app.code(),
        "redirect_uri": app.redirect_uri,
        "code_verifier": harness.VERIFIER,
        "client_id": "spa",
    }
    tokens = site.post("~/token", form, headers={"origin": origin})
    access = tokens.json()["access_token"]
    info = site.get("~/userinfo", headers={"origin": origin, "authorization": f"Bearer {access}"})
    gone = site.post("~/revoke", {"token": access, "client_id": "spa"}, headers={"origin": origin})
    for answer in (tokens, info, gone):
        assert answer.status == 200
        assert _allowed(answer) == expected
        assert answer.header("vary") == "Origin"


@capability("cors-clients", witness="pages of two origins")
@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost",
        "http://LOCALHOST:3000",
        "http://localhost:3000/",
        "http://localhost:3000.evil.example",
        "*",
        "",
    ],
)
def test_other_pages_may_not_read_tokens(site: harness.Site, origin: str) -> None:
    """Another scheme, port, case or host is another origin; the answer says that it varies."""
    app = harness.spa(site)
    tokens = app.tokens()
    refreshed = site.post(
        "~/token",
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "spa"},
        headers={"origin": origin},
    )
    assert refreshed.status == 200
    info = site.get("~/userinfo", headers={"origin": origin, "authorization": f"Bearer {tokens['access_token']}"})
    for answer in (refreshed, info):
        assert _allowed(answer) is None
        assert answer.header("vary") == "Origin"


def test_a_clients_explicit_list_counts(site: harness.Site) -> None:
    """`allowed_origins` are origins too."""
    site.change_client("spa", allowed_origins=("https://app.example.com",))
    answer = site.post("~/revoke", {"token": "x", "client_id": "spa"}, headers={"origin": "https://app.example.com"})
    assert _allowed(answer) == "https://app.example.com"


@pytest.mark.parametrize("where", ["~/introspect", "~/authorize", "~/logout"])
def test_no_page_reads_these(site: harness.Site, where: str) -> None:
    """Introspection is for servers, the others are for people."""
    for method in ("GET", "POST", "OPTIONS"):
        given = {"origin": OWN, "access-control-request-method": "POST"}
        answer = site.request(method, where, headers=given, form={} if method == "POST" else None)
        assert _allowed(answer) is None
        assert answer.header("access-control-allow-methods") is None


@pytest.mark.parametrize("where", ["~/token", "~/userinfo", "~/revoke"])
def test_preflight_of_a_clients_endpoint(site: harness.Site, where: str) -> None:
    """Before the client is known any origin may ask; what it may read is decided on the answer itself."""
    given = {
        "origin": OTHER,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = site.request("OPTIONS", where, headers=given)
    assert (answer.status, answer.body) == (204, b"")
    assert _allowed(answer) == OTHER
    assert "POST" in (answer.header("access-control-allow-methods") or "")
    assert answer.header("access-control-allow-headers") == "authorization,content-type"
    assert answer.header("vary") == "Origin"


@pytest.mark.parametrize("where", ["~/jwks", "~/.well-known/openid-configuration"])
def test_preflight_of_a_public_document(site: harness.Site, where: str) -> None:
    """Any origin."""
    given = {"origin": OTHER, "access-control-request-method": "GET"}
    assert _allowed(site.request("OPTIONS", where, headers=given)) == "*"


def test_errors_can_be_read_by_their_clients_pages(site: harness.Site) -> None:
    """A page sees why its own request failed, and another's does not."""
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "spa"}
    assert _allowed(site.post("~/token", form, headers={"origin": OWN})) == OWN
    assert _allowed(site.post("~/token", form, headers={"origin": OTHER})) is None
    refused = site.get("~/userinfo", headers={"origin": OTHER, "authorization": "Bearer x"})
    assert _allowed(refused) == OTHER
    assert refused.header("access-control-expose-headers") == "WWW-Authenticate"


def test_pages_of_the_server_are_nobodys_to_read(site: harness.Site) -> None:
    """Front pages and the steps of a sign-in have no CORS headers at all."""
    for where in ("http://localhost:8080/", "http://localhost:8080/demo", "http://localhost:8080/_intaglio/login/x"):
        assert _allowed(site.get(where, headers={"origin": OTHER})) is None
