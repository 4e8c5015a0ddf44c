"""The story of the application that greets everybody by a mail, once: its how-to, its programs, a browser."""

from __future__ import annotations

import email
import email.policy
import pathlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "welcome"
BLOCK = re.compile(r"^```sh run\n(.*?)^```", re.MULTILINE | re.DOTALL)
PHONE = {"width": 360, "height": 740}


class Started(msgspec.Struct, frozen=True):
    """The application and its mail server, running."""

    address: str
    mails: pathlib.Path

    def letters(self, count: int) -> list[email.message.EmailMessage]:
        """Return the mails that came, once there are so many."""
        deadline = time.monotonic() + 5
        while (not self.mails.is_dir() or len(list(self.mails.iterdir())) < count) and time.monotonic() < deadline:
            time.sleep(0.02)
        texts = [file.read_bytes() for file in sorted(self.mails.iterdir())] if self.mails.is_dir() else []
        return [email.message_from_bytes(text, policy=email.policy.default) for text in texts]


def _program(folder: pathlib.Path, port: int, *words: str) -> subprocess.Popen[bytes]:
    """Start a program of the example, and return once its port answers."""
    started = subprocess.Popen([sys.executable, *words], cwd=folder, env=live.environment(PYTHONPATH=str(ROOT / "src")))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return started
        time.sleep(0.02)
    started.kill()
    raise AssertionError(f"{words[0]} does not answer")


@pytest.fixture(scope="module")
def welcome(filed: live.Dev) -> Iterator[Started]:
    """Run the how-to's commands against a server, and start both programs."""
    ports = live.free_ports()
    application, smtp = ports, ports + 1
    script = "\n".join(BLOCK.findall((ROOT / "docs/howto/welcome-mail.md").read_text(encoding="utf-8")))
    for offset in range(5):
        script = script.replace(f"localhost:{8080 + offset}", f"localhost:{filed.port + offset}")
    script = script.replace("localhost:3000", f"localhost:{application}")
    script = script.replace("intaglio ", f"{sys.executable} -m intaglio ")
    subprocess.run(["bash", "-euc", script], cwd=filed.directory, env=live.environment(), timeout=60, check=True)
    mails = filed.directory / "mails"
    programs = [_program(filed.directory, smtp, str(EXAMPLE / "sink.py"), str(smtp), str(mails))]
    told = ("--port", str(application), "--smtp", f"127.0.0.1:{smtp}", "--issuer", f"{filed.base}/mailshop")
    programs.append(_program(filed.directory, application, str(EXAMPLE / "welcome.py"), *told))
    yield Started(f"http://localhost:{application}/", mails)
    for program in programs:
        program.terminate()
        program.wait(10)


def _sign_in(page: sync_api.Page, address: str, username: str) -> None:
    page.goto(address)
    page.click("#sign-in")
    live.log_in(page, username)
    page.wait_for_selector("#consent-form, #hello")
    while page.locator("#consent-form").count():
        page.click("#submit-consent")
        page.wait_for_selector("#consent-form, #hello")


@capability("example-welcome", witness="Chromium and a mail server")
def test_everybody_is_greeted_once(welcome: Started, visit: live.Callable[..., live.Visitor]) -> None:
    """Alice signs in three times, in two browsers, and gets one mail; bob's address is not confirmed."""
    first = visit(java_script_enabled=False, viewport=PHONE)
    page = first.tab()
    _sign_in(page, welcome.address, "alice")
    assert page.locator("#hello").inner_text() == "Hello, Alice Elizabeth Adams."
    (letter,) = welcome.letters(1)
    assert letter["To"] == "Alice Elizabeth Adams <alice@example.com>"
    assert letter["Subject"] == "Welcome, Alice Elizabeth Adams"
    assert "Hello Alice Elizabeth Adams," in letter.get_content()
    page.goto(welcome.address + "login")
    page.wait_for_selector("#hello")
    second = visit().tab()
    _sign_in(second, welcome.address, "alice")
    third = visit().tab()
    _sign_in(third, welcome.address, "bob")
    assert third.locator("#hello").inner_text() == "Hello, Bob Baker."
    assert len(welcome.letters(1)) == 1


@capability("upstream-page", witness="Chromium without script, 360 px wide")
def test_the_buttons_on_a_phone_without_script(
    filed: live.Dev, welcome: Started, visit: live.Callable[..., live.Visitor]
) -> None:
    """The way in stands above the password, is as large as a finger, leads there by itself, and fits the screen."""
    page = visit(java_script_enabled=False, viewport=PHONE).tab()
    begun = live.authorization(
        f"{filed.base}/mailshop/authorize", "welcome", welcome.address + "callback", scope="openid"
    )
    page.goto(begun.url)
    button = page.locator("#connection-google")
    box, form = button.bounding_box(), page.locator("#username").bounding_box()
    assert box is not None
    assert form is not None
    assert box["y"] + box["height"] < form["y"]
    assert box["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    button.click()
    page.wait_for_selector("#login-form")
    assert page.url.startswith(filed.at("google"))
