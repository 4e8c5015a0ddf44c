"""MSAL Browser (npm) in Chromium, unmodified, over https: a page that signs somebody in, renews silently, signs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import microsoft
from tests.sdk import secure as secures
from tests.sdk.microsoft import OID, SPA, TENANT, Entra
from tests.sdk.secure import Application
from tests.sdk.test_microsoft_samples import SAMPLES

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.browser,
    capability("official-msal-browser", witness="MSAL Browser (npm), Chromium"),
]
PACKAGE = live.NODE_MODULES / "@azure" / "msal-browser" / "lib"
HTML, SCRIPT = "text/html; charset=utf-8", "text/javascript"
PAGE = b"""<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.
<script src="/msal.js"></script>"""
# What a frame or a pop-up comes back to hands the answer to the page that opened it.
BRIDGE = b"""<!doctype html><title>back</title><link rel="icon" href="data:,"><script src="/bridge.js"></script>
<script>msalRedirectBridge.broadcastResponseToMainFrame();</script>"""
OPEN = """async () => {
%s
  window.app = app;
  return told && {idToken: told.idToken, account: {id: told.account.homeAccountId}};
}"""
"""The sample of the how-to, and what it is asked."""
ASK = """async ({step, ...asked}) => {
  try {
    const told = await app[step]({...asked, account: app.getAllAccounts()[0]});
    return {idToken: told.idToken, fromCache: told.fromCache, account: {id: told.account.homeAccountId}};
  } catch (error) {
    return {failed: error.errorCode, kind: error.name, message: error.errorMessage};
  }
}"""
SCOPES = ["User.Read"]
secure = secures.secure
entra = microsoft.entra


@pytest.fixture
def application(entra: Entra) -> Iterator[Application]:
    """The page's server, with its address registered."""
    live.need_node()
    files = {
        "/": (HTML, PAGE),
        "/back": (HTML, BRIDGE),
        "/msal.js": (SCRIPT, (PACKAGE / "msal-browser.min.js").read_bytes()),
        "/bridge.js": (SCRIPT, (PACKAGE / "redirect-bridge" / "msal-redirect-bridge.min.js").read_bytes()),
    }
    with secures.Application(entra.site, files) as served:
        entra.register_page(served.origin)
        yield served


def test_page_signs_somebody_in_renews_and_signs_out(
    entra: Entra, application: Application, visit: Callable[..., live.Visitor]
) -> None:
    """By redirect, then from the cache, by refresh and in a hidden frame; after signing out the frame finds nobody."""
    visitor = visit(ignore_https_errors=True)
    page = visitor.tab()
    sample = OPEN % SAMPLES["js", "page"].replace("localhost:8082", entra.host)

    def ask(step: str, **asked: Any) -> dict[str, Any]:
        told: dict[str, Any] = page.evaluate(ASK, {"step": step, "scopes": SCOPES} | asked)
        return told

    page.goto(application.origin + "/")
    assert page.evaluate(sample) is None
    page.evaluate("void app.loginRedirect({scopes: ['User.Read']})")
    live.log_in(page)
    live.allow(page)
    told = page.evaluate(sample)
    first = microsoft.checked(told, SPA, nonce=live.claims(told["idToken"])["nonce"], iss=entra.issuer)
    assert told["account"] == {"id": f"{OID}.{TENANT}"}
    assert ask("acquireTokenSilent")["fromCache"] is True
    again = ask("acquireTokenSilent", forceRefresh=True)
    assert again["fromCache"] is False
    microsoft.checked(again, SPA, nonce=live.claims(again["idToken"]).get("nonce"), sub=first["sub"])
    back = application.origin + "/back"
    told = ask("ssoSilent", redirectUri=back)
    microsoft.checked(told, SPA, nonce=live.claims(told["idToken"])["nonce"], sub=first["sub"])
    page.evaluate("void app.logoutRedirect({postLogoutRedirectUri: location.origin + '/'})")
    page.click("#submit-logout")
    page.wait_for_selector("#rp-done")
    page.evaluate(sample)
    assert page.evaluate("app.getAllAccounts().length") == 0
    refused = ask("ssoSilent", redirectUri=back)
    assert (refused["failed"], refused["kind"]) == ("login_required", "InteractionRequiredAuthError")
    # The library makes its hidden frame so that Chromium says that.
    visitor.complaints[:] = [said for said in visitor.complaints if "can escape its sandboxing" not in said]
