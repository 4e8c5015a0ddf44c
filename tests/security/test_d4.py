"""What has gone wrong at the endpoints of other providers, row by row (28 to 46 of our list of published faults).

Rows that do not apply yet, and why:

- 33, device codes: there is no device grant; the other half of the row is tested.
- 38, upstream intents: there are no upstream providers; the other half of the row is tested.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TypeVar
from urllib.parse import urlencode

import pytest

from intaglio.errors import Unavailable
from intaglio.server.model.plan import Ask, Plan
from intaglio.server.provider.exchange import grant
from intaglio.wire.flow import Flow, Reply
from tests import assertions, harness
from tests.web import markup
from tests.wire import test_url

T = TypeVar("T")
ISSUER = "http://localhost:8080/default"


def _cached(site: harness.Site) -> None:
    site.settle()


@pytest.mark.parametrize("requested", test_url.TRICKS)
def test_d4_28_redirect_uri_tricks(site: harness.Site, requested: str) -> None:
    """Userinfo, backslash, case, trailing dot, %2f, fragment, other port, longer path: a page, in both endpoints."""
    site.change_client("web", redirect_uris=(test_url.REGISTERED,), post_logout_redirect_uris=(test_url.REGISTERED,))
    app, browser = harness.App(site, redirect_uri=requested), harness.Browser(site)
    for method in ("GET", "POST"):
        form = app.request(prompt="none")
        where = "~/authorize" + (f"?{urlencode(form)}" if method == "GET" else "")
        answer = browser.request(method, where, form=form if method == "POST" else None)
        assert (answer.status, answer.location) == (400, "")
    if requested:
        query = urlencode({"client_id": "web", "post_logout_redirect_uri": requested})
        refused = browser.get(f"~/logout?{query}")
        assert (refused.status, refused.location) == (400, "")


def test_d4_29_single_use_under_concurrency(site: harness.Site) -> None:
    """CVE-2026-1035: a rotated refresh token used many times at once after its grace revives nothing."""
    app = harness.App(site)
    first = app.tokens()["refresh_token"]
    second = app.refresh(first).json()
    site.clock.advance(61)
    headers = [("content-type", harness.FORM), *app.headers().items()]

    async def go(token: str) -> list[int]:
        body = f"grant_type=refresh_token&refresh_token={token}".encode()
        url = site.url("~/token")
        calls = (site.exchange("POST", url, headers=headers, body=body) for _ in range(10))
        return [answer.status for answer in await harness.together(calls)]

    assert set(site.run(go(first))) == {400}
    assert set(site.run(go(second["refresh_token"]))) == {400}
    assert app.userinfo(second["access_token"]).status == 401


@pytest.mark.parametrize("require_pkce", [True, False])
def test_d4_30_pkce_downgrade(site: harness.Site, require_pkce: bool) -> None:
    """CVE-2023-48228: a stripped verifier or challenge does not pass; an injected code meets another challenge."""
    site.change_client("web", require_pkce=require_pkce)
    app = harness.App(site)
    assert app.redeem(app.code(), code_verifier=None).error == "invalid_grant"
    if not require_pkce:
        stripped = app.code(code_challenge=None, code_challenge_method=None)
        assert app.redeem(stripped).error == "invalid_grant"


def test_d4_31_assertions_are_used_once(site: harness.Site) -> None:
    """Hydra GHSA-3p3g-vpw6-4w66, fosite GHSA-v3q9-2p3m-7g43: jti and exp are needed, and of many uses at once one wins.

    The rest of what an assertion needs is said in the tests of assertions.
    """
    assertions.pair_client(site)
    for missing in ("jti", "exp"):
        assert assertions.ask(site, assertions.signed(**{missing: None})).error == "invalid_client"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": assertions.ASSERTION_TYPE,
        "client_assertion": assertions.signed(),
    }
    headers = (("content-type", harness.FORM),)
    body = urlencode(form).encode()

    async def many() -> list[harness.Answer]:
        calls = (site.exchange("POST", site.url("~/token"), headers=headers, body=body) for _ in range(20))
        return list(await asyncio.gather(*calls))

    assert sorted(answer.status for answer in site.run(many())) == [200] + [401] * 19


class Broken:
    """A store on a disk that failed: it answers what it could read before, and keeps nothing."""

    def __init__(self, store: object, *, reads: bool) -> None:
        self._store, self._reads = store, reads

    async def read(self, plan, *args):
        """Read, or fail."""
        if not self._reads:
            raise Unavailable("storage-unavailable")
        return await self._store.read(plan, *args)

    async def write(self, plan, *args):
        """Fail."""
        raise Unavailable("storage-unavailable")

    async def close(self) -> None:
        """Close nothing."""


@pytest.mark.parametrize("reads", [True, False])
def test_d4_32_storage_error_is_no_success(site: harness.Site, reads: bool) -> None:
    """CVE-2020-15223: with the storage gone nothing is issued, revoked, introspected or signed in, and all say so."""
    app, browser = harness.App(site), harness.Browser(site)
    tokens, code = app.tokens(browser), app.code(browser)
    waiting = harness.Browser(site)
    page = waiting.follow(app.authorize(waiting))
    _cached(site)
    site.house.store = Broken(site.store, reads=reads)
    answers = {
        "code": app.redeem(code),
        "refresh": app.refresh(tokens["refresh_token"]),
        "revoke": app.revoke(tokens["access_token"]),
        "machine": harness.App(site, "machine", "machine-secret").token({"grant_type": "client_credentials"}),
        "authorize": app.authorize(browser),
        "login": waiting.submit(page, "login-form", username="alice", password="alice-password", decision="login"),
    }
    if not reads:
        answers["userinfo"] = app.userinfo(tokens["access_token"])
        answers["introspect"] = site.post("~/introspect", {"token": tokens["access_token"]}, headers=app.headers())
    for name, answer in answers.items():
        assert (name, answer.status, answer.error) == (name, 503, "temporarily_unavailable")
        assert "ig_" not in answer.text
        assert answer.every("set-cookie") == []
    site.house.store = site.store
    assert app.redeem(code).status == 200


def test_d4_32_a_conflict_inside_a_write_is_no_success(site: harness.Site) -> None:
    """What a plan had written before it failed is not kept."""
    from intaglio.server.model import installation

    def plan() -> Plan[None]:
        yield from installation.keep_fact("half", "1")
        yield Ask("no-such-query", {})

    with pytest.raises(Exception):  # noqa: B017 - whatever it is, it must not be a success
        site.write(plan)
    assert site.read(installation.fact, "half") is None


def test_d4_33_a_code_is_bound(site: harness.Site) -> None:
    """CVE-2022-39222: to client, redirect URI, tenant and issuer; consent is not skipped by a second request."""
    site.add_client("thief", "thief-secret")
    app, thief = harness.App(site), harness.App(site, "thief", "thief-secret")
    assert thief.redeem(app.code()).error == "invalid_grant"
    assert app.redeem(app.code(), redirect_uri="http://localhost:3000/callback").error == "invalid_grant"
    browser = harness.Browser(site)
    app.tokens(browser)
    assert thief.authorize(browser, prompt="none").params["error"] == "consent_required"


def test_d4_33_code_injection(site: harness.Site) -> None:
    """A code that a thief puts into his own sign-in meets another challenge than its own."""
    from intaglio.protocol import pkce

    app = harness.App(site)
    victims = app.code(code_challenge=pkce.challenge("v" * 43))
    assert app.redeem(victims).error == "invalid_grant"


def test_d4_34_disabled_flow_stays_disabled(site: harness.Site) -> None:
    """CVE-2026-7571: what was taken from the client while a person signed in is not given after it."""
    for changes, error in [
        ({"response_types": ()}, "unauthorized_client"),
        ({"scope": ("openid",)}, "invalid_scope"),
        ({"disabled_at": harness.NOW}, None),
        ({"redirect_uris": ("https://new.example/cb",)}, None),
    ]:
        with harness.site() as fresh:
            app, browser = harness.App(fresh), harness.Browser(fresh)
            page = browser.follow(app.authorize(browser))
            fresh.change_client("web", **changes)
            answer = browser.through(page)
            assert "code" not in answer.params, changes
            assert (answer.params.get("error") if error else answer.status) == (error or 400)


def test_d4_35_revocation_is_honoured_everywhere(site: harness.Site) -> None:
    """CVE-2026-8922: an ended family is dead at UserInfo, introspection and the token endpoint, and stays so."""
    app = harness.App(site)
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    app.revoke(second["refresh_token"])
    for seconds in (0, 1, 100, 10_000):
        site.clock.advance(seconds)
        for tokens in (first, second):
            assert app.userinfo(tokens["access_token"]).status == 401
            assert app.introspect(tokens["access_token"]) == {"active": False}
            assert app.introspect(tokens["refresh_token"]) == {"active": False}
            assert app.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_d4_35_a_deactivated_client_gets_nothing(site: harness.Site) -> None:
    """Client credentials of a disabled client are no credentials, and what it got before is dead."""
    app = harness.App(site, "machine", "machine-secret")
    token = app.token({"grant_type": "client_credentials"}).json()["access_token"]
    assert harness.App(site).introspect(token)["active"]
    site.change_client("machine", disabled_at=harness.NOW)
    assert app.token({"grant_type": "client_credentials"}).error == "invalid_client"
    assert harness.App(site).introspect(token) == {"active": False}


def test_d4_36_secrets_are_in_no_answer(site: harness.Site) -> None:
    """CVE-2026-40166: neither client secrets nor their hashes, nor password hashes, are in any answer or page."""
    app, browser = harness.App(site), harness.Browser(site)
    tokens = app.tokens(browser)
    answers = [
        site.get("~/.well-known/openid-configuration"),
        site.get("~/jwks"),
        app.userinfo(tokens["access_token"]),
        site.post("~/introspect", {"token": tokens["access_token"]}, headers=app.headers()),
        browser.get("~/logout"),
        browser.get("~/authorize"),
    ]
    digest = site.client("web").secrets[0].digest
    for answer in answers:
        for secret in ("web-secret", "alice-password", "$argon2", digest.hex()):
            assert secret not in answer.text


@pytest.mark.parametrize("form", [{}, {"decision": "allow"}, {"decision": "login"}, {"scope": "openid"}])
@pytest.mark.parametrize("step", ["login", "consent"])
def test_d4_37_no_step_is_skipped_by_an_empty_form(site: harness.Site, step: str, form: dict[str, str]) -> None:
    """CVE-2026-49443, CVE-2026-54730: an empty form, with or without its token, leads nowhere."""
    app, browser = harness.App(site), harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    action, fields = harness.read_form(page, "login-form")
    target = harness.absolute(page.url, action).replace("/login/", f"/{step}/")
    for extra in ({}, {"csrf": dict(fields)["csrf"]}):
        answer = browser.post(target, form | extra)
        assert "code=" not in answer.location
        assert browser.session_of(ISSUER) == ""


def test_d4_38_a_changed_opaque_token_is_refused(site: harness.Site) -> None:
    """CVE-2026-27840: truncated, lengthened, with another case or prefix, at every place."""
    app = harness.App(site)
    tokens = app.tokens()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    for change in (
        lambda t: t[:-1],
        lambda t: t[:40],
        lambda t: t + "A",
        lambda t: t + "=",
        lambda t: t.swapcase(),
        lambda t: t.removeprefix(grant.ACCESS).removeprefix(grant.REFRESH),
        lambda t: t.replace("ig_at_", "ig_rt_") if "ig_at_" in t else t.replace("ig_rt_", "ig_at_"),
    ):
        assert app.userinfo(change(access)).status in (400, 401)
        assert app.introspect(change(access)) == {"active": False}
        assert app.refresh(change(refresh)).error == "invalid_grant"


XSS = "\"><script>alert('x')</script>{{7*7}}${7*7}"


def test_d4_39_no_markup_comes_through(site: harness.Site) -> None:
    """CVE-2026-33758, CVE-2021-32702: whatever a request or a record holds is text on every page."""
    site.change_client("web", client_name=XSS, client_uri="javascript:alert(1)")
    site.change_user("alice", claims={"name": XSS})
    app, browser = harness.App(site), harness.Browser(site)
    login = browser.follow(app.authorize(browser, login_hint=XSS, state=XSS))
    failed = browser.submit(login, "login-form", username=XSS, password=XSS, decision="login")
    consent = browser.sign_in(login)
    posted = browser.follow(app.authorize(browser, response_mode="form_post", prompt="none", state=XSS))
    error = browser.get("~/authorize?" + urlencode({"client_id": XSS, "redirect_uri": XSS, "state": XSS}))
    nothing = browser.get("~/" + XSS.replace(" ", "%20"))
    logout = browser.get("~/logout?" + urlencode({"state": XSS, "client_id": "web"}))
    for page in (login, failed, consent, posted, error, nothing, logout):
        assert "<script>alert" not in page.text
        assert "javascript:" not in page.text
        assert "{{49" not in page.text
        assert ">49<" not in page.text
        markup.read(page.body)


def test_d4_39_login_confirmation(site: harness.Site) -> None:
    """CVE-2026-33757: whoever is signed in sees who asks before anything is granted the first time."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    site.add_client("new", "new-secret")
    page = browser.follow(harness.App(site, "new", "new-secret").authorize(browser))
    assert 'id="consent-form"' in page.text


