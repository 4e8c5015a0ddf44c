"""The endpoints of both versions: what is read, what is answered, what is tolerated."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from intaglio.server.admin import keys as admin
from intaglio.server.keyring import rings
from intaglio.server.model import signingkeys
from tests import harness
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, DAEMON, NATIVE, SPA, TENANT, V2, WEB, Application
from tests.harness import Browser, Site, payload

DOMAIN = "dev.intaglio.test"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
PAGE = "http://localhost:5173/callback"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def _metadata(site: Site, path: str) -> dict[str, Any]:
    answer = site.get(f"{BASE}/{path}/.well-known/openid-configuration")
    assert answer.status == 200, answer.text
    return dict(answer.json())


def _info(text: str) -> dict[str, str]:
    assert "=" not in text
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


# --- metadata


@capability("microsoft-tenants", witness="requests over the whole server")
@pytest.mark.parametrize(
    ("word", "issuer", "endpoints"),
    [
        (TENANT, TENANT, TENANT),
        (DOMAIN, TENANT, TENANT),
        (DOMAIN.upper(), TENANT, TENANT),
        ("consumers", PERSONAL, PERSONAL),
        ("Consumers", PERSONAL, PERSONAL),
        ("common", "{tenantid}", "common"),
        ("COMMON", "{tenantid}", "common"),
        ("organizations", "{tenantid}", "organizations"),
    ],
)
def test_the_words_for_tenants(site: Site, word: str, issuer: str, endpoints: str) -> None:
    """A domain and `consumers` are resolved to their GUID; `common` and `organizations` stay, the issuer a template."""
    told = _metadata(site, f"{word}/v2.0")
    assert told["issuer"] == f"{BASE}/{issuer}/v2.0"
    assert told["token_endpoint"] == f"{BASE}/{endpoints}/oauth2/v2.0/token"
    assert (told["tenant_region_scope"] is None) == (issuer == "{tenantid}")
    assert _metadata(site, word)["issuer"] == f"{BASE}/{issuer}/"


def test_both_versions_of_the_metadata(site: Site) -> None:
    """What differs: issuer, key document, response types, scopes, userinfo."""
    v2, v1 = _metadata(site, f"{TENANT}/v2.0"), _metadata(site, TENANT)
    assert v1["jwks_uri"] == f"{BASE}/common/discovery/keys"
    assert v1["userinfo_endpoint"] == f"{BASE}/{TENANT}/openid/userinfo"
    assert v2["userinfo_endpoint"] == f"{BASE}/oidc/userinfo"
    assert v1["authorization_endpoint"] == f"{BASE}/{TENANT}/oauth2/authorize"
    assert "request_uri_parameter_supported" not in v1
    assert v2["response_types_supported"] == ["code", "id_token", "code id_token", "id_token token"]
    assert next(iter(v2)) == "token_endpoint"


@capability("microsoft-discovery", witness="requests over the whole server")
def test_every_address_of_the_metadata_answers(site: Site) -> None:
    """Nothing is advertised that is not there."""
    for path in (f"{TENANT}/v2.0", TENANT, "common/v2.0", "common", "consumers/v2.0"):
        for name, value in _metadata(site, path).items():
            if name.endswith(("endpoint", "_uri")) and isinstance(value, str):
                assert site.get(value).status != 404, (path, name)


@capability("microsoft-keys", witness="requests over the whole server")
def test_s9_11_keys_have_certificates_and_an_issuer(site: Site) -> None:
    """Each key with x5c, x5t = kid and, in v2.0, the issuer as a template; the same document for one application."""
    keys = site.get(f"{BASE}/{TENANT}/discovery/v2.0/keys").json()["keys"]
    for key in keys:
        assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
        assert key["kid"] == key["x5t"]
        assert key["issuer"] == BASE + "/{tenantid}/v2.0"
    plain = site.get(f"{BASE}/common/discovery/keys").json()["keys"]
    assert plain == [{name: value for name, value in key.items() if name != "issuer"} for key in keys]
    told = site.get(f"{BASE}/{TENANT}/v2.0/.well-known/openid-configuration?appid={WEB}").json()
    assert told["jwks_uri"].endswith(f"/keys?appid={WEB}")
    assert site.get(told["jwks_uri"]).json()["keys"] == keys


@pytest.mark.parametrize(
    "path",
    [
        f"/{TENANT}/v2.0//.well-known/openid-configuration",
        f"//{TENANT}/v2.0/.well-known/openid-configuration",
        f"/{TENANT}/v2.0/.well-known/openid-configuration?",
    ],
)
def test_s9_02_slashes_too_many_and_a_lone_question_mark(site: Site, path: str) -> None:
    """Paths as SDKs join them."""
    assert site.run(site.raw("GET", 8082, *path.partition("?")[::2])).json()["issuer"] == V2


def test_s9_02_the_word_token_stands_once(site: Site) -> None:
    """An SDK makes the device's address of the token's, by replacing each `token` in it."""
    told = _metadata(site, f"{TENANT}/v2.0")
    assert told["token_endpoint"].replace("token", "devicecode") == told["device_authorization_endpoint"]


def test_s9_13_an_unknown_tenant_is_a_bad_request(site: Site) -> None:
    """HTTP 400 with AADSTS90002, at the metadata and at the token endpoint."""
    for word in ("nobody.example", "00000000-0000-4000-8000-0000000000ff", "nobody"):
        answer = site.get(f"{BASE}/{word}/v2.0/.well-known/openid-configuration")
        assert (answer.status, answer.error) == (400, "invalid_tenant")
        assert answer.json()["error_codes"] == [90002]
        answer = site.post(f"{BASE}/{word}/oauth2/v2.0/token", {"grant_type": "authorization_code"})
        assert (answer.status, answer.error, answer.json()["error_codes"]) == (400, "invalid_request", [90002])


@capability("microsoft-instance", witness="requests over the whole server")
def test_s9_13_instance_discovery(site: Site) -> None:
    """This host alone, whether the SDK names its port or not; another host is unknown."""
    where = f"{BASE}/common/discovery/instance?api-version=1.1&authorization_endpoint="
    for host in ("localhost", "localhost:8082"):
        told = site.get(f"{where}https://{host}/{TENANT}/oauth2/v2.0/authorize").json()
        assert told["tenant_discovery_endpoint"] == f"{BASE}/{TENANT}/v2.0/.well-known/openid-configuration"
        assert told["metadata"][0]["aliases"] == ["localhost:8082"]
    refused = site.get(where + "https://login.example/common/oauth2/v2.0/authorize")
    assert (refused.status, refused.error, refused.json()["error_codes"]) == (400, "invalid_instance", [50049])


def test_s9_13_user_realm_tells_nobody_who_there_is(site: Site) -> None:
    """The same answer for a person and for nobody, under either spelling."""
    told = [
        site.get(f"{BASE}/common/{word}/{name}@{DOMAIN}?api-version=1.0").json()
        for word in ("userrealm", "UserRealm")
        for name in ("alice", "nobody")
    ]
    assert all(one == told[0] for one in told)
    assert told[0]["account_type"] == "Unknown"


def test_errors_are_looked_up(site: Site) -> None:
    """The page behind `error_uri` says what a number means."""
    found = site.get(f"{BASE}/error?code=50011")
    assert found.status == 200
    assert "redirect URI" in found.text
    assert "What this error means" in found.text
    assert "ref_" not in found.text
    assert site.get(f"{BASE}/error?code=1").status == 404
    assert site.get(f"{BASE}/error?code=%3Cb%3E").status == 404


# --- tokens


@capability("microsoft-v1", witness="requests over the whole server")
def test_a_code_flow_of_v1(site: Site, web: Application) -> None:
    """The token follows the endpoint: issuer with a slash, version 1.0, x5t in the header, texts for numbers."""
    answer = web.v1().redeem(web.v1().code(resource="https://graph.example", scope="openid", nonce="n"))
    body = answer.json()
    claims = payload(body["id_token"])
    assert (claims["iss"], claims["ver"], claims["nonce"]) == (f"{BASE}/{TENANT}/", "1.0", "n")
    header = json.loads(base64.urlsafe_b64decode(body["id_token"].split(".")[0] + "=="))
    assert list(header) == ["alg", "typ", "x5t", "kid"]
    assert header["x5t"] == header["kid"]
    assert (body["expires_in"], body["resource"]) == ("4500", "https://graph.example")
    assert int(body["expires_on"]) - int(body["not_before"]) == 4800
    assert "refresh_token" in body
    userinfo = site.get(f"{BASE}/{TENANT}/openid/userinfo", headers={"authorization": f"Bearer {body['access_token']}"})
    assert userinfo.json()["sub"] == claims["sub"]


def test_a_code_stays_with_its_version(web: Application) -> None:
    """What v2.0 gave is redeemed at v2.0 alone, and the same for refresh tokens."""
    assert web.v1().redeem(web.code()).error == "invalid_grant"
    refresh = web.tokens()["refresh_token"]
    assert web.v1().refresh(refresh).error == "invalid_grant"
    assert web.refresh(refresh).status == 200


def test_s9_03_every_alias_is_accepted(site: Site, web: Application) -> None:
    """A code of the GUID's address is redeemed at the domain's and at `common`, and refreshed there."""
    for word in (DOMAIN, "common", "organizations", TENANT.upper()):
        answer = web.at(word).redeem(web.code())
        assert answer.status == 200, (word, answer.text)
        assert payload(answer.json()["id_token"])["iss"] == V2
        assert web.at(word).refresh(answer.json()["refresh_token"]).status == 200


def test_a_code_of_another_tenant_is_refused_there(site: Site, web: Application) -> None:
    """A tenant's own address gives nothing for another tenant's code."""
    assert web.at("consumers").redeem(web.code()).error == "invalid_grant"


def test_a_code_of_another_tenant_is_checked_there(site: Site) -> None:
    """At the open address a code is checked as at its tenant's: secret, redirect URI and single use."""
    web = Application(site, word="common")
    code = Application(site).code()
    assert Application(site, secret="wrong", word="common").redeem(code).status == 401
    assert web.redeem(code, redirect_uri="http://127.0.0.1:9999/other").error == "invalid_grant"
    again = web.redeem(code)
    assert (again.error, again.json()["error_codes"]) == ("invalid_grant", [54005])


