"""Auth0's endpoints for programs: statuses and texts that the SDKs match on, rotation, devices, registration."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.protocol.device import GRANT
from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8083"
REFRESH = "Unknown or invalid refresh token."
TELEMETRY = "eyJuYW1lIjoiYXV0aDAtc3BhLWpzIn0="


def post(site: harness.Site, path: str, payload: dict[str, Any]) -> harness.Answer:
    """Post JSON as the Python SDK does."""
    return site.request("POST", ROOT + path, payload=payload)


@capability("auth0-traps", witness="the token answers")
def test_trap_null_members_are_absent(site: harness.Site) -> None:
    """`organization: null` and its like change nothing, wherever JSON is read."""
    app = harness.auth0_app(site)
    named = {"client_id": "web", "client_secret": "web-secret", "organization": None, "audience": None}
    code = {"grant_type": "authorization_code", "code": app.code(), "code_verifier": harness.VERIFIER}
    tokens = post(site, "/oauth/token", named | code | {"redirect_uri": app.redirect_uri, "scope": None})
    assert tokens.status == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"], "scope": None}
    assert post(site, "/oauth/token", named | refresh).status == 200
    revoked = post(site, "/oauth/revoke", named | {"token": tokens.json()["refresh_token"]})
    assert (revoked.status, revoked.body) == (200, b"")
    assert (
        post(site, "/oauth/token", named | refresh).json()["error_description"] == "Unknown or invalid refresh token."
    )


def test_trap_no_nonce_in_a_refreshed_id_token(site: harness.Site) -> None:
    """One SDK refuses a nonce that it did not ask for; auth_time stays that of the sign-in."""
    app = harness.auth0_app(site)
    first = app.tokens()
    site.clock.advance(60)
    second = app.refresh(first["refresh_token"]).json()
    before, after = harness.payload(first["id_token"]), harness.payload(second["id_token"])
    assert before["nonce"] == "a-nonce"
    assert "nonce" not in after
    assert (after["auth_time"], after["sub"], after["sid"]) == (before["auth_time"], before["sub"], before["sid"])
    assert after["iat"] == before["iat"] + 60


def test_trap_instants_are_integers_and_never_ahead(site: harness.Site) -> None:
    """Floats break one SDK, an `iat` in the future another."""
    claims = harness.payload(harness.auth0_app(site).tokens()["id_token"])
    for name in ("iat", "exp", "auth_time"):
        assert type(claims[name]) is int
    assert claims["iat"] <= site.clock.now()
    assert "nbf" not in claims
    assert "session_expiry" not in claims
    assert type(claims["aud"]) is str


@capability("auth0-errors", witness="the error answers")
@capability("auth0-traps", witness="the error answers")
@pytest.mark.parametrize(
    ("form", "status", "error", "text"),
    [
        ({"grant_type": "authorization_code", "code": "x"}, 403, "invalid_grant", "Invalid authorization code"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 403, "invalid_grant", REFRESH),
        ({"grant_type": GRANT, "device_code": "x"}, 403, "unauthorized_client", None),
        ({"grant_type": "client_credentials"}, 403, "unauthorized_client", None),
        ({"grant_type": "password"}, 403, "unsupported_grant_type", None),
        ({"grant_type": "authorization_code"}, 400, "invalid_request", "Missing required parameter: code"),
        ({}, 400, "invalid_request", "Missing required parameter: grant_type"),
        ({"client_secret": "wrong", "grant_type": "refresh_token", "refresh_token": "x"}, 401, "invalid_client", None),
        (
            {"client_id": "nobody", "grant_type": "refresh_token", "refresh_token": "x"},
            401,
            "invalid_client",
            "Unknown client: nobody",
        ),
    ],
    ids=str,
)
def test_trap_its_own_statuses_and_texts(
    site: harness.Site, form: dict[str, str], status: int, error: str, text: str | None
) -> None:
    """403 where the standard says 400, and words that are matched letter by letter."""
    answer = site.post(ROOT + "/oauth/token", {"client_id": "web", "client_secret": "web-secret"} | form)
    assert (answer.status, answer.error) == (status, error)
    if text is not None:
        assert answer.json()["error_description"] == text


def test_a_verifier_that_does_not_answer(site: harness.Site) -> None:
    """The code is used up, and the text says what failed."""
    app = harness.auth0_app(site)
    answer = app.redeem(app.code(), code_verifier="x" * 43)
    assert (answer.status, answer.json()["error_description"]) == (403, "Failed to verify code verifier")


def test_a_person_who_is_disabled(site: harness.Site) -> None:
    """The SDK for browsers signs out locally when it reads these words."""
    app = harness.auth0_app(site)
    token = app.tokens()["refresh_token"]
    site.change_user("alice", disabled_at=1)
    refused = app.refresh(token)
    assert (refused.status, refused.json()["error_description"]) == (403, "user is blocked")


def test_trap_preflight_with_telemetry(site: harness.Site) -> None:
    """A page may send the SDK's own header, and read the answer, if its origin is the application's."""
    headers = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "auth0-client,content-type",
    }
    preflight = site.request("OPTIONS", ROOT + "/oauth/token", headers=headers)
    assert preflight.status == 204
    assert "auth0-client" in (preflight.header("access-control-allow-headers") or "").lower()
    app = harness.App(
        site, "spa", "", redirect_uri="http://localhost:3000/callback", issuer=ROOT + "/", token="/oauth/token"
    )
    form = {"grant_type": "authorization_code", "client_id": "spa", "code": app.code()}
    form |= {"redirect_uri": app.redirect_uri, "code_verifier": harness.VERIFIER}
    told = {"origin": "http://localhost:3000", "auth0-client": TELEMETRY}
    answer = site.post(ROOT + "/oauth/token", form, headers=told)
    assert (answer.status, answer.header("access-control-allow-origin")) == (200, "http://localhost:3000")
    other = site.post(ROOT + "/oauth/token", form, headers=told | {"origin": "https://evil.example"})
    assert other.header("access-control-allow-origin") is None


@pytest.mark.parametrize(("policy", "rotates"), [("", False), ("rotate", True), ("keep", False)])
def test_rotation_is_the_applications_choice(site: harness.Site, policy: str, rotates: bool) -> None:
    """A new refresh token comes only where tokens rotate."""
    site.change_client("web", refresh_policy=policy)
    app = harness.auth0_app(site)
    token = app.tokens()["refresh_token"]
    answer = app.refresh(token).json()
    assert ("refresh_token" in answer) == rotates
    assert answer["id_token"]


@capability("auth0-rotation", witness="the token answers")
def test_reuse_of_a_rotated_token_ends_the_family(site: harness.Site) -> None:
    """Without leeway at once, with it when the leeway is over; then the newest token is dead as well."""
    site.change_client("web", refresh_policy="rotate", refresh_grace=30)
    app = harness.auth0_app(site)
    first = app.tokens()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    site.clock.advance(29)
    assert app.refresh(first).json()["refresh_token"] == second
    site.clock.advance(2)
    refused = app.refresh(first)
    assert (refused.status, refused.json()["error_description"]) == (403, "Unknown or invalid refresh token.")
    assert app.refresh(second).status == 403


def test_reuse_without_leeway(site: harness.Site) -> None:
    """This dialect grants no leeway of its own accord."""
    site.change_client("web", refresh_policy="rotate")
    app = harness.auth0_app(site)
    first = app.tokens()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    # In the very same second.
    assert app.refresh(first).status == 403
    assert app.refresh(second).status == 403


@capability("auth0-device", witness="the answers and the page")
def test_a_device(site: harness.Site) -> None:
    """Its address, its page, its lifetime, and 403 or 429 until its person has decided."""
    start = post(site, "/oauth/device/code", {"client_id": "tv", "scope": "openid profile", "audience": None})
    body = start.json()
    assert (start.status, body["verification_uri"], body["expires_in"]) == (200, ROOT + "/activate", 900)
    assert body["interval"] == 5
    poll = {"grant_type": GRANT, "client_id": "tv", "device_code": body["device_code"]}
    pending = post(site, "/oauth/token", poll)
    assert (pending.status, pending.error) == (403, "authorization_pending")
    assert pending.json()["error_description"] == "User has yet to authorize device code."
    fast = post(site, "/oauth/token", poll)
    assert (fast.status, fast.error) == (429, "slow_down")
    browser = harness.Browser(site)
    page = browser.get(body["verification_uri_complete"])
    page = browser.follow(browser.submit(page, "device-form"))
    page = browser.follow(browser.sign_in(page))
    assert browser.submit(page, "device-decision", decision="allow").status in (200, 303)
    site.clock.advance(30)
    tokens = post(site, "/oauth/token", poll)
    assert tokens.status == 200
    assert harness.payload(tokens.json()["id_token"])["aud"] == "tv"


def test_a_device_that_was_turned_away_or_forgotten(site: harness.Site) -> None:
    """Each with its own code."""
    body = post(site, "/oauth/device/code", {"client_id": "tv"}).json()
    site.clock.advance(901)
    late = post(site, "/oauth/token", {"grant_type": GRANT, "client_id": "tv", "device_code": body["device_code"]})
    assert (late.status, late.error) == (403, "expired_token")
    unknown = post(site, "/oauth/token", {"grant_type": GRANT, "client_id": "tv", "device_code": "x"})
    assert (unknown.status, unknown.error) == (403, "invalid_grant")


@capability("auth0-register", witness="the answers")
def test_open_registration(site: harness.Site) -> None:
    """Only where the tenant lets everybody; the answer has neither token nor address to manage it by."""
    wanted = {"client_name": "Mine", "redirect_uris": ["https://app.example/cb"]}
    assert post(site, "/oidc/register", wanted).status == 404
    assert "registration_endpoint" not in site.get(ROOT + "/.well-known/openid-configuration").json()
    site.change_tenant(registration="open")
    made = post(site, "/oidc/register", wanted)
    body = made.json()
    assert (made.status, body["client_name"], body["client_secret_expires_at"]) == (201, "Mine", 0)
    assert body["client_id"]
    assert body["client_secret"]
    assert not [name for name in body if name.startswith("registration_")]
    endpoint = site.get(ROOT + "/.well-known/openid-configuration").json()["registration_endpoint"]
    assert endpoint == ROOT + "/oidc/register"
