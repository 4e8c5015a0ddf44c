"""The authorization endpoint: every check, and the form in which each is told."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from intaglio.server.issue import gather
from tests import harness
from tests.capability import capability
from tests.wire import test_url

ISSUER = "http://localhost:8080/default"


def _silent(app: harness.App, browser: harness.Browser, **changes: str | None) -> str:
    """Return the error of a request that must not show a page, empty if it gave a code."""
    return app.authorize(browser, **({"prompt": "none"} | changes)).params.get("error", "")


# --- told on a page, because the address cannot be trusted


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "WEB"},
        {"client_id": "web "},
        {"client_id": "x" * 300},
        {"client_id": "machine"},
        {"redirect_uri": None},
        {"redirect_uri": ""},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1:9999/cb/"},
        {"redirect_uri": "http://127.0.0.1:9998/cb"},
        {"redirect_uri": "http://localhost:9999/cb"},
        {"redirect_uri": "HTTP://127.0.0.1:9999/cb"},
        {"redirect_uri": "http://127.0.0.1:9999/cb?x"},
        {"redirect_uri": "http://127.0.0.1:9999/cb#x"},
    ],
)
def test_what_is_told_on_a_page(site: harness.Site, method: str, changes: dict[str, str | None]) -> None:
    """RFC 6749 4.1.2.1: an unknown client or address is told to the person, and nothing goes anywhere."""
    form = harness.App(site).request(**changes)
    where = "~/authorize" + ("?" + urlencode(form) if method == "GET" else "")
    answer = site.request(method, where, form=form if method == "POST" else None)
    assert (answer.status, answer.error, answer.location) == (400, "invalid_request", "")
    assert answer.is_page
    assert answer.every("set-cookie") == []


@capability("redirect-uri-exact", witness="a list of published tricks")
@pytest.mark.parametrize("requested", test_url.TRICKS)
def test_no_trick_is_redirected_to(site: harness.Site, requested: str) -> None:
    """Every trick that fooled another server gets the page."""
    site.change_client("web", redirect_uris=(test_url.REGISTERED,))
    answer = harness.App(site, redirect_uri=requested).authorize(harness.Browser(site))
    assert (answer.status, answer.location) == (400, "")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_address_is_told_on_a_page(site: harness.Site, name: str) -> None:
    """Which one counts is not ours to choose."""
    query = urlencode([*harness.App(site).request().items(), (name, "https://evil.example/")])
    answer = site.get(f"~/authorize?{query}")
    assert (answer.status, answer.location) == (400, "")


def test_a_query_that_cannot_be_read_is_told_on_a_page(site: harness.Site) -> None:
    """Octets that are not UTF-8, and controls."""
    for tail in ("&x=%ff", "&x=%00", "&state=%0d%0a"):
        answer = site.get("~/authorize?" + urlencode(harness.App(site).request()) + tail)
        assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_posted_request_is_a_form(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.1: POST with form serialization."""
    app, browser = harness.App(site), harness.Browser(site)
    answer = browser.through(browser.post("~/authorize", app.request()))
    assert app.redeem(answer.params["code"]).status == 200
    assert site.request("POST", "~/authorize", payload=app.request()).status == 400


@capability("seed-client-native", witness="a list of loopback addresses")
@pytest.mark.parametrize(
    ("requested", "fine"),
    [
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:1/callback", True),
        ("http://127.0.0.1:65535/callback", True),
        ("http://[::1]:5000/callback", True),
        ("com.example.app:/callback", True),
        ("http://localhost:5000/callback", False),
        ("http://127.0.0.1:5000/callback/", False),
        ("http://127.0.0.1:5000/other", False),
        ("https://127.0.0.1:5000/callback", False),
        ("http://127.0.0.1:99999/callback", False),
        ("http://127.0.0.2:5000/callback", False),
        ("com.example.app:/callback2", False),
    ],
)
def test_a_native_program_has_any_loopback_port(site: harness.Site, requested: str, fine: bool) -> None:
    """RFC 8252 7.3, and the whole flow with the port that was asked for."""
    app = harness.App(site, "native", "", redirect_uri=requested)
    answer = app.callback()
    assert answer.location.startswith(requested + "?code=") == fine
    if fine:
        assert app.redeem(answer.params["code"]).status == 200
    else:
        assert answer.status == 400


# --- told to the client, by redirect


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "something"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"scope": 'openid "x'}, "invalid_scope"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": "n" * 2049}, "invalid_request"),
        ({"id_token_hint": "x.y.z"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none", "id_token_hint": "x.y.z"}, "login_required"),
    ],
)
def test_what_is_told_to_the_client(site: harness.Site, changes: dict[str, str | None], error: str) -> None:
    """RFC 6749 4.1.2.1, RFC 9207: the error with state and iss; its reference leads to a line in the log."""
    with harness.logged() as log:
        answer = harness.App(site).authorize(harness.Browser(site), **changes)
    assert answer.status == 303
    assert answer.location.startswith("http://127.0.0.1:9999/cb?")
    assert set(answer.params) == {"error", "error_description", "state", "iss"}
    assert (answer.params["error"], answer.params["state"], answer.params["iss"]) == (error, "a-state", ISSUER)
    # RFC 6749 4.1.2.1: the characters that a description may have.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", answer.params["error_description"])
    ref = re.search(r"ref_[0-9a-f]{12}", answer.params["error_description"])
    assert ref is not None
    assert log.of(ref.group())["code"] == error