@capability("microsoft-v2", witness="requests over the whole server")
def test_s9_05_the_token_answer(web: Application) -> None:
    """`client_info` when it is asked for, unpadded; whole numbers; every scope; not to be kept."""
    answer = web.redeem(web.code(scope="openid profile offline_access User.Read"), client_info="1")
    body = answer.json()
    assert _info(body["client_info"]) == {"uid": payload(body["id_token"])["oid"], "utid": TENANT}
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 4500, 4500)
    assert set(body["scope"].split()) == {"openid", "profile", "offline_access", "User.Read"}
    assert (answer.header("cache-control"), answer.header("expires")) == ("no-store, no-cache", "-1")
    assert len(answer.header("x-ms-request-id") or "") == 36
    assert "client_info" not in web.refresh(body["refresh_token"]).json()


def test_s9_04_what_is_not_sent_is_not_echoed(web: Application) -> None:
    """A nonce only if one was sent; no account's home inside the token; unpadded segments."""
    token = web.tokens(nonce=None)["id_token"]
    assert not {"nonce", "uid", "utid"} & payload(token).keys()
    assert "=" not in token
    assert isinstance(payload(token)["aud"], str)


def test_s9_06_scopes_that_come_when_the_code_is_redeemed(web: Application) -> None:
    """One SDK asks for its own scopes at first, and for the ID token and refresh token with the code."""
    body = web.redeem(web.code(scope="User.Read"), scope="User.Read openid offline_access profile").json()
    assert {"id_token", "refresh_token"} <= body.keys()
    assert "User.Read" in body["scope"].split()