def test_d4_40_sessions_are_made_anew(site: harness.Site) -> None:
    """CVE-2021-41246, CVE-2025-48947: a new secret at each sign-in, the old one worthless; no cache keeps a cookie."""
    app, browser = harness.App(site), harness.Browser(site)
    login = browser.follow(app.authorize(browser))
    signed = browser.submit(login, "login-form", username="alice", password="alice-password", decision="login")
    assert signed.every("set-cookie")
    assert signed.header("cache-control") == "no-store"
    first = browser.session_of(ISSUER)
    browser.through(app.authorize(browser, prompt="login"), "bob")
    thief = harness.Browser(site)
    thief.jar = {name: first if "session" in name else value for name, value in browser.jar.items()}
    assert app.authorize(thief, prompt="none").params["error"] == "login_required"


FORWARDED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-forwarded-port": "1",
    "x-forwarded-prefix": "/evil",
    "x-original-url": "/default/userinfo",
    "x-rewrite-url": "/default/userinfo",
    "forwarded": "host=evil.example;proto=https",
    "x_forwarded_host": "evil.example",
    "x-forwarded-for": "203.0.113.9",
}


def test_d4_41_forwarding_headers_change_nothing(site: harness.Site) -> None:
    """CVE-2025-64484: issuer, endpoints and redirects come from the configuration, whatever Host and its kin say."""
    plain = site.get("~/.well-known/openid-configuration")
    for headers in (FORWARDED, {"host": "evil.example"}, {"host": "evil.example:8080", **FORWARDED}):
        assert site.get("~/.well-known/openid-configuration", headers=headers).body == plain.body
        answer = site.get("~/authorize?" + urlencode(harness.App(site).request()), headers=headers)
        assert answer.location.startswith("/_intaglio/login/")
        assert "evil" not in answer.location