@pytest.mark.parametrize("name", ["state", "scope", "nonce", "unheard_of", "code_challenge"])
def test_a_repeated_parameter_is_told_to_the_client(site: harness.Site, name: str) -> None:
    """RFC 6749 3.1: never the first or the last; a repeated state is not echoed."""
    query = urlencode([*harness.App(site).request().items(), (name, "1"), (name, "2")])
    params = site.get(f"~/authorize?{query}").params
    assert params["error"] == "invalid_request"
    assert params.get("state") == (None if name == "state" else "a-state")


def test_a_scope_that_the_client_may_not_have_is_refused(site: harness.Site) -> None:
    """A standard scope that was not enabled is an error, an unknown one is ignored (OpenID Connect Core 3.1.2.1)."""
    site.change_client("web", scope=("openid", "email"))
    app = harness.App(site)
    assert app.authorize(harness.Browser(site), scope="openid profile").params["error"] == "invalid_scope"
    assert app.tokens(scope="openid email unheard-of")["scope"] == "openid email"


def test_offline_access_that_cannot_be_given_is_left_out(site: harness.Site) -> None:
    """OpenID Connect Core 11: ignored, not refused."""
    site.change_client("web", grant_types=("authorization_code",))
    answer = harness.App(site).tokens(scope="openid offline_access")
    assert "refresh_token" not in answer
    assert answer["scope"] == "openid"


# --- answers


@capability("code-flow", witness="the whole story in one process")
@pytest.mark.parametrize("state", [None, "x", "s" * 2048, "a&b=c#d?é %2B+", "  "])
def test_state_and_issuer_come_back(site: harness.Site, state: str | None) -> None:
    """RFC 6749 4.1.2: state as it was sent, absent if it was; RFC 9207: iss in every answer."""
    params = harness.App(site).callback(state=state).params
    assert params.get("state") == state
    assert params["iss"] == ISSUER
    assert set(params) == {"code", "iss"} | ({"state"} if state else set())
    assert len(params["code"]) >= 43


def test_form_post(site: harness.Site) -> None:
    """OAuth 2.0 Form Post Response Mode: a form to the client's address with all the fields."""
    app = harness.App(site)
    page = app.callback(response_mode="form_post", state='"><script>alert(1)</script>')
    assert page.status == 200
    action, fields = harness.read_form(page, "form-post")
    given = dict(fields)
    assert action == "http://127.0.0.1:9999/cb"
    assert given["state"] == '"><script>alert(1)</script>'
    assert given["iss"] == ISSUER
    assert "<script>alert" not in page.text
    assert "http://127.0.0.1:9999" in (page.header("content-security-policy") or "")
    assert app.redeem(given["code"]).status == 200
    refused = app.authorize(harness.Browser(site), response_mode="form_post", prompt="none")
    assert dict(harness.read_form(refused, "form-post")[1])["error"] == "login_required"


def test_a_registered_query_stays(site: harness.Site) -> None:
    """RFC 6749 3.1.2: the address's own query is kept."""
    site.change_client("web", redirect_uris=("https://a.example/cb?dummy=lorem",))
    answer = harness.App(site, redirect_uri="https://a.example/cb?dummy=lorem").callback()
    assert answer.location.startswith("https://a.example/cb?dummy=lorem&code=")


# --- who signs in, and when


def test_signing_in_once_is_enough(site: harness.Site) -> None:
    """A second request gives a code at once, with the same auth_time."""
    app, browser = harness.App(site), harness.Browser(site)
    first = harness.payload(app.tokens(browser)["id_token"])
    site.clock.advance(100)
    silent = app.authorize(browser, prompt="none")
    second = harness.payload(app.redeem(silent.params["code"]).json()["id_token"])
    assert (second["auth_time"], second["sub"], second["sid"]) == (first["auth_time"], first["sub"], first["sid"])
    assert second["iat"] == first["iat"] + 100


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_prompt_login_demands_a_fresh_sign_in(site: harness.Site, prompt: str) -> None:
    """OpenID Connect Core 3.1.2.1: even though somebody is signed in; then auth_time is later."""
    app, browser = harness.App(site), harness.Browser(site)
    first = harness.payload(app.tokens(browser)["id_token"])
    site.clock.advance(10)
    assert "_intaglio/login" in app.authorize(browser, prompt=prompt).location
    second = harness.payload(app.tokens(browser, prompt=prompt)["id_token"])
    assert second["auth_time"] == first["auth_time"] + 10


