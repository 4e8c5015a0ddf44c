"""Requests that another site's page makes a browser send: what applications may do so, and what attackers may not."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"

SEND = """([target, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: target});
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  document.body.append(form);
  form.submit();
}"""


def _post_from_elsewhere(page: sync_api.Page, receiver: live.Receiver, url: str) -> None:
    """Post the request's parameters from a page of another site, as an application may (Core 3.1.2.1)."""
    target, _, query = url.partition("?")
    page.goto(f"http://127.0.0.1:{receiver.port}/")
    receiver.next()
    page.evaluate(SEND, [target, dict(urllib.parse.parse_qsl(query))])


@capability("code-flow", witness=CHROMIUM)
def test_a_posted_request_finds_the_session(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """An application that posts its request gets the answer that it would have got by GET: no second sign-in."""
    page = visitor.tab()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    begun = live.authorization(dev.issuer + "/authorize", prompt="none")
    _post_from_elsewhere(page, receiver, begun.url)
    page.wait_for_url("http://127.0.0.1:9999/cb?**")
    fields = receiver.next().fields
    assert fields["state"] == begun.state
    assert "error" not in fields
    assert live.redeem(dev.issuer, begun, fields["code"])["id_token"]


@capability("pages-csrf", witness=CHROMIUM)
def test_a_posted_request_does_not_disturb_another_tab(
    dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver
) -> None:
    """A tab that waits at the login page goes on working when another site posts a request of its own."""
    waiting, other = visitor.tab(), visitor.tab()
    begun = live.authorization(dev.issuer + "/authorize")
    waiting.goto(begun.url)
    _post_from_elsewhere(other, receiver, live.authorization(dev.issuer + "/authorize").url)
    other.wait_for_selector("#login-form")
    live.log_in(waiting)
    live.allow(waiting)
    assert receiver.next().fields["state"] == begun.state


@capability("pages-csrf", witness=CHROMIUM)
@capability("end-session", witness=CHROMIUM)
def test_nobody_is_signed_out_by_another_site(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """A posted logout that names no session asks the person, like any other; the session stays until they say so."""
    page = visitor.tab()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    before = visitor.cookies("session")
    _post_from_elsewhere(page, receiver, dev.issuer + "/logout?client_id=web")
    page.wait_for_selector("#submit-logout, #logged-out")
    assert visitor.cookies("session") == before
    sync_api.expect(page.locator("#submit-logout")).to_be_visible()


@capability("end-session", witness=CHROMIUM)
def test_an_application_can_post_its_logout(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """With the ID token as hint a posted logout ends the session and leads back (RP-Initiated Logout 1.0 section 2)."""
    page = visitor.tab()
    begun = live.authorization(dev.issuer + "/authorize")
    live.sign_in(page, begun.url)
    hint = live.redeem(dev.issuer, begun, receiver.next().fields["code"])["id_token"]
    fields = {"id_token_hint": hint, "post_logout_redirect_uri": "http://127.0.0.1:9999/", "state": "posted"}
    _post_from_elsewhere(page, receiver, f"{dev.issuer}/logout?{urllib.parse.urlencode(fields)}")
    page.wait_for_url("http://127.0.0.1:9999/?state=posted")
    assert visitor.cookies("session") == {}
    page.goto(live.authorization(dev.issuer + "/authorize").url)
    sync_api.expect(page.locator("#login-form")).to_be_visible()


@capability("end-session", witness=CHROMIUM)
def test_after_signing_out_no_earlier_cookie_works(
    dev: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver
) -> None:
    """A cookie from before a second sign-in of the same person is dead at the latest when they sign out."""
    visitor, thief = visit(), visit()
    page = visitor.tab()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize").url)
    receiver.next()
    ((name, early),) = visitor.cookies("session").items()
    live.sign_in(page, live.authorization(dev.issuer + "/authorize", prompt="login").url)
    receiver.next()
    page.goto(dev.issuer + "/logout")
    page.click("#submit-logout")
    page.wait_for_selector("#logged-out")
    thief.context.add_cookies([{"name": name, "value": early, "domain": "localhost", "path": "/"}])
    tab = thief.tab()
    tab.goto(live.authorization(dev.issuer + "/authorize", prompt="none").url)
    tab.wait_for_selector("#rp-done")
    assert receiver.next().fields.get("error") == "login_required"


@capability("redirect-uri-exact", witness="requests")
@pytest.mark.parametrize(
    ("body", "location"),
    [
        ("client_id=web&client_id=spa", "?client_id=web&client_id=spa"),
        ("state=a%26b%3Dc+d%23e", "?state=a%26b%3Dc%20d%23e"),
        ("", ""),
        ("state=a%0D%0Aset-cookie:+x=y", None),
        ("state=%FF", None),
        ("state=" + "x" * 17_000, None),
    ],
)
def test_what_is_sent_on_is_what_was_posted(dev: live.Dev, body: str, location: str | None) -> None:
    """A posted request is sent on to its own address with the same parameters; what cannot be read is refused."""
    headers = {"origin": "https://elsewhere.example.com", "content-type": "application/x-www-form-urlencoded"}
    at = dev.issuer + "/authorize"
    answer = requests.post(at, data=body, headers=headers, allow_redirects=False)
    if location is None:
        assert answer.status_code == 400
        assert "location" not in answer.headers
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, at + location)
    assert "set-cookie" not in answer.headers
