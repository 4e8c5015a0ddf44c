"""The tests that comments in the source promise: pages, forms, sessions, and answers that tell nothing."""

from __future__ import annotations

import re
import statistics
import time
from urllib.parse import urlencode

import pytest

from intaglio.server.credentials.passwords import Passwords
from intaglio.server.http import cookies
from intaglio.server.model import consents
from intaglio.server.provider.signin import throttle
from tests import harness
from tests.capability import capability

ISSUER = "http://localhost:8080/default"


def _login(site: harness.Site, **changes: str | None) -> tuple[harness.Browser, harness.Answer]:
    browser = harness.Browser(site)
    return browser, browser.follow(harness.App(site).authorize(browser, **changes))


def test_client_faults_look_alike(site: harness.Site) -> None:
    """An unknown client, a wrong secret, a wrong method and a disabled client cannot be told apart."""
    site.add_client("off", "off-secret", like="machine", disabled_at=harness.NOW)
    form = {"grant_type": "client_credentials"}
    answers = [
        site.post("~/token", form, headers={"authorization": harness.basic(name, secret)})
        for name, secret in [("nobody", "x"), ("machine", "x"), ("spa", "x"), ("off", "off-secret"), ("machine", "")]
    ]
    seen = {(a.status, re.sub(r"ref_\w+", "", a.text), tuple(sorted(name for name, _ in a.headers))) for a in answers}
    assert len(seen) == 1


def test_login_does_not_enumerate(site: harness.Site) -> None:
    """An unknown, a known and a disabled user get the same page after the same work."""
    site.change_user("bob", disabled_at=harness.NOW)
    seen = set()
    for username, password in [("alice", "wrong"), ("nobody", "wrong"), ("bob", "bob-password"), ("bob", "wrong")]:
        browser, page = _login(site)
        answer = browser.submit(page, "login-form", username=username, password=password, decision="login")
        text = re.sub(r'value="[^"]*"|/_intaglio/login/[\w-]+', "", answer.text)
        seen.add((answer.status, text, tuple(name for name, _ in answer.headers)))
    assert len(seen) == 1


def test_login_takes_the_same_time_for_unknown_users(site: harness.Site) -> None:
    """Through the whole server, with hashes of full cost."""
    passwords = Passwords()
    site.house.passwords = passwords
    site.change_user("alice", password_hash=passwords.hash_now("right"))

    def timed(username: str) -> float:
        browser, page = _login(site)
        begun = time.perf_counter()
        browser.submit(page, "login-form", username=username, password="wrong", decision="login")
        return time.perf_counter() - begun

    timed("warm-up")
    pairs = [(timed("alice"), timed(f"nobody-{n}")) for n in range(7)]
    passwords.close()
    known, unknown = (min(column) for column in zip(*pairs, strict=True))
    assert 0.6 < unknown / known < 1.7, (statistics.median([a for a, _ in pairs]), known, unknown)


def test_parallel_guesses_are_counted(site: harness.Site) -> None:
    """Forty guesses at once are no more than ten: the rest is refused, the right one among them perhaps."""
    browser, page = _login(site)
    action, fields = harness.read_form(page, "login-form")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    headers = [("content-type", harness.FORM), ("cookie", cookie)]

    async def go() -> list[harness.Answer]:
        body = urlencode(dict(fields) | {"username": "alice", "password": "wrong", "decision": "login"}).encode()
        url = harness.absolute(page.url, action)
        return await harness.together(site.exchange("POST", url, headers=headers, body=body) for _ in range(40))

    statuses = [answer.status for answer in site.run(go())]
    assert statuses.count(200) == throttle.ACCOUNT_LIMIT
    assert statuses.count(429) == 40 - throttle.ACCOUNT_LIMIT


