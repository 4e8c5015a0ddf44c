"""Answers to requests, attacked: where they go, whom they are for, and who may ask."""

from __future__ import annotations

import pytest

from tests import harness
from tests.dialects.auth0.test_auth0_authorize import ROOT, SPA, spa, told


def test_a_message_is_no_way_around_a_mode_that_is_switched_off(site: harness.Site) -> None:
    """An application that takes its answers by form alone gets none that a script of its origin reads."""
    site.change_client("spa", response_modes=("form_post",))
    app, browser = spa(site), harness.Browser(site)
    harness.App.callback(app, browser, response_mode="form_post")
    assert told(app.authorize(browser, prompt="none", response_mode="web_message"))[1].get("code") is None
    assert "code" not in app.authorize(browser, prompt="none", response_mode="fragment").fragment
    site.change_client("spa", allowed_origins=(SPA,))
    assert "code" in told(app.authorize(browser, prompt="none", response_mode="web_message"))[1]


DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def test_a_device_is_no_way_into_an_organizations_application(site: harness.Site) -> None:
    """An application for members of organizations alone gets no tokens of somebody else by a device's code."""
    site.change_client("tv", organization_usage="require")
    start = site.post(ROOT + "/oauth/device/code", {"client_id": "tv", "scope": "openid profile"})
    assert start.status in (400, 403), start.text
    assert start.error in ("unauthorized_client", "invalid_request")
    # Turned on while a device waits, it counts as well.
    site.change_client("tv", organization_usage="deny")
    body = site.post(ROOT + "/oauth/device/code", {"client_id": "tv", "scope": "openid profile"}).json()
    browser = harness.Browser(site)
    page = browser.follow(browser.submit(browser.get(body["verification_uri_complete"]), "device-form"))
    browser.submit(browser.follow(browser.sign_in(page)), "device-decision", decision="allow")
    site.change_client("tv", organization_usage="require")
    site.clock.advance(30)
    form = {"grant_type": DEVICE, "client_id": "tv", "device_code": body["device_code"]}
    assert "access_token" not in site.post(ROOT + "/oauth/token", form).text


@pytest.mark.parametrize("text", ["a\u202eb", "caf\u00e9", 'x"y', "x\\y", "\u200b", "a\u2028b"])
@pytest.mark.parametrize("name", ["organization", "connection"])
def test_a_text_that_comes_back_is_plain(site: harness.Site, name: str, text: str) -> None:
    """Words of the request are told in the characters of an error_description alone."""
    site.change_client("spa", organization_usage="allow")
    told = spa(site).authorize(harness.Browser(site), **{name: text}).params
    assert told["error"] == "invalid_request"
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in told["error_description"])
