"""RP-initiated logout case by case, as the conformance suite asks them (RP-Initiated Logout 1.0 section 2)."""

from __future__ import annotations

from urllib.parse import urlencode

import jwt
import pytest

from tests import harness
from tests.capability import capability

HOME = "http://127.0.0.1:9999/"
STATE = "s" * 128


def _logout(browser: harness.Browser, **fields: str) -> harness.Answer:
    return browser.get("~/logout" + ("?" + urlencode(fields) if fields else ""))


def _silent(site: harness.Site, browser: harness.Browser) -> str:
    """Return what a silent request gets: an error, or nothing if the person is still signed in."""
    return harness.App(site).authorize(browser, prompt="none").error


@pytest.fixture
def browser(site: harness.Site) -> harness.Browser:
    """A browser in which alice is signed in."""
    return harness.Browser(site)


@pytest.fixture
def token(site: harness.Site, browser: harness.Browser) -> str:
    """Her ID token."""
    return str(harness.App(site).tokens(browser)["id_token"])


def _confirmed(browser: harness.Browser, answer: harness.Answer) -> harness.Answer:
    if 'id="logout-form"' in answer.text:
        return browser.submit(answer, "logout-form", decision="logout")
    return answer


@capability("logout-rp-cases", witness="the suite's list of modules, and a silent request after each")
@pytest.mark.parametrize("state", [STATE, ""])
def test_it_redirects(site: harness.Site, browser: harness.Browser, token: str, state: str) -> None:
    """Cases 1 and 2, with and without state: exactly the registered address, and the session is over."""
    fields = {"id_token_hint": token, "post_logout_redirect_uri": HOME} | ({"state": state} if state else {})
    answer = _logout(browser, **fields)
    assert answer.location == (f"{HOME}?state={state}" if state else HOME)
    assert _silent(site, browser) == "login_required"


@capability("logout-rp-cases", witness="the suite's list of modules, and a silent request after each")
@pytest.mark.parametrize(
    "target", ["https://evil.example/", HOME + "?foo=bar", HOME + "x", "http://127.0.0.1:9999"], ids=str
)
def test_it_refuses_the_address(site: harness.Site, browser: harness.Browser, token: str, target: str) -> None:
    """Cases 3 and 4, an address that is not registered, or one with a query added: a page, no redirect."""
    answer = _logout(browser, id_token_hint=token, post_logout_redirect_uri=target, state=STATE)
    assert (answer.status, answer.location) == (400, "")
    assert answer.is_page
    assert "evil.example" not in (answer.header("content-security-policy") or "")


