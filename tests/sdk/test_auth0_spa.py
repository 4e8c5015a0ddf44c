"""auth0-spa-js, unmodified, on a page in Chromium: its verifier, sign-in, renewal in a frame and by token, logout."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api
from tests.sdk import secure as secures
from tests.sdk import variants
from tests.sdk.variants import Forge

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
secure = secures.secure
WITNESS = "auth0-spa-js in Chromium"
SDK = live.NODE_MODULES / "@auth0" / "auth0-spa-js" / "dist" / "auth0-spa-js.production.js"
PAGE = """<!doctype html><meta charset="utf-8"><title>application</title><link rel="icon" href="data:,">
<p id="rp-done">Here.</p><button onclick="done = told(client.loginWithPopup())">Sign in</button>
<script src="/sdk.js"></script><script>
let client, done;
function begin(options) { client = new auth0.Auth0Client(options); }
async function told(made) {
  try { return (await made) ?? null; } catch (error) { return { failed: error.error, message: error.message }; }
}
const token = (more) => client.getTokenSilently({ cacheMode: "off", detailedResponse: true, ...more });
async function verify(options) {
  begin(options);
  const found = await told(client.getTokenSilently({ cacheMode: "off", ...options }));
  return found?.message ?? null;
}
</script>"""


@pytest.fixture(scope="module")
def application(secure: secures.Secure) -> Iterator[secures.Application]:
    """The single-page application, registered as the client `spa`."""
    live.need_node()
    files = {"/": ("text/html", PAGE.encode()), "/sdk.js": ("text/javascript", SDK.read_bytes())}
    with secures.Application(secure, files) as served:
        secure.change_client(
            "spa",
            redirect_uris=(served.origin,),
            post_logout_redirect_uris=(served.origin,),
            allowed_origins=(served.origin,),
            consent="implicit",
        )
        yield served


@pytest.fixture
def page(visit: Callable[..., live.Visitor], application: secures.Application) -> sync_api.Page:
    """The application's page in a browser with an empty jar."""
    opened = visit(ignore_https_errors=True).tab()
    opened.goto(application.origin + "/")
    return opened


def _options(secure: secures.Secure, application: secures.Application, **more: Any) -> dict[str, Any]:
    parameters = {"redirect_uri": application.origin, "scope": "openid profile email"}
    return {"domain": secure.place("auth0"), "clientId": "spa", "authorizationParams": parameters} | more


class Forging:
    """Answers in the server's place: any code, and the token that is under test with the nonce that was sent."""

    def __init__(self, page: sync_api.Page, forge: Forge) -> None:
        self._forge = forge
        self.nonce = ""
        self.wanted: tuple[str, ...] = ()
        page.context.route("**/authorize?*", self._authorize)
        page.context.route("**/oauth/token", self._token)

    def _authorize(self, route: Any) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        self.nonce = asked["nonce"]
        answer = {"type": "authorization_response", "response": {"code": "x", "state": asked["state"]}}
        script = f"parent.postMessage({json.dumps(answer)}, {json.dumps(asked['redirect_uri'])})"
        route.fulfill(content_type="text/html", body=f"<!doctype html><script>{script}</script>")

    def _token(self, route: Any) -> None:
        token = self._forge.spoiled(*self.wanted, nonce=self.nonce).token
        body = {"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": token}
        allowed = {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}
        route.fulfill(headers=allowed, content_type="application/json", body=json.dumps(body))


@capability("official-auth0-verifiers", witness=WITNESS)
def test_verifier(secure: secures.Secure, application: secures.Application, page: sync_api.Page) -> None:
    """The page's kit names the fault that the table has first, in its own order; it looks at no signature."""
    forge = Forge(secure, "spa", int(time.time()))
    order = variants.KITS["spa"].order
    wanted = [(), *((name,) for name in variants.FAULTS), *(order[at:] for at in range(len(order)))]
    answering, wrong = Forging(page, forge), []
    for names in wanted:
        answering.wanted = names
        asked = forge.spoiled(*names).asked
        parameters: dict[str, Any] = {"redirect_uri": application.origin}
        parameters |= {"max_age": asked.max_age} if asked.max_age else {}
        parameters |= {"organization": asked.organization} if asked.organization else {}
        said = page.evaluate("verify", _options(secure, application, authorizationParams=parameters))
        if not forge.agrees("spa", (names or ("",))[0], said, answering.nonce):
            wrong.append((names, said))
    assert wrong == [], "\n".join(map(str, wrong))


