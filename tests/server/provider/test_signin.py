"""Signing in and consenting: one answer for every failure, guesses slowed down, consent remembered and narrowed."""

from __future__ import annotations

import pytest

from intaglio.server.model import consents
from intaglio.server.provider.signin import throttle
from tests import harness
from tests.capability import capability
from tests.web import markup

WRONG = "The user name or the password is not right."


def _login(site: harness.Site, peer: str = "192.0.2.1") -> tuple[harness.Browser, harness.Answer]:
    browser = harness.Browser(site, peer)
    return browser, browser.follow(harness.App(site).authorize(browser))


def _try(browser: harness.Browser, page: harness.Answer, username: str, password: str) -> harness.Answer:
    return browser.submit(page, "login-form", username=username, password=password, decision="login")


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", "Alice-password"),
        ("alice", "alice-password "),
        ("alice", "bob-password"),
        ("alice", "x" * 5000),
        ("nobody", "alice-password"),
        ("nobody", "decoyx"),
        ("", ""),
        ("", "alice-password"),
        ("alice' OR '1'='1", "x"),
        ("alice*", "alice-password"),
        ("*", "alice-password"),
        ("ali/ce", "alice-password"),
        ("alice,bob", "alice-password"),
        ("álice", "alice-password"),
        ("x" * 5000, "x"),
    ],
)
def test_who_is_not_let_in(site: harness.Site, username: str, password: str) -> None:
    """One sentence for every cause, on the same page, without a session."""
    browser, page = _login(site)
    answer = _try(browser, page, username, password)
    assert answer.status == 200
    assert markup.by_id(markup.read(answer.body), "login-error").text.strip().endswith(WRONG)
    assert browser.session_of("http://localhost:8080/default") == ""
    assert len(password) < 10 or password not in answer.text


@capability("seed-user-alice", witness="the login page and UserInfo")
@pytest.mark.parametrize("username", ["alice", "ALICE", " alice "])
def test_the_name_has_no_case(site: harness.Site, username: str) -> None:
    """The same account however the name is typed; the password is exact."""
    browser, page = _login(site)
    answer = browser.through(_try(browser, page, username, "alice-password"))
    assert "code" in answer.params


@capability("seed-user-bob", witness="the login page")
def test_bob(site: harness.Site) -> None:
    """A second person, with a subject of his own."""
    app = harness.App(site)
    subjects = {harness.payload(app.tokens(username=name)["id_token"])["sub"] for name in ("alice", "bob")}
    assert len(subjects) == 2


def test_a_failed_attempt_can_be_repeated(site: harness.Site) -> None:
    """The page stays good; the name stays filled in, the password does not."""
    browser, page = _login(site)
    again = _try(browser, page, "alice", "canary-wrong")
    assert dict(harness.read_form(again, "login-form")[1]) | {"csrf": ""} == {
        "csrf": "",
        "username": "alice",
        "password": "",
    }
    assert "canary-wrong" not in again.text
    assert "code" in browser.through(_try(browser, again, "alice", "alice-password")).params


# --- slowed down


@capability("login-throttled", witness="a clock over the window")
def test_ten_failures_and_then_nobody(site: harness.Site) -> None:
    """The right password is refused too until the window passes; then it is let in."""
    browser, page = _login(site)
    for _ in range(throttle.ACCOUNT_LIMIT):
        assert _try(browser, page, "alice", "wrong").status == 200
    refused = _try(browser, page, "alice", "alice-password")
    assert refused.status == 429
    assert browser.session_of("http://localhost:8080/default") == ""
    site.clock.advance(throttle.WINDOW - 1)
    assert _try(browser, page, "alice", "alice-password").status == 429
    site.clock.advance(1)
    browser, page = _login(site)
    assert "code" in browser.through(_try(browser, page, "alice", "alice-password")).params


