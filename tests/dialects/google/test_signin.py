"""People sign in at the Google-shaped issuer: requests, tokens, refresh, userinfo, devices, metadata."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from intaglio.dialects import registry
from intaglio.dialects.google import hosts, signin
from intaglio.protocol.authorize import RESPONSE_TYPES
from intaglio.server.devmode import seeds
from intaglio.server.http.tenancy import Listener
from tests import harness
from tests.capability import capability

BASE = "http://localhost:8081"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Google(harness.App):
    """A client that knows the server by its Google-shaped addresses."""

    def __init__(self, site: harness.Site, client_id: str = "web", secret: str = "web-secret", **more: Any) -> None:
        super().__init__(site, client_id, secret, issuer=BASE, **more)

    def authorize(self, browser: harness.Browser, **changes: str | None) -> harness.Answer:
        """Send the browser to Google's authorization endpoint, for offline access unless it is said otherwise."""
        usual = {"scope": "openid email profile", "access_type": "offline"}
        return browser.get(f"{BASE}/o/oauth2/v2/auth?{urlencode(self.request(**(usual | changes)))}")


@pytest.fixture
def app(site: harness.Site) -> Google:
    """The seeded web app."""
    return Google(site)


def cli(site: harness.Site) -> Google:
    """Return the seeded command line."""
    return Google(site, seeds.CLI, "", redirect_uri="http://127.0.0.1:45678/callback")


# --- the metadata


@capability("google-signin-discovery", witness="the document itself")
def test_the_document_has_googles_members(site: harness.Site) -> None:
    """Every endpoint has Google's path, in development at the one address."""
    told = site.get(BASE + "/.well-known/openid-configuration").json()
    assert {name: value.removeprefix(BASE) for name, value in told.items() if name.endswith(("_endpoint", "_uri"))} == {
        "authorization_endpoint": "/o/oauth2/v2/auth",
        "device_authorization_endpoint": "/device/code",
        "token_endpoint": "/token",
        "userinfo_endpoint": "/v1/userinfo",
        "revocation_endpoint": "/revoke",
        "jwks_uri": "/oauth2/v3/certs",
    }
    assert told["issuer"] == BASE
    assert told["id_token_signing_alg_values_supported"] == ["RS256"]
    assert "end_session_endpoint" not in told


# --- signing in


@capability("google-signin-code", witness="the standard library's HTTP reader")
def test_a_person_signs_in(app: Google) -> None:
    """Code, tokens, and an ID token with the party, the e-mail address and the profile in it."""
    told = app.tokens()
    assert told["scope"] == f"openid {EMAIL} {PROFILE}"
    assert told["refresh_token"]
    claims = harness.payload(told["id_token"])
    assert claims["iss"] == BASE
    assert claims["aud"] == claims["azp"] == "web"
    assert re.fullmatch(r"1\d{20}", claims["sub"])
    assert (claims["email"], claims["email_verified"]) == ("alice@example.com", True)
    names = {name: claims[name] for name in ("name", "given_name", "family_name", "picture", "locale")}
    assert names == {name: seeds.ALICE[name] for name in names}
    assert claims["nonce"] == "a-nonce"
    assert claims["at_hash"]
    assert claims["exp"] - claims["iat"] == 3600


@capability("google-signin-claims", witness="the ID token's payload")
@pytest.mark.parametrize(
    ("scope", "there", "absent"),
    [
        ("openid", set(), {"email", "email_verified", "name", "picture", "hd"}),
        ("openid email", {"email", "email_verified"}, {"name", "picture", "hd"}),
        ("openid profile", {"name", "picture", "locale"}, {"email", "birthdate", "phone_number", "hd"}),
        ("openid phone", {"phone_number"}, {"email", "name"}),
    ],
)
def test_the_scopes_decide_the_claims(app: Google, scope: str, there: set[str], absent: set[str]) -> None:
    """What was not asked for is not in the token; no domain is claimed for anybody."""
    claims = harness.payload(app.tokens(scope=scope)["id_token"])
    assert there <= set(claims)
    assert not absent & set(claims)


@capability("google-signin-scopes", witness="the token answer")
def test_scopes_have_long_names_and_bring_openid(app: Google) -> None:
    """The long names mean the short ones, and whoever asks for an e-mail address asks for a sign-in."""
    told = app.tokens(scope=f"{EMAIL} {PROFILE}")
    assert told["scope"] == f"openid {EMAIL} {PROFILE}"
    assert harness.payload(told["id_token"])["email"] == "alice@example.com"
    assert signin.scope_of([EMAIL, "email", "openid"]) == ("email", "openid")
    assert signin.scope_of(["https://www.googleapis.com/auth/cloud-platform"]) == (signin.CLOUD,)


