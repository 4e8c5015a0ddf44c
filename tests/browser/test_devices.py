"""People who let devices in, make accounts, and come from other sites; and what nobody can do to them."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PHONE = {"width": 360, "height": 740}


def _post(url: str, **form: str) -> dict[str, Any]:
    data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
    return told


def _start(dev: live.Dev) -> dict[str, Any]:
    return _post(dev.issuer + "/device_authorization", client_id="tv", scope="openid profile")


def _poll(dev: live.Dev, begun: dict[str, Any]) -> dict[str, Any]:
    return _post(dev.issuer + "/token", client_id="tv", grant_type=GRANT, device_code=begun["device_code"])


@capability("device-page", witness=CHROMIUM)
def test_a_link_alone_does_nothing(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Somebody signed in opens a link with the code, goes back and forth, reloads: nothing is allowed by that."""
    page = visitor.tab()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    begun = _start(dev)
    page.goto(begun["verification_uri_complete"])
    sync_api.expect(page.locator("#device-code")).to_have_value(begun["user_code"])
    page.reload()
    page.click("#device-submit")
    page.wait_for_selector("#device-decision")
    page.reload()
    page.go_back()
    page.go_forward()
    assert _poll(dev, begun)["error"] == "authorization_pending"
    page.click("#device-deny")
    page.wait_for_selector("#device-done")