def test_the_throttle_knows_the_name_in_any_form(site: harness.Site) -> None:
    """Case, blanks and another address do not give new guesses; another person is not hindered."""
    browser, page = _login(site)
    for n in range(throttle.ACCOUNT_LIMIT):
        _try(browser, page, ("alice", "ALICE", " Alice ")[n % 3], "wrong")
    other, other_page = _login(site, peer="198.51.100.7")
    assert _try(other, other_page, "alice", "alice-password").status == 429
    assert "code" in other.through(_try(other, other_page, "bob", "bob-password")).params


def test_unknown_names_are_slowed_down_alike(site: harness.Site) -> None:
    """The eleventh attempt tells nothing about whether the account is there."""
    found = {}
    for name in ("alice", "nobody"):
        browser, page = _login(site)
        answers = [_try(browser, page, name, "wrong") for _ in range(throttle.ACCOUNT_LIMIT + 1)]
        found[name] = [(a.status, markup.by_id(markup.read(a.body), "login-error").text) for a in answers]
    assert found["alice"] == found["nobody"]


def test_a_success_forgets_the_failures(site: harness.Site) -> None:
    """Nine failures and a success, again and again."""
    for _ in range(3):
        browser, page = _login(site)
        for _ in range(throttle.ACCOUNT_LIMIT - 1):
            assert _try(browser, page, "alice", "wrong").status == 200
        assert _try(browser, page, "alice", "alice-password").status == 303


def test_one_address_has_a_limit_too(site: harness.Site) -> None:
    """A hundred failures over many names; others go on from elsewhere."""
    browser, page = _login(site)
    for n in range(throttle.ADDRESS_LIMIT):
        assert _try(browser, page, f"name-{n}", "wrong").status == 200
    assert _try(browser, page, "alice", "alice-password").status == 429
    other, other_page = _login(site, peer="198.51.100.7")
    assert _try(other, other_page, "alice", "alice-password").status == 303


def test_an_address_cannot_be_pretended(site: harness.Site) -> None:
    """X-Forwarded-For and its kin are not believed by the application."""
    browser, page = _login(site)
    for n in range(throttle.ADDRESS_LIMIT):
        action, fields = harness.read_form(page, "login-form")
        form = dict(fields) | {"username": f"name-{n}", "password": "x"}
        given = {"x-forwarded-for": f"10.0.0.{n}", "forwarded": f"for=10.0.0.{n}", "x-real-ip": f"10.0.0.{n}"}
        browser.request("POST", harness.absolute(page.url, action), form=form, headers=given)
    assert _try(browser, page, "alice", "alice-password").status == 429


# --- consent


@capability("consent", witness="the consent page")
def test_consent_is_remembered(site: harness.Site) -> None:
    """Asked once; asked again only for what was not granted yet."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser, scope="openid email")
    assert "code" in app.authorize(browser, scope="openid email").params
    assert "code" in app.authorize(browser, scope="openid").params
    page = browser.follow(app.authorize(browser, scope="openid email profile"))
    assert 'id="consent-form"' in page.text
    assert app.authorize(browser, scope="openid phone", prompt="none").params["error"] == "consent_required"


def test_consent_is_of_one_client_and_person(site: harness.Site) -> None:
    """Another client or another person is asked."""
    site.add_client("other", "other-secret")
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    other = harness.App(site, "other", "other-secret")
    assert other.authorize(browser, prompt="none").params["error"] == "consent_required"
    bob = harness.Browser(site)
    page = bob.sign_in(bob.follow(app.authorize(bob)), "bob")
    assert 'id="consent-form"' in page.text


@capability("consent", witness="UserInfo")
def test_scopes_can_be_unticked(site: harness.Site) -> None:
    """What was unticked is not granted, not told, and asked again; `openid` stays."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser)))
    answer = browser.consent(page, scope=["email"])
    tokens = app.redeem(answer.params["code"]).json()
    assert tokens["scope"] == "openid email"
    assert "refresh_token" not in tokens
    assert set(app.userinfo(tokens["access_token"]).json()) == {"sub", "email", "email_verified"}
    assert site.read(consents.granted, site.client("web").tenant_id, site.user("alice").user_id, "web") == {
        "openid",
        "email",
    }
    assert 'id="consent-form"' in browser.follow(app.authorize(browser)).text