def test_session_fixation(site: harness.Site) -> None:
    """CVE-2021-41246: a cookie from before the sign-in is not the session, and each sign-in has a new one."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    planted = "planted-" + "a" * 40
    name = cookies.name("session", ISSUER, secure=False)
    browser.jar[name] = planted
    browser.through(page)
    first = browser.session_of(ISSUER)
    assert first not in ("", planted)
    browser.through(app.authorize(browser, prompt="login"))
    assert browser.session_of(ISSUER) not in ("", planted, first)
    thief = harness.Browser(site)
    thief.jar[name] = planted
    assert app.authorize(thief, prompt="none").params["error"] == "login_required"


@capability("pages-csrf", witness="forms from elsewhere")
@pytest.mark.parametrize("which", ["login", "consent", "logout"])
@pytest.mark.parametrize("fault", ["no token", "other token", "other page's", "other browser", "foreign", "null"])
def test_forms_need_their_page(site: harness.Site, which: str, fault: str) -> None:
    """Without the page's own token, in another browser or from another origin, nothing happens."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    other = browser.follow(app.authorize(browser))
    if which == "consent":
        page = browser.sign_in(page)
    if which == "logout":
        browser.through(page)
        page = browser.get("~/logout")
        other = browser.get("~/logout?client_id=web")
    form = f"{which}-form"
    other_form = form if which == "logout" else "consent-form" if 'id="consent-form"' in other.text else "login-form"
    changes: dict = {"decision": {"login": "login", "consent": "allow", "logout": "logout"}[which]}
    if which == "login":
        changes |= {"username": "alice", "password": "alice-password"}
    origin: str | None = "own"
    sender = browser
    if fault == "no token":
        changes["csrf"] = None
    elif fault == "other token":
        changes["csrf"] = "A" * 43
    elif fault == "other page's":
        changes["csrf"] = dict(harness.read_form(other, other_form)[1])["csrf"]
    elif fault == "other browser":
        sender = harness.Browser(site)
        sender.follow(app.authorize(sender))
    else:
        origin = "https://evil.example" if fault == "foreign" else "null"
    answer = sender.submit(page, form, origin=origin, **changes)
    assert (answer.status, answer.error, answer.location) == (400, "invalid_request", "")
    if which == "login":
        assert sender.session_of(ISSUER) == ""
    if which == "logout":
        assert "code" in app.authorize(browser, prompt="none").params


def test_consent_needs_a_login(site: harness.Site) -> None:
    """CVE-2026-49443: posting to the later step gives the earlier one, and no code."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    action, fields = harness.read_form(page, "login-form")
    target = harness.absolute(page.url, action.replace("/login/", "/consent/"))
    for form in (fields, [*fields, ("decision", "allow"), ("scope", "openid")], [("csrf", dict(fields)["csrf"])]):
        answer = browser.post(target, form)
        assert "code" not in answer.params
        assert "code=" not in answer.location
    shown = browser.get(target)
    assert 'id="login-form"' in shown.text
    alice = site.user("alice")
    assert site.read(consents.granted, alice.tenant_id, alice.user_id, "web") == frozenset()


def test_consent_form_is_bound_to_its_person(site: harness.Site) -> None:
    """A consent page that alice opened does not grant anything in bob's name after he signed in there."""
    app, browser = harness.App(site), harness.Browser(site)
    of_alice = browser.sign_in(browser.follow(app.authorize(browser, state="alice")))
    assert 'id="consent-form"' in of_alice.text
    bob = browser.follow(app.authorize(browser, state="bob", prompt="login"))
    browser.through(bob, "bob")
    answer = browser.submit(of_alice, "consent-form", decision="allow")
    assert "code" not in answer.params
    assert answer.status in (303, 400)


def test_transaction_needs_its_browser(site: harness.Site) -> None:
    """The page's address alone, or another browser's cookie with it, opens nothing: no login in another's name."""
    app, attacker, victim = harness.App(site), harness.Browser(site), harness.Browser(site)
    page = attacker.follow(app.authorize(attacker))
    victim.follow(app.authorize(victim))
    bare = harness.Browser(site)
    for browser in (victim, bare):
        for where in (page.url, page.url.replace("/login/", "/consent/")):
            answer = browser.get(where)
            assert (answer.status, answer.error) == (400, "invalid_request")
            assert "login-form" not in answer.text
        posted = browser.submit(page, "login-form", username="alice", password="alice-password", decision="login")
        assert posted.status == 400
        assert browser.session_of(ISSUER) == ""
    assert 'id="login-form"' in attacker.get(page.url).text


def test_logout_hint_of_another_session_asks(site: harness.Site) -> None:
    """A token of another person, or of another session of the same person, signs nobody out by a link."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    of_bob = app.tokens(username="bob")["id_token"]
    elsewhere = app.tokens()["id_token"]
    for hint in (of_bob, elsewhere):
        page = browser.get(f"~/logout?id_token_hint={hint}")
        assert 'id="logout-form"' in page.text
        assert "code" in app.authorize(browser, prompt="none").params


def test_nobody_is_signed_out_by_another_site(site: harness.Site) -> None:
    """A form that another site's page posts comes without cookies: the browser asks again, and the person is asked."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    bare = site.post("~/logout", {"client_id": "web"}, headers={"origin": "https://evil.example"})
    assert bare.status == 303
    assert bare.every("set-cookie") == []
    assert bare.location.startswith(ISSUER + "/logout?")
    assert 'id="logout-form"' in browser.get(bare.location).text
    assert site.post("~/logout", {}).every("set-cookie") == []
    assert "code" in app.authorize(browser, prompt="none").params
