"""Signing out at the other provider as well, and coming back to where the person was going."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from intaglio.server.provider.upstream import leaving
from tests import harness, upstreams
from tests.capability import capability
from tests.upstreams import OP, Liar
from tests.web import markup

BACK = "http://127.0.0.1:9999/"
SIGNED_OUT = "http://localhost:8080/_intaglio/upstream/signed-out"


def _signed_in(site: harness.Site, liar: Liar) -> tuple[harness.Browser, str]:
    browser, app = harness.Browser(site), harness.App(site)
    done = liar.sign_in(browser)
    return browser, app.redeem(done.params["code"]).json()["id_token"]


def _log_out(browser: harness.Browser, id_token: str = "", **more: str) -> harness.Answer:
    fields = {"post_logout_redirect_uri": BACK, "client_id": "web", "state": "s1"} | more
    fields |= {"id_token_hint": id_token} if id_token else {}
    return browser.get(f"http://localhost:8080/default/logout?{urlencode(fields)}")


@capability("upstream-logout", witness="the addresses that the browser is sent to")
def test_signing_out_leads_there_and_back(site: harness.Site, liar: Liar) -> None:
    """The session here ends first; then the browser goes there, and from there to the application."""
    upstreams.change(site, "op", logs_out=True)
    liar.claims["sid"] = "their-session"
    browser, id_token = _signed_in(site, liar)
    there = _log_out(browser, id_token)
    assert there.location.startswith(OP + "/logout?")
    assert browser.session_of("http://localhost:8080/default") == ""
    assert there.params["post_logout_redirect_uri"] == SIGNED_OUT
    assert (there.params["client_id"], there.params["logout_hint"]) == (upstreams.CLIENT, "their-session")
    assert "id_token_hint" not in there.params
    assert BACK not in there.location
    back = browser.get(f"{SIGNED_OUT}?{urlencode({'state': there.params['state']})}")
    assert back.location == BACK + "?state=s1"


def test_signing_out_stays_here_where_nothing_is_said(site: harness.Site, liar: Liar) -> None:
    """Somebody who signed in there, at a connection that does not sign out: the session there is left alone."""
    browser, id_token = _signed_in(site, liar)
    assert _log_out(browser, id_token).location == BACK + "?state=s1"


def test_who_signed_in_here_goes_nowhere_else(site: harness.Site, liar: Liar) -> None:
    """A session by password has nothing to end elsewhere."""
    upstreams.change(site, "op", logs_out=True)
    browser, app = harness.Browser(site), harness.App(site)
    id_token = app.tokens(browser)["id_token"]
    assert _log_out(browser, id_token).location == BACK + "?state=s1"


def test_the_page_that_asks_lets_the_form_lead_there(site: harness.Site, liar: Liar) -> None:
    """Browsers hold redirects behind a form against the page's policy: the other provider's origin is in it."""
    upstreams.change(site, "op", logs_out=True)
    browser, _ = _signed_in(site, liar)
    page = _log_out(browser)
    policy = page.header("content-security-policy") or ""
    assert OP in policy.partition("form-action")[2]
    form = markup.by_id(markup.read(page.body), "logout-form")
    assert form is not None
    there = browser.submit(page, "logout-form", decision="logout")
    assert there.location.startswith(OP + "/logout?")


def test_a_logout_without_an_address_ends_on_our_page(site: harness.Site, liar: Liar) -> None:
    """Who was going nowhere is told that it is over."""
    upstreams.change(site, "op", logs_out=True)
    browser, id_token = _signed_in(site, liar)
    there = browser.get(f"http://localhost:8080/default/logout?{urlencode({'id_token_hint': id_token})}")
    back = browser.get(f"{SIGNED_OUT}?{urlencode({'state': there.params['state']})}")
    assert back.status == 200
    assert "signed out" in back.text


@pytest.mark.parametrize("state", ["", "x", "a.b.c.d.e", "x" * 9000, "https://evil.example", "old"])
def test_nobody_chooses_where_a_logout_leads(site: harness.Site, liar: Liar, state: str) -> None:
    """A state that is not ours, or too old, leads nowhere."""
    if state == "old":
        upstreams.change(site, "op", logs_out=True)
        browser, id_token = _signed_in(site, liar)
        state = _log_out(browser, id_token).params["state"]
        site.clock.advance(leaving.LIFETIME)
    answer = harness.Browser(site).get(f"{SIGNED_OUT}?{urlencode({'state': state})}")
    assert answer.status == 400
    assert not answer.location


@pytest.mark.parametrize("broken", ["silent", "no endpoint", "a script"])
def test_a_provider_that_does_not_answer_keeps_nobody(site: harness.Site, liar: Liar, broken: str) -> None:
    """The session here ends, and the browser goes where it was going."""
    upstreams.change(site, "op", logs_out=True)
    browser, id_token = _signed_in(site, liar)
    site.clock.advance(700)
    liar.metadata = {
        "silent": {":status": 503},
        "no endpoint": {"end_session_endpoint": None},
        "a script": {"end_session_endpoint": "javascript:alert(1)"},
    }[broken]
    assert _log_out(browser, id_token).location == BACK + "?state=s1"
    assert browser.session_of("http://localhost:8080/default") == ""
