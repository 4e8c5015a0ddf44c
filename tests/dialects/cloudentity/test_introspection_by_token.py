"""Introspection that is asked with an access token in place of a client authentication (RFC 7662 section 2.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests import harness
from tests.capability import capability
from tests.dialects.cloudentity.workspace import ISSUER, App

GRANTS = ("authorization_code", "refresh_token", "client_credentials")


def _asked(site: harness.Site, caller: str, token: str, **more: str) -> harness.Answer:
    headers = {"authorization": f"Bearer {caller}"}
    return site.post(ISSUER + "/oauth2/introspect", {"token": token} | more, headers=headers)


def _own(site: harness.Site, client_id: str, secret: str, scope: str = "") -> str:
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    headers = {"authorization": harness.basic(client_id, secret)}
    token: str = site.post(ISSUER + "/oauth2/token", form, headers=headers).json()["access_token"]
    return token


@pytest.fixture
def held(site: harness.Site) -> dict[str, Any]:
    """What the application `web` got for a person."""
    site.change_client("web", grant_types=GRANTS)
    return App(site).tokens()


@capability("cloudentity-introspection", witness="the answers")
def test_a_token_of_its_own_tells_of_its_own(site: harness.Site, held: dict[str, Any]) -> None:
    """A program learns of its own application's access tokens, of no refresh token, and of nobody else's tokens."""
    site.add_client("other", "other-secret", grant_types=GRANTS)
    mine, other = _own(site, "web", "web-secret"), _own(site, "other", "other-secret")
    assert _asked(site, mine, held["access_token"]).json()["active"] is True
    assert _asked(site, mine, mine).json()["client_id"] == "web"
    for caller, token in ((mine, held["refresh_token"]), (mine, other), (other, held["access_token"])):
        assert _asked(site, caller, token).json() == {"active": False}


def test_with_the_scope_it_tells_of_all(site: harness.Site, held: dict[str, Any]) -> None:
    """`introspect_tokens` is what resource servers have; refresh tokens it does not open."""
    site.add_client("api", "api-secret", like="machine", scope=("introspect_tokens",))
    caller = _own(site, "api", "api-secret", "introspect_tokens")
    told = _asked(site, caller, held["access_token"]).json()
    assert (told["active"], told["client_id"], "username" in told) == (True, "web", False)
    assert _asked(site, caller, held["refresh_token"]).json() == {"active": False}


def test_what_is_no_such_token_is_refused(site: harness.Site, held: dict[str, Any]) -> None:
    """A person's token, an ID token, a revoked one, one of another dialect and nonsense open nothing."""
    mine = _own(site, "web", "web-secret")
    revoked = _own(site, "web", "web-secret")
    assert App(site).revoke(revoked).status == 200
    form = {"grant_type": "client_credentials"}
    headers = {"authorization": harness.basic("web", "web-secret")}
    elsewhere = site.post("~/token", form, headers=headers).json()["access_token"]
    for caller in (held["access_token"], held["refresh_token"], held["id_token"], revoked, elsewhere, "nonsense"):
        answer = _asked(site, caller, mine)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_token"), caller
        assert (answer.header("www-authenticate") or "").startswith("Bearer")
    assert _asked(site, mine, mine, client_secret="web-secret").json()["error"] == "invalid_request"
    site.change_client("web", disabled_at=site.clock.now())
    assert _asked(site, mine, mine).status == 401