def _signed_in(page: sync_api.Page, options: dict[str, Any]) -> dict[str, Any]:
    """Sign in by redirect, and return the ID token's claims as the kit gives them to the page."""
    page.evaluate("begin", options)
    page.evaluate("void client.loginWithRedirect()")
    live.log_in(page)
    live.allow(page)
    page.evaluate("begin", options)
    page.evaluate("client.handleRedirectCallback().then(() => {})")
    claims: dict[str, Any] = page.evaluate("client.getIdTokenClaims()")
    return claims


@capability("official-auth0-spa-js", witness=WITNESS)
def test_sign_in_renewal_in_a_frame_and_logout(
    secure: secures.Secure, application: secures.Application, page: sync_api.Page
) -> None:
    """A page signs somebody in, renews silently in a frame by a message, signs out, and is then told so."""
    options = _options(secure, application)
    claims = _signed_in(page, options)
    assert (claims["iss"], claims["aud"]) == (secure.at("auth0") + "/", "spa")
    user = page.evaluate("client.getUser()")
    assert (user["sub"], user["name"]) == (claims["sub"], "Alice Elizabeth Adams")
    assert user["email"] == "alice@example.com"

    secure.clock.advance(3)
    told = page.evaluate("told(token())")
    assert "message" not in told, told
    renewed = live.claims(told["id_token"])
    assert (renewed["sub"], renewed["sid"]) == (claims["sub"], claims["sid"])
    assert renewed["iat"] > claims["iat"]
    assert renewed["nonce"] != claims["nonce"]

    # After a reload the kit knows nothing but that somebody was signed in, and finds the session again.
    page.goto(application.origin + "/")
    page.evaluate("begin", options)
    assert page.evaluate("client.checkSession().then(() => client.isAuthenticated())") is True

    page.evaluate("void client.logout({logoutParams: {returnTo: location.origin}})")
    page.wait_for_url(application.origin + "/")
    page.wait_for_selector("#rp-done")
    page.evaluate("begin", options)
    told = page.evaluate("told(token())")
    assert (told["failed"], told["message"]) == ("login_required", "Login required")


KEPT = "Object.values(localStorage).map((one) => JSON.parse(one).body?.refresh_token).find((one) => one)"


def _presented(secure: secures.Secure, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}
    return requests.post(secure.at("auth0") + "/oauth/token", data=form, verify=secure.ca, timeout=10)


@capability("official-auth0-spa-js", witness=WITNESS)
def test_renewal_by_rotating_refresh_tokens(
    secure: secures.Secure, application: secures.Application, page: sync_api.Page
) -> None:
    """With refresh tokens no frame is needed; one that is used twice kills its family, and the kit asks in a frame."""
    secure.change_client("spa", refresh_policy="rotate", refresh_grace=0)
    # By JSON this time; a form is what the kit sends otherwise.
    kept: dict[str, Any] = {"useRefreshTokens": True, "cacheLocation": "localstorage", "useFormData": False}
    options = _options(secure, application, useRefreshTokensFallback=True, **kept)
    claims = _signed_in(page, options)
    frames: list[str] = []
    page.on("frameattached", lambda frame: frames.append(frame.url))
    first = page.evaluate(KEPT)
    told = page.evaluate("token()")
    renewed = live.claims(told["id_token"])
    assert (renewed["sub"], "nonce" in renewed, frames) == (claims["sub"], False, [])
    assert "offline_access" in told["scope"].split()
    assert page.evaluate(KEPT) != first

    refused = _presented(secure, first)
    assert (refused.status_code, refused.json()["error"]) == (403, "invalid_grant")
    again = live.claims(page.evaluate("token()")["id_token"])
    assert (again["sub"], "nonce" in again, len(frames)) == (claims["sub"], True, 1)


@capability("official-auth0-spa-js", witness=WITNESS)
def test_sign_in_in_a_window_of_its_own(
    secure: secures.Secure, application: secures.Application, page: sync_api.Page
) -> None:
    """Somebody signs in in a window that a click opened; it hands the tokens to the page, and closes."""
    page.evaluate("begin", _options(secure, application))
    for known in (False, True):
        with page.expect_popup() as opened:
            # Without a click no browser opens a window.
            page.click("button")
        if not known:
            live.log_in(opened.value)
        assert page.evaluate("done") is None
        assert opened.value.is_closed()
    assert page.evaluate("client.getUser()")["name"] == "Alice Elizabeth Adams"
