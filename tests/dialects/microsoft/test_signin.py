"""The authorization endpoint and signing out: response types and modes, prompts, what has to be there."""

from __future__ import annotations

import base64
import hashlib
import uuid
from urllib.parse import urlencode

import pytest

from tests import harness
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, SPA, TENANT, V2, WEB, Application
from tests.harness import Browser, Site, payload

PAGE = "http://localhost:5173/callback"


def _half(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def _description(answer: harness.Answer) -> str:
    return (answer.params | answer.fragment)["error_description"]


@capability("microsoft-implicit", witness="a scripted browser")
@pytest.mark.parametrize(
    ("response_type", "given"),
    [
        ("id_token", {"id_token"}),
        ("code id_token", {"code", "id_token"}),
        ("id_token code", {"code", "id_token"}),
        ("id_token token", {"id_token", "access_token", "token_type", "expires_in", "scope"}),
        ("code id_token token", {"code", "id_token", "access_token", "token_type", "expires_in", "scope"}),
    ],
)
def test_implicit_and_hybrid(web: Application, response_type: str, given: set[str]) -> None:
    """By fragment, with the hashes of what comes along, state, session_state and the account's home."""
    answer = web.callback(response_type=response_type, client_info="1", state="s")
    told = answer.fragment
    assert set(told) == given | {"state", "session_state", "client_info"}
    claims = payload(told["id_token"])
    assert (claims["iss"], claims["nonce"]) == (V2, "a-nonce")
    assert claims.get("c_hash") == (_half(told["code"]) if "code" in given else None)
    assert claims.get("at_hash") == (_half(told["access_token"]) if "access_token" in given else None)
    assert "iss" not in told


def test_switches_of_the_application(site: Site) -> None:
    """Tokens through the browser only where the application's settings switch them on: AADSTS700054."""
    site.change_client(WEB, dialects={"microsoft": {}})
    web = Application(site)
    for response_type in ("id_token", "code id_token", "id_token token"):
        refused = web.authorize(Browser(site), response_type=response_type)
        assert refused.fragment["error"] == "unsupported_response_type"
        assert _description(refused).startswith("AADSTS700054: response_type '")
    only = {"microsoft": {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}}}}
    site.change_client(WEB, dialects=only)
    assert "id_token" in web.callback(response_type="id_token").fragment
    assert web.authorize(Browser(site), response_type="id_token token").fragment["error"] == "unsupported_response_type"
    both = {"enableIdTokenIssuance": True, "enableAccessTokenIssuance": True}
    site.change_client(WEB, dialects={"microsoft": {"web": {"implicitGrantSettings": both}}})


def test_s9_10_form_post(web: Application) -> None:
    """The fields in a form that the browser posts, errors too."""
    page = web.callback(response_mode="form_post", client_info="1")
    fields = dict(harness.read_form(page, "form-post")[1])
    assert {"code", "state", "session_state", "client_info"} == set(fields)
    refused = web.authorize(Browser(web.site), response_mode="form_post", prompt="none")
    assert dict(harness.read_form(refused, "form-post")[1])["error"] == "login_required"


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"response_type": "id_token", "response_mode": "query"}, "invalid_request", 70007),
        ({"response_type": "id_token", "nonce": None}, "invalid_request", 900144),
        ({"response_type": "id_token", "scope": "User.Read"}, "unsupported_response_type", 70005),
        ({"response_type": "nothing"}, "unsupported_response_type", 70005),
        ({"scope": None}, "invalid_request", 900144),
        ({"resource": "https://graph.example"}, "invalid_request", 901002),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"prompt": "none"}, "login_required", 50058),
    ],
)
def test_what_is_refused(web: Application, changes: dict[str, str | None], error: str, number: int) -> None:
    """By redirect, with the number, and where to look it up."""
    refused = web.authorize(Browser(web.site), **changes)
    told = refused.params | refused.fragment
    assert told["error"] == error
    assert told["error_description"].startswith(f"AADSTS{number}: ")
    assert told["error_uri"] == f"{BASE}/error?code={number}"
    assert told["state"] == "a-state"


def test_s9_10_pages_need_pkce(site: Site) -> None:
    """A page's request without a code_challenge is refused."""
    app = Application(site, SPA, "", redirect_uri=PAGE)
    refused = app.authorize(Browser(site), code_challenge=None, code_challenge_method=None)
    assert refused.params["error"] == "invalid_request"


def test_what_leads_nowhere_is_shown(site: Site, web: Application) -> None:
    """An unknown application or address gets a page with its number, and no redirect."""
    page = Application(site, redirect_uri="https://evil.example/").authorize(Browser(site))
    assert (page.status, "AADSTS50011" in page.text) == (400, True)
    page = Application(site, "00000000-0000-4000-8000-0000000000ff").authorize(Browser(site))
    assert (page.status, "AADSTS700016" in page.text) == (400, True)


