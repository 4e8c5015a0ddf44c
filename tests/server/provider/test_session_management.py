"""Session management: what the client is told, what the browser keeps, and what the frame is."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests import harness
from tests.capability import capability

ISSUER = "http://localhost:8080/default"


@pytest.fixture
def managed(site: harness.Site) -> harness.Site:
    """A site whose tenant lets clients watch sessions."""
    site.change_tenant(session_management=True)
    return site


def _state(browser: harness.Browser) -> str:
    (found,) = [value for name, value in browser.jar.items() if "-state-" in name] or [""]
    return found


def _expected(client_id: str, origin: str, state: str, salt: str) -> str:
    octets = hashlib.sha256(f"{client_id} {origin} {state} {salt}".encode()).digest()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode() + "." + salt


@capability("session-management", witness="the formula of the standard, computed again")
def test_the_client_is_told_its_state(managed: harness.Site) -> None:
    """Session Management 1.0, 2 and 4.2: a salted hash of client, origin and browser state; salts differ."""
    browser, app = harness.Browser(managed), harness.App(managed)
    states = [app.callback(browser).params["session_state"] for _ in range(3)]
    assert len(set(states)) == 3
    for told in states:
        assert " " not in told
        assert told == _expected("web", "http://127.0.0.1:9999", _state(browser), told.partition(".")[2])


@pytest.mark.parametrize("response_type", ["code id_token", "id_token"])
def test_other_response_types_too(managed: harness.Site, response_type: str) -> None:
    """It travels where the answer travels."""
    managed.change_client("web", response_types=(response_type,), grant_types=("authorization_code", "implicit"))
    answer = harness.App(managed).callback(response_type=response_type)
    assert "session_state" in dict(parse_qsl(urlsplit(answer.location).fragment))


def test_the_state_follows_the_session(managed: harness.Site) -> None:
    """The same after a renewed sign-in of the same person, another for another session, gone after a logout."""
    browser, app = harness.Browser(managed), harness.App(managed)
    token = app.tokens(browser)["id_token"]
    first = _state(browser)
    app.tokens(browser, prompt="login")
    assert _state(browser) == first
    browser.get("~/logout?" + urlencode({"id_token_hint": token}))
    assert _state(browser) == ""
    app.tokens(browser, "bob")
    assert _state(browser) not in ("", first)


def test_the_state_opens_nothing(managed: harness.Site) -> None:
    """It is not the session's secret, nor its identifier, and the session's own cookie stays out of scripts' reach."""
    browser, app = harness.Browser(managed), harness.App(managed)
    sid = harness.payload(app.tokens(browser)["id_token"])["sid"]
    assert _state(browser) not in (sid, browser.session_of(ISSUER))
    answer = app.authorize(browser, prompt="none")
    (line,) = [one for one in answer.every("set-cookie") if "-state-" in one]
    assert "HttpOnly" not in line
    assert "SameSite=Lax" in line
    thief = harness.Browser(managed)
    thief.jar = {
        name.replace("-state-", "-session-"): value for name, value in browser.jar.items() if "-state-" in name
    }
    assert app.authorize(thief, prompt="none").error == "login_required"


def test_errors_and_addresses_without_an_origin_have_none(managed: harness.Site) -> None:
    """Nothing to watch: no session, or no web page that could."""
    browser = harness.Browser(managed)
    assert "session_state" not in harness.App(managed).authorize(browser, prompt="none").params
    native = harness.App(managed, "native", "", redirect_uri="com.example.app:/callback")
    assert "session_state" not in native.callback(browser).params


@capability("session-management", witness="the headers")
def test_the_frame_may_be_framed_and_holds_nothing(managed: harness.Site) -> None:
    """The one page that others may frame: its own script, no form, no picture, nothing about anybody."""
    address = managed.get("~/.well-known/openid-configuration").json()["check_session_iframe"]
    browser = harness.Browser(managed)
    harness.App(managed).tokens(browser)
    page, stranger = browser.get(address), managed.get(address)
    assert page.body == stranger.body
    policy = page.header("content-security-policy") or ""
    assert "frame-ancestors *" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert page.header("x-frame-options") is None
    assert page.every("set-cookie") == []
    assert "<form" not in page.text


def test_the_frame_tells_others_nothing(managed: harness.Site) -> None:
    """Every other page still refuses to be framed."""
    browser = harness.Browser(managed)
    for page in (
        browser.get("~/account"),
        browser.get("~/logout"),
        browser.follow(harness.App(managed).authorize(browser)),
    ):
        assert page.header("x-frame-options") == "DENY"
        assert "frame-ancestors 'none'" in (page.header("content-security-policy") or "")


def test_tenants_without_it_have_nothing_of_it(site: harness.Site) -> None:
    """No parameter, no cookie, no frame, no metadata: the usual flow does not pay for it."""
    browser = harness.Browser(site)
    answer = harness.App(site).callback(browser)
    assert "session_state" not in answer.params
    assert _state(browser) == ""
    assert site.get("~/session").status == 404
    assert "check_session_iframe" not in site.get("~/.well-known/openid-configuration").json()


def test_over_https_the_state_reaches_a_frame() -> None:
    """RFC 6265bis 5.6.7: in a page of another site a cookie is there only with SameSite=None, which demands Secure."""
    from intaglio.server.http import cookies

    name, line = cookies.write_readable(
        cookies.name("state", "https://id.example/a", secure=True), "v", max_age=9, secure=True
    )
    assert name == "set-cookie"
    assert line.startswith("__Host-intaglio-state-")
    assert line.endswith("; Path=/; Max-Age=9; SameSite=None; Secure")
