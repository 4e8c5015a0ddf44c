"""Signing out: only the session that a hint names goes without asking, and the browser goes to registered addresses."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests import harness
from tests.capability import capability

HOME = "http://127.0.0.1:9999/"


def _logout(browser: harness.Browser, method: str = "GET", **fields: str) -> harness.Answer:
    if method == "POST":
        return browser.post("~/logout", fields)
    return browser.get("~/logout" + ("?" + urlencode(fields) if fields else ""))


def _is_signed_in(site: harness.Site, browser: harness.Browser) -> bool:
    return "code" in harness.App(site).authorize(browser, prompt="none").params


@pytest.fixture
def browser(site: harness.Site) -> harness.Browser:
    """A browser in which alice is signed in."""
    return harness.Browser(site)


@pytest.fixture
def token(site: harness.Site, browser: harness.Browser) -> str:
    """Her ID token."""
    return str(harness.App(site).tokens(browser)["id_token"])


@capability("end-session", witness="a silent request afterwards")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("age", [0, 40 * 3600 - 1])
def test_a_hint_signs_out(site: harness.Site, browser: harness.Browser, token: str, method: str, age: int) -> None:
    """RP-Initiated Logout 2: without asking, by GET or POST, and an expired hint is as good; state comes back."""
    site.change_tenant(lifetimes=site.run(site.hall.tenants.by_slug("default", site.clock.now())).lifetimes)
    site.clock.advance(min(age, 13 * 3600))
    answer = _logout(browser, method, id_token_hint=token, post_logout_redirect_uri=HOME, state="s" * 128)
    assert answer.status == 303
    assert answer.location == f"{HOME}?state={'s' * 128}"
    assert not _is_signed_in(site, browser)


def test_no_state_no_query(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """The address as it is registered."""
    assert _logout(browser, id_token_hint=token, post_logout_redirect_uri=HOME).location == HOME


def test_without_an_address_the_page_says_so(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """A page, and the session is over."""
    answer = _logout(browser, id_token_hint=token)
    assert 'id="logged-out"' in answer.text
    assert not _is_signed_in(site, browser)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"state": "x"},
        {"client_id": "web"},
        {"client_id": "web", "post_logout_redirect_uri": HOME, "state": "x"},
    ],
)
def test_without_a_hint_the_person_is_asked(
    site: harness.Site, browser: harness.Browser, token: str, fields: dict[str, str]
) -> None:
    """RP-Initiated Logout 2: a link cannot sign anybody out; after the answer it goes where it should."""
    page = _logout(browser, **fields)
    assert 'id="logout-form"' in page.text
    assert _is_signed_in(site, browser)
    done = browser.submit(page, "logout-form", decision="logout")
    if "post_logout_redirect_uri" in fields:
        assert done.location == f"{HOME}?state=x"
    else:
        assert 'id="logged-out"' in done.text
    assert not _is_signed_in(site, browser)


def test_staying_signed_in(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """The other button changes nothing."""
    page = _logout(browser)
    assert browser.submit(page, "logout-form", decision="stay").status in (200, 303)
    assert _is_signed_in(site, browser)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:9999/?x=1",
        "http://127.0.0.1:9999/#",
        "http://127.0.0.1:9999/%2e",
        "http://127.0.0.1:9999@evil.example/",
        "http://127.0.0.1:9999\\@evil.example/",
        "HTTP://127.0.0.1:9999/",
        "//127.0.0.1:9999/",
        "javascript:alert(1)",
        "http://127.0.0.1:9999/cb",
    ],
)
def test_an_address_that_is_not_registered(
    site: harness.Site, browser: harness.Browser, token: str, target: str
) -> None:
    """RP-Initiated Logout 3: told on a page, no redirect, and the session stays."""
    for fields in ({"id_token_hint": token}, {"client_id": "web"}, {}):
        answer = _logout(browser, post_logout_redirect_uri=target, **fields)
        assert (answer.status, answer.location, answer.error) == (400, "", "invalid_request")
    assert _is_signed_in(site, browser)


@pytest.mark.parametrize(
    "fields",
    [
        {"id_token_hint": "x"},
        {"id_token_hint": "x.y.z"},
        {"id_token_hint": "x" * 20000},
        {"state": "s" * 2049},
    ],
)
def test_a_request_that_cannot_be_read(site: harness.Site, browser: harness.Browser, token: str, fields: dict) -> None:
    """Told on a page; nobody is signed out."""
    assert _logout(browser, **fields).error == "invalid_request"
    assert _is_signed_in(site, browser)


def test_a_forged_hint(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """alg none, another signature, another tenant's token, a token of another dialect."""
    import jwt

    claims = harness.payload(token)
    site.add_tenant("shop")
    shop = harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    visitor = harness.Browser(site)
    page = visitor.follow(shop.authorize(visitor))
    code = visitor.consent(visitor.sign_in(page, "alice", "other-password")).params["code"]
    forged = [
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, "web-secret" * 4, algorithm="HS256"),
        token[:-6] + "AAAAAA",
        shop.redeem(code).json()["id_token"],
        harness.auth0_app(site).tokens()["id_token"],
    ]
    for hint in forged:
        assert _logout(browser, id_token_hint=hint).error == "invalid_request"
    assert _is_signed_in(site, browser)


def test_a_hint_and_another_client(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """RP-Initiated Logout 2: client_id must be the one that the hint was issued to."""
    assert _logout(browser, id_token_hint=token, client_id="spa").error == "invalid_request"
    assert _logout(browser, id_token_hint=token, client_id="web").status == 200


@pytest.mark.parametrize(
    ("scope", "alive"),
    [("openid", False), ("openid offline_access", True), ("openid profile", False)],
)
def test_what_ends_with_the_session(site: harness.Site, scope: str, alive: bool) -> None:
    """What was granted in it ends, save what was granted for being away."""
    app, browser = harness.App(site), harness.Browser(site)
    tokens = app.tokens(browser, scope=scope)
    _logout(browser, id_token_hint=tokens["id_token"])
    assert (app.userinfo(tokens["access_token"]).status == 200) == alive


def test_the_cookie_is_forgotten(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """And its old value is worth nothing."""
    issuer = "http://localhost:8080/default"
    old = dict(browser.jar)
    answer = _logout(browser, id_token_hint=token)
    assert any("Max-Age=0" in line for line in answer.every("set-cookie"))
    assert browser.session_of(issuer) == ""
    browser.jar = old
    assert not _is_signed_in(site, browser)


def test_nobody_is_signed_in(site: harness.Site) -> None:
    """The request is done already."""
    visitor = harness.Browser(site)
    assert 'id="logged-out"' in _logout(visitor).text
    assert _logout(visitor, client_id="web", post_logout_redirect_uri=HOME).location == HOME


def test_signing_in_again_renews_the_session(site: harness.Site) -> None:
    """The same person keeps the session under a new secret; the old secret is dead, and a logout ends all of it."""
    issuer = "http://localhost:8080/default"
    app, browser = harness.App(site), harness.Browser(site)
    first = app.tokens(browser, scope="openid")
    old = browser.session_of(issuer)
    second = app.tokens(browser, scope="openid", prompt="login")
    thief = harness.Browser(site)
    thief.jar = {name: old if "session" in name else value for name, value in browser.jar.items()}
    assert not _is_signed_in(site, thief)
    assert harness.payload(first["id_token"])["sid"] == harness.payload(second["id_token"])["sid"]
    assert _logout(browser, id_token_hint=first["id_token"]).status == 200
    for tokens in (first, second):
        assert app.userinfo(tokens["access_token"]).status == 401