def test_prompt_login_is_not_answered_by_an_older_session(site: harness.Site) -> None:
    """The login page cannot be passed by opening the consent page instead."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    login = app.authorize(browser, prompt="login")
    elsewhere = browser.get("http://localhost:8080" + login.location.replace("/login/", "/consent/"))
    assert 'id="login-form"' in elsewhere.text


def test_prompt_consent_asks_again(site: harness.Site) -> None:
    """Even what was granted before."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    page = browser.follow(app.authorize(browser, prompt="consent"))
    assert 'id="consent-form"' in page.text
    assert "code" in browser.consent(page).params


@pytest.mark.parametrize(
    ("max_age", "elapsed", "fresh"),
    [("0", 0, True), ("1", 1, False), ("1", 2, True), ("100", 100, False), ("100", 101, True), ("10000", 50, False)],
)
def test_max_age(site: harness.Site, max_age: str, elapsed: int, fresh: bool) -> None:
    """OpenID Connect Core 3.1.2.1: more seconds since the sign-in than allowed demand another one; 0 always does."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    site.clock.advance(elapsed)
    assert _silent(app, browser, max_age=max_age) == ("login_required" if fresh else "")
    claims = harness.payload(app.tokens(browser, max_age=max_age)["id_token"])
    assert claims["auth_time"] == harness.NOW + (elapsed if fresh else 0)


def test_a_hint_of_somebody_else_is_not_answered(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.1: the person whom the hint names, or none; an expired hint still names."""
    app, alice, bob = harness.App(site), harness.Browser(site), harness.Browser(site)
    of_alice, of_bob = app.tokens(alice)["id_token"], app.tokens(bob, "bob")["id_token"]
    site.clock.advance(2 * 3600)
    assert _silent(app, alice, id_token_hint=of_alice) == ""
    assert _silent(app, alice, id_token_hint=of_bob) == "login_required"
    page = app.authorize(alice, id_token_hint=of_bob)
    assert "_intaglio/login" in page.location
    again = alice.sign_in(alice.follow(page), "alice")
    assert 'id="login-form"' in again.text
    assert "code" in alice.sign_in(again, "bob").params


def test_a_hint_that_cannot_be_read_does_not_ask_for_ever(site: harness.Site) -> None:
    """No sign-in could satisfy it, so the client is told at once."""
    token = harness.App(site).tokens()["id_token"]
    for hint in ("x", token[:-4] + "AAAA", token.rsplit(".", 1)[0] + ".", "." * 3000):
        answer = harness.App(site).authorize(harness.Browser(site), id_token_hint=hint)
        assert answer.params["error"] == "invalid_request"


def test_login_hint_is_put_into_the_form(site: harness.Site) -> None:
    """As text, whatever it holds, and bounded."""
    browser = harness.Browser(site)
    for hint in ("alice", '"><script>alert(1)</script>', "x" * 5000):
        page = browser.follow(harness.App(site).authorize(browser, login_hint=hint))
        fields = dict(harness.read_form(page, "login-form")[1])
        assert fields["username"] == hint[:320]
        assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "more",
    [
        {"display": "popup"},
        {"ui_locales": "se de-AT"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"extra": "foobar"},
        {"claims": '{"userinfo":{"name":{"essential":true}}}'},
        {"nonce": None},
        {"audience": "https://api.example.com"},
        {"request": ""},
    ],
)
def test_what_must_not_be_an_error(site: harness.Site, more: dict[str, str | None]) -> None:
    """OpenID Connect Core 3.1.2.1 and 15.1: optional and unknown parameters do not stop a request."""
    assert "id_token" in harness.App(site).tokens(**more)


def test_a_session_ends_after_its_lifetime(site: harness.Site) -> None:
    """The cookie is not asked: the server's own record ends it."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    span = gather.session_lifetime(site.run(site.hall.tenants.by_slug("default", harness.NOW)), _profile()).seconds
    site.clock.advance(span - 1)
    assert _silent(app, browser) == ""
    site.clock.advance(1)
    assert _silent(app, browser) == "login_required"


def _profile():
    from intaglio.dialects import registry

    return registry.DIALECTS["standard"].profile


def test_a_disabled_user_is_not_signed_in_any_more(site: harness.Site) -> None:
    """Nor can sign in again, and is told what everybody is told."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    site.change_user("alice", disabled_at=harness.NOW)
    assert _silent(app, browser) == "login_required"
    page = browser.sign_in(browser.follow(app.authorize(browser)))
    assert "is not right" in page.text


def test_a_disabled_client_is_unknown(site: harness.Site) -> None:
    """On a page, since its address is nobody's now."""
    site.change_client("web", disabled_at=harness.NOW)
    assert harness.App(site).authorize(harness.Browser(site)).status == 400
