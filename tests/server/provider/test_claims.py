"""Claims through whole sign-ins: by scope, by name, from elsewhere, and a warning where they grow too many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.server.model.tenants import ClaimSource
from tests import harness
from tests.capability import capability

ALICE = "alice@example.com"


def wanted(**places: Any) -> str:
    """Return a `claims` parameter."""
    return json.dumps(places)


def implicit(site: harness.Site, client_id: str = "web", **changes: Any) -> harness.App:
    """Return the web app, enabled for tokens through the browser."""
    types = ("code", "id_token", "id_token token", "code id_token")
    grants = ("authorization_code", "refresh_token", "implicit")
    site.change_client(client_id, response_types=types, grant_types=grants, **changes)
    return harness.App(site, client_id)


def by_browser(app: harness.App, response_type: str, **changes: str | None) -> dict[str, Any]:
    """Return the claims of the ID token that came through the browser."""
    return harness.payload(app.callback(response_type=response_type, **changes).fragment["id_token"])


@capability("claims-by-scope", witness="a person's browser, in process")
@pytest.mark.parametrize(
    ("response_type", "is_in_token"), [("id_token", True), ("id_token token", False), ("code id_token", False)]
)
def test_scopes_are_told_where_they_belong(site: harness.Site, response_type: str, is_in_token: bool) -> None:
    """OpenID Connect Core 5.4: in the ID token only where no access token can fetch them from UserInfo."""
    claims = by_browser(implicit(site), response_type, scope="openid email")
    assert (claims.get("email") == ALICE) is is_in_token
    assert "name" not in claims


@capability("claims-by-scope", witness="a person's browser, in process")
def test_scopes_are_told_at_userinfo(site: harness.Site) -> None:
    """OpenID Connect Core 5.4: the code flow's ID token is short, and UserInfo tells the rest."""
    app = harness.App(site)
    answer = app.tokens(scope="openid email")
    assert "email" not in harness.payload(answer["id_token"])
    told = app.userinfo(answer["access_token"]).json()
    assert set(told) == {"sub", "email", "email_verified"}


@capability("claims-requested", witness="a person's browser, in process")
def test_claims_are_told_where_they_were_asked_for(site: harness.Site) -> None:
    """OpenID Connect Core 5.5: `id_token` and `userinfo` are two lists; a refreshed token tells the same."""
    app = harness.App(site)
    asked = wanted(id_token={"email": None}, userinfo={"given_name": {"essential": True}, "shoe_size": None})
    answer = app.tokens(scope="openid offline_access", claims=asked)
    assert harness.payload(answer["id_token"])["email"] == ALICE
    assert "given_name" not in harness.payload(answer["id_token"])
    told = app.userinfo(answer["access_token"]).json()
    assert told == {"sub": site.user("alice").user_id, "given_name": "Alice"}
    again = app.refresh(answer["refresh_token"]).json()
    assert harness.payload(again["id_token"])["email"] == ALICE
    assert app.userinfo(again["access_token"]).json() == told


@capability("claims-requested", witness="a person's browser, in process")
def test_a_value_that_is_not_the_one_is_not_told(site: harness.Site) -> None:
    """OpenID Connect Core 5.5.1: value and values."""
    app = harness.App(site)
    asked = {"email": {"value": "eve@example.com"}, "nickname": {"values": ["Al", "Ally", "alice"]}}
    asked |= {"given_name": {"value": "Alice"}, "family_name": {"values": ["Bates", "Burns"]}}
    answer = app.tokens(scope="openid", claims=wanted(id_token=asked))
    told = harness.payload(answer["id_token"])
    assert told["given_name"] == "Alice"
    assert not {"email", "family_name"} & set(told)


@capability("claims-requested", witness="a person's browser, in process")
def test_claims_through_the_browser(site: harness.Site) -> None:
    """OpenID Connect Core 5.5: the ID token of the front channel tells them as well."""
    app = implicit(site)
    asked = wanted(id_token={"phone_number": None})
    assert "phone_number" in by_browser(app, "id_token token", scope="openid", claims=asked)