@capability("microsoft-refresh", witness="requests over the whole server")
def test_refresh_tokens_are_never_rotated(web: Application) -> None:
    """Using one does not revoke it, and the scopes that every SDK sends along are no demand."""
    refresh = web.tokens()["refresh_token"]
    for _ in range(3):
        answer = web.refresh(refresh, scope="openid profile email offline_access")
        assert answer.status == 200
        assert "refresh_token" not in answer.json() or answer.json()["refresh_token"] == refresh


@capability("microsoft-machine", witness="requests over the whole server")
def test_s9_06_client_credentials(site: Site) -> None:
    """Only `{resource}/.default`, the scopes of people left out; four members in the answer."""
    app = Application(site, DAEMON, "ms-daemon-secret")
    ask = {"grant_type": "client_credentials", "scope": f"api://{DAEMON}/.default openid profile offline_access"}
    answer = app.token(ask)
    assert set(answer.json()) == {"token_type", "expires_in", "ext_expires_in", "access_token"}, answer.text
    refused = app.token(ask | {"scope": "User.Read"})
    assert (refused.status, refused.error, refused.json()["error_codes"]) == (400, "invalid_scope", [1002012])
    v1 = app.v1().token({"grant_type": "client_credentials", "resource": f"api://{DAEMON}"})
    assert v1.json()["resource"] == f"api://{DAEMON}", v1.text
    for word in ("common", "organizations"):
        refused = app.at(word).token(ask)
        assert (refused.error, refused.json()["error_codes"]) == ("invalid_request", [9001023])


