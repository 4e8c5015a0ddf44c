"""Claim rules at the endpoints: in the ID token of the code, of a refresh and of the browser, and at UserInfo."""

from __future__ import annotations

import msgspec

from intaglio.server.model.assigned import ClaimRule
from tests import harness
from tests.capability import capability

NAMESPACE = "https://app.example.com/"
GREETING = ClaimRule(NAMESPACE + "greeting", template="Hello {user.claims.given_name}")
OCCASION = ClaimRule(
    NAMESPACE + "occasion",
    expression="[request.token, request.grant_type, request.dialect, string(size(request.scope))]",
)


def _rules(site: harness.Site, *rules: ClaimRule, client_id: str = "web") -> None:
    site.change_client(client_id, claim_rules=rules)


def _added(claims: dict[str, object]) -> dict[str, object]:
    return {name.removeprefix(NAMESPACE): value for name, value in claims.items() if name.startswith(NAMESPACE)}


@capability("claim-rule-refresh", witness="the token answers")
@capability("claim-rule-userinfo", witness="UserInfo's answer")
def test_claims_are_made_anew_each_time(site: harness.Site) -> None:
    """By what is known of the person at that moment, at the code, at a refresh and at UserInfo; a removed rule ends."""
    _rules(site, GREETING, OCCASION)
    app = harness.App(site)
    tokens = app.tokens()
    added = _added(harness.payload(tokens["id_token"]))
    assert added == {"greeting": "Hello Alice", "occasion": ["id_token", "authorization_code", "standard", "4"]}
    site.change_user("alice", claims={**site.user("alice").claims, "given_name": "Alicia"})
    assert _added(app.userinfo(tokens["access_token"]).json()) == {
        "greeting": "Hello Alicia",
        "occasion": ["userinfo", "", "standard", "4"],
    }
    refreshed = app.refresh(tokens["refresh_token"]).json()
    added = _added(harness.payload(refreshed["id_token"]))
    assert added == {"greeting": "Hello Alicia", "occasion": ["id_token", "refresh_token", "standard", "4"]}
    _rules(site, OCCASION)
    again = app.refresh(refreshed["refresh_token"]).json()
    assert list(_added(harness.payload(again["id_token"]))) == ["occasion"]


def test_a_token_through_the_browser_has_them(site: harness.Site) -> None:
    """The implicit flow as well."""
    _rules(site, GREETING)
    site.change_client("web", grant_types=("authorization_code", "implicit"), response_types=("code", "id_token"))
    answer = harness.App(site).callback(
        response_type="id_token", code_challenge=None, code_challenge_method=None, scope="openid profile"
    )
    assert _added(harness.payload(answer.fragment["id_token"])) == {"greeting": "Hello Alice"}


def test_only_where_they_belong(site: harness.Site) -> None:
    """The tenant's rules reach every client, a client's no other one; where there is none nothing changes."""
    site.add_client("other", "other-secret")
    _rules(site, GREETING)
    other = harness.App(site, "other", "other-secret")
    assert _added(harness.payload(other.tokens()["id_token"])) == {}
    site.change_tenant(claim_rules=(msgspec.structs.replace(GREETING, template="Hi", tokens=("id_token",)),))
    tokens = other.tokens()
    assert _added(harness.payload(tokens["id_token"])) == {"greeting": "Hi"}
    assert _added(other.userinfo(tokens["access_token"]).json()) == {}
    assert _added(harness.payload(harness.App(site).tokens()["id_token"])) == {"greeting": "Hello Alice"}


@capability("claim-rule-reserved", witness="the token answer")
def test_whatever_was_kept_the_issuer_says_who_and_to_whom(site: harness.Site) -> None:
    """Rules for claims of the protocol, as an earlier version or a slip may have left them, add nothing."""
    names = ("iss", "sub", "aud", "exp", "nonce", "auth_time", "sid", "at_hash", "azp", "amr")
    _rules(site, *(ClaimRule(name, template="x") for name in names), ClaimRule("email", template="x@example.com"))
    app = harness.App(site)
    tokens = app.tokens(scope="openid")
    claims = harness.payload(tokens["id_token"])
    assert "x" not in claims.values()
    assert "azp" not in claims
    assert "email" not in claims
    assert app.userinfo(tokens["access_token"]).json() == {"sub": claims["sub"]}


def test_a_vendors_dialect_drops_the_names_it_keeps(site: harness.Site) -> None:
    """In silence, and in that dialect alone."""
    _rules(site, ClaimRule("org_id", template="org_1"), GREETING)
    auth0 = harness.payload(harness.auth0_app(site).tokens()["id_token"])
    assert "org_id" not in auth0
    assert _added(auth0) == {"greeting": "Hello Alice"}
    assert harness.payload(harness.App(site).tokens()["id_token"])["org_id"] == "org_1"


def test_a_signed_userinfo_has_them(site: harness.Site) -> None:
    """What travels as a JWT says the same."""
    _rules(site, GREETING)
    site.change_client("web", userinfo_signed_response_alg="RS256")
    app = harness.App(site)
    answer = app.userinfo(app.tokens()["access_token"])
    assert _added(harness.payload(answer.text)) == {"greeting": "Hello Alice"}
