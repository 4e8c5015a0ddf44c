"""Tokens through a real browser: the fragment reaches the client's page and no server, forms post themselves."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable

import pytest

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
FIELDS = {"code": {"code"}, "id_token": {"id_token"}, "token": {"access_token", "token_type", "expires_in", "scope"}}
KINDS = {
    "id_token": capability("response-types-id-token", witness="Chromium"),
    "id_token token": capability("response-types-id-token-token", witness="Chromium"),
    "code id_token": capability("response-types-code-id-token", witness="Chromium"),
    "code token": capability("response-types-code-token", witness="Chromium"),
    "code id_token token": capability("response-types-code-id-token-token", witness="Chromium"),
}
TYPES = [pytest.param(kind, marks=mark) for kind, mark in KINDS.items()]


@pytest.fixture(scope="module")
def front(filed: live.Dev) -> live.Dev:
    """A development server with a client that may use every response type."""
    live.register(filed, "front")
    return filed


def _own(loopback: live.Receiver) -> str:
    return f"http://127.0.0.1:{loopback.port}/cb"


def _begin(front: live.Dev, loopback: live.Receiver, kind: str, client_id: str = "front", **more: str) -> live.Started:
    return live.authorization(front.issuer + "/authorize", client_id, _own(loopback), response_type=kind, **more)


def _fields(kind: str) -> set[str]:
    return {"state", "iss"}.union(*(FIELDS[word] for word in kind.split()))


def _hash(page: sync_api.Page) -> dict[str, str]:
    """Return what a script of the client's page finds behind the `#`."""
    return dict(urllib.parse.parse_qsl(page.evaluate("location.hash")[1:]))


@capability("response-modes", witness="Chromium")
@pytest.mark.parametrize("kind", TYPES)
def test_a_fragment_reaches_the_clients_page_alone(
    front: live.Dev, page: sync_api.Page, loopback: live.Receiver, kind: str
) -> None:
    """A script there reads all the fields; no server on the way is sent one of them, in an address or a referrer."""
    sent: list[str] = []
    page.on("request", lambda request: sent.extend([request.url, request.headers.get("referer", "")]))
    begun = _begin(front, loopback, kind)
    live.sign_in(page, begun.url)
    arrived, found = loopback.next(), _hash(page)
    assert (arrived.method, arrived.fields) == ("GET", {})
    assert set(found) == _fields(kind)
    assert (found["state"], found["iss"]) == (begun.state, front.issuer)
    for name in {"code", "id_token", "access_token"} & set(found):
        assert [one for one in sent if found[name] in one.partition("#")[0]] == []


@capability("response-modes", witness="Chromium")
@pytest.mark.parametrize("kind", TYPES)
def test_a_form_posts_itself(front: live.Dev, page: sync_api.Page, loopback: live.Receiver, kind: str) -> None:
    """With `form_post` all the fields are in a POST, and none in an address."""
    begun = _begin(front, loopback, kind, response_mode="form_post")
    live.sign_in(page, begun.url)
    arrived = loopback.next()
    assert (arrived.method, arrived.url) == ("POST", begun.redirect_uri)
    assert set(arrived.fields) == _fields(kind)
    assert (arrived.fields["state"], arrived.fields["iss"]) == (begun.state, front.issuer)
    assert page.url == begun.redirect_uri


@capability("response-modes", witness="Chromium")
def test_a_form_with_tokens_without_script(
    front: live.Dev, visit: Callable[..., live.Visitor], loopback: live.Receiver
) -> None:
    """Scripts off: a button sends the form."""
    page = visit(java_script_enabled=False).tab()
    page.goto(_begin(front, loopback, "code id_token token", response_mode="form_post").url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    page.click("#submit-consent")
    page.click("#continue")
    page.wait_for_selector("#rp-done")
    assert set(loopback.next().fields) == _fields("code id_token token")


@capability("response-modes", witness="Chromium")
@capability("response-per-client", witness="Chromium")
def test_refusals_are_in_the_fragment_too(front: live.Dev, page: sync_api.Page, loopback: live.Receiver) -> None:
    """Nobody signed in, a person who gives up, a mode that is not for tokens, a type that is not enabled."""
    live.register(front, "code-alone", response_types=("code",))
    requests_ = {
        "login_required": _begin(front, loopback, "id_token", prompt="none"),
        "invalid_request": _begin(front, loopback, "id_token", response_mode="query"),
        "unauthorized_client": _begin(front, loopback, "id_token", client_id="code-alone"),
        "access_denied": _begin(front, loopback, "code id_token"),
    }
    for error, begun in requests_.items():
        page.goto(begun.url)
        if error == "access_denied":
            page.click("#cancel")
        page.wait_for_selector("#rp-done")
        assert loopback.next().fields == {}
        found = _hash(page)
        assert set(found) == {"error", "error_description", "state", "iss"}
        assert (found["error"], found["state"], found["iss"]) == (error, begun.state, front.issuer)


@capability("response-types", witness="Chromium")
def test_a_page_renews_itself_in_silence(front: live.Dev, page: sync_api.Page, loopback: live.Receiver) -> None:
    """`prompt=none` for the person who is signed in: a fresh ID token of the same sign-in, without a page."""
    live.register(front, "trusted", consent="implicit", application_type="web", redirect_uris=(_own(loopback),))
    first, second = (_begin(front, loopback, "id_token", client_id="trusted", **m) for m in ({}, {"prompt": "none"}))
    page.goto(first.url)
    live.log_in(page)
    page.wait_for_selector("#rp-done")
    before = live.claims(_hash(page)["id_token"])
    page.goto(second.url)
    page.wait_for_selector("#rp-done")
    after = live.claims(_hash(page)["id_token"])
    assert (after["nonce"], after["sub"], after["sid"]) == (second.nonce, before["sub"], before["sid"])
    assert after["auth_time"] == before["auth_time"]


@capability("response-per-client", witness="the command line and Chromium")
def test_what_is_enabled_is_said_at_the_command_line(
    front: live.Dev, page: sync_api.Page, loopback: live.Receiver
) -> None:
    """A client made with one response type and one mode has these, and is told by name what else it would need."""
    words = ["client", "create", "Signs in alone", "--client-id", "alone", "--public", "--native", "--scope", "openid"]
    words += ["--redirect-uri", "http://127.0.0.1/cb", "--grant-type", "implicit"]
    words += ["--response-type", "id_token", "--response-mode", "form_post"]
    live.cli(front, *words, "--tenant", "default")
    live.sign_in(page, _begin(front, loopback, "id_token", "alone", response_mode="form_post", scope="openid").url)
    assert set(loopback.next().fields) == _fields("id_token")
    refused = {
        "response_types": {"kind": "id_token token"},
        "response_modes": {"response_mode": "fragment"},
        "scope": {"scope": "openid email"},
    }
    for named, more in refused.items():
        asked = {"kind": "id_token", "response_mode": "form_post", "scope": "openid"} | more
        page.goto(_begin(front, loopback, asked.pop("kind"), "alone", **asked).url)
        page.wait_for_selector("#rp-done")
        told = loopback.next().fields or _hash(page)
        assert "error" in told
        assert f"in its {named}" in told["error_description"]