def test_s9_09_wrong_secret(site: Site) -> None:
    """HTTP 401, with whole numbers and the identifiers by which the request is found."""
    app = Application(site, DAEMON, "wrong")
    answer = app.token({"grant_type": "client_credentials", "scope": f"api://{DAEMON}/.default"})
    body = answer.json()
    assert (answer.status, body["error"], body["error_codes"]) == (401, "invalid_client", [7000215])
    assert body["error_description"].startswith("AADSTS7000215: ")
    assert body["error_uri"] == f"{BASE}/error?code=7000215"


def test_the_correlation_id_comes_back(site: Site) -> None:
    """What a client names its request by is in the error, and in the answer if it wants that."""
    mine = "11111111-2222-4333-8444-555555555555"
    app = Application(site, DAEMON, "ms-daemon-secret")
    form = {"grant_type": "client_credentials", "scope": f"api://{DAEMON}/.default", "return-client-request-id": "true"}
    answer = app.site.post(app.base + app._token, form, headers=app.headers() | {"client-request-id": mine})
    assert answer.header("client-request-id") == mine
    where = f"{app.base}{app._token}?client-request-id={mine}"
    refused = site.post(where, {"grant_type": "authorization_code", "code": "x", "client_id": NATIVE})
    assert refused.json()["correlation_id"] == mine


# --- applications


@capability("microsoft-spa", witness="requests over the whole server")
def test_s9_10_pages_redeem_their_own_codes_alone(site: Site) -> None:
    """Codes for a page's address only with Origin, other codes never with one; refresh tokens of 24 hours."""
    app = Application(site, SPA, "", redirect_uri=PAGE)
    origin = {"origin": "http://localhost:5173"}
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": PAGE,
        "client_id": SPA,
        "code_verifier": harness.VERIFIER,
    }
    refused = app.redeem(app.code())
    assert refused.json()["error_codes"] == [9002327]
    answer = site.post(app.base + app._token, form | {"code": app.code()}, headers=origin)
    assert answer.status == 200, answer.text
    assert answer.header("access-control-allow-origin") == "http://localhost:5173"
    web = Application(site)
    refused = site.post(
        web.base + web._token,
        {"grant_type": "authorization_code", "code": web.code(), "redirect_uri": web.redirect_uri},
        headers=web.headers() | origin,
    )
    assert refused.json()["error_codes"] == [9002326]
    without = app.site.post(
        app.base + app._token, {k: v for k, v in form.items() if k != "code_verifier"} | {"code": "x"}, headers=origin
    )
    assert without.json()["error_codes"] == [9002325]
    site.clock.advance(86400)
    late = site.post(
        app.base + app._token,
        {"grant_type": "refresh_token", "client_id": SPA, "refresh_token": answer.json()["refresh_token"]},
    )
    assert late.error == "invalid_grant"


