"""Auth0's authorization endpoint: answers to a page, tokens through the browser, audiences, its texts."""

from __future__ import annotations

import pytest

from intaglio.dialects.auth0 import authorize
from intaglio.wire.params import Params
from tests import harness
from tests.capability import capability
from tests.web import markup

ROOT = "http://localhost:8083"
SPA = "http://localhost:3000"
API = "https://api.example/"


def spa(site: harness.Site) -> harness.App:
    """Return the single-page app at this port."""
    return harness.App(
        site, "spa", "", redirect_uri=SPA + "/callback", issuer="http://localhost:8083/", token="/oauth/token"
    )


def told(page: harness.Answer) -> tuple[str, dict[str, str]]:
    """Return whom a page speaks to, and what it says."""
    elements = markup.read(page.body)
    target = markup.by_id(elements, "web-message").attributes["data-target"]
    inputs = [element.attributes for element in elements if element.tag == "input"]
    return target, {one["name"]: one["value"] for one in inputs}


@capability("auth0-silent", witness="the page and its headers")
def test_trap_silent_renewal_tells_the_page_around_it(site: harness.Site) -> None:
    """With a session, code and state go to the redirect URI's origin; that page alone may frame the answer."""
    app, browser = spa(site), harness.Browser(site)
    app.tokens(browser)
    page = app.authorize(browser, prompt="none", response_mode="web_message")
    target, said = told(page)
    assert (page.status, target, said["state"]) == (200, SPA, "a-state")
    assert app.redeem(said["code"]).status == 200
    policy = page.header("content-security-policy") or ""
    assert f"frame-ancestors {SPA};" in policy
    assert "script-src 'self'" in policy
    assert page.header("x-frame-options") is None
    assert page.header("cross-origin-opener-policy") is None
    assert page.header("cache-control") == "no-store"


@capability("auth0-silent", witness="the page")
def test_silent_renewal_without_a_session(site: harness.Site) -> None:
    """`login_required`, in the words that the SDKs know, to the same page."""
    target, said = told(spa(site).authorize(harness.Browser(site), prompt="none", response_mode="web_message"))
    assert target == SPA
    assert (said["error"], said["error_description"]) == ("login_required", "Login required")


def test_consent_that_is_still_to_be_given(site: harness.Site) -> None:
    """`consent_required` tells a page to ask its person."""
    app, browser = spa(site), harness.Browser(site)
    harness.auth0_app(site).tokens(browser)
    _, said = told(app.authorize(browser, prompt="none", response_mode="web_message"))
    assert (said["error"], said["error_description"]) == ("consent_required", "Consent required")


def test_an_address_that_is_not_registered_is_told_nothing(site: harness.Site) -> None:
    """A page says so in the vendor's words, framed by nobody."""
    page = spa(site).authorize(
        harness.Browser(site), prompt="none", response_mode="web_message", redirect_uri="https://evil.example/"
    )
    assert (page.status, page.location) == (400, "")
    assert "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs." in page.text
    assert page.header("x-frame-options") == "DENY"
    assert "web-message" not in page.text


def test_a_native_scheme_has_no_page_to_tell(site: harness.Site) -> None:
    """Its answer goes by the fragment."""
    app = harness.App(
        site, "native", "", redirect_uri="com.example.app:/callback", issuer=ROOT + "/", token="/oauth/token"
    )
    answer = app.authorize(harness.Browser(site), prompt="none", response_mode="web_message")
    assert answer.location.startswith("com.example.app:/callback#error=login_required")


def test_other_dialects_do_not_know_the_mode(site: harness.Site) -> None:
    """Not everybody speaks to pages."""
    answer = harness.App(site).authorize(harness.Browser(site), prompt="none", response_mode="web_message")
    assert answer.error == "invalid_request"


@capability("auth0-response-types", witness="the answers")
@pytest.mark.parametrize("mode", [None, "form_post"])
@pytest.mark.parametrize("response_type", ["id_token", "id_token token", "code id_token", "code id_token token"])
def test_tokens_through_the_browser(site: harness.Site, response_type: str, mode: str | None) -> None:
    """Every response type that is enabled for the application, by fragment unless the request says otherwise."""
    kinds = (response_type, *(["code"] if "code" in response_type else []))
    site.change_client("web", response_types=kinds, grant_types=("authorization_code", "implicit", "refresh_token"))
    app = harness.auth0_app(site)
    answer = app.callback(response_type=response_type, response_mode=mode)
    if mode is None:
        fields = answer.fragment
    else:
        elements = markup.read(answer.body)
        fields = {e.attributes["name"]: e.attributes["value"] for e in elements if e.tag == "input"}
    claims = harness.payload(fields["id_token"])
    assert claims["nonce"] == "a-nonce"
    assert ("at_hash" in claims) == ("access_token" in fields) == ("token" in response_type.split())
    assert ("c_hash" in claims) == ("code" in fields) == ("code" in response_type.split())
    assert claims["exp"] - claims["iat"] == 36000
    if "code" in fields:
        assert harness.payload(app.redeem(fields["code"]).json()["id_token"])["sub"] == claims["sub"]


