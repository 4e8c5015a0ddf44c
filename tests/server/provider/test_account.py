"""The page `sessions and apps`: people see their own sessions and apps, and end nobody else's."""

from __future__ import annotations

import pytest

from intaglio.server.model import consents, outbox
from intaglio.server.provider.signin import throttle
from tests import harness
from tests.capability import capability
from tests.server.provider import test_device
from tests.web import markup

ISSUER = "http://localhost:8080/default"
FORMS = "http://localhost:8080/_intaglio/account?tenant=00000000-0000-4000-8000-000000000001"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WITNESS = "the page, and what the tokens are worth afterwards"


def _page(browser: harness.Browser) -> harness.Answer:
    return browser.get("~/account")


def _buttons(page: harness.Answer) -> list[dict[str, str]]:
    """Return the fields of every form of the page, its button included."""
    forms: list[dict[str, str]] = []
    for one in markup.read(page.body):
        if one.tag == "form":
            forms.append({"action": one.attributes["action"]})
        elif one.tag in ("input", "button") and forms:
            forms[-1][one.attributes["name"]] = one.attributes["value"]
    return forms


def _press(browser: harness.Browser, page: harness.Answer, wanted: dict[str, str], **changes: str) -> harness.Answer:
    (form,) = [form for form in _buttons(page) if wanted.items() <= form.items()]
    fields = {name: value for name, value in (form | changes).items() if name != "action"}
    headers = {"origin": "http://localhost:8080"}
    return browser.request("POST", harness.absolute(page.url, form["action"]), form=fields, headers=headers)


def _sessions(page: harness.Answer) -> list[str]:
    return [form["session"] for form in _buttons(page) if "session" in form]


def _apps(page: harness.Answer) -> list[str]:
    return [form["client"] for form in _buttons(page) if "client" in form]


def _is_signed_in(site: harness.Site, browser: harness.Browser) -> bool:
    return harness.App(site).authorize(browser, prompt="none").error != "login_required"


@pytest.fixture
def browser(site: harness.Site) -> harness.Browser:
    """A browser in which alice is signed in."""
    browser = harness.Browser(site)
    harness.App(site).tokens(browser)
    return browser


@capability("account-sessions", witness=WITNESS)
def test_sessions_are_listed(site: harness.Site, browser: harness.Browser) -> None:
    """One's own sessions with their browser and apps; the one that looks is marked; nobody else's are there."""
    other = harness.Browser(site)
    page = other.follow(harness.App(site, "spa", "", redirect_uri="http://localhost:3000/callback").authorize(other))
    action, fields = harness.read_form(page, "login-form")
    form = dict(fields) | {"username": "alice", "password": "alice-password", "decision": "login"}
    other.request("POST", harness.absolute(page.url, action), form=form, headers={"user-agent": FIREFOX})
    harness.App(site).tokens(harness.Browser(site), "bob")
    shown = _page(browser)
    assert len(_sessions(shown)) == 2
    assert "Firefox on Linux" in shown.text
    assert shown.text.count("this browser") == 1
    assert "Example web app" in shown.text
    assert "Gecko" not in shown.text


@capability("account-sessions", witness=WITNESS)
def test_a_session_is_ended(site: harness.Site, browser: harness.Browser) -> None:
    """The other browser is signed out at once, this one is not."""
    other = harness.Browser(site)
    tokens = harness.App(site).tokens(other, scope="openid")
    sid = harness.payload(tokens["id_token"])["sid"]
    done = _press(browser, _page(browser), {"session": sid})
    assert (done.status, done.location) == (303, f"{ISSUER}/account")
    assert not _is_signed_in(site, other)
    assert _is_signed_in(site, browser)
    assert harness.App(site).userinfo(tokens["access_token"]).status == 401
    assert sid not in _sessions(_page(browser))


@capability("account-sessions", witness=WITNESS)
def test_ones_own_session_is_ended(site: harness.Site, browser: harness.Browser) -> None:
    """The page says so, the cookie goes, and applications are told in both ways."""
    site.change_client(
        "web", frontchannel_logout_uri="https://rp.example/out", backchannel_logout_uri="https://rp.example/b"
    )
    harness.App(site).tokens(browser)
    page = _page(browser)
    done = _press(browser, page, {"session": _sessions(page)[0]})
    assert 'id="logged-out"' in done.text
    assert "https://rp.example/out" in done.text
    assert browser.session_of(ISSUER) == ""
    assert site.read(outbox.is_due, site.clock.now())


