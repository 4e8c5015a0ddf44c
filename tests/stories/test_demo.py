"""The story that a newcomer watches: the start page, the demo, and the token told apart."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"


def _claims(page: sync_api.Page, table: str = "#demo-claims") -> dict[str, str]:
    rows = page.locator(f"{table} tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").first.locator("code").inner_text() for row in rows}


@capability("demo-sign-in", witness=CHROMIUM)
@capability("demo-claims", witness=CHROMIUM)
@capability("demo-checks", witness=CHROMIUM)
@capability("demo-refresh", witness=CHROMIUM)
@capability("demo-sign-out", witness=CHROMIUM)
@capability("browser-tests", witness=CHROMIUM)
@capability("pages-ids", witness=CHROMIUM)
def test_the_whole_story(fresh: live.Dev, visitor: live.Visitor) -> None:
    """Start page, demo, a wrong password, the right one, consent, the token explained, refresh, sign out."""
    page = visitor.tab()
    page.goto(fresh.base + "/")
    page.click("#open-demo")
    page.click("#demo-signin")

    live.log_in(page, "alice", "not-her-password")
    sync_api.expect(page.locator("#login-error")).to_contain_text("not right")
    assert page.input_value("#username") == "alice"
    assert page.input_value("#password") == ""
    assert visitor.cookies("session") == {}
    page.fill("#password", "alice-password")
    page.click("#submit-login")

    sync_api.expect(page.locator("#consent-form")).to_be_visible()
    sync_api.expect(page.locator("main")).to_contain_text("Alice Elizabeth Adams")
    assert page.get_by_role("checkbox").count() == 6
    page.click("#submit-consent")

    page.wait_for_selector("#demo-token")
    assert page.url == fresh.base + "/demo"
    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Alice Elizabeth Adams")
    token = page.locator("#demo-token").inner_text()
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token)
    assert page.locator("#demo-token .part").count() == 3
    claims = _claims(page)
    assert claims["iss"] == fresh.issuer
    assert claims["aud"] == "demo"
    assert {"sub", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"} <= claims.keys()
    person = _claims(page, "#demo-userinfo")
    assert {"name", "birthdate", "zoneinfo", "email", "phone_number", "address"} <= person.keys()
    assert person["email"] == "alice@example.com"
    meanings = page.locator("#demo-claims tbody td:last-child").all_inner_texts()
    assert all(len(meaning.split()) > 2 for meaning in meanings), meanings

    checks = page.locator("#demo-checks > li")
    assert checks.count() >= 10
    assert page.locator("#demo-checks > li.fail").count() == 0
    issuer_check = checks.filter(has_text=fresh.issuer).first
    assert issuer_check.locator("dd").all_inner_texts().count(fresh.issuer) == 2
    names = " ".join(page.locator("#demo-checks h3").all_inner_texts())
    for word in ("signature", "issuer", "audience", "expiry", "nonce"):
        assert word in names, word

    page.click("#demo-refresh")
    sync_api.expect(page.locator("main")).to_contain_text("Refreshed 1 time.")
    refreshed = page.locator("#demo-token").inner_text()
    assert refreshed != token
    again = _claims(page)
    assert again["auth_time"] == claims["auth_time"]
    assert "nonce" not in again

    page.click("#demo-logout")
    page.wait_for_selector("#demo-signin")
    assert visitor.cookies("session") == {}
    page.click("#demo-signin")
    sync_api.expect(page.locator("#login-form")).to_be_visible()


@capability("demo-sign-in", witness=CHROMIUM)
def test_saying_no_is_told_to_the_demo(fresh: live.Dev, page: sync_api.Page) -> None:
    """Whoever cancels comes back to the demo, which says that the sign-in was declined."""
    page.goto(fresh.base + "/demo")
    page.click("#demo-signin")
    page.click("#cancel")
    sync_api.expect(page.locator("#demo-error")).to_contain_text("access_denied")


@capability("pages-no-script", witness=CHROMIUM)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_demo_works_without_script_and_under_every_name(
    dev: live.Dev, visit: Callable[..., live.Visitor], host: str
) -> None:
    """Whoever comes by an address in place of the name, with scripts off, signs in, refreshes and signs out as well."""
    visitor = visit(java_script_enabled=False)
    page = visitor.tab()
    page.goto(f"http://{host}:{dev.port}/")
    page.click("#open-demo")
    page.click("#demo-signin")
    live.log_in(page, "bob")
    live.allow(page, done="#demo-token")
    page.click("#demo-refresh")
    sync_api.expect(page.locator("main")).to_contain_text("Refreshed 1 time.")
    page.click("#demo-logout")
    page.wait_for_selector("#demo-signin")
    assert visitor.cookies("session") == {}


@capability("pages-headers", witness=CHROMIUM)
def test_every_page_has_a_strict_policy(dev: live.Dev, visitor: live.Visitor) -> None:
    """Start page, demo, login, consent, token, logout and error page: no script but ours, no frame, nobody else."""
    page = visitor.tab()
    policies: dict[str, str] = {}

    def note(response: sync_api.Response) -> None:
        if response.headers.get("content-type", "").startswith("text/html"):
            policies[response.url] = response.headers.get("content-security-policy", "none")

    page.on("response", note)
    page.goto(dev.base + "/")
    page.goto(dev.base + "/demo")
    page.click("#demo-signin")
    live.log_in(page)
    live.allow(page, done="#demo-token")
    for address in ("/default/logout", "/default/authorize", "/nothing/here"):
        page.goto(dev.base + address)
    assert len(policies) >= 7
    for url, policy in policies.items():
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'", url
        assert rules["script-src"] == rules["style-src"] == "'self'", url
        assert "unsafe" not in policy, url


@capability("start-page", witness=CHROMIUM)
def test_every_link_of_the_start_page_answers(dev: live.Dev, page: sync_api.Page) -> None:
    """Each address on the start page and on the dialects' front pages answers 200."""
    page.goto(dev.base + "/")
    found = "Array.from(document.querySelectorAll('a[href], link[href], script[src]'), (e) => e.href || e.src)"
    links = set(page.evaluate(found))
    for name in live.NAMES[1:]:
        assert dev.at(name) + "/" in links
        page.goto(dev.at(name) + "/")
        sync_api.expect(page.get_by_role("heading", level=1)).to_have_text(name)
        links |= set(page.evaluate(found))
    assert {dev.base + "/demo", dev.issuer + "/.well-known/openid-configuration", dev.issuer + "/jwks"} <= links
    answers = {link: requests.get(link, headers={"accept": "text/html"}).status_code for link in links}
    assert {link: status for link, status in answers.items() if status != 200} == {}