@capability("google-signin-offline", witness="the token answer")
def test_offline_access_is_a_parameter(site: harness.Site, app: Google) -> None:
    """Without `access_type=offline` nothing lasts, and with it no scope is needed, not even the client's."""
    assert "refresh_token" not in app.tokens(access_type=None)
    assert "refresh_token" not in app.tokens(access_type="online")
    site.change_client("web", scope=("openid", "email", "profile"))
    told = app.tokens()
    assert told["refresh_token"]
    assert "offline_access" not in told["scope"]


def test_offline_access_is_shown_and_can_be_declined(site: harness.Site, app: Google) -> None:
    """The consent page asks for it, and without the tick no refresh token comes."""
    browser = harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser)))
    assert "Stay connected" in page.text
    answer = browser.consent(page, scope=["openid", "email"])
    told = app.redeem(answer.params["code"]).json()
    assert "refresh_token" not in told
    assert told["scope"] == f"openid {EMAIL}"


def test_a_client_without_the_grant_gets_nothing_that_lasts(site: harness.Site, app: Google) -> None:
    """`access_type=offline` opens nothing that the client may not do."""
    site.change_client("web", grant_types=("authorization_code",))
    assert "refresh_token" not in app.tokens()


@capability("google-signin-parameters", witness="the redirects")
def test_prompt_and_hints(site: harness.Site, app: Google) -> None:
    """`prompt=none` is silent, a login_hint fills the form unless it is a subject, `hd` changes nothing."""
    browser = harness.Browser(site)
    assert app.authorize(browser, prompt="none").error == "login_required"
    page = browser.follow(app.authorize(browser, login_hint="alice@example.com", hd="example.com"))
    assert 'value="alice@example.com"' in page.text
    page = browser.follow(app.authorize(browser, login_hint="1" * 21))
    assert "1" * 21 not in page.text
    answer = browser.through(app.authorize(browser, prompt="select_account consent"))
    assert answer.params["state"] == "a-state"
    assert app.authorize(browser, prompt="none").params["code"]


@capability("google-signin-incremental", witness="the token answer")
def test_earlier_grants_are_included_where_asked_for(site: harness.Site, app: Google) -> None:
    """With `include_granted_scopes=true` a code has what was granted before as well, and without it not."""
    browser = harness.Browser(site)
    app.tokens(browser, scope="openid profile", access_type=None)
    assert app.tokens(browser, scope="openid email", access_type=None)["scope"] == f"openid {EMAIL}"
    both = app.tokens(browser, scope="openid email", access_type=None, include_granted_scopes="true")
    assert set(both["scope"].split()) == {"openid", EMAIL, PROFILE}
    assert "refresh_token" not in both
    # A scope that was taken away from the client is not given, whatever was granted.
    site.change_client("web", scope=("openid", "email"))
    assert app.tokens(browser, scope="openid email", include_granted_scopes="true")["scope"] == f"openid {EMAIL}"


def test_a_native_program_gets_only_what_its_page_showed(site: harness.Site) -> None:
    """Who can be anybody is not given what somebody was given before."""
    app, browser = cli(site), harness.Browser(site)
    app.tokens(browser, scope="openid profile")
    told = app.tokens(browser, scope="openid email", include_granted_scopes="true")
    assert told["scope"] == f"openid {EMAIL}"


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
@capability("google-signin-response-types", witness="the redirects")
def test_response_types(site: harness.Site, response_type: str) -> None:
    """Every response type brings what it names; an ID token alone has the scopes' claims in it as well."""
    grants = ("authorization_code", "implicit", "refresh_token")
    site.change_client("web", response_types=RESPONSE_TYPES, grant_types=grants)
    app = Google(site)
    answer = app.callback(response_type=response_type, code_challenge=None, code_challenge_method=None)
    found = answer.params | answer.fragment
    for word, name in (("code", "code"), ("token", "access_token"), ("id_token", "id_token")):
        assert (name in found) is (word in response_type.split())
    if "id_token" in found:
        claims = harness.payload(found["id_token"])
        assert claims["email"] == "alice@example.com"
        assert "birthdate" not in claims
        assert ("c_hash" in claims) is ("code" in found)


