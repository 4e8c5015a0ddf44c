"""The auth0 shape at its endpoints: form and JSON bodies, its statuses, its lifetimes."""

from __future__ import annotations

import pytest

from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8083"


def _form(app: harness.App) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": "web",
        "client_secret": "web-secret",
        "code": app.code(),
        "redirect_uri": app.redirect_uri,
        "code_verifier": harness.VERIFIER,
    }


@capability("auth0-token-form", witness="the token answer")
@capability("auth0-token-json", witness="the token answer")
@capability("auth0-authorize", witness="the token answer")
@pytest.mark.parametrize("by_json", [True, False])
def test_a_code_by_form_and_by_json(site: harness.Site, by_json: bool) -> None:
    """The same tokens; null members count as absent."""
    app = harness.auth0_app(site)
    form = _form(app)
    if by_json:
        answer = site.request("POST", ROOT + "/oauth/token", payload=form | {"audience": None, "scope": None})
    else:
        answer = site.post(ROOT + "/oauth/token", form)
    assert answer.status == 200
    claims = harness.payload(answer.json()["id_token"])
    assert claims["iss"] == ROOT + "/"
    assert claims["sub"].startswith("auth0|")
    assert {"name", "email", "nickname"} <= set(claims)
    assert app.userinfo(answer.json()["access_token"]).json()["sub"] == claims["sub"]


@capability("auth0-lifetime", witness="the claims")
def test_an_id_token_lives_ten_hours(site: harness.Site) -> None:
    """36000 s, the access token a day."""
    tokens = harness.auth0_app(site).tokens()
    claims = harness.payload(tokens["id_token"])
    assert claims["exp"] - claims["iat"] == 36000
    assert tokens["expires_in"] == 86400


@capability("auth0-invalid-grant", witness="the error answer")
def test_what_is_not_good_is_forbidden(site: harness.Site) -> None:
    """403 `invalid_grant` with the texts that its SDKs match on; not so at the standard port."""
    app = harness.auth0_app(site)
    refused = app.redeem("x")
    assert (refused.status, refused.error) == (403, "invalid_grant")
    assert refused.json()["error_description"] == "Invalid authorization code"
    assert app.refresh("x").json()["error_description"] == "Unknown or invalid refresh token."
    assert harness.App(site).redeem("x").status == 400


@pytest.mark.parametrize(
    "payload",
    [[], "x", 5, None, {}, {"grant_type": ["x"]}, {"grant_type": True}, {"grant_type": "x", "y": {}}, b"{", b"\xff"],
)
def test_a_json_body_that_is_none(site: harness.Site, payload: object) -> None:
    """400, as for a form that says nothing."""
    answer = site.request("POST", ROOT + "/oauth/token", payload=payload if payload is not None else b"null")
    assert (answer.status, answer.error) in [(400, "invalid_request"), (400, "unsupported_grant_type")]


@capability("dialects-apart", witness="the standard port")
def test_the_standard_dialect_knows_none_of_it(site: harness.Site) -> None:
    """Neither the paths nor the JSON body nor the subject."""
    for where in ("~/oauth/token", "~/oidc/logout", "~/v2/logout", "~/.well-known/jwks.json"):
        assert site.get(where).status == 404
