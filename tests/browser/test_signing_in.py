"""What a person can do at the login page, and what nobody can do to them there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"


def _at(dev: live.Dev) -> str:
    return dev.issuer + "/authorize"


@capability("login", witness=CHROMIUM)
def test_cancel_tells_the_client(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Cancel on the login page sends `access_denied` with state and issuer, and leaves nobody signed in."""
    page, begun = visitor.tab(), live.authorization(_at(dev))
    page.goto(begun.url)
    page.click("#cancel")
    page.wait_for_selector("#rp-done")
    fields = receiver.next().fields
    assert (fields["error"], fields["state"], fields["iss"]) == ("access_denied", begun.state, dev.issuer)
    assert "code" not in fields
    assert visitor.cookies("session") == {}


@capability("login", witness=CHROMIUM)
@capability("login-throttled", witness=CHROMIUM)
def test_guessing_is_slowed_down(fresh: live.Dev, page: sync_api.Page) -> None:
    """Wrong names and wrong passwords read the same; after ten the right one does not help either, bob is not hurt."""
    page.goto(live.authorization(_at(fresh)).url)
    texts = set()
    for name in ("nobody", "alice"):
        live.log_in(page, name, "guess")
        texts.add(page.locator("#login-error").inner_text())
    assert len(texts) == 1
    for _ in range(9):
        live.log_in(page, "alice", "guess")
    live.log_in(page, "alice")
    sync_api.expect(page.locator("#login-error")).to_contain_text("Too many attempts")
    live.log_in(page, "bob")
    sync_api.expect(page.locator("#consent-form")).to_be_visible()


@capability("redirect-uri-exact", witness=CHROMIUM)
@capability("errors-reference", witness=CHROMIUM)
@pytest.mark.parametrize(
    ("more", "received"),
    [
        ({"redirect_uri": "http://127.0.0.1:9999/cb/"}, "http://127.0.0.1:9999/cb/"),
        ({"redirect_uri": "http://localhost:9999/cb"}, "http://localhost:9999/cb"),
        ({"redirect_uri": "http://127.0.0.1:9999/cb?x=1"}, "?x=1"),
        ({"redirect_uri": ""}, "none"),
        ({"client_id": "nobody"}, "nobody"),
        ({"client_id": "native", "redirect_uri": "http://127.0.0.1:9999/elsewhere"}, "/elsewhere"),
    ],
)
def test_an_unknown_address_gets_a_page_and_no_redirect(
    dev: live.Dev, page: sync_api.Page, receiver: live.Receiver, more: dict[str, str], received: str
) -> None:
    """The page says what differs and has a reference, which the log resolves to expected and received."""
    url = live.authorization(_at(dev), **more).url  # type: ignore[arg-type]
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 400
    assert page.url == url
    sync_api.expect(page.locator("#oauth-error")).to_contain_text("invalid_request")
    ref = page.locator("#error-ref").inner_text()
    line = next(line for line in dev.log.splitlines() if ref in line)
    assert '"expected":' in line
    assert received in line
    assert receiver.nothing_arrived()


