"""Discovery and keys: what is listed is there, and what is there is listed."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from intaglio.protocol import requestobject
from intaglio.protocol.scopes import SCOPE_CLAIMS
from tests import harness
from tests.capability import capability

ISSUER = "http://localhost:8080/default"
METADATA = "~/.well-known/openid-configuration"


def _metadata(site: harness.Site) -> dict:
    return site.get(METADATA).json()


@capability("seed-issuer", witness="the metadata document")
@capability("discovery", witness="each endpoint it lists")
def test_every_endpoint_listed_answers_as_itself(site: harness.Site) -> None:
    """Each address is under the issuer and is not a 404 for the method it is for."""
    site.change_tenant(registration="open")
    found = _metadata(site)
    assert found["issuer"] == ISSUER
    endpoints = {name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(endpoints) == 10
    for name, address in endpoints.items():
        assert address.startswith(ISSUER + "/")
        method = "GET" if name in ("authorization_endpoint", "userinfo_endpoint", "jwks_uri") else "POST"
        assert site.request(method, address, form={} if method == "POST" else None).status in (200, 400, 401)


def test_both_well_known_addresses_say_the_same(site: harness.Site) -> None:
    """OpenID Connect Discovery 4 appends its words, RFC 8414 3.1 puts its own in front."""
    other = site.get("http://localhost:8080/.well-known/oauth-authorization-server/default")
    assert other.body == site.get(METADATA).body


@capability("discovery", witness="each value it lists")
def test_every_algorithm_listed_can_be_had(site: harness.Site) -> None:
    """A client that asks for it gets it, and the key set then verifies it."""
    import jwt

    for alg in _metadata(site)["id_token_signing_alg_values_supported"]:
        site.change_client("web", id_token_signed_response_alg=alg)
        token = harness.App(site).tokens()["id_token"]
        header = jwt.get_unverified_header(token)
        assert header["alg"] == alg
        assert header["kid"] in [key["kid"] for key in site.get("~/jwks").json()["keys"]]


def test_every_auth_method_listed_works(site: harness.Site) -> None:
    """Secrets, assertions and none at the token endpoint; introspection knows no `none`.

    That each algorithm of an assertion works is said in the tests of assertions.
    """
    found = _metadata(site)
    methods = {"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
    assert set(found["token_endpoint_auth_methods_supported"]) == methods | {"none"}
    assert set(found["revocation_endpoint_auth_methods_supported"]) == methods | {"none"}
    assert set(found["introspection_endpoint_auth_methods_supported"]) == methods
    form = {"grant_type": "client_credentials"}
    by_basic = site.post("~/token", form, headers={"authorization": harness.basic("machine", "machine-secret")})
    by_post = site.post("~/token", form | {"client_id": "machine", "client_secret": "machine-secret"})
    by_none = harness.spa(site).redeem(harness.spa(site).code())
    assert (by_basic.status, by_post.status, by_none.status) == (200, 200, 200)


def test_every_grant_type_listed_is_known_and_no_other(site: harness.Site) -> None:
    """An unlisted grant is `unsupported_grant_type`, a listed one is not."""
    listed = _metadata(site)["grant_types_supported"]
    for grant in [*listed, "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"]:
        form = {"grant_type": grant, "code": "x", "refresh_token": "x"}
        error = site.post("~/token", form, headers=harness.App(site).headers()).error
        # RFC 6749 4.2: the implicit grant is one of the authorization endpoint.
        assert (error == "unsupported_grant_type") == (grant not in listed or grant == "implicit")


def test_every_scope_and_claim_listed_can_be_had(site: harness.Site) -> None:
    """Alice, with every scope, has every claim that is listed, and none that is not."""
    found = _metadata(site)
    app, browser = harness.App(site), harness.Browser(site)
    site.change_client(
        "web", response_types=("code id_token",), grant_types=(*site.client("web").grant_types, "implicit")
    )
    hybrid = app.callback(browser, response_type="code id_token", scope=" ".join(found["scopes_supported"])).fragment
    answer = app.redeem(hybrid["code"]).json()
    claims = set(harness.payload(answer["id_token"])) | set(app.userinfo(answer["access_token"]).json())
    claims |= set(harness.payload(hybrid["id_token"]))
    assert claims == set(found["claims_supported"])
    assert "refresh_token" in answer


@pytest.mark.parametrize("mode", ["query", "form_post", "fragment", "jwt", "web_message"])
def test_every_response_mode_listed_works_and_no_other(site: harness.Site, mode: str) -> None:
    """What is not listed is an error that goes to the client."""
    answer = harness.App(site).callback(response_mode=mode)
    if mode in _metadata(site)["response_modes_supported"]:
        places = {"query": answer.params, "fragment": answer.fragment}
        assert ("code" in places[mode]) if mode in places else ('name="code"' in answer.text)
    else:
        assert answer.params["error"] == "invalid_request"


def test_every_response_type_listed_works_and_no_other(site: harness.Site) -> None:
    """The six of OpenID Connect; `token` and `none` are not among them."""
    listed = _metadata(site)["response_types_supported"]
    site.change_client("web", response_types=tuple(listed), grant_types=("authorization_code", "implicit"))
    for kind in (*listed, "token", "none", "CODE", "code token token"):
        answer = harness.App(site).authorize(harness.Browser(site), response_type=kind, prompt="none")
        assert answer.error == ("login_required" if kind in listed else "unsupported_response_type")


def test_every_prompt_value_listed_is_known(site: harness.Site) -> None:
    """An unlisted one is an error."""
    for prompt in [*_metadata(site)["prompt_values_supported"], "create", "Login"]:
        error = harness.App(site).authorize(harness.Browser(site), prompt=prompt).params.get("error")
        expected = {"none": "login_required", "create": "invalid_request", "Login": "invalid_request"}
        assert error == expected.get(prompt)


def test_requests_can_be_made_in_every_way_listed(site: harness.Site) -> None:
    """OpenID Connect Core 5.5 and 6, Discovery 3: `claims`, `request`, `request_uri`; other tests use each."""
    found = _metadata(site)
    for name in ("claims_parameter", "request_parameter", "request_uri_parameter"):
        assert found[f"{name}_supported"] is True
    assert found["require_request_uri_registration"] is True
    assert found["request_object_signing_alg_values_supported"] == [*requestobject.SIGNING_ALGS]
    app, browser = harness.App(site), harness.Browser(site)
    assert app.authorize(browser, claims="{").error == "invalid_request"
    assert app.authorize(browser, request="x").error == "invalid_request_object"
    assert app.authorize(browser, registration="{}").error == "registration_not_supported"


def test_every_acr_display_and_locale_listed_is_had(site: harness.Site) -> None:
    """The ID token has the class that was wished for; the page is in the one language there is."""
    found = _metadata(site)
    app, browser = harness.App(site), harness.Browser(site)
    for acr in found["acr_values_supported"]:
        assert harness.payload(app.tokens(browser, acr_values=acr)["id_token"])["acr"] == acr
    for locale in found["ui_locales_supported"]:
        for display in found["display_values_supported"]:
            page = browser.follow(app.authorize(browser, prompt="login", ui_locales=locale, display=display))
            assert f'<html lang="{locale}"' in page.text


def test_code_challenge_method_listed(site: harness.Site) -> None:
    """S256 alone."""
    assert _metadata(site)["code_challenge_methods_supported"] == ["S256"]


@capability("cors-public", witness="a page of another origin")
@pytest.mark.parametrize("where", [METADATA, "~/jwks", "~/.well-known/oauth-authorization-server"])
def test_documents_may_be_kept_and_read_by_all(site: harness.Site, where: str) -> None:
    """Public, kept for a while, JSON without a charset, for any origin and without credentials."""
    where = where if "oauth" not in where else "http://localhost:8080/.well-known/oauth-authorization-server/default"
    answer = site.get(where, headers={"origin": "https://anybody.example"})
    assert answer.header("content-type") == "application/json"
    assert (answer.header("cache-control") or "").startswith("public, max-age=")
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("access-control-allow-credentials") is None
    assert answer.every("set-cookie") == []


@capability("jwks", witness="the JWK members")
def test_keys_are_public_and_distinct(site: harness.Site) -> None:
    """RFC 7517: use, alg, kid; no private member; every kid once; Cache-Control within the keys' lives."""
    site.keys("ES256")
    site.keys("EdDSA")
    answer = site.get("~/jwks")
    keys = answer.json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) == 4
    assert [key["use"] for key in keys] == ["sig", "sig", "sig", "enc"]
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    assert answer.header("cache-control") == "public, max-age=3600"


