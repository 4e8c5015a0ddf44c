"""UserInfo, introspection and revocation: what a token is good for, and the end of it."""

from __future__ import annotations

import pytest

from intaglio.dialects.standard.claims import PROFILE
from tests import harness
from tests.capability import capability


def _challenge(answer: harness.Answer) -> str:
    return answer.header("www-authenticate") or ""


@capability("userinfo", witness="three ways to send a token")
def test_userinfo(site: harness.Site) -> None:
    """RFC 6750 2.1 and 2.2: the header with GET and POST, or a posted form; sub is the ID token's."""
    app = harness.App(site)
    tokens = app.tokens(scope="openid profile email phone address")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    answers = [
        site.get("~/userinfo", headers=bearer),
        site.request("POST", "~/userinfo", headers=bearer),
        site.post("~/userinfo", {"access_token": tokens["access_token"]}),
        site.get("~/userinfo", headers={"authorization": f"bearer {tokens['access_token']}"}),
    ]
    assert len({answer.body for answer in answers}) == 1
    claims = answers[0].json()
    assert claims["sub"] == harness.payload(tokens["id_token"])["sub"]
    assert set(PROFILE) <= set(claims)
    assert (claims["email_verified"], claims["updated_at"]) == (True, harness.NOW)
    assert isinstance(claims["address"], dict)
    assert answers[0].header("content-type") == "application/json"


def test_userinfo_without_a_token(site: harness.Site) -> None:
    """RFC 6750 3.1: a challenge without an error code."""
    answer = site.get("~/userinfo")
    assert answer.status == 401
    assert _challenge(answer) == 'Bearer realm="http://localhost:8080/default"'


@pytest.mark.parametrize(
    "token",
    ["x", "ig_at_" + "a" * 43, "refresh_token", "id_token", "truncated", "longer", "code"],
)
def test_what_is_no_access_token(site: harness.Site, token: str) -> None:
    """RFC 6750 3.1: `invalid_token`; an ID token is for the client and opens nothing."""
    app = harness.App(site)
    tokens = app.tokens()
    tokens |= {"truncated": tokens["access_token"][:-1], "longer": tokens["access_token"] + "A", "code": app.code()}
    answer = app.userinfo(tokens.get(token, token))
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert 'error="invalid_token"' in _challenge(answer)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a b", "Basic d2ViOng=", "Bearer é", ""])
def test_a_header_that_cannot_be_read(site: harness.Site, authorization: str) -> None:
    """RFC 6750 3.1: `invalid_request`."""
    answer = site.get("~/userinfo", headers={"authorization": authorization})
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_two_tokens_are_none(site: harness.Site) -> None:
    """RFC 6750 2: one way in each request."""
    token = harness.App(site).tokens()["access_token"]
    bearer = ("authorization", f"Bearer {token}")
    assert site.post("~/userinfo", {"access_token": token}, headers=[bearer]).error == "invalid_request"
    assert site.get("~/userinfo", headers=[bearer, bearer]).error == "invalid_request"
    assert site.post("~/userinfo", [("access_token", token)] * 2).error == "invalid_request"


def test_a_token_in_the_query_is_none(site: harness.Site) -> None:
    """RFC 9700 4.3.2."""
    token = harness.App(site).tokens()["access_token"]
    assert site.get(f"~/userinfo?access_token={token}").status == 401


def test_without_openid_there_is_no_userinfo(site: harness.Site) -> None:
    """RFC 6750 3.1: `insufficient_scope`, and the scope that is needed."""
    app = harness.App(site)
    answer = app.userinfo(app.tokens(scope="profile")["access_token"])
    assert (answer.status, answer.error) == (403, "insufficient_scope")
    assert 'scope="openid"' in _challenge(answer)


def test_an_access_token_is_of_one_issuer(site: harness.Site) -> None:
    """Another tenant, and the same tenant in another dialect, do not know it."""
    site.add_tenant("shop")
    token = harness.App(site).tokens()["access_token"]
    shop = harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    assert shop.userinfo(token).status == 401
    assert shop.introspect(token) == {"active": False}
    assert harness.auth0_app(site).userinfo(token).status == 401
    shop.revoke(token)
    assert harness.App(site).userinfo(token).status == 200