@capability("account-sessions", witness=WITNESS)
def test_signing_out_everywhere(site: harness.Site, browser: harness.Browser) -> None:
    """Every session of the person ends, in other dialects too; bob's does not."""
    others = [harness.Browser(site) for _ in range(3)]
    harness.App(site).tokens(others[0])
    harness.auth0_app(site).tokens(others[1])
    harness.App(site).tokens(others[2], "bob")
    done = _press(browser, _page(browser), {"decision": "everywhere"})
    assert 'id="logged-out"' in done.text
    assert not _is_signed_in(site, browser)
    assert not _is_signed_in(site, others[0])
    assert "code" not in harness.auth0_app(site).authorize(others[1], prompt="none").params
    assert _is_signed_in(site, others[2])


@capability("account-apps", witness=WITNESS)
def test_withdrawing_consent(site: harness.Site, browser: harness.Browser) -> None:
    """Every token of the app is dead, offline ones too, a code under way as well, and the app has to ask again."""
    app = harness.App(site)
    tokens = app.tokens(browser)
    code = app.code(browser)
    site.settle()
    page = _page(browser)
    assert _apps(page) == ["web"]
    assert "also while you are away" in page.text
    _press(browser, page, {"client": "web"})
    assert app.userinfo(tokens["access_token"]).status == 401
    assert app.refresh(tokens["refresh_token"]).status == 400
    assert app.redeem(code).status == 400
    assert _apps(_page(browser)) == []
    assert 'id="consent-form"' in browser.follow(app.authorize(browser)).text
    user_id = site.user("alice").user_id
    assert site.read(consents.granted, "00000000-0000-4000-8000-000000000001", user_id, "web") == frozenset()


def test_withdrawing_reaches_a_device_that_was_let_in(site: harness.Site, browser: harness.Browser) -> None:
    """A device that was allowed and has not asked for its tokens yet gets none any more."""
    device = test_device.start(site)
    test_device.approve(site, device["user_code"], browser)
    assert "tv" in _apps(_page(browser))
    _press(browser, _page(browser), {"client": "tv"})
    assert test_device.poll(site, device["device_code"]).error == "access_denied"


@capability("account-apps", witness=WITNESS)
def test_withdrawing_is_ones_own(site: harness.Site, browser: harness.Browser) -> None:
    """Bob's consent and tokens for the same app stay, and so do alice's for another."""
    bob, app, other = harness.Browser(site), harness.App(site), harness.App(site, "shop", "shop-secret")
    site.add_client("shop", "shop-secret")
    bobs, shops = app.tokens(bob, "bob"), other.tokens(browser)
    _press(browser, _page(browser), {"client": "web"})
    assert app.userinfo(bobs["access_token"]).status == 200
    assert other.userinfo(shops["access_token"]).status == 200
    assert _apps(_page(browser)) == ["shop"]


def test_nobody_ends_anothers_session(site: harness.Site, browser: harness.Browser) -> None:
    """An identifier of somebody else's session in an own form ends nothing, and the answer tells nothing."""
    bob = harness.Browser(site)
    tokens = harness.App(site).tokens(bob, "bob", scope="openid")
    sid = harness.payload(tokens["id_token"])["sid"]
    page = _page(browser)
    for session_id in (sid, "unknown", "", "x" * 5000):
        answer = _press(browser, page, {"session": _sessions(page)[0]}, session=session_id)
        assert (answer.status, answer.location) == (303, f"{ISSUER}/account")
    assert _is_signed_in(site, bob)
    assert _is_signed_in(site, browser)
    assert harness.App(site).userinfo(tokens["access_token"]).status == 200


