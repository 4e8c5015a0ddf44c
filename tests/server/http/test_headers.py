"""Headers of every answer: nothing is kept that should not be, framed, sniffed or read by others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from intaglio.dialects import registry
from intaglio.server.http.tenancy import Listener
from tests import harness
from tests.capability import capability


def _pages(site: harness.Site) -> dict[str, harness.Answer]:
    """Return one answer for every page there is."""
    app, browser = harness.App(site), harness.Browser(site)
    login = browser.follow(app.authorize(browser))
    failed = browser.submit(login, "login-form", username="alice", password="wrong", decision="login")
    consent = browser.sign_in(login)
    browser.consent(consent)
    other = harness.Browser(site)
    return {
        "start": site.get("http://localhost:8080/"),
        "dialect": site.get("http://localhost:8082/", headers={"accept": "text/html"}),
        "demo": site.get("http://localhost:8080/demo"),
        "demo token": _demo_token(site),
        "login": login,
        "failed": failed,
        "consent": consent,
        "form post": browser.follow(app.authorize(browser, response_mode="form_post")),
        "logout": browser.get("~/logout"),
        "logged out": other.get("~/logout"),
        "account": browser.get("~/account"),
        "account login": other.get("~/account"),
        "error": site.get("~/authorize"),
        "not found": site.get("~/nothing", headers={"accept": "text/html"}),
        "gone": other.get("http://localhost:8080/_intaglio/login/abc"),
        "method": other.request("PUT", "http://localhost:8080/_intaglio/login/abc"),
    }


def _demo_token(site: harness.Site) -> harness.Answer:
    browser = harness.Browser(site)
    answer = browser.through(browser.get("http://localhost:8080/demo/login"))
    assert "ID token" in answer.text
    return answer


@capability("pages-headers", witness="the headers of every page")
def test_every_page_is_bare_of_others(site: harness.Site) -> None:
    """Content Security Policy without inline, eval or foreign sources; no framing; no sniffing; nothing kept."""
    for name, page in _pages(site).items():
        assert page.is_page, name
        policy = dict(part.strip().split(" ", 1) for part in (page.header("content-security-policy") or "").split(";"))
        assert policy["default-src"] == "'none'", name
        assert policy["frame-ancestors"] == "'none'"
        assert policy["base-uri"] == "'none'"
        assert (policy["script-src"], policy["style-src"]) == ("'self'", "'self'")
        assert "unsafe" not in " ".join(policy.values())
        assert "*" not in " ".join(policy.values())
        assert page.header("x-frame-options") == "DENY"
        assert page.header("x-content-type-options") == "nosniff"
        assert page.header("cache-control") == "no-store", name
        assert page.header("referrer-policy") == "same-origin"
        assert page.header("content-type") == "text/html; charset=utf-8"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:", page.text), name
        assert page.header("access-control-allow-origin") is None


def test_pages_load_nothing_from_elsewhere(site: harness.Site) -> None:
    """Every script, style and picture is the server's own."""
    for name, page in _pages(site).items():
        for address in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page.text):
            assert address.startswith("/_intaglio/static/"), (name, address)
            assert site.get("http://localhost:8080" + address).status == 200


def _refusals(site: harness.Site) -> Iterator[harness.Answer]:
    app = harness.App(site)
    yield site.post("~/token", {})
    yield site.post("~/token", {"grant_type": "authorization_code", "code": "x"}, headers=app.headers())
    yield site.post("~/token", {"grant_type": "client_credentials"}, headers={"authorization": "Basic x"})
    yield site.request("POST", "~/token", payload={"grant_type": "x"})
    yield site.post("~/revoke", {})
    yield site.post("~/introspect", {"token": "x"})
    yield site.get("~/userinfo")
    yield site.get("~/userinfo", headers={"authorization": "Bearer x"})
    yield site.get("~/authorize")
    yield site.get("~/authorize?" + urlencode(app.request(response_type="token")))
    yield site.get("~/authorize?" + urlencode(app.request(response_type="none")))
    yield site.get("~/nothing")
    yield site.get("http://localhost:8080/nobody/token")
    yield site.request("PUT", "~/token")
    yield site.get("~/logout?id_token_hint=x")
    yield site.request("POST", "~/token", body=b"a" * 70000, headers={"content-type": harness.FORM})
    yield site.get("http://localhost:8081/computeMetadata/v1/")
    yield site.get("http://localhost:8081/nothing")
    yield site.post("http://localhost:8083/oauth/token", {"grant_type": "x"})


