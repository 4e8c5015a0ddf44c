"""Auth0's two logout addresses: where they may lead, and when they ask."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from intaglio.dialects.auth0 import logout
from intaglio.dialects.coding import Context
from intaglio.wire.message import Request
from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8083"
HOME = "http://localhost:3000/"
BYE = "https://tenant.example/bye"


def signed_in(site: harness.Site) -> tuple[harness.Browser, dict[str, object]]:
    """Return a browser with a session, and the tokens that came of it."""
    browser = harness.Browser(site)
    return browser, harness.auth0_app(site).tokens(browser)


def is_signed_in(browser: harness.Browser) -> bool:
    """Tell whether a silent request gets a code."""
    return "code" in harness.auth0_app(browser.site).authorize(browser, prompt="none").params


def older(browser: harness.Browser, **fields: str) -> harness.Answer:
    """Open the older address."""
    return browser.get(f"{ROOT}/v2/logout?{urlencode(fields)}")


def newer(browser: harness.Browser, **fields: str) -> harness.Answer:
    """Open the address of OpenID Connect."""
    return browser.get(f"{ROOT}/oidc/logout?{urlencode(fields)}")


def test_the_older_address_goes_where_its_application_registered(site: harness.Site) -> None:
    """At once, without asking; elsewhere it is an error page, and nobody is signed out."""
    browser, _ = signed_in(site)
    for target in ("https://evil.example/", HOME + "x", BYE):
        refused = older(browser, client_id="web", returnTo=target)
        assert (refused.status, refused.location) == (400, "")
    assert older(browser, client_id="nobody", returnTo=HOME).status == 400
    assert is_signed_in(browser)
    assert older(browser, client_id="web", returnTo=HOME).location == HOME
    assert not is_signed_in(browser)


def test_the_older_address_without_a_target(site: harness.Site) -> None:
    """With an application its first address; without one a page."""
    browser, _ = signed_in(site)
    assert older(browser, client_id="web").location == "http://127.0.0.1:9999/"
    browser, _ = signed_in(site)
    page = older(browser)
    assert (page.status, page.location) == (200, "")
    assert 'id="logged-out"' in page.text
    assert not is_signed_in(browser)


@capability("auth0-logout", witness="the redirects")
def test_without_an_application_the_tenants_list_counts(site: harness.Site) -> None:
    """Only there, and only for those without an application."""
    browser, _ = signed_in(site)
    assert older(browser, returnTo=BYE).status == 400
    site.change_tenant(dialects={"auth0": {"allowed_logout_urls": [BYE]}})
    assert older(browser, client_id="nobody", returnTo=BYE).status == 400
    assert older(browser, client_id="web", returnTo=BYE).status == 400
    assert newer(browser, post_logout_redirect_uri=BYE).status == 400
    assert is_signed_in(browser)
    assert older(browser, returnTo=BYE).location == BYE


def test_trap_an_expired_hint_is_good_for_a_logout(site: harness.Site) -> None:
    """Eleven hours later the ID token has expired, and still says which session is meant."""
    browser, tokens = signed_in(site)
    site.clock.advance(11 * 3600)
    answer = newer(browser, id_token_hint=str(tokens["id_token"]), post_logout_redirect_uri=HOME)
    assert answer.location == HOME


@capability("auth0-logout", witness="the redirects and pages")
def test_logout_hint_names_the_session(site: harness.Site) -> None:
    """It is the `sid`: alone with the application it is enough; where it disagrees, the person is asked."""
    browser, tokens = signed_in(site)
    sid = harness.payload(str(tokens["id_token"]))["sid"]
    hint = str(tokens["id_token"])
    for asked in (
        newer(browser, client_id="web", logout_hint="another", post_logout_redirect_uri=HOME),
        newer(browser, id_token_hint=hint, logout_hint="another", post_logout_redirect_uri=HOME),
        newer(browser, logout_hint=sid),
        newer(browser, client_id="web", post_logout_redirect_uri=HOME),
    ):
        assert 'id="logout-form"' in asked.text
    assert newer(browser, client_id="web", logout_hint=sid, post_logout_redirect_uri=HOME).location == HOME
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("query", "elsewhere"), [("federated", True), ("federated=", True), ("federated&client_id=a", True), ("x=1", False)]
)
def test_federated_needs_no_value(query: str, elsewhere: bool) -> None:
    """Its presence says that the other provider is to be signed out of as well, at both addresses."""
    request = Request("GET", "/v2/logout", query)
    for read in (logout.read_older, logout.read):
        assert read(request, Context(now=0, ref="")).elsewhere is elsewhere