@capability("microsoft-redirects", witness="requests over the whole server")
@pytest.mark.parametrize("redirect_uri", ["http://localhost", "http://localhost:51234", "http://localhost:51234/"])
def test_s9_10_localhost_on_any_port(site: Site, redirect_uri: str) -> None:
    """A native program's loopback address with any port, with or without the slash."""
    app = Application(site, NATIVE, "", redirect_uri=redirect_uri)
    assert app.tokens()["id_token"]


def test_another_host_is_no_localhost(site: Site) -> None:
    """The exception is for this name alone."""
    for wrong in ("http://localhost.example/", "http://127.0.0.1:1/", "http://localhost:1/other"):
        app = Application(site, NATIVE, "", redirect_uri=wrong)
        answer = app.authorize(Browser(site))
        assert answer.status == 400
        assert "AADSTS50011" in answer.text


@capability("microsoft-device", witness="a scripted device and browser")
@pytest.mark.parametrize("word", [TENANT, "common"])
@pytest.mark.parametrize("grant", ["device_code", DEVICE])
def test_s9_08_the_device_flow(site: Site, word: str, grant: str) -> None:
    """Both names of the grant, `code` beside `device_code`, never slow_down, a sentence to show, 900 seconds."""
    app = Application(site, NATIVE, "", word=word)
    told = site.post(
        f"{app.base}/oauth2/v2.0/devicecode", {"client_id": NATIVE, "scope": "openid profile offline_access User.Read"}
    ).json()
    assert (told["expires_in"], told["interval"]) == (900, 5)
    assert told["user_code"] in told["message"]
    assert "verification_uri_complete" not in told
    poll = {"grant_type": grant, "client_id": NATIVE, "device_code": told["device_code"], "code": told["device_code"]}
    for _ in range(4):
        assert app.token(poll).json()["error"] == "authorization_pending"
    browser = Browser(site)
    page = browser.submit(browser.get(told["verification_uri"]), "device-form", user_code=told["user_code"])
    page = browser.follow(page)
    if word == "common":
        page = browser.follow(browser.submit(page, "realm-form", username=f"alice@{DOMAIN}", decision="next"))
    page = browser.follow(
        browser.submit(page, "login-form", username=f"alice@{DOMAIN}", password="alice-password", decision="login")
    )
    page = browser.follow(browser.submit(page, "device-decision", decision="allow"))
    assert 'id="device-done"' in page.text
    body = app.token(poll).json()
    assert payload(body["id_token"])["iss"] == V2
    assert app.refresh(body["refresh_token"]).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_device_flow_of_v1(site: Site, method: str) -> None:
    """By GET or POST, with a resource in the place of scopes; the code comes back as `code`."""
    asked = {"client_id": NATIVE, "resource": "https://graph.example"}
    where = f"{BASE}/{TENANT}/oauth2/devicecode"
    by_get = method == "GET"
    told = (site.get(f"{where}?{urlencode(asked)}") if by_get else site.post(where, asked)).json()
    browser = Browser(site)
    page = browser.submit(browser.get(told["verification_uri"]), "device-form", user_code=told["user_code"])
    page = browser.follow(page)
    page = browser.follow(
        browser.submit(page, "login-form", username="alice", password="alice-password", decision="login")
    )
    browser.submit(page, "device-decision", decision="allow")
    form = {
        "grant_type": "device_code",
        "client_id": NATIVE,
        "code": told["device_code"],
        "resource": asked["resource"],
    }
    body = site.post(f"{BASE}/{TENANT}/oauth2/token", form).json()
    assert payload(body["id_token"])["ver"] == "1.0"
    assert (body["resource"], "refresh_token" in body) == (asked["resource"], True)


def test_a_device_is_declined_before_anybody_signs_in(site: Site) -> None:
    """At the page that asks for the user name as well."""
    app = Application(site, NATIVE, "", word="common")
    told = site.post(f"{app.base}/oauth2/v2.0/devicecode", {"client_id": NATIVE, "scope": "openid"}).json()
    browser = Browser(site)
    page = browser.follow(
        browser.submit(browser.get(told["verification_uri"]), "device-form", user_code=told["user_code"])
    )
    page = browser.submit(page, "realm-form", username="x", decision="cancel")
    assert 'id="device-done"' in page.text
    answer = app.token({"grant_type": "device_code", "client_id": NATIVE, "device_code": told["device_code"]})
    assert answer.json()["error"] == "authorization_declined"


