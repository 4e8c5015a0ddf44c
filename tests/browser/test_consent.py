"""What a person is asked, what is remembered of it, and what a client may demand."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"


def _at(dev: live.Dev) -> str:
    return dev.issuer + "/authorize"


def _answer(page: sync_api.Page, receiver: live.Receiver, begun: live.Started) -> dict[str, str]:
    page.goto(begun.url)
    page.wait_for_selector("#rp-done")
    fields = receiver.next().fields
    assert fields["state"] == begun.state
    return fields


@capability("consent", witness=CHROMIUM)
def test_deny_tells_the_client(fresh: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """Deny sends `access_denied`; the person stays signed in and is asked again the next time."""
    begun = live.authorization(_at(fresh))
    page.goto(begun.url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    page.click("#cancel")
    page.wait_for_selector("#rp-done")
    fields = receiver.next().fields
    assert (fields["error"], fields["state"]) == ("access_denied", begun.state)
    page.goto(live.authorization(_at(fresh)).url)
    sync_api.expect(page.locator("#consent-form")).to_be_visible()


@capability("consent", witness=CHROMIUM)
def test_consent_is_remembered_for_client_and_scopes(
    fresh: live.Dev, page: sync_api.Page, receiver: live.Receiver, loopback: live.Receiver
) -> None:
    """The second time nobody is asked; a further scope, another client and `prompt=consent` ask."""
    live.sign_in(page, live.authorization(_at(fresh), scope="openid email").url)
    receiver.next()
    assert _answer(page, receiver, live.authorization(_at(fresh), scope="openid email"))["code"]
    assert _answer(page, receiver, live.authorization(_at(fresh), scope="openid"))["code"]

    page.goto(live.authorization(_at(fresh), scope="openid email profile").url)
    sync_api.expect(page.locator("#consent-form")).to_be_visible()
    page.goto(live.authorization(_at(fresh), scope="openid email", prompt="consent").url)
    sync_api.expect(page.locator("#consent-form")).to_be_visible()
    native = f"http://127.0.0.1:{loopback.port}/callback"
    page.goto(live.authorization(_at(fresh), "native", native, scope="openid email").url)
    sync_api.expect(page.locator("#consent-form")).to_contain_text("127.0.0.1")
    page.click("#submit-consent")
    page.wait_for_selector("#rp-done")
    assert loopback.next().fields["code"]


@capability("consent", witness=CHROMIUM)
def test_an_unticked_scope_is_not_granted(fresh: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """What was unticked is neither in the token's scope nor in UserInfo; openid cannot be unticked."""
    begun = live.authorization(_at(fresh), scope="openid profile email phone offline_access")
    page.goto(begun.url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    boxes = {box.get_attribute("value"): box for box in page.get_by_role("checkbox").all()}
    assert boxes.keys() == {"openid", "profile", "email", "phone", "offline_access"}
    assert boxes["openid"].is_disabled()
    boxes["email"].uncheck()
    boxes["offline_access"].uncheck()
    page.click("#submit-consent")
    page.wait_for_selector("#rp-done")
    told = live.redeem(fresh.issuer, begun, receiver.next().fields["code"])
    assert told["scope"].split() == ["openid", "profile", "phone"]
    assert "refresh_token" not in told
    bearer = {"authorization": "Bearer " + told["access_token"]}
    person = requests.get(fresh.issuer + "/userinfo", headers=bearer).json()
    assert person["phone_number"]
    assert "email" not in person
    assert "email_verified" not in person


@capability("code-flow", witness=CHROMIUM)
def test_prompt_none_never_shows_a_page(fresh: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Signed out it is `login_required`, without consent `consent_required`, then a code, each without a page."""
    page = visitor.tab()
    silent = {"prompt": "none"}
    assert _answer(page, receiver, live.authorization(_at(fresh), **silent))["error"] == "login_required"
    page.goto(live.authorization(_at(fresh)).url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    assert _answer(page, receiver, live.authorization(_at(fresh), **silent))["error"] == "consent_required"
    page.go_back()
    page.goto(live.authorization(_at(fresh)).url)
    live.allow(page)
    receiver.next()
    begun = live.authorization(_at(fresh), **silent)
    fields = _answer(page, receiver, begun)
    assert live.claims(live.redeem(fresh.issuer, begun, fields["code"])["id_token"])["nonce"] == begun.nonce


@capability("code-flow", witness=CHROMIUM)
def test_prompt_login_and_max_age_demand_a_fresh_sign_in(
    dev: live.Dev, page: sync_api.Page, receiver: live.Receiver
) -> None:
    """`prompt=login` and a small `max_age` show the login page to somebody signed in; auth_time tells the new one."""

    def auth_time(begun: live.Started) -> int:
        told = live.redeem(dev.issuer, begun, receiver.next().fields["code"])
        return int(live.claims(told["id_token"])["auth_time"])

    first = live.authorization(_at(dev))
    live.sign_in(page, first.url)
    at = auth_time(first)
    relaxed = live.authorization(_at(dev), max_age="3600")
    page.goto(relaxed.url)
    page.wait_for_selector("#rp-done")
    assert auth_time(relaxed) == at
    for seconds, more in ((1.05, {"prompt": "login"}), (1.05, {"max_age": "0"}), (2.05, {"max_age": "1"})):
        time.sleep(seconds)
        begun = live.authorization(_at(dev), **more)  # type: ignore[arg-type]
        page.goto(begun.url)
        sync_api.expect(page.locator("#login-form"), str(more)).to_be_visible()
        live.log_in(page)
        live.allow(page)
        latest = auth_time(begun)
        assert latest > at, more
        at = latest
    time.sleep(2.05)
    silent = live.authorization(_at(dev), prompt="none", max_age="1")
    assert _answer(page, receiver, silent)["error"] == "login_required"


@capability("code-flow", witness=CHROMIUM)
def test_another_person_can_take_over(
    dev: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver
) -> None:
    """`prompt=login` lets bob sign in where alice was; from then on the browser is bob's."""
    page = visit().tab()
    live.sign_in(page, live.authorization(_at(dev)).url, "alice")
    receiver.next()
    live.sign_in(page, live.authorization(_at(dev), prompt="login").url, "bob")
    receiver.next()
    begun = live.authorization(_at(dev), prompt="none")
    fields = _answer(page, receiver, begun)
    told = live.redeem(dev.issuer, begun, fields["code"])
    bearer = {"authorization": "Bearer " + told["access_token"]}
    assert requests.get(dev.issuer + "/userinfo", headers=bearer).json()["name"] == "Bob Baker"