def test_nothing_beyond_the_request_can_be_ticked(site: harness.Site) -> None:
    """Scopes that are put into the form are not granted."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid email")))
    answer = browser.consent(page, scope=["openid", "email", "phone", "offline_access", "admin"])
    assert app.redeem(answer.params["code"]).json()["scope"] == "openid email"
    alice = site.user("alice")
    assert site.read(consents.granted, alice.tenant_id, alice.user_id, "web") == {"openid", "email"}


def test_the_page_says_who_asks_for_what(site: harness.Site) -> None:
    """The client, the person, where it leads, and each scope with its sentence; every one ticked."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid email offline_access")))
    elements = markup.read(page.body)
    boxes = [e for e in elements if e.attributes.get("type") == "checkbox"]
    assert [box.attributes["value"] for box in boxes] == ["openid", "email", "offline_access"]
    assert all("checked" in box.attributes for box in boxes)
    for words in ("Example web app", "Alice Elizabeth Adams", "http://127.0.0.1:9999/cb", "Stay connected"):
        assert words in page.text


@pytest.mark.parametrize("decision", ["deny", "cancel"])
def test_denial_goes_to_the_client(site: harness.Site, decision: str) -> None:
    """RFC 6749 4.1.2.1: `access_denied`, with state and iss; nothing is remembered, and the request is over."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser)))
    answer = browser.consent(page, decision=decision)
    assert (answer.params["error"], answer.params["state"]) == ("access_denied", "a-state")
    assert browser.consent(page).status == 400
    assert app.authorize(browser, prompt="none").params["error"] == "consent_required"


def test_cancelling_the_login_goes_to_the_client(site: harness.Site) -> None:
    """`access_denied`, found in the log by its reference, and nobody is signed in."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    with harness.logged() as log:
        answer = browser.submit(page, "login-form", decision="cancel")
    assert answer.params["error"] == "access_denied"
    ref = answer.params["error_description"].rsplit("(", 1)[1].rstrip(")")
    assert log.of(ref)["code"] == "access_denied"
    assert browser.session_of("http://localhost:8080/default") == ""


def test_a_trusted_client_does_not_ask(site: harness.Site) -> None:
    """`implicit` consent; `prompt=consent` asks all the same."""
    site.change_client("web", consent="implicit")
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    assert "code" in browser.sign_in(page).params
    assert 'id="consent-form"' in browser.follow(app.authorize(browser, prompt="consent")).text


# --- waiting requests


def test_a_waiting_request_has_half_an_hour(site: harness.Site) -> None:
    """Then it is gone, and says so on a page."""
    browser, page = _login(site)
    site.clock.advance(30 * 60)
    answer = _try(browser, page, "alice", "alice-password")
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert browser.session_of("http://localhost:8080/default") == ""


def test_two_tabs(site: harness.Site) -> None:
    """Two requests wait at once in one browser; each gets its own answer."""
    app, browser = harness.App(site), harness.Browser(site)
    one = browser.follow(app.authorize(browser, state="one"))
    two = browser.follow(app.authorize(browser, state="two"))
    first = browser.consent(browser.sign_in(one))
    second = browser.through(browser.get(two.url))
    assert (first.params["state"], second.params["state"]) == ("one", "two")
    assert app.redeem(first.params["code"]).status == app.redeem(second.params["code"]).status == 200


def test_a_double_click_gives_one_code(site: harness.Site) -> None:
    """The second click finds the request gone."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser)))
    assert "code" in browser.consent(page).params
    again = browser.consent(page)
    assert (again.status, again.location) == (400, "")


def test_another_person_ends_the_first_ones_session(site: harness.Site) -> None:
    """The old cookie is worth nothing after somebody else signed in."""
    issuer = "http://localhost:8080/default"
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    old = browser.session_of(issuer)
    app.tokens(browser, "bob", prompt="login")
    assert browser.session_of(issuer) != old
    thief = harness.Browser(site)
    thief.jar = {name: old if "session" in name else value for name, value in browser.jar.items()}
    assert app.authorize(thief, prompt="none").params["error"] == "login_required"