@pytest.mark.parametrize(
    "path",
    [
        "/default/token;x=y",
        "/default;x=y/token",
        "/default/./token",
        "/default/x/../token",
        "/default//token",
        "/default/token/",
        "/default/%74oken",
        "/default%2ftoken",
        "/default/token%00",
        "/default/token%23",
        "/default/token%3f",
        "/DEFAULT/token",
        "/default/TOKEN",
        "\\default\\token",
        "/_intaglio/../default/token",
        "/default/_intaglio/login/x",
    ],
)
def test_d4_41_paths_have_one_form(site: harness.Site, path: str) -> None:
    """CVE-2026-0976: what a proxy might read as another path is no path here."""
    headers = [("content-type", harness.FORM)]
    answer = site.run(site.raw("POST", 8080, path, headers=headers, body=b"grant_type=client_credentials"))
    assert answer.status == 404


def test_d4_42_logout_needs_the_session_or_the_person(site: harness.Site) -> None:
    """Another session's hint, a link, a form from elsewhere: nobody is signed out."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    other = app.tokens()["id_token"]
    browser.get(f"~/logout?id_token_hint={other}")
    browser.get("~/logout?client_id=web")
    browser.post("~/logout", {"id_token_hint": other})
    tenant = site.client("web").tenant_id
    for form in ({"decision": "logout"}, {"decision": "logout", "csrf": "x"}):
        refused = browser.request("POST", f"http://localhost:8080/_intaglio/logout?tenant={tenant}", form=form)
        assert (refused.status, refused.error) == (400, "invalid_request")
    assert "code" in app.authorize(browser, prompt="none").params


def test_d4_42_the_logout_form_is_bound_to_its_target(site: harness.Site) -> None:
    """A form's token is for one address and state; with another it is worth nothing."""
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    page = browser.get(
        "~/logout?" + urlencode({"client_id": "web", "post_logout_redirect_uri": "http://localhost:3000/"})
    )
    action, fields = harness.read_form(page, "logout-form")
    changed = action.replace(
        urlencode({"x": "http://localhost:3000/"})[2:], urlencode({"x": "http://127.0.0.1:9999/"})[2:]
    )
    assert changed != action
    answer = browser.post("http://localhost:8080" + changed, [*fields, ("decision", "logout")])
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert "code" in app.authorize(browser, prompt="none").params