@capability("start-page", witness=CHROMIUM)
@capability("seed-issuer", witness=CHROMIUM)
def test_the_start_page_copies_what_is_seeded(dev: live.Dev, visit: Callable[..., live.Visitor]) -> None:
    """The issuer, the people and the clients stand there with buttons that put them on the clipboard."""
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.tab()
    page.goto(dev.base + "/")
    wanted = {
        "the issuer": dev.issuer,
        "username alice": "alice",
        "password of alice": "alice-password",
        "username bob": "bob",
        "password of bob": "bob-password",
        "client_id web": "web",
        "client_secret of web": "web-secret",
        "client_id spa": "spa",
        "client_id native": "native",
        "client_id machine": "machine",
        "client_id tv": "tv",
        "client_secret of machine": "machine-secret",
    }
    for what, text in wanted.items():
        button = page.locator(f'[data-copy="{what}"] + button')
        sync_api.expect(button).to_have_accessible_name(f"Copy {what}")
        button.click()
        sync_api.expect(button).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
    assert page.locator("button.copy").count() == page.locator("[data-copy]").count()


@capability("start-printed", witness="the terminal")
def test_what_is_seeded_is_printed(dev: live.Dev) -> None:
    """The terminal shows issuer, people, clients and the five addresses."""
    wanted = [f"{one} / {one}-password" for one in ("alice", "bob")]
    wanted += ["web / web-secret", "machine / machine-secret", "spa (public)", "native (public", "tv (public"]
    wanted += [dev.issuer]
    wanted += [dev.at(name) for name in live.NAMES]
    assert [text for text in wanted if text not in dev.log] == []


@capability("seed-client-machine", witness="bash and curl")
def test_the_printed_command_gets_a_token(dev: live.Dev) -> None:
    """The line under 'A token for a machine' does what it says when it is pasted into a shell."""
    import json
    import subprocess

    line = next(text for text in dev.log.splitlines() if "grant_type=client_credentials" in text)
    done = subprocess.run(["bash", "-c", f"{line} -sS"], capture_output=True, timeout=10, check=True)
    answer = json.loads(done.stdout)
    assert answer["token_type"] == "Bearer"
    assert answer["access_token"]