@capability("claims-requested-consent", witness="a person's browser, in process")
def test_the_person_is_asked_for_what_is_wanted_by_name(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.4: the page names the scope that releases the claim; what is not ticked is not told."""
    app, browser = harness.App(site), harness.Browser(site)
    asked = wanted(id_token={"email": None, "given_name": None}, userinfo={"email": None, "given_name": None})
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid", claims=asked)))
    assert "See your e-mail address" in page.text
    assert "See your profile" in page.text
    code = browser.consent(page, scope=["openid", "profile"]).params["code"]
    answer = app.redeem(code).json()
    told = harness.payload(answer["id_token"]) | app.userinfo(answer["access_token"]).json()
    assert told["given_name"] == "Alice"
    assert "email" not in told
    # The scope that was asked for is given, and none besides.
    assert answer["scope"] == "openid"


@capability("claims-requested-consent", witness="a person's browser, in process")
def test_claims_go_no_further_than_scopes(site: harness.Site) -> None:
    """A client that may not have a scope gets none of its claims by name, and nobody is asked."""
    site.change_client("web", scope=("openid", "profile"))
    app, browser = harness.App(site), harness.Browser(site)
    asked = wanted(id_token={"email": {"essential": True}}, userinfo={"email": None, "phone_number": None})
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid", claims=asked)))
    assert "See your e-mail address" not in page.text
    answer = app.redeem(browser.through(page).params["code"]).json()
    assert "email" not in harness.payload(answer["id_token"])
    assert set(app.userinfo(answer["access_token"]).json()) == {"sub"}


@capability("claims-requested-consent", witness="a person's browser, in process")
def test_a_consent_that_was_given_is_enough(site: harness.Site) -> None:
    """With prompt=none a claim is told if its scope was granted before, and consent_required is the answer if not."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser, scope="openid email")
    known = app.authorize(browser, scope="openid", prompt="none", claims=wanted(id_token={"email": None}))
    assert harness.payload(app.redeem(known.params["code"]).json()["id_token"])["email"] == ALICE
    new = app.authorize(browser, scope="openid", prompt="none", claims=wanted(id_token={"address": None}))
    assert new.error == "consent_required"


SOURCES = {
    "bureau": ClaimSource(("credit_score",), jwt={"alice": "a.b.c"}),
    "post": ClaimSource(("shipping_address",), endpoint="https://post.example/claims", access_token="a-token"),
}


@pytest.fixture
def shop(site: harness.Site) -> harness.App:
    """The web app, enabled for claims that two other parties vouch for."""
    site.change_tenant(claim_sources=SOURCES)
    site.change_client("web", scope=("openid", "profile", "credit_score", "shipping_address", "offline_access"))
    return harness.App(site)


@capability("claims-aggregated", witness="a person's browser, in process")
def test_aggregated_claims(shop: harness.App) -> None:
    """OpenID Connect Core 5.6.2.1: at UserInfo by scope, in the ID token by name; a user without one has none."""
    asked = wanted(id_token={"credit_score": None})
    answer = shop.tokens(scope="openid credit_score", claims=asked)
    source = {"_claim_names": {"credit_score": "bureau"}, "_claim_sources": {"bureau": {"JWT": "a.b.c"}}}
    told = shop.userinfo(answer["access_token"]).json()
    assert told == {"sub": told["sub"], **source}
    assert source.items() <= harness.payload(answer["id_token"]).items()
    nobody = shop.tokens(username="bob", scope="openid credit_score", claims=asked)
    assert set(shop.userinfo(nobody["access_token"]).json()) == {"sub"}


@capability("claims-distributed", witness="a person's browser, in process")
def test_distributed_claims(shop: harness.App) -> None:
    """OpenID Connect Core 5.6.2.2: endpoint and access token; they are in the ID token only where asked for there."""
    answer = shop.tokens(scope="openid shipping_address")
    told = shop.userinfo(answer["access_token"]).json()
    assert told["_claim_names"] == {"shipping_address": "post"}
    assert told["_claim_sources"] == {"post": {"endpoint": "https://post.example/claims", "access_token": "a-token"}}
    assert "_claim_names" not in harness.payload(answer["id_token"])


@capability("claims-distributed", witness="a person's browser, in process")
def test_a_source_is_not_for_everybody(site: harness.Site) -> None:
    """A client that is not enabled for the claim's own scope gets neither the claim nor the token to fetch it."""
    site.change_tenant(claim_sources=SOURCES)
    app = harness.App(site)
    asked = wanted(id_token={"shipping_address": None}, userinfo={"credit_score": None, "shipping_address": None})
    answer = app.tokens(scope="openid credit_score shipping_address", claims=asked)
    assert set(app.userinfo(answer["access_token"]).json()) == {"sub"}
    assert "_claim_sources" not in harness.payload(answer["id_token"])


@capability("id-token-budget", witness="the log")
def test_a_large_id_token_is_told_of_and_not_trimmed(site: harness.Site) -> None:
    """One line with the request's reference, the largest claims by name and octets, and no value."""
    site.change_user(
        "alice", claims={"name": "Alice", "website": "https://example.com/" + "w" * 900, "profile": "p" * 400}
    )
    site.change_tenant(id_token_budget=1500)
    app = harness.App(site)
    asked = wanted(id_token={"website": None, "profile": None, "name": None})
    with harness.logged() as log:
        answer = app.tokens(scope="openid", claims=asked)
    assert len(harness.payload(answer["id_token"])["website"]) == 920
    (line,) = [line for line in log.lines if "large id_token" in line]
    entry = json.loads(line[line.index("{") :])
    assert entry["octets"] == len(answer["id_token"]) > entry["budget"] == 1500
    assert list(entry["claims"])[:2] == ["website", "profile"]
    assert entry["claims"]["website"] == 922
    assert entry["client_id"] == "web"
    assert entry["ref"].startswith("ref_")
    assert "wwww" not in line


@capability("id-token-budget", witness="the log")
def test_within_the_budget_nothing_is_told(site: harness.Site) -> None:
    """The usual token is a tenth of the budget."""
    with harness.logged() as log:
        harness.App(site).tokens()
    assert [line for line in log.lines if "large id_token" in line] == []