def test_prompts(site: Site, web: Application) -> None:
    """`none` once somebody is signed in; `login` and `select_account` ask again; `consent` asks for consent."""
    browser = Browser(site)
    web.callback(browser)
    assert "code" in web.authorize(browser, prompt="none").params
    for prompt in ("login", "select_account"):
        assert 'id="login-form"' in browser.follow(web.authorize(browser, prompt=prompt)).text
    for prompt in ("consent", "admin_consent"):
        assert 'id="consent-form"' in browser.follow(web.authorize(browser, prompt=prompt)).text


def test_both_versions_share_the_session(site: Site, web: Application) -> None:
    """Whoever signed in at v2.0 is signed in at v1.0, and at `common`."""
    browser = Browser(site)
    web.callback(browser)
    assert "code" in web.v1().authorize(browser, prompt="none", scope="openid").params
    assert "code" in web.at("common").authorize(browser, prompt="none").params
    assert len([name for name in browser.jar if "-session-" in name]) == 1


def test_the_session_state_is_a_guid_of_the_session(site: Site, web: Application) -> None:
    """The same for each answer of a session, another one for the next; `sid` is the same text."""
    browser = Browser(site)
    first = web.callback(browser).params["session_state"]
    assert str(uuid.UUID(first)) == first
    assert web.authorize(browser, prompt="none").params["session_state"] == first
    assert web.callback(Browser(site)).params["session_state"] != first


@pytest.mark.parametrize("name", ["x-client-SKU", "clidata", "instance_aware", "nativebroker", "pocd", "haschrome"])
def test_s9_06_unknown_parameters_are_ignored(site: Site, web: Application, name: str) -> None:
    """What SDKs send along changes nothing, at either endpoint and twice over."""
    answer = web.callback(**{name: "1"})
    again = web.redeem(answer.params["code"], **{name: "1"})
    assert again.status == 200


def test_s9_06_the_claims_parameter_of_sdks(web: Application) -> None:
    """One SDK sends `claims` with every request."""
    asked = '{"id_token":{"signin_state":{"essential":false},"login_hint":{"essential":false}}}'
    assert web.tokens(claims=asked)["id_token"]


def test_max_age_brings_the_time_of_the_sign_in(web: Application) -> None:
    """SDKs that say `max_age` demand `auth_time`."""
    assert "auth_time" in payload(web.tokens(max_age="100")["id_token"])
    assert "auth_time" not in payload(web.tokens()["id_token"])


# --- signing out


def _sign_out(site: Site, browser: Browser, **fields: str) -> harness.Answer:
    return browser.get(f"{BASE}/{TENANT}/oauth2/v2.0/logout?{urlencode(fields)}")


@capability("microsoft-logout", witness="a scripted browser")
def test_signing_out_by_an_id_token(site: Site, web: Application) -> None:
    """The session of the hint ends without asking, and the browser goes on, in v2.0, v1.0 and at `common`."""
    target = "http://127.0.0.1:9999/"
    for path, app in ((f"{TENANT}/oauth2/v2.0", web), (f"{TENANT}/oauth2", web.v1()), ("common/oauth2/v2.0", web)):
        browser = Browser(site)
        token = app.tokens(browser)["id_token"]
        query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": target, "state": "bye"})
        answer = browser.get(f"{BASE}/{path}/logout?{query}")
        assert answer.location == target + "?state=bye", answer.text
        assert web.authorize(browser, prompt="none").params["error"] == "login_required"


def test_signing_out_without_a_client(site: Site, web: Application) -> None:
    """SDKs name no application: the address has to be one of an application of the session, and the person is asked."""
    browser = Browser(site)
    web.tokens(browser)
    page = _sign_out(site, browser, post_logout_redirect_uri="http://127.0.0.1:9999/", logout_hint="alice")
    assert 'id="logout-form"' in page.text
    done = browser.submit(page, "logout-form", decision="logout")
    assert done.location == "http://127.0.0.1:9999/"


def test_signing_out_leads_nowhere_else(site: Site, web: Application) -> None:
    """An address of no application of the session is left out, whoever is signed in."""
    browser = Browser(site)
    assert _sign_out(site, browser, post_logout_redirect_uri="https://evil.example/").location == ""
    web.tokens(browser)
    page = _sign_out(site, browser, post_logout_redirect_uri="https://evil.example/")
    assert browser.submit(page, "logout-form", decision="logout").location == ""


def test_applications_are_told_of_a_sign_out(site: Site, web: Application) -> None:
    """In a frame, with the session's identifier as its tokens have it."""
    site.change_client(WEB, frontchannel_logout_uri="https://web.example/out")
    browser = Browser(site)
    answer = web.callback(browser)
    token = web.redeem(answer.params["code"]).json()["id_token"]
    page = _sign_out(site, browser, id_token_hint=token)
    query = urlencode({"iss": V2, "sid": answer.params["session_state"]}).replace("&", "&amp;")
    assert f"https://web.example/out?{query}" in page.text
    site.change_client(WEB, frontchannel_logout_uri="")