@pytest.mark.parametrize(("seconds", "fine"), [(3599, True), (3600, False)])
def test_an_access_token_expires(site: harness.Site, seconds: int, fine: bool) -> None:
    """To the second, and everywhere at once."""
    app = harness.App(site)
    token = app.tokens()["access_token"]
    site.clock.advance(seconds)
    assert (app.userinfo(token).status == 200) == fine
    assert app.introspect(token)["active"] == fine


# --- introspection


@capability("introspection", witness="another client of the tenant")
def test_introspection(site: harness.Site) -> None:
    """RFC 7662 2.2: what a resource server needs, for any confidential client of the tenant."""
    app, machine = harness.App(site), harness.App(site, "machine", "machine-secret")
    tokens = app.tokens()
    assert machine.introspect(tokens["access_token"]) == {
        "active": True,
        "scope": "openid profile email offline_access",
        "client_id": "web",
        "sub": site.user("alice").user_id,
        "iss": "http://localhost:8080/default",
        "token_type": "Bearer",
        "iat": harness.NOW,
        "exp": harness.NOW + 3600,
    }
    # Who the person is by name is for the client that they signed in to.
    assert app.introspect(tokens["access_token"])["username"] == "alice"
    assert app.introspect(tokens["refresh_token"])["active"] is True
    assert machine.introspect(tokens["refresh_token"]) == {"active": False}


def test_introspection_tells_nothing_of_what_is_dead(site: harness.Site) -> None:
    """RFC 7662 2.2: `active` alone, without a reason."""
    app = harness.App(site)
    tokens = app.tokens()
    app.refresh(tokens["refresh_token"])
    for other in ("x", tokens["id_token"], tokens["refresh_token"], tokens["access_token"][:-1], app.code()):
        assert app.introspect(other) == {"active": False}


def test_a_public_client_does_not_introspect(site: harness.Site) -> None:
    """RFC 7662 2.1: the endpoint is protected, or it could be used to try tokens out."""
    token = harness.App(site).tokens()["access_token"]
    answer = site.post("~/introspect", {"token": token, "client_id": "spa"})
    assert (answer.status, answer.error) == (400, "unauthorized_client")


# --- revocation


@capability("revocation", witness="UserInfo and introspection")
def test_an_access_token_is_revoked_alone(site: harness.Site) -> None:
    """RFC 7009 2.1: the refresh token goes on, and what is revoked is dead everywhere."""
    app = harness.App(site)
    tokens = app.tokens()
    answer = app.revoke(tokens["access_token"])
    assert (answer.status, answer.body) == (200, b"")
    assert app.userinfo(tokens["access_token"]).status == 401
    assert app.introspect(tokens["access_token"]) == {"active": False}
    assert app.refresh(tokens["refresh_token"]).status == 200


@capability("revocation", witness="UserInfo and introspection")
def test_a_refresh_token_is_revoked_with_its_family(site: harness.Site) -> None:
    """RFC 7009 2.1: and the access tokens that came of it."""
    app = harness.App(site)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert app.revoke(second["refresh_token"]).status == 200
    for tokens in (first, second):
        assert app.userinfo(tokens["access_token"]).status == 401
        assert app.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_a_revoked_access_token_does_not_come_alive(site: harness.Site) -> None:
    """A replay inside the grace names the same token, and it stays dead."""
    app = harness.App(site)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    app.revoke(second["access_token"])
    app.refresh(first["refresh_token"])
    assert app.userinfo(second["access_token"]).status == 401


@pytest.mark.parametrize("token", ["x", "ig_rt_" + "a" * 43])
def test_an_unknown_token_is_revoked_already(site: harness.Site, token: str) -> None:
    """RFC 7009 2.2: the same answer."""
    assert harness.App(site).revoke(token).status == 200


def test_nobody_revokes_anothers_token(site: harness.Site) -> None:
    """RFC 7009 2.1: nothing changes, and nothing is told."""
    site.add_client("thief", "thief-secret")
    app, thief = harness.App(site), harness.App(site, "thief", "thief-secret")
    tokens = app.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert thief.revoke(token).status == 200
    assert app.userinfo(tokens["access_token"]).status == 200
    assert app.refresh(tokens["refresh_token"]).status == 200


def test_an_unknown_hint_is_ignored(site: harness.Site) -> None:
    """RFC 7009 2.1: token_type_hint helps to look, no more."""
    app = harness.App(site)
    token = app.tokens()["access_token"]
    form = {"token": token, "token_type_hint": "pineapple"}
    assert site.post("~/revoke", form, headers=app.headers()).status == 200
    assert app.userinfo(token).status == 401