@capability("pages-no-script", witness=CHROMIUM)
def test_everything_works_without_script(
    dev: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver
) -> None:
    """With scripts off a person signs in, consents, and continues from the form-post page with a button."""
    page = visit(java_script_enabled=False).tab()
    begun = live.authorization(_at(dev), prompt="consent", response_mode="form_post")
    page.goto(begun.url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    page.click("#submit-consent")
    page.click("#continue")
    page.wait_for_selector("#rp-done")
    arrived = receiver.next()
    assert arrived.method == "POST"
    assert live.redeem(dev.issuer, begun, arrived.fields["code"])["id_token"]


@capability("code-flow", witness=CHROMIUM)
def test_form_post_sends_itself(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """The answer reaches the client in a POST from the browser, never in an address, errors too."""
    begun = live.authorization(_at(dev), response_mode="form_post")
    live.sign_in(page, begun.url)
    arrived = receiver.next()
    assert (arrived.method, arrived.path) == ("POST", "/cb")
    assert arrived.url == "http://127.0.0.1:9999/cb"
    assert (arrived.fields["state"], arrived.fields["iss"]) == (begun.state, dev.issuer)
    assert live.claims(live.redeem(dev.issuer, begun, arrived.fields["code"])["id_token"])["nonce"] == begun.nonce
    page.goto(live.authorization(_at(dev), response_mode="form_post", prompt="login").url)
    page.click("#cancel")
    page.wait_for_selector("#rp-done")
    refused = receiver.next()
    assert (refused.method, refused.fields["error"]) == ("POST", "access_denied")


@capability("login", witness=CHROMIUM)
def test_two_tabs_sign_in_at_once(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Two tabs that were both at the login page both come to their end, each with its own state and code."""
    begun = [live.authorization(_at(dev)) for _ in range(2)]
    tabs = [visitor.tab() for _ in range(2)]
    for tab, one in zip(tabs, begun, strict=True):
        tab.goto(one.url)
    for tab in tabs:
        live.log_in(tab)
        live.allow(tab)
    arrived = {one.fields["state"]: one.fields["code"] for one in (receiver.next(), receiver.next())}
    assert arrived.keys() == {one.state for one in begun}
    for one in begun:
        told = live.claims(live.redeem(dev.issuer, one, arrived[one.state])["id_token"])
        assert told["nonce"] == one.nonce


@capability("login", witness=CHROMIUM)
def test_the_second_tab_finds_the_first_ones_session(
    dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver
) -> None:
    """A tab left at the login page goes on without a password once it is loaded again after another's sign-in."""
    one, two = visitor.tab(), visitor.tab()
    two.goto(live.authorization(_at(dev)).url)
    live.sign_in(one, live.authorization(_at(dev)).url)
    two.reload()
    sync_api.expect(two.locator("#consent-form")).to_be_visible()
    two.click("#submit-consent")
    two.wait_for_selector("#rp-done")
    assert receiver.next().fields["code"] != receiver.next().fields["code"]


@capability("login", witness=CHROMIUM)
def test_pressing_twice(fresh: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """A double click on Sign in and on Allow does what one click does, with consent remembered and without."""
    for prompt in ("", "login"):
        begun = live.authorization(fresh.issuer + "/authorize", prompt=prompt)
        page.goto(begun.url)
        page.fill("#username", "alice")
        page.fill("#password", "alice-password")
        page.dblclick("#submit-login")
        page.wait_for_selector("#consent-form, #rp-done")
        if not prompt:
            page.dblclick("#submit-consent")
        page.wait_for_selector("#rp-done")
        assert live.redeem(fresh.issuer, begun, receiver.next().fields["code"])["id_token"]


@capability("login", witness=CHROMIUM)
def test_back_after_signing_in(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Going back shows no page that works twice: it says that the sign-in is over, and the session stays."""
    page = visitor.tab()
    page.goto(dev.base + "/")
    live.sign_in(page, live.authorization(_at(dev)).url)
    receiver.next()
    before = visitor.cookies("session")
    assert len(before) == 1
    page.go_back()
    sync_api.expect(page.locator("#oauth-error, #open-demo")).to_be_visible()
    if page.locator("#oauth-error").count():
        sync_api.expect(page.locator("#oauth-error")).to_contain_text("not under way any more")
    assert visitor.cookies("session") == before
    assert receiver.nothing_arrived()


@capability("login", witness=CHROMIUM)
def test_a_session_cannot_be_fixed(dev: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver) -> None:
    """A cookie planted before the sign-in is replaced by it and worth nothing after it; so is another's session."""
    attacker, victim = visit(), visit()
    live.sign_in(attacker.tab(), live.authorization(_at(dev)).url, "bob")
    receiver.next()
    planted = attacker.cookies("session")
    ((name, value),) = planted.items()
    for made_up in (value, "A" * 43):
        victim.context.clear_cookies()
        victim.context.add_cookies([{"name": name, "value": made_up, "domain": "localhost", "path": "/"}])
        page = victim.tab()
        page.goto(live.authorization(_at(dev), prompt="login").url)
        live.log_in(page)
        live.allow(page)
        receiver.next()
        assert victim.cookies("session")[name] not in (value, "A" * 43)
        fresh = visit()
        fresh.context.add_cookies([{"name": name, "value": made_up, "domain": "localhost", "path": "/"}])
        tab = fresh.tab()
        tab.goto(live.authorization(_at(dev), prompt="none").url)
        tab.wait_for_selector("#rp-done")
        assert receiver.next().fields["error"] == "login_required"


@capability("login", witness=CHROMIUM)
def test_the_old_secret_ends_with_a_new_sign_in(
    dev: live.Dev, visit: Callable[..., live.Visitor], receiver: live.Receiver
) -> None:
    """The same person signing in again gets another cookie, HttpOnly, host-only and Lax."""
    visitor = visit()
    page = visitor.tab()
    live.sign_in(page, live.authorization(_at(dev)).url)
    receiver.next()
    before = visitor.cookies("session")
    live.sign_in(page, live.authorization(_at(dev), prompt="login").url)
    receiver.next()
    after = visitor.cookies("session")
    assert before.keys() == after.keys()
    assert before != after
    for cookie in visitor.context.cookies():
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert cookie["domain"] == "localhost"
    assert page.evaluate("document.cookie") == ""


@capability("pages-accessible", witness=CHROMIUM)
def test_by_keyboard_alone(fresh: live.Dev, page: sync_api.Page, receiver: live.Receiver) -> None:
    """Typing, Tab, Space and Enter are enough to sign in, untick a scope and allow the rest."""
    begun = live.authorization(_at(fresh))
    page.goto(begun.url)
    page.wait_for_selector("#username:focus")
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type("alice-password")
    page.keyboard.press("Enter")
    page.wait_for_selector("#consent-form")
    pressed = ""
    for _ in range(20):
        page.keyboard.press("Tab")
        pressed = page.evaluate("document.activeElement.value || ''")
        if pressed == "email":
            page.keyboard.press("Space")
        if page.evaluate("document.activeElement.id") == "submit-consent":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#rp-done")
    told = live.redeem(fresh.issuer, begun, receiver.next().fields["code"])
    assert set(told["scope"].split()) == {"openid", "profile", "offline_access"}


@capability("pages-csrf", witness=CHROMIUM)
def test_a_foreign_page_cannot_sign_anybody_in(dev: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """A form of another site that posts the attacker's password to a waiting sign-in gets an error page."""
    victim, foreign = visitor.tab(), visitor.tab()
    victim.goto(live.authorization(_at(dev)).url)
    target, csrf = victim.url, victim.locator("input[name=csrf]").input_value()
    foreign.goto(f"http://127.0.0.1:{receiver.port}/")
    receiver.next()
    foreign.evaluate(
        """([target, csrf]) => {
          const form = Object.assign(document.createElement("form"), {method: "post", action: target});
          const fields = {csrf, username: "bob", password: "bob-password", decision: "login"};
          for (const [name, value] of Object.entries(fields))
            form.append(Object.assign(document.createElement("input"), {name, value}));
          document.body.append(form);
          HTMLFormElement.prototype.submit.call(form);
        }""",
        [target, csrf],
    )
    sync_api.expect(foreign.locator("#oauth-error")).to_be_visible()
    assert visitor.cookies("session") == {}
    live.log_in(victim)
    live.allow(victim)
    assert receiver.next().fields["code"]


@capability("pages-csrf", witness=CHROMIUM)
@capability("pages-headers", witness=CHROMIUM)
def test_a_foreign_page_cannot_frame_a_page(dev: live.Dev, chromium: sync_api.Browser, receiver: live.Receiver) -> None:
    """In a frame of another site the login page stays away."""
    context = chromium.new_context()
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{receiver.port}/")
    receiver.next()
    url = live.authorization(_at(dev)).url
    page.evaluate("url => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))", url)
    page.wait_for_event("console", timeout=live.STEP) if not said else None
    assert any("frame" in text for text in said), said
    assert all(frame.locator("#login-form").count() == 0 for frame in page.frames)
    context.close()
