"""Somebody at a terminal signs in with Chromium, gets tokens, and signs out."""

from __future__ import annotations

import pathlib
import stat
import sys

import pytest

from tests import live
from tests.capability import capability
from tests.cli.person import Terminal
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"


@pytest.fixture
def terminal(tmp_path: pathlib.Path) -> Terminal:
    """A terminal of somebody who has never signed in."""
    return Terminal(tmp_path)


@capability("cli-login-browser", witness=CHROMIUM)
@capability("cli-loopback", witness=CHROMIUM)
@pytest.mark.parametrize("dialect", ["google", "standard"])
def test_signing_in_by_browser(dev: live.Dev, page: sync_api.Page, terminal: Terminal, dialect: str) -> None:
    """The page asks for what the program wants, comes back to the machine, and says that it may be closed."""
    issuer = dev.issuer if dialect == "standard" else dev.at("google")
    begun = terminal.begin("login", "--issuer", issuer, "--no-browser")
    page.goto(begun.address())
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    sync_api.expect(page.locator("body")).to_contain_text("Intaglio command line")
    sync_api.expect(page.locator("body")).to_contain_text("Stay connected")
    if dialect == "google":
        sync_api.expect(page.locator("body")).to_contain_text("Act for you")
    page.click("#submit-consent")
    page.wait_for_url("http://127.0.0.1:*/callback?*")
    sync_api.expect(page.locator("body")).to_contain_text("You may close this window.")
    done = begun.end()
    assert done.code == 0, done.err
    assert "Signed in as alice@example.com" in done.err
    claims = live.claims(terminal.run("print-identity-token").out)
    assert (claims["iss"], claims["aud"]) == (issuer, "intaglio-cli")
    assert terminal.run("logout").code == 0


@capability("cli-login-browser", witness=CHROMIUM)
def test_the_browser_is_opened(dev: live.Dev, page: sync_api.Page, terminal: Terminal) -> None:
    """Without `--no-browser` the program that BROWSER names is given the address."""
    opener, told = terminal.home / "opener", terminal.home / "address"
    opener.write_text(f"#!{sys.executable}\nimport sys\nopen({str(told)!r}, 'w').write(sys.argv[1])\n")
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    terminal.environment["BROWSER"] = f"{opener} %s"
    begun = terminal.begin("login", "--issuer", dev.at("google"))
    address = begun.address()
    assert told.read_text() == address
    page.goto(address)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    page.click("#submit-consent")
    page.wait_for_url("http://127.0.0.1:*/callback?*")
    assert begun.end().code == 0


@capability("cli-login-device", witness=CHROMIUM)
def test_signing_in_with_a_code(dev: live.Dev, page: sync_api.Page, terminal: Terminal) -> None:
    """The code from the terminal, typed in Chromium, lets the terminal in."""
    begun = terminal.begin("login", "--issuer", dev.at("google"), "--device")
    page.goto(begun.address())
    code = ""
    while len(code) != 9 or code[4] != "-":
        code = begun.line("")
    page.fill("#device-code", code)
    page.click("#device-submit")
    live.log_in(page)
    page.wait_for_selector("#device-decision")
    page.click("#device-confirm")
    page.wait_for_selector("#device-done")
    done = begun.end()
    assert done.code == 0, done.err
    assert terminal.run("token", "get").out.startswith("eyJ")
