"""A single-page application in a real browser: what its scripts may read, and what another origin's may not."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"
SPA = "http://localhost:5173/callback"

FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return [answer.status, answer.headers.get("content-type")?.includes("json") ? await answer.json() : null];
  } catch (error) {
    return [0, String(error)];
  }
}"""


@pytest.fixture
def spa() -> Iterator[live.Receiver]:
    """The callback of the seeded client `spa`."""
    listening = live.Receiver(5173)
    yield listening
    listening.close()


def _post(**fields: str) -> dict[str, object]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(fields)
    return {"method": "POST", "headers": headers, "body": body}


@capability("cors-public", witness=CHROMIUM)
@capability("cors-clients", witness=CHROMIUM)
@capability("seed-client-spa", witness=CHROMIUM)
def test_an_application_without_a_server(dev: live.Dev, page: sync_api.Page, spa: live.Receiver) -> None:
    """From its own origin a page reads discovery, keys, token, UserInfo and revocation; a bad code it can read too."""
    begun = live.authorization(dev.issuer + "/authorize", "spa", SPA)
    live.sign_in(page, begun.url)
    code = spa.next().fields["code"]

    def fetch(path: str, options: dict[str, object] | None = None) -> tuple[int, dict[str, str]]:
        status, body = page.evaluate(FETCH, [dev.issuer + path, options or {}])
        return status, body

    status, found = fetch("/.well-known/openid-configuration")
    assert (status, found["issuer"]) == (200, dev.issuer)
    assert fetch("/jwks")[0] == 200
    asked = {"grant_type": "authorization_code", "client_id": "spa", "redirect_uri": SPA}
    status, refused = fetch("/token", _post(**asked, code="bad", code_verifier=begun.code_verifier))
    assert (status, refused["error"]) == (400, "invalid_grant")
    status, tokens = fetch("/token", _post(**asked, code=code, code_verifier=begun.code_verifier))
    assert status == 200
    bearer: dict[str, object] = {"headers": {"authorization": f"Bearer {tokens['access_token']}"}}
    status, person = fetch("/userinfo", bearer)
    assert (status, person["email"]) == (200, "alice@example.com")
    assert fetch("/revoke", _post(client_id="spa", token=tokens["refresh_token"]))[0] == 200
    status, refused = fetch("/token", _post(grant_type="refresh_token", client_id="spa", refresh_token="x" * 43))
    assert (status, refused["error"]) == (400, "invalid_grant")


@capability("cors-public", witness=CHROMIUM)
@capability("cors-clients", witness=CHROMIUM)
def test_another_origin_reads_only_what_is_public(
    dev: live.Dev, chromium: sync_api.Browser, loopback: live.Receiver
) -> None:
    """A page of an unregistered origin reads discovery and keys; tokens, UserInfo and introspection it cannot."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{loopback.port}/")
    post = _post(grant_type="refresh_token", client_id="spa", refresh_token="x" * 43)
    for path, options, readable in (
        ("/.well-known/openid-configuration", {}, True),
        ("/jwks", {}, True),
        ("/jwks", {"credentials": "include"}, False),
        ("/token", post, False),
        ("/introspect", _post(token="x" * 43), False),
        ("/userinfo", {"headers": {"authorization": "Bearer " + "x" * 43}}, None),
    ):
        status, body = page.evaluate(FETCH, [dev.issuer + path, options])
        if readable is None:
            # That a token is not good may be read by anybody; nothing else is in the answer.
            assert status in (0, 401), path
        else:
            assert (status == 200) is readable, (path, status, body)
    context.close()