def test_account_forms_need_their_page(site: harness.Site, browser: harness.Browser) -> None:
    """Another origin, no token, a wrong one, another person's and another tenant's are refused; nothing ends."""
    bob = harness.Browser(site)
    harness.App(site).tokens(bob, "bob")
    mine = _buttons(_page(browser))[-1]
    theirs = _buttons(_page(bob))[-1]
    assert mine["decision"] == "everywhere"
    own = {"origin": "http://localhost:8080"}
    attempts = [
        browser.request(
            "POST",
            FORMS,
            form={"decision": "everywhere", "csrf": mine["csrf"]},
            headers={"origin": "https://evil.example"},
        ),
        browser.request("POST", FORMS, form={"decision": "everywhere"}, headers=own),
        browser.request("POST", FORMS, form={"decision": "everywhere", "csrf": "x"}, headers=own),
        browser.request("POST", FORMS, form={"decision": "everywhere", "csrf": theirs["csrf"]}, headers=own),
    ]
    assert [answer.status for answer in attempts] == [400] * 4
    assert _is_signed_in(site, browser)
    taken_over = harness.Browser(site)
    taken_over.jar = dict(browser.jar)
    taken_over.jar |= {name: value for name, value in bob.jar.items() if "session" in name}
    answer = taken_over.request("POST", FORMS, form={"decision": "everywhere", "csrf": mine["csrf"]}, headers=own)
    assert answer.status == 400
    assert _is_signed_in(site, bob)


def test_other_tenants_do_not_meet(site: harness.Site, browser: harness.Browser) -> None:
    """Alice of another tenant sees her own sessions alone."""
    site.add_tenant("shop")
    visitor = harness.Browser(site)
    page = visitor.get("http://localhost:8080/shop/account")
    assert 'id="login-form"' in page.text
    visitor.follow(visitor.submit(page, "login-form", username="alice", password="other-password", decision="login"))
    shown = visitor.get("http://localhost:8080/shop/account")
    assert len(_sessions(shown)) == 1
    assert set(_sessions(shown)).isdisjoint(_sessions(_page(browser)))


@capability("account-login", witness="the page")
def test_the_page_has_its_own_sign_in(site: harness.Site) -> None:
    """Whoever is not signed in may sign in there; a wrong password says the usual sentence."""
    visitor = harness.Browser(site)
    page = _page(visitor)
    assert 'id="login-form"' in page.text
    wrong = visitor.submit(page, "login-form", username="alice", password="wrong", decision="login")
    assert 'id="login-error"' in wrong.text
    assert visitor.session_of(ISSUER) == ""
    done = visitor.submit(wrong, "login-form", username="alice", password="alice-password", decision="login")
    assert done.location == f"{ISSUER}/account"
    shown = visitor.follow(done)
    assert "Alice Elizabeth Adams" in shown.text
    assert len(_sessions(shown)) == 1
    assert _apps(shown) == []


def test_its_sign_in_is_protected_like_the_other(site: harness.Site) -> None:
    """The form is bound to the browser, a session is not fixed by it, and guesses are counted."""
    visitor, stranger = harness.Browser(site), harness.Browser(site)
    page = _page(visitor)
    _page(stranger)
    assert (
        stranger.submit(page, "login-form", username="alice", password="alice-password", decision="login").status == 400
    )
    assert (
        visitor.submit(
            page,
            "login-form",
            origin="https://evil.example",
            username="alice",
            password="alice-password",
            decision="login",
        ).status
        == 400
    )
    for _ in range(throttle.ACCOUNT_LIMIT):
        visitor.submit(page, "login-form", username="alice", password="wrong", decision="login")
    refused = visitor.submit(page, "login-form", username="alice", password="alice-password", decision="login")
    assert refused.status == 429
    assert visitor.session_of(ISSUER) == ""


def test_cancel_and_strange_requests(site: harness.Site, browser: harness.Browser) -> None:
    """Cancelling leads back; an unknown word does nothing; GET and other dialects have no such address."""
    visitor = harness.Browser(site)
    page = _page(visitor)
    assert visitor.submit(page, "login-form", decision="cancel").location == f"{ISSUER}/account"
    shown = _page(browser)
    assert _press(browser, shown, {"decision": "everywhere"}, decision="strange").location == f"{ISSUER}/account"
    assert _is_signed_in(site, browser)
    assert browser.get(FORMS).status == 404
    assert browser.post(FORMS.replace("8080", "8083"), {"decision": "everywhere"}).status == 404


def test_a_disabled_person_sees_nothing(site: harness.Site, browser: harness.Browser) -> None:
    """Their session opens nothing any more."""
    site.change_user("alice", disabled_at=harness.NOW)
    assert 'id="login-form"' in _page(browser).text


def test_hostile_names_stay_text(site: harness.Site, browser: harness.Browser) -> None:
    """What clients and people call themselves is text on this page too."""
    site.change_client("web", client_name="<script>alert(1)</script>\"'")
    site.change_user("alice", claims={"name": "<img src=x onerror=alert(1)>"})
    page = _page(browser)
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