def test_scopes_listed_are_those_with_claims(site: harness.Site) -> None:
    """openid, the four with claims, and offline_access."""
    assert set(_metadata(site)["scopes_supported"]) == {"openid", *SCOPE_CLAIMS, "offline_access"}


@capability("auth0-discovery", witness="each endpoint it lists")
def test_auth0_lists_what_it_has(site: harness.Site) -> None:
    """The issuer ends in a slash; every address answers; nothing is listed that is not there."""
    found = site.get("http://localhost:8083/.well-known/openid-configuration").json()
    assert found["issuer"] == "http://localhost:8083/"
    assert "registration_endpoint" not in found
    for name, address in found.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            method = "GET" if name in ("authorization_endpoint", "userinfo_endpoint", "jwks_uri") else "POST"
            assert site.request(method, address, form={} if method == "POST" else None).status in (200, 400, 401)


@capability("auth0-jwks", witness="the JWK members")
def test_auth0_publishes_rsa_keys_alone(site: harness.Site) -> None:
    """Its SDKs read every key as RSA."""
    site.keys("ES256")
    site.keys("PS256")
    keys = site.get("http://localhost:8083/.well-known/jwks.json").json()["keys"]
    assert {key["kty"] for key in keys} == {"RSA"}
    assert len(keys) == 2