@capability("device-page", witness=CHROMIUM)
def test_a_foreign_page_cannot_allow(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Forms of another site are refused at every step, though the person is signed in and the code is known."""
    victim, foreign = visitor.tab(), visitor.tab()
    live.sign_in(victim, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    begun = _start(dev)
    victim.goto(begun["verification_uri_complete"])
    victim.click("#device-submit")
    victim.wait_for_selector("#device-decision")
    csrf = victim.locator("input[name=csrf]").input_value()
    for target, fields in (
        (victim.url, {"csrf": csrf, "decision": "allow", "scope": "openid"}),
        (f"{dev.base}/_intaglio/device", {"user_code": begun["user_code"]}),
    ):
        foreign.goto(f"http://127.0.0.1:{receiver.port}/")
        receiver.next()
        foreign.evaluate(SEND, [target, fields])
        sync_api.expect(foreign.locator("#oauth-error")).to_be_visible()
    assert _poll(dev, begun)["error"] == "authorization_pending"


SEND = """([target, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: target});
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("input"), {name, value}));
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}"""


@capability("device-page", witness=CHROMIUM)
@capability("pages-accessible", witness=CHROMIUM)
def test_by_keyboard_alone(dev: live.Dev, page: sync_api.Page) -> None:
    """Typing, Tab and Enter are enough: the cursor waits in the field, and Enter goes on."""
    begun = _start(dev)
    page.goto(begun["verification_uri"])
    page.wait_for_selector("#device-code:focus")
    page.keyboard.type(begun["user_code"].lower())
    page.keyboard.press("Enter")
    page.wait_for_selector("#username:focus")
    page.keyboard.type("bob")
    page.keyboard.press("Tab")
    page.keyboard.type("bob-password")
    page.keyboard.press("Enter")
    page.wait_for_selector("#device-decision")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "device-confirm":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#device-done")
    assert _poll(dev, begun)["token_type"] == "Bearer"


@capability("device-throttled", witness=CHROMIUM)
def test_guessing_codes_is_slowed_down(fresh: live.Dev, page: sync_api.Page) -> None:
    """Wrong codes read the same; after twenty the right one does not help either."""
    page.goto(fresh.issuer + "/device")
    texts = set()
    for letter in "BCDFGHJKLMNPQRSTVWXZ":
        page.fill("#device-code", f"BCDF-GHJ{letter}")
        page.click("#device-submit")
        texts.add(page.locator("#device-error").inner_text())
    assert len(texts) == 1
    page.fill("#device-code", _start(fresh)["user_code"])
    page.click("#device-submit")
    sync_api.expect(page.locator("#device-error")).to_contain_text("Too many attempts")


@capability("device-page", witness=CHROMIUM)
def test_pressing_twice(dev: live.Dev, page: sync_api.Page) -> None:
    """A double click on Continue, Sign in and Allow does what one click does; loading again says how it ended."""
    begun = _start(dev)
    page.goto(begun["verification_uri_complete"])
    page.dblclick("#device-submit")
    page.wait_for_selector("#login-form")
    page.fill("#username", "alice")
    page.fill("#password", "alice-password")
    page.dblclick("#submit-login")
    page.wait_for_selector("#device-decision")
    page.dblclick("#device-confirm")
    page.wait_for_selector("#device-done")
    sync_api.expect(page.locator("h1")).to_contain_text("is connected")
    page.goto(page.url)
    sync_api.expect(page.locator("h1")).to_contain_text("is connected")
    assert _poll(dev, begun)["token_type"] == "Bearer"


# --- accounts


@capability("prompt-create", witness=CHROMIUM)
def test_making_an_account(filed: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver) -> None:
    """On a phone without script: prompt=create, a taken name, a free one, consent, and a token about the new person."""
    live.cli(filed, "tenant", "update", "default", "--sign-up")
    page = visit(java_script_enabled=False, viewport=PHONE).tab()
    begun = live.authorization(filed.issuer + "/authorize", prompt="create")
    page.goto(begun.url)
    page.fill("#signup-username", "alice")
    page.fill("#signup-password", "a long sentence")
    page.click("#signup-submit")
    sync_api.expect(page.locator("#signup-error")).to_contain_text("is taken")
    page.fill("#signup-username", "carol")
    page.fill("#signup-password", "a long sentence")
    page.click("#signup-submit")
    live.allow(page)
    told = live.claims(live.redeem(filed.issuer, begun, receiver.next().fields["code"])["id_token"])
    carol = json.loads(live.cli(filed, "user", "show", "carol"))
    assert told["sub"] == carol["user_id"]
    assert "a long sentence" not in filed.log


@capability("prompt-create", witness=CHROMIUM)
def test_an_account_from_the_login_page(filed: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """The login page links the sign-up page while the tenant is open, and no more once it is closed."""
    live.cli(filed, "tenant", "update", "default", "--sign-up")
    page.goto(live.authorization(filed.issuer + "/authorize").url)
    page.click("#sign-up")
    page.click("#log-in")
    page.click("#sign-up")
    page.fill("#signup-username", "dave")
    page.fill("#signup-password", "another long sentence")
    page.click("#signup-submit")
    live.allow(page)
    assert receiver.next().fields["code"]
    live.cli(filed, "tenant", "update", "default", "--no-sign-up")
    page.wait_for_timeout(1100)
    page.goto(live.authorization(filed.issuer + "/authorize", prompt="login").url)
    page.wait_for_selector("#login-form")
    assert page.locator("#sign-up").count() == 0
    page.goto(live.authorization(filed.issuer + "/authorize", prompt="create").url)
    page.wait_for_selector("#rp-done")
    assert receiver.next().fields["error"] == "invalid_request"


# --- sign-ins that begin elsewhere


@capability("third-party-login", witness=CHROMIUM)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_begins_a_sign_in(
    dev: live.Dev, page: sync_api.Page, receiver: live.Receiver, method: str
) -> None:
    """From a portal, by link or form, to the login page with the name filled in, and on to the target."""
    target = dev.base + "/demo?from=portal"
    fields = {"iss": dev.issuer, "login_hint": "bob", "target_link_uri": target}
    page.goto(f"http://127.0.0.1:{receiver.port}/")
    receiver.next()
    if method == "POST":
        page.evaluate(SEND, [dev.base + "/demo/login", fields])
    else:
        page.evaluate("url => { location.href = url }", f"{dev.base}/demo/login?{urllib.parse.urlencode(fields)}")
    page.wait_for_selector("#login-form")
    sync_api.expect(page.locator("#username")).to_have_value("bob")
    live.log_in(page, "bob")
    live.allow(page, done="#demo-token")
    assert page.url == target


@capability("third-party-login", witness=CHROMIUM)
def test_the_demo_is_no_open_redirector(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """A target elsewhere and a strange issuer get a page of refusal, and the browser goes nowhere."""
    elsewhere = f"http://127.0.0.1:{receiver.port}/"
    for fields in ({"iss": dev.issuer, "target_link_uri": elsewhere}, {"iss": elsewhere}):
        page.goto(f"{dev.base}/demo/login?{urllib.parse.urlencode(fields)}")
        sync_api.expect(page.locator("#oauth-error")).to_be_visible()
    assert receiver.nothing_arrived()


@capability("client-pages", witness=CHROMIUM)
def test_pages_link_what_the_client_shows(dev: live.Dev, page: sync_api.Page) -> None:
    """The client's own page is a plain link on the login page, which tells that page nothing of where it came from."""
    page.goto(dev.base + "/demo/login")
    page.wait_for_selector("#login-form")
    link = page.locator("nav a", has_text="About this application")
    assert link.get_attribute("href") == dev.base + "/demo"
    assert link.get_attribute("rel") == "noopener noreferrer"