@capability("errors-oauth", witness="every kind of refusal")
def test_every_refusal_is_kept_by_nobody(site: harness.Site) -> None:
    """RFC 6749 5.2: no-store, whatever the form of the error, and a reference in it."""
    for answer in _refusals(site):
        assert answer.header("cache-control") == "no-store", (answer.url, answer.status)
        by_address = answer.params | answer.fragment
        told = by_address.get("error_description", "") if answer.location else answer.text
        assert re.search(r"ref_[0-9a-f]{12}", told), answer.url


def test_every_token_and_cookie_is_kept_by_nobody(site: harness.Site) -> None:
    """No cache in between may keep a token, a code or a session."""
    seen: list[harness.Answer] = []

    class Watching(harness.Browser):
        def request(self, *args, **given):
            answer = super().request(*args, **given)
            seen.append(answer)
            return answer

    app = harness.App(site)
    browser = Watching(site)
    tokens = app.redeem(app.callback(browser).params["code"])
    seen += [
        tokens,
        app.refresh(tokens.json()["refresh_token"]),
        app.userinfo(tokens.json()["access_token"]),
        app.revoke(tokens.json()["access_token"]),
        site.post("~/introspect", {"token": "x"}, headers=app.headers()),
        browser.get("http://localhost:8080/demo"),
        site.get(
            "http://localhost:8081/computeMetadata/v1/instance/service-accounts/default/identity?audience=a",
            headers={"metadata-flavor": "Google"},
        ),
    ]
    assert sum(bool(answer.every("set-cookie")) for answer in seen) >= 3
    for answer in seen:
        assert answer.header("cache-control") == "no-store", answer.url
        assert answer.status < 400


def test_a_secure_site_says_so() -> None:
    """RFC 6797, and cookies that are pinned to the host; on this machine's own name only the cookies."""
    for base, transport in [("https://id.example.com", "max-age=31536000"), ("https://localhost:8080", None)]:
        listener = Listener(dialect=registry.DIALECTS["standard"], name="standard", base_url=base)
        with harness.site(development=False, listeners=(listener,)) as site:
            answer = site.run(
                site.raw("GET", 8080, "/default/authorize", urlencode(harness.App(site).request()), host=base[8:])
            )
            assert answer.header("strict-transport-security") == transport
            (cookie,) = answer.every("set-cookie")
            assert cookie.startswith("__Host-intaglio-browser-")
            assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
            assert "Domain" not in cookie


def test_no_version_or_framework_is_told(site: harness.Site) -> None:
    """Nothing names what serves, save where a dialect demands a name."""
    for answer in (site.get("~/jwks"), site.get("~/nothing"), site.post("~/token", {})):
        assert answer.header("server") is None
        assert answer.header("x-powered-by") is None


def test_static_files(site: harness.Site) -> None:
    """Kept under a name with their hash, answered with 304 when they are known, and nothing else is found there."""
    style = site.get("http://localhost:8080/_intaglio/static/style.css?v=1")
    assert "immutable" in (style.header("cache-control") or "")
    tag = style.header("etag") or ""
    again = site.get("http://localhost:8080/_intaglio/static/style.css", headers={"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")
    for name in ("", "nothing.css", "../render.py", "..%2frender.py", "style.css/", "login.html"):
        assert site.get("http://localhost:8080/_intaglio/static/" + name).status == 404
    assert site.post("http://localhost:8080/_intaglio/static/style.css", {}).status in (404, 405)
    assert site.get("http://localhost:8080/favicon.ico").header("content-type") == "image/svg+xml"


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10**7])
def test_a_body_has_a_bound(site: harness.Site, size: int) -> None:
    """413 for what is declared too long, and for what turns out to be."""
    declared = {"content-type": harness.FORM, "content-length": str(size)}
    for body in (b"a=b", b"a" * size):
        answer = site.request("POST", "~/token", body=body, headers=declared)
        assert (answer.status, answer.error) == (413, "too_large")
    undeclared = site.request("POST", "~/token", body=b"a" * size, headers={"content-type": harness.FORM})
    assert undeclared.status == 413