@capability("google-certs-v1", witness="cryptography's X.509 reader")
@capability("google-certs-v3", witness="the JWK members")
def test_google_publishes_one_set_in_two_forms(site: harness.Site) -> None:
    """PEM certificates by kid, and a JWK Set, of the same keys."""
    from cryptography import x509

    pems = site.get("http://localhost:8081/oauth2/v1/certs").json()
    keys = site.get("http://localhost:8081/oauth2/v3/certs").json()["keys"]
    assert set(pems) == {key["kid"] for key in keys}
    for pem in pems.values():
        x509.load_pem_x509_certificate(pem.encode())
    found = site.get("http://localhost:8081/.well-known/openid-configuration").json()
    assert site.get(found["jwks_uri"]).status == 200
    assert found["issuer"] == "http://localhost:8081"


@capability("routing-table", witness="two tenants and four ports")
def test_the_listener_and_path_lead_to_tenant_and_dialect(site: harness.Site) -> None:
    """A path names the tenant at the standard port, the port or host elsewhere; unknown ones are nothing."""
    site.add_tenant("shop")
    assert site.get("http://localhost:8080/shop/.well-known/openid-configuration").json()["issuer"].endswith("/shop")
    for where in ("/nobody/jwks", "/Default/jwks", "/default%2fjwks", "//jwks", "/default/../shop/jwks"):
        assert site.get("http://localhost:8080" + where).status == 404, where
    for port in (8082, 8084):
        assert site.get(f"http://localhost:{port}/.well-known/openid-configuration").status == 404
    for slug in ("demo", "inspect", "static", "_intaglio", "common", "admin"):
        assert site.get(f"http://localhost:8080/{slug}/.well-known/openid-configuration").status == 404


def test_a_tenant_whose_slug_begins_like_the_demo_is_reached(site: harness.Site) -> None:
    """`/demo` is the demo, `/demo-shop` is not."""
    site.add_tenant("demo-shop")
    assert site.get("http://localhost:8080/demo-shop/.well-known/openid-configuration").status == 200


def test_a_disabled_tenant_is_not_there(site: harness.Site) -> None:
    """Within a second of being disabled."""
    site.change_tenant(disabled_at=harness.NOW)
    for where in (METADATA, "~/jwks", f"~/authorize?{urlencode(harness.App(site).request())}"):
        assert site.get(where).status == 404