def test_d4_43_enumeration(site: harness.Site) -> None:
    """CVE-2021-29621: no answer tells whether a user or a client is there (times are measured elsewhere)."""
    found = set()
    for name in ("alice", "nobody"):
        browser = harness.Browser(site)
        page = browser.follow(harness.App(site).authorize(browser, login_hint=name, prompt="login"))
        found.add(re.sub(r'value="[^"]*"|/_intaglio/login/[\w-]+|alice|nobody', "", page.text))
    assert len(found) == 1


@pytest.mark.parametrize("name", ["alice*", "alice/", "alice,bob", "{{alice}}", "ali%63e", "alice\u200b", "аlice", "%"])
def test_d4_44_names_are_no_patterns(site: harness.Site, name: str) -> None:
    """CVE-2025-64761: stars, slashes, commas, templates, look-alikes and invisible letters are other names."""
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    browser.submit(page, "login-form", username=name, password="alice-password", decision="login")
    assert browser.session_of(ISSUER) == ""


REDIRECTS = ["https://one.example/cb", "https://two.example/cb"]


@pytest.mark.parametrize(
    ("document", "is_taken"),
    [
        (json.dumps(REDIRECTS), True),
        (json.dumps([*REDIRECTS, "https://more.example/cb"]), True),
        (json.dumps(REDIRECTS[:1]), False),
        (json.dumps([uri.upper() for uri in REDIRECTS]), False),
        (json.dumps({"redirect_uris": REDIRECTS}), False),
        (json.dumps(" ".join(REDIRECTS)), False),
        (json.dumps([1, 2]), False),
        ("[]", False),
        ("<html>", False),
    ],
)
def test_d4_45_sector_documents(site: harness.Site, document: str, is_taken: bool) -> None:
    """Registration 5: a JSON array of strings that holds every redirect URI, letter for letter; else no client."""
    site.change_tenant(registration="open")
    site.house.outgoing = _Documents({"https://sector.example/uris": document})
    wanted = {
        "redirect_uris": REDIRECTS,
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://sector.example/uris",
    }
    answer = site.request("POST", "~/register", payload=wanted)
    assert (answer.status == 201) is is_taken, answer.text
    if is_taken:
        assert site.client(answer.json()["client_id"]).sector_identifier == "sector.example"
    else:
        assert answer.error == "invalid_client_metadata"