@capability("logout-rp-cases", witness="PyJWT makes the hints")
@pytest.mark.parametrize("kind", ["none", "foreign", "cut", "hs256", "text"])
def test_it_refuses_the_hint(site: harness.Site, browser: harness.Browser, token: str, kind: str) -> None:
    """Cases 5 and 6, a hint with `alg` none or with another's signature: a page, no redirect, nobody signed out."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    claims = harness.payload(token)
    hints = {
        "none": lambda: jwt.encode(claims, None, algorithm="none"),
        "foreign": lambda: jwt.encode(
            claims,
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            algorithm="RS256",
            headers={"kid": jwt.get_unverified_header(token)["kid"]},
        ),
        "cut": lambda: token.rpartition(".")[0] + ".",
        "hs256": lambda: jwt.encode(claims, "web-secret" * 4, algorithm="HS256"),
        "text": lambda: "not a token",
    }
    answer = _logout(browser, id_token_hint=hints[kind](), post_logout_redirect_uri=HOME, state=STATE)
    assert (answer.status, answer.location) == (400, "")
    assert _silent(site, browser) == ""


@capability("logout-rp-cases", witness="the suite's list of modules, and a silent request after each")
def test_an_address_without_a_hint(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """Case 7, an address and nothing that says whose it is: a page, no redirect."""
    answer = _logout(browser, post_logout_redirect_uri=HOME, state=STATE)
    assert (answer.status, answer.location) == (400, "")


@capability("logout-rp-cases", witness="the suite's list of modules, and a silent request after each")
@pytest.mark.parametrize("fields", [{}, {"state": STATE}, {"hint": "yes"}, {"hint": "yes", "state": STATE}], ids=str)
def test_it_says_so(site: harness.Site, browser: harness.Browser, token: str, fields: dict[str, str]) -> None:
    """Cases 8 to 11, no parameters, state alone, a hint without an address: signed out, and a page that says it."""
    given = {
        "id_token_hint" if name == "hint" else name: token if name == "hint" else value
        for name, value in fields.items()
    }
    done = _confirmed(browser, _logout(browser, **given))
    assert 'id="logged-out"' in done.text
    assert done.location == ""
    assert _silent(site, browser) == "login_required"


@capability("logout-rp-expired-hint", witness="the clock")
@pytest.mark.parametrize("age", [3601, 11 * 3600])
def test_an_expired_hint(site: harness.Site, browser: harness.Browser, token: str, age: int) -> None:
    """RP-Initiated Logout 4: age does not matter, the signature does."""
    site.clock.advance(age)
    assert harness.payload(token)["exp"] < site.clock.now()
    assert _logout(browser, id_token_hint=token, post_logout_redirect_uri=HOME).location == HOME
    assert _silent(site, browser) == "login_required"


@capability("logout-rp-other-session", witness="a silent request afterwards")
@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_d4_42_hint_of_another_session(site: harness.Site, browser: harness.Browser, token: str, whose: str) -> None:
    """D4-42: an attacker's own hint, or one of her other browser, signs nobody out: she is asked."""
    elsewhere = harness.Browser(site)
    hint = harness.App(site).tokens(elsewhere, whose)["id_token"]
    answer = _logout(browser, id_token_hint=hint, post_logout_redirect_uri=HOME)
    assert 'id="logout-form"' in answer.text
    assert _silent(site, browser) == ""
    assert _silent(site, elsewhere) == ""
    assert browser.submit(answer, "logout-form", decision="logout").location == HOME
    assert _silent(site, browser) == "login_required"
    assert _silent(site, elsewhere) == ""


def test_d4_42_logout_form_of_another_page(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """D4-42, CSRF: the form's token is bound to the browser and to what the form says; no other origin sends it."""
    page = _logout(browser)
    stranger = harness.Browser(site)
    harness.App(site).tokens(stranger, "bob")
    theirs = _logout(stranger)
    action, fields = harness.read_form(theirs, "logout-form")
    own_action, own_fields = harness.read_form(page, "logout-form")
    attempts = [
        browser.submit(page, "logout-form", decision="logout", csrf="x"),
        browser.submit(page, "logout-form", decision="logout", csrf=None),
        browser.submit(page, "logout-form", decision="logout", origin="https://evil.example"),
        browser.post(harness.absolute(theirs.url, action), [*fields, ("decision", "logout")]),
        browser.post(
            harness.absolute(page.url, own_action) + "&post_logout_redirect_uri=https://evil.example/",
            [*own_fields, ("decision", "logout")],
        ),
    ]
    assert [(answer.status, answer.location) for answer in attempts] == [(400, "")] * 5
    assert _silent(site, browser) == ""


@capability("logout-rp-addresses", witness="the answers' Location")
def test_addresses_of_another_client(site: harness.Site, browser: harness.Browser, token: str) -> None:
    """The address has to be the hint's own client's, or that of the client that is named."""
    site.add_client("shop", "shop-secret", post_logout_redirect_uris=("https://shop.example/bye",))
    for fields in ({"id_token_hint": token}, {"client_id": "web"}, {"client_id": "unknown"}):
        answer = _logout(browser, post_logout_redirect_uri="https://shop.example/bye", **fields)
        assert (answer.status, answer.location) == (400, "")
    assert _silent(site, browser) == ""
    asked = _logout(browser, post_logout_redirect_uri="https://shop.example/bye", client_id="shop")
    assert _confirmed(browser, asked).location == "https://shop.example/bye"
