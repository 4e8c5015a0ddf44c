"""Cookies: one name an issuer, read only when there is no doubt; and forms that only our own pages can send."""

from __future__ import annotations

import pytest

from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.server.http import cookies
from intaglio.server.http.csrf import Forms
from intaglio.wire.message import Request
from tests import harness
from tests.capability import capability

GOOD = "a" * 43
NAME = cookies.name("session", "http://localhost:8080/default", secure=False)


def _read(*headers: str) -> str:
    return cookies.read(Request("GET", "/", headers=tuple(("cookie", one) for one in headers)), NAME)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (f"{NAME}=",),
        (f"{NAME}=short",),
        (f"{NAME}={'a' * 129}",),
        (f"{NAME}={GOOD[:-1]}é",),
        (f'{NAME}="{GOOD}"',),
        (f"{NAME}={GOOD}; {NAME}={'b' * 43}",),
        (f"{NAME}={GOOD}", f"{NAME}={'b' * 43}"),
        (f"x{NAME}={GOOD}",),
        (f"{NAME.upper()}={GOOD}",),
        (f"{NAME} ={GOOD}",),
        ("x=" + "y" * 40000 + f"; {NAME}={GOOD}",),
    ],
)
def test_a_cookie_in_doubt_is_none(headers: tuple[str, ...]) -> None:
    """Two values (one of them planted), another form or another name: as if there were no cookie."""
    assert _read(*headers) == ""


@pytest.mark.parametrize("header", [f"{NAME}={GOOD}", f"a=b; {NAME}={GOOD};c", f"{NAME}={GOOD}; {NAME}={GOOD}"])
def test_a_cookie(header: str) -> None:
    """Among others, or twice the same."""
    assert _read(header) == GOOD


def test_names_hold_the_issuer() -> None:
    """Ports and paths of one host share a jar."""
    issuers = ["http://localhost:8080/default", "http://localhost:8080/shop", "http://localhost:8083/"]
    names = {cookies.name(kind, issuer, secure=False) for kind in ("session", "browser") for issuer in issuers}
    assert len(names) == 6


@capability("cookies-apart", witness="one cookie jar")
def test_signed_in_everywhere_at_once(site: harness.Site) -> None:
    """Two tenants and two dialects in one browser: each its own person, and signing out of one leaves the others."""
    site.add_tenant("shop")
    browser = harness.Browser(site)
    standard, auth0 = harness.App(site), harness.auth0_app(site)
    shop = harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop")
    first = harness.payload(standard.tokens(browser, "alice")["id_token"])
    second = harness.payload(auth0.tokens(browser, "bob")["id_token"])
    answer = browser.follow(shop.authorize(browser))
    code = browser.consent(browser.sign_in(answer, "alice", "other-password")).params["code"]
    third = harness.payload(shop.redeem(code).json()["id_token"])
    assert len({first["sub"], second["sub"], third["sub"]}) == 3
    for app, claims in ((standard, first), (auth0, second), (shop, third)):
        silent = app.authorize(browser, prompt="none")
        assert harness.payload(app.redeem(silent.params["code"]).json()["id_token"])["sub"] == claims["sub"]
    browser.submit(browser.get("http://localhost:8080/shop/logout"), "logout-form", decision="logout")
    assert shop.authorize(browser, prompt="none").params["error"] == "login_required"
    assert "code" in standard.authorize(browser, prompt="none").params
    assert "code" in auth0.authorize(browser, prompt="none").params


def test_form_tokens_are_of_one_browser_purpose_and_key() -> None:
    """Another browser, purpose, key or origin, or no browser at all: the form is refused."""
    forms = Forms(b"k" * 32)
    token = forms.token("secret", "purpose")
    own = "http://localhost:8080"
    request = Request("POST", "/", headers=(("host", "localhost:8080"), ("origin", own)))
    forms.check(request, token, "secret", "purpose", own)
    forms.check(Request("POST", "/", headers=(("host", "localhost:8080"),)), token, "secret", "purpose", own)
    wrong = [
        (forms, request, token, "other", "purpose"),
        (forms, request, token, "secret", "other"),
        (Forms(b"j" * 32), request, token, "secret", "purpose"),
        (forms, request, "", "secret", "purpose"),
        (forms, request, token[:-1], "secret", "purpose"),
        (forms, request, token + "é", "secret", "purpose"),
        (forms, request, forms.token("", "purpose"), "", "purpose"),
    ]
    for foreign in ("null", "https://evil.example", "http://localhost:8081", "http://localhost:8080.evil.example", ""):
        headers = (("host", "localhost:8080"), ("origin", foreign))
        wrong.append((forms, Request("POST", "/", headers=headers), token, "secret", "purpose"))
    for made, given, presented, secret, purpose in wrong:
        with pytest.raises(UnsafeToRedirect):
            made.check(given, presented, secret, purpose, own)