# --- what SDKs demand of addresses


def test_s9_01_the_issuer_is_at_the_authority(site: Site) -> None:
    """Scheme, host and port of issuer and endpoints are those of the address that was asked; v2.0's issuer is it."""
    told = _metadata(site, f"{TENANT}/v2.0")
    assert told["issuer"] == f"{BASE}/{TENANT}/v2.0"
    for name, value in told.items():
        if isinstance(value, str) and "://" in value:
            assert value.startswith(BASE + "/"), name


def test_s9_10_pages_read_documents_and_their_own_tokens(site: Site) -> None:
    """CORS: metadata and keys for everybody, the token endpoint for the application's origins, localhost on any port.

    A stranger's page reads nothing.
    """
    stranger = {"origin": "https://stranger.example"}
    for path in (
        f"{TENANT}/v2.0/.well-known/openid-configuration",
        "common/discovery/v2.0/keys",
        "common/discovery/keys",
    ):
        assert site.get(f"{BASE}/{path}", headers=stranger).header("access-control-allow-origin") == "*"
    where = f"{BASE}/{TENANT}/oauth2/v2.0/token"
    preflight = {"origin": "http://localhost:51234", "access-control-request-method": "POST"}
    assert site.request("OPTIONS", where, headers=preflight).header("access-control-allow-methods") == "POST"
    form = {
        "grant_type": "authorization_code",
        "client_id": SPA,
        "code": "x",
        "redirect_uri": PAGE,
        "code_verifier": "x" * 43,
    }
    for origin, allowed in (("http://localhost:51234", True), ("https://stranger.example", False), ("null", False)):
        answer = site.post(where, form, headers={"origin": origin})
        assert (answer.header("access-control-allow-origin") == origin) is allowed, origin


def test_a_page_on_another_port(site: Site) -> None:
    """A page of http://localhost gets its tokens on any port."""
    page = "http://localhost:51234/callback"
    app = Application(site, SPA, "", redirect_uri=page)
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": page,
        "client_id": SPA,
        "code_verifier": harness.VERIFIER,
    }
    answer = site.post(app.base + app._token, form | {"code": app.code()}, headers={"origin": "http://localhost:51234"})
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "http://localhost:51234"


def test_a_device_code_is_typed_where_it_was_given(site: Site) -> None:
    """A code of `organizations` is unknown at `common`, where personal accounts sign in."""
    where = f"{BASE}/organizations/oauth2/v2.0/devicecode"
    told = site.post(where, {"client_id": NATIVE, "scope": "openid"}).json()
    browser = Browser(site)
    page = browser.submit(browser.get(f"{BASE}/common/oauth2/deviceauth"), "device-form", user_code=told["user_code"])
    assert 'id="device-error"' in page.text
    page = browser.submit(browser.get(told["verification_uri"]), "device-form", user_code=told["user_code"])
    assert page.status == 303


def test_s9_11_overlapping_rollover() -> None:
    """A successor is published a day before it signs, and the one before it stays as long as its tokens live."""
    with harness.site() as site:
        ring = rings.of_authority(BASE)
        site.write(signingkeys.insert, harness._seeded_key(ring, "RS256", harness.NOW))
        where = f"{BASE}/common/discovery/v2.0/keys"

        def named() -> str:
            return str(json.loads(base64.urlsafe_b64decode(_token(site).split(".")[0] + "=="))["kid"])

        (first,) = (key["kid"] for key in site.get(where).json()["keys"])
        site.run(admin.publish_successor(site.store, site.clock, site.vault, ring, "RS256"))
        site.settle()
        both = {key["kid"] for key in site.get(where).json()["keys"]}
        assert len(both) == 2
        assert named() == first
        site.clock.advance(2 * 86400)
        assert named() in both - {first}
        assert {key["kid"] for key in site.get(where).json()["keys"]} == both


def _token(site: Site) -> str:
    return str(Application(site).tokens()["id_token"])
