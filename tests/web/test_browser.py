"""What a person meets in a real browser: nothing overflows, nothing overlaps, nothing is blocked by the policy."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import msgspec
import pytest

from intaglio.protocol import pages
from intaglio.server.web import render
from tests import live
from tests.live import sync_api
from tests.web import samples

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self';"
    " form-action 'self' https://app.example.com; frame-ancestors 'none'; base-uri 'none'"
)
ORIGIN = "http://sample.localhost"
HTML = render.HTMLPages()

pytestmark = pytest.mark.browser

# Buttons, fields, links that stand alone, and the labels of checkboxes; two of one page may not cover each other.
TARGETS = """() => [...document.querySelectorAll(
    "button, .button, .field input, .links a, nav a, .lead a, .scope label")]
  .filter((e) => e.getClientRects().length)
  .map((e) => { const r = e.getBoundingClientRect();
    return {name: e.id || e.textContent.trim().slice(0, 30), x: r.x, y: r.y, w: r.width, h: r.height}; })"""


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    """One Chromium for the module."""
    path = live.need_browser()
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=arguments)
        yield opened
        opened.close()


def _answer(route: sync_api.Route) -> None:
    path = urllib.parse.urlsplit(route.request.url).path
    found = HTML.static(path.removeprefix(render.STATIC_PATH)) if path.startswith(render.STATIC_PATH) else None
    if found is not None:
        route.fulfill(body=found[0], content_type=found[1])
    elif (name := path[1:].removesuffix("-long")) in samples.SAMPLES:
        page = samples.SAMPLES[name]
        body = HTML.render(_long(page) if path.endswith("-long") else page)  # type: ignore[arg-type]
        route.fulfill(body=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})
    else:
        # 204 leaves the browser on the page that it posted from.
        route.fulfill(status=204 if route.request.method == "POST" else 404, body="")


def _long(value: object) -> object:
    """Return the record with every text grown to 300 characters without a space."""
    if isinstance(value, str):
        return value + "M" * 300
    if isinstance(value, tuple):
        return tuple(_long(item) for item in value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **{name: _long(getattr(value, name)) for name in value.__struct_fields__})
    return value


@pytest.fixture(scope="module")
def phone(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A page of 360 px whose requests the renderer answers."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, permissions=["clipboard-write"])
    page = context.new_page()
    page.route("**/*", _answer)
    yield page
    context.close()


def _overflow(page: sync_api.Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("name", [name for name in samples.SAMPLES if name != "form-post"])
def test_nothing_needs_sideways_scrolling(phone: sync_api.Page, name: str, width: int) -> None:
    """Pages fit from 320 px on, with ordinary texts and with endless words (WCAG 2.2: 1.4.10)."""
    phone.set_viewport_size({"width": width, "height": 740})
    for path in (name, f"{name}-long"):
        phone.goto(f"{ORIGIN}/{path}")
        assert _overflow(phone) == 0, path


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", [name for name in samples.SAMPLES if name != "form-post"])
def test_targets_are_large_and_apart(phone: sync_api.Page, name: str, width: int) -> None:
    """What is pressed is at least 44 px high and 24 px wide, and no target covers another (WCAG 2.2: 2.5.8)."""
    phone.set_viewport_size({"width": width, "height": 740})
    phone.goto(f"{ORIGIN}/{name}")
    targets = phone.evaluate(TARGETS)
    assert [t for t in targets if t["h"] < 44 or t["w"] < 24] == []
    for at, one in enumerate(targets):
        for two in targets[at + 1 :]:
            apart = (
                one["x"] + one["w"] <= two["x"] + 0.5
                or two["x"] + two["w"] <= one["x"] + 0.5
                or one["y"] + one["h"] <= two["y"] + 0.5
                or two["y"] + two["h"] <= one["y"] + 0.5
            )
            assert apart, (one, two)


@pytest.mark.parametrize("name", [name for name in samples.SAMPLES if name != "form-post"])
def test_the_policy_blocks_nothing_and_nothing_is_missing(phone: sync_api.Page, name: str) -> None:
    """The browser has nothing to complain about: no blocked style, no missing file, no script error."""
    complaints: list[str] = []
    phone.on("console", lambda message: complaints.append(message.text))
    phone.on("pageerror", lambda error: complaints.append(str(error)))
    phone.goto(f"{ORIGIN}/{name}", wait_until="networkidle")
    assert complaints == []


def test_copy_button_copies_and_says_so(phone: sync_api.Page) -> None:
    """Each copyable text gets a button by script, which answers in words."""
    phone.goto(f"{ORIGIN}/oauth-error")
    phone.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text; };")
    phone.reload()
    button = phone.locator("button.copy")
    sync_api.expect(button).to_have_accessible_name("Copy the reference")
    button.click()
    sync_api.expect(button).to_contain_text("Copied")
    page = samples.SAMPLES["oauth-error"]
    assert isinstance(page, pages.ErrorPage)
    assert phone.evaluate("window.copied") == page.ref


def test_without_script_everything_is_there_but_copy_buttons(browser: sync_api.Browser) -> None:
    """With scripts off the token page shows the token and both forms, and no button that would do nothing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route("**/*", _answer)
    page.goto(f"{ORIGIN}/demo-token")
    names = [button.inner_text() for button in page.get_by_role("button").all()]
    context.close()
    assert names == ["Refresh the token", "Sign out"]


def test_form_post_sends_itself(browser: sync_api.Browser) -> None:
    """With script, the fields reach the application in one POST without a press (Form Post Response Mode 1.0)."""
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", _answer)
    with page.expect_request("https://app.example.com/callback") as sent:
        page.goto(f"{ORIGIN}/form-post", wait_until="commit")
    request = sent.value
    assert request.method == "POST"
    sample = samples.SAMPLES["form-post"]
    assert isinstance(sample, pages.FormPostPage)
    assert urllib.parse.parse_qsl(request.post_data or "") == list(sample.fields)
    context.close()


def test_login_works_by_keyboard_alone(phone: sync_api.Page) -> None:
    """Typing begins in the username, Tab leads to password, Sign in and Cancel in that order; Enter signs in."""
    phone.goto(f"{ORIGIN}/login")
    phone.wait_for_selector("#username:focus")
    order = [phone.evaluate("document.activeElement.id")]
    for _ in range(3):
        phone.keyboard.press("Tab")
        order.append(phone.evaluate("document.activeElement.id"))
    assert order == ["username", "password", "submit-login", "cancel"]
    phone.fill("#username", "alice")
    phone.fill("#password", "secret")
    with phone.expect_request("**/default/login") as sent:
        phone.press("#password", "Enter")
    assert "decision=login" in (sent.value.post_data or "")


def test_cancel_works_with_an_empty_form(phone: sync_api.Page) -> None:
    """Whoever wants to leave need not fill in anything first."""
    phone.goto(f"{ORIGIN}/login")
    with phone.expect_request("**/default/login") as sent:
        phone.click("#cancel")
    assert "decision=cancel" in (sent.value.post_data or "")


def test_consent_sends_the_required_scope_and_those_left_ticked(phone: sync_api.Page) -> None:
    """Unticking a scope leaves it out; the required one is sent although its box is disabled."""
    phone.goto(f"{ORIGIN}/consent")
    phone.get_by_label("See your e-mail address").uncheck()
    with phone.expect_request("**/default/consent") as sent:
        phone.click("#submit-consent")
    fields = urllib.parse.parse_qsl(sent.value.post_data or "")
    assert [value for name, value in fields if name == "scope"] == ["openid", "profile", "offline_access"]
    assert ("decision", "allow") in fields
