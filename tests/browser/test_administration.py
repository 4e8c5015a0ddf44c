"""The first administrator, from the link on the terminal to a command over the network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
PASSWORD = "a long sentence is good"


@capability("admin-bootstrap", witness="Chromium without script at 360 px, and the command line")
@capability("admin-api-acts", witness="the command line with --server")
def test_the_first_administrator(filed: live.Dev, visit: Callable[..., live.Visitor], loopback: live.Receiver) -> None:
    """The link makes the account without any script, once; signed in with a browser, commands work over the network."""
    link = live.cli(filed, "admin", "bootstrap", "--base-url", filed.base, "-o", "value")
    page = visit(viewport={"width": 360, "height": 740}, java_script_enabled=False).tab()
    page.goto(link)
    page.fill("#username", "ada")
    page.fill("#password", "short")
    page.click("#submit-welcome")
    sync_api.expect(page.locator("#welcome-error")).to_contain_text("password")
    sync_api.expect(page.locator("#username")).to_have_value("ada")
    page.fill("#password", PASSWORD)
    page.click("#submit-welcome")
    sync_api.expect(page.locator("#admin-welcome-done")).to_contain_text("ada")
    page.goto(link)
    sync_api.expect(page.locator("#oauth-error")).to_contain_text("link-unknown")

    issuer = f"{filed.base}/operators"
    begun = live.authorization(
        f"{issuer}/authorize",
        "intaglio-cli",
        f"http://127.0.0.1:{loopback.port}/callback",
        scope="openid intaglio.admin",
    )
    page = visit().tab()
    page.goto(begun.url)
    live.log_in(page, "ada", PASSWORD)
    sync_api.expect(page.locator("#consent-form")).to_contain_text("Administer this service")
    assert live.allow(page)
    token = _token(issuer, begun, loopback.next().fields["code"])
    over = ("--server", filed.base, "--token-file", "-")
    live.cli(filed, "tenant", "create", "books", *over, stdin=token)
    assert "books" in live.cli(filed, "tenant", "list", "-o", "value").split()
    assert live.cli(filed, "admin", "list", "-o", "value", *over, stdin=token)


def _token(issuer: str, begun: live.Started, code: str) -> str:
    import requests

    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.code_verifier,
        "client_id": "intaglio-cli",
    }
    answer = requests.post(f"{issuer}/token", data=form, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