def test_d4_45_two_hosts_need_a_sector(site: harness.Site) -> None:
    """Core 8.1: with redirect URIs of two hosts and no sector there is no pairwise subject, so there is no client."""
    site.change_tenant(registration="open")
    wanted = {"redirect_uris": REDIRECTS, "subject_type": "pairwise"}
    assert site.request("POST", "~/register", payload=wanted).error == "invalid_client_metadata"
    made = site.request("POST", "~/register", payload=wanted | {"redirect_uris": REDIRECTS[:1]})
    assert site.client(made.json()["client_id"]).sector_identifier == "one.example"


class _Documents:
    """Answers outgoing calls from a table."""

    def __init__(self, documents: dict[str, str]) -> None:
        self._documents = documents

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns."""
        reply: Reply | None = None
        while True:
            try:
                call = next(flow) if reply is None else flow.send(reply)
            except StopIteration as stop:
                found: T = stop.value
                return found
            reply = Reply(200, (("content-type", "application/json"),), self._documents[call.url].encode(), call.url)


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_d4_46_iss_in_every_answer(site: harness.Site, mode: str) -> None:
    """RFC 9207: codes and errors name the issuer, so that answers of two cannot be mixed up."""
    site.add_tenant("shop")
    apps = [
        harness.App(site),
        harness.App(site, secret="other-secret", issuer="http://localhost:8080/shop"),
        harness.auth0_app(site),
    ]
    for app in apps:
        for answer in (
            app.authorize(harness.Browser(site), response_mode=mode, prompt="none"),
            app.authorize(harness.Browser(site), response_mode=mode, response_type="token"),
        ):
            # What could hold a token never goes by query, nor does its error.
            by_address = answer.params or answer.fragment
            given = by_address if mode == "query" else dict(harness.read_form(answer, "form-post")[1])
            assert given["iss"] == app.issuer
    assert site.get("~/.well-known/openid-configuration").json()["authorization_response_iss_parameter_supported"]