def test_the_older_address_is_the_same(site: harness.Site, app: Google) -> None:
    """`/o/oauth2/auth` answers like its successor."""
    query = urlencode(app.request(scope="openid"))
    page = harness.Browser(site).get(f"{BASE}/o/oauth2/auth?{query}")
    assert page.location.startswith("/_intaglio/login/")


# --- tokens


@capability("google-signin-refresh", witness="the token answers")
@pytest.mark.parametrize("client", ["web", seeds.CLI])
def test_a_refresh_gives_an_id_token_and_never_rotates(site: harness.Site, client: str) -> None:
    """The first refresh token stays good for every kind of client, and no other comes with the answer."""
    app = Google(site) if client == "web" else cli(site)
    if client == "web":
        site.change_client("web", refresh_policy="rotate")
    first = app.tokens()
    for _ in range(3):
        site.clock.advance(600)
        again = app.refresh(first["refresh_token"])
        assert again.status == 200
        told = again.json()
        assert "refresh_token" not in told
        claims = harness.payload(told["id_token"])
        assert claims["iat"] == site.clock.now()
        assert claims["email"] == "alice@example.com"
        assert "nonce" not in claims
    assert app.userinfo(told["access_token"]).status == 404
    assert site.get(BASE + "/v1/userinfo", headers={"authorization": f"Bearer {told['access_token']}"}).status == 200


def test_a_refresh_narrows_by_long_names_and_never_widens(app: Google) -> None:
    """The scopes of a refresh may be said either way; more than was granted is refused."""
    token = app.tokens(scope="openid email")["refresh_token"]
    assert app.refresh(token, scope=f"openid {EMAIL}").json()["scope"] == f"openid {EMAIL}"
    assert app.refresh(token, scope=f"openid {PROFILE}").error == "invalid_scope"


@pytest.mark.parametrize("path", ["/token", "/oauth2/v4/token", "/o/oauth2/token"])
def test_the_token_endpoint_has_three_addresses(site: harness.Site, path: str) -> None:
    """A code is redeemed at each of them."""
    app = Google(site, token=path)
    assert app.tokens()["id_token"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password", "username": "alice"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": "http://a"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": DEVICE_GRANT, "device_code": "x"}, 400, "unauthorized_client"),
    ],
)
@capability("google-signin-errors", witness="the answers' bodies")
def test_faults_of_the_token_endpoint(app: Google, form: dict[str, str], status: int, error: str) -> None:
    """OAuth's form: error and error_description, and never a token."""
    answer = app.token(form)
    assert (answer.status, answer.error) == (status, error)
    assert answer.json()["error_description"]
    assert answer.header("cache-control") == "no-store"


def test_a_wrong_secret_is_an_invalid_client(site: harness.Site) -> None:
    """401, and a refresh token is of no use to another client."""
    app = Google(site)
    token = app.tokens()["refresh_token"]
    assert Google(site, secret="another").refresh(token).status == 401
    assert cli(site).refresh(token).error == "invalid_grant"


def test_tokens_of_other_issuers_are_none_here(site: harness.Site, app: Google) -> None:
    """A refresh token of the standard issuer is unknown at the Google-shaped one, and the other way round."""
    standard = harness.App(site)
    assert app.refresh(standard.tokens()["refresh_token"]).error == "invalid_grant"
    assert standard.refresh(app.tokens()["refresh_token"]).error == "invalid_grant"


# --- userinfo


@capability("google-signin-userinfo", witness="the answers' bodies")
def test_userinfo_in_two_forms(site: harness.Site, app: Google) -> None:
    """`sub` and `email_verified` in the newer form, `id` and `verified_email` in the older."""
    headers = {"authorization": f"Bearer {app.tokens()['access_token']}"}
    newer = [site.get(BASE + path, headers=headers).json() for path in ("/v1/userinfo", "/oauth2/v3/userinfo")]
    assert newer[0] == newer[1]
    assert newer[0]["email_verified"] is True
    assert "birthdate" not in newer[0]
    older = site.get(BASE + "/oauth2/v2/userinfo", headers=headers).json()
    assert (older["id"], older["verified_email"]) == (newer[0]["sub"], True)
    assert not {"sub", "email_verified"} & set(older)
    assert site.get(BASE + "/v1/userinfo").status == 401


# --- devices