@capability("auth0-audience", witness="the answers")
def test_an_audience_has_to_be_the_applications(site: harness.Site) -> None:
    """One of its own is kept through the sign-in; another is refused; that of the profile is every token's."""
    app = harness.auth0_app(site)
    refused = app.authorize(harness.Browser(site), audience=API)
    assert (refused.params["error"], refused.params["error_description"]) == (
        "access_denied",
        f'Client is not authorized to access "{API}".',
    )
    site.change_client("web", audiences=(API,))
    assert "code" in app.callback(audience=API).params
    assert "code" in app.callback(audience=ROOT + "/userinfo").params


def test_parameters_survive_the_sign_in() -> None:
    """What this dialect reads is kept to be read again; telemetry and unknown parameters are not."""
    given = [("client_id", "web"), ("audience", API), ("organization", "org_1"), ("auth0Client", "eyJ9"), ("x", "y")]
    first = authorize.query(Params(given))
    assert dict(first.parameters) == {"client_id": "web", "audience": API, "organization": "org_1"}
    again = authorize.query(Params(first.parameters))
    assert (again.audience, again.organization) == (API, "org_1")


def test_a_parameter_that_is_too_long() -> None:
    """It is refused before anything is kept of it."""
    problem = authorize.query(Params([("organization", "x" * 600)])).problem
    assert problem is not None
    assert problem.error == "invalid_request"


def test_a_pop_up_keeps_its_opener_only_for_listed_origins(site: harness.Site) -> None:
    """The sign-in pages let go of the window that opened them, unless the application lists its page's origin."""
    app, name = spa(site), "cross-origin-opener-policy"

    def pages(mode: str | None) -> list[str | None]:
        browser = harness.Browser(site)
        login = browser.follow(app.authorize(browser, response_mode=mode))
        consent = browser.follow(browser.sign_in(login))
        return [login.header(name), consent.header(name)]

    assert pages("web_message") == ["same-origin"] * 2
    site.change_client("spa", allowed_origins=("https://other.example", SPA))
    assert pages("web_message") == [None] * 2
    assert pages(None) == ["same-origin"] * 2
    browser = harness.Browser(site)
    target, said = told(app.callback(browser, response_mode="web_message"))
    assert (target, "code" in said) == (SPA, True)


@capability("auth0-scopes", witness="the ID token and the profile")
@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid name email", {"name", "email", "email_verified"}),
        ("openid picture", {"picture"}),
        ("openid email_verified", {"email_verified"}),
        ("openid nickname given_name", {"nickname", "given_name"}),
        ("openid", set()),
    ],
)
def test_a_scope_that_is_called_like_a_claim(site: harness.Site, scope: str, names: set[str]) -> None:
    """It releases that claim and no other, in the ID token and at the profile's endpoint."""
    tokens = harness.auth0_app(site).tokens(scope=scope)
    protocol = {"iss", "sub", "aud", "iat", "exp", "sid", "nonce", "auth_time"}
    assert set(harness.payload(tokens["id_token"])) - protocol == names
    app = harness.auth0_app(site)
    assert set(app.userinfo(tokens["access_token"]).json()) - {"sub"} == names


def test_a_pushed_request(site: harness.Site) -> None:
    """201 with a reference that the authorization endpoint takes once."""
    app = harness.auth0_app(site)
    pushed = site.post(ROOT + "/oauth/par", app.request(prompt="none"), headers=app.headers())
    assert pushed.status == 201
    reference = pushed.json()["request_uri"]
    assert reference.startswith("urn:ietf:params:oauth:request_uri:")
    address = f"{ROOT}/authorize?client_id=web&request_uri={reference}"
    assert harness.Browser(site).get(address).params["error"] == "login_required"
    assert harness.Browser(site).get(address).status == 400


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "web_message"])
@pytest.mark.parametrize("silent", [True, False])
def test_trap_every_answer_names_the_issuer(site: harness.Site, mode: str, silent: bool) -> None:
    """The metadata promises `iss`, so answers and errors have it, in every mode and letter by letter."""
    metadata = site.get(ROOT + "/.well-known/openid-configuration").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    app, browser = spa(site), harness.Browser(site)
    answer = app.authorize(browser, prompt="none", response_mode=mode) if silent else None
    answer = answer or app.callback(browser, response_mode=mode)
    fields = answer.params | answer.fragment if answer.location else {}
    inputs = [e.attributes for e in markup.read(answer.body) if e.tag == "input"] if not answer.location else []
    fields = fields or {one["name"]: one["value"] for one in inputs}
    assert ("error" in fields) == silent
    assert fields["iss"] == metadata["issuer"]


def test_an_api_asks_whom_a_token_is_for(site: harness.Site) -> None:
    """Access tokens are opaque, so introspection tells the audience, of a person's token and of a machine's own."""
    site.change_client("web", audiences=(API,))
    site.change_client("machine", audiences=(API,))
    app = harness.auth0_app(site)
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    own = site.post(ROOT + "/oauth/token", form | {"audience": API}).json()["access_token"]
    for token in (app.tokens(audience=API)["access_token"], own):
        told_of = site.post(ROOT + "/oauth/introspect", {"token": token}, headers=app.headers()).json()
        assert (told_of["active"], told_of["aud"]) == (True, API)
    plain = app.tokens()["access_token"]
    assert "aud" not in site.post(ROOT + "/oauth/introspect", {"token": plain}, headers=app.headers()).json()
