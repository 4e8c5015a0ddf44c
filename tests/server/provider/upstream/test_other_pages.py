"""Signing in at another provider for a device, and for one's own page."""

from __future__ import annotations

import pytest

from tests import harness, upstreams
from tests.upstreams import BASE, Liar
from tests.web import markup

ISSUER = BASE + "/default"


def _device(site: harness.Site, browser: harness.Browser) -> tuple[harness.Answer, str]:
    """Type the code of a new device; return the login page and the device's code."""
    told = site.post("~/device_authorization", {"client_id": "tv", "scope": "openid profile"}).json()
    page = browser.get(told["verification_uri"])
    return browser.follow(browser.submit(page, "device-form", user_code=told["user_code"])), told["device_code"]


def _poll(site: harness.Site, device_code: str) -> harness.Answer:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    return site.post("~/token", {"grant_type": grant, "client_id": "tv", "device_code": device_code})


def _leave(liar: Liar, browser: harness.Browser, way: str) -> None:
    page = browser.get(BASE + way)
    assert page.location.startswith(upstreams.OP), page.text[-500:]
    liar.asked = page.params


def test_a_device_is_let_in_by_somebody_from_there(site: harness.Site, liar: Liar) -> None:
    """The login page after the code offers the connections; back from there, the person is asked about the device."""
    browser = harness.Browser(site)
    page, code = _device(site, browser)
    (way,) = upstreams.links(page)
    _leave(liar, browser, way)
    confirm = browser.follow(liar.back(browser))
    assert "Una" in confirm.text
    site.clock.advance(10)
    assert _poll(site, code).error == "authorization_pending"
    browser.submit(confirm, "device-decision", decision="allow")
    site.clock.advance(10)
    claims = harness.payload(_poll(site, code).json()["id_token"])
    found = upstreams.identity(site, upstreams.OP, "u1")
    assert found is not None
    assert claims["sub"] == found.user_id


def test_a_device_gets_nothing_of_a_lie(site: harness.Site, liar: Liar) -> None:
    """A failure shows the device's login page again, with the connections, and decides nothing."""
    browser = harness.Browser(site)
    page, code = _device(site, browser)
    liar.claims["aud"] = "another"
    _leave(liar, browser, upstreams.links(page)[0])
    again = liar.back(browser)
    assert "did not succeed" in markup.by_id(markup.read(again.body), "login-error").text
    assert len(upstreams.links(again)) == 1
    assert browser.session_of(ISSUER) == ""
    site.clock.advance(10)
    assert _poll(site, code).error == "authorization_pending"


def test_an_answer_for_a_device_in_another_browser(site: harness.Site, liar: Liar) -> None:
    """Nobody is signed in who was not sent away, for a device neither."""
    browser = harness.Browser(site)
    page, _ = _device(site, browser)
    _leave(liar, browser, upstreams.links(page)[0])
    victim = harness.Browser(site)
    _device(site, victim)
    assert liar.back(victim).status == 400
    assert victim.session_of(ISSUER) == ""


def _own(browser: harness.Browser) -> tuple[harness.Answer, str]:
    page = browser.get(ISSUER + "/account")
    way = page.text.partition('href="/_intaglio/upstream/account/')[2].partition('"')[0]
    return page, "/_intaglio/upstream/account/" + way.replace("&amp;", "&")


def test_ones_own_page_opens_for_somebody_from_there(site: harness.Site, liar: Liar) -> None:
    """Who has no password here still sees their sessions and applications, and ends them."""
    browser = harness.Browser(site)
    page, way = _own(browser)
    assert 'id="connection-op"' in page.text
    _leave(liar, browser, way)
    back = liar.back(browser)
    assert back.location == ISSUER + "/account"
    assert "Una" in browser.follow(back).text


@pytest.mark.parametrize("change", ["another browser", "no cookie", "another tenant", "twice", "a lie", "restricted"])
def test_ones_own_page_stays_closed(site: harness.Site, liar: Liar, change: str) -> None:
    """For an answer in another browser, of another tenant, twice, for a lie, and at a connection of applications."""
    other = site.add_tenant("other")
    browser = harness.Browser(site)
    _, way = _own(browser)
    if change == "no cookie":
        assert harness.Browser(site).get(BASE + way).status == 400
        return
    if change == "another tenant":
        browser.get(BASE + "/other/account")
        assert browser.get(BASE + way.partition("?")[0] + f"?tenant={other.tenant_id}").status == 404
        return
    if change == "restricted":
        upstreams.change(site, "op", clients=("web",))
        assert "connection-op" not in browser.get(ISSUER + "/account").text
        assert browser.get(BASE + way).status == 404
        return
    _leave(liar, browser, way)
    if change == "another browser":
        victim = harness.Browser(site)
        _own(victim)
        assert liar.back(victim).status == 400
        assert victim.session_of(ISSUER) == ""
    elif change == "twice":
        assert liar.back(browser).location
        assert liar.back(browser).status == 400
    else:
        liar.claims["nonce"] = "another"
        assert "did not succeed" in liar.back(browser).text
        assert browser.session_of(ISSUER) == ""