@capability("google-signin-device", witness="the answers' bodies and statuses")
def test_a_device_signs_somebody_in(site: harness.Site) -> None:
    """The old name of the address is there too; waiting is a 428, and what comes lasts without being asked for."""
    app = cli(site)
    begun = site.post(BASE + "/device/code", {"client_id": seeds.CLI, "scope": f"{EMAIL} {PROFILE}"}).json()
    assert begun["verification_url"] == begun["verification_uri"] == BASE + "/device"
    poll = {"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}
    waiting = app.token(poll)
    assert (waiting.status, waiting.error) == (428, "authorization_pending")
    early = app.token(poll)
    assert (early.status, early.error) == (403, "slow_down")
    browser = harness.Browser(site)
    page = browser.submit(browser.get(BASE + "/device"), "device-form", user_code=begun["user_code"])
    page = browser.sign_in(browser.follow(page))
    browser.follow(browser.submit(page, "device-decision", decision="allow"))
    site.clock.advance(30)
    told = app.token(poll).json()
    assert told["scope"] == f"openid {EMAIL} {PROFILE}"
    claims = harness.payload(told["id_token"])
    assert (claims["aud"], claims["email"]) == (seeds.CLI, "alice@example.com")
    assert app.refresh(told["refresh_token"]).json()["id_token"]


def test_a_device_gets_nothing_that_its_client_may_not(site: harness.Site) -> None:
    """A scope that the client lacks is refused, and without the grant type nothing lasts."""
    site.change_client(seeds.CLI, scope=("openid", "email"), grant_types=(DEVICE_GRANT,))
    form = {"client_id": seeds.CLI, "scope": "openid profile"}
    assert site.post(BASE + "/device/code", form).error == "invalid_scope"
    begun = site.post(BASE + "/device/code", form | {"scope": "email"}).json()
    browser = harness.Browser(site)
    page = browser.follow(browser.submit(browser.get(BASE + "/device"), "device-form", user_code=begun["user_code"]))
    page = browser.sign_in(page)
    assert "Stay connected" not in page.text
    browser.follow(browser.submit(page, "device-decision", decision="allow"))
    told = cli(site).token({"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}).json()
    assert "refresh_token" not in told


# --- keys


@capability("google-certs-cache", witness="the answers' headers")
@pytest.mark.parametrize("path", ["/oauth2/v1/certs", "/oauth2/v3/certs"])
def test_keys_are_kept_for_a_while_and_not_beyond(site: harness.Site, path: str) -> None:
    """Caches may keep them, for a time that is told, and must ask again then."""
    control = (site.get(BASE + path).header("cache-control") or "").split(", ")
    assert control[0] == "public"
    assert 0 < int(control[1].removeprefix("max-age=")) <= 86400
    assert control[2:] == ["must-revalidate", "no-transform"]


@capability("google-certs-rsa-only", witness="the JWK members")
def test_only_keys_that_every_library_reads_are_published(site: harness.Site) -> None:
    """A ring with other keys still shows RS256 alone, each with kid, use and alg, and each of them as a certificate."""
    for alg in ("ES256", "EdDSA", "PS256"):
        site.keys(alg)
    site.settle()
    keys = site.get(BASE + "/oauth2/v3/certs").json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("RSA", "RS256", "sig")]
    assert {key["kid"] for key in keys} == set(site.get(BASE + "/oauth2/v1/certs").json())


# --- a universe


@capability("google-universe", witness="the answers at each name")
def test_every_name_of_a_universe_leads_to_the_one_issuer() -> None:
    """Whatever name a request comes in under, the issuer is that of the universe, and so are the addresses."""
    base = "https://accounts.id.example.com"
    door = Listener(dialect=registry.DIALECTS["google"], name="google", base_url=base, tenant=seeds.SLUG)
    with harness.site(listeners=(door,), development=False) as site:
        for name in hosts.names(base):
            at = f"http://{name}:{harness.STANDARD}"
            told = site.get(at + "/.well-known/openid-configuration").json()
            assert told["issuer"] == base
            assert told["token_endpoint"] == "https://oauth2.id.example.com/token"
            assert site.get(at + "/oauth2/v3/certs").status == 200
            assert site.post(at + "/token", {"grant_type": "refresh_token"}).error == "invalid_request"
        begun = site.post(at + "/device/code", {"client_id": seeds.CLI, "scope": "openid"}).json()
        assert begun["verification_uri"] == base + "/device"
