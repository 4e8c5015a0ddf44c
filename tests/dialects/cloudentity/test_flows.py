"""Sign-ins at a workspace: the flows of Cloudentity's page, what its clients may ask for, and what they are refused."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import jwcrypto.jwe
import jwcrypto.jwk
import jwt
import pytest
from cryptography import x509

import intaglio
from intaglio.dialects.cloudentity import errors, settings
from intaglio.names import RingId
from intaglio.server.devmode import seeds
from intaglio.server.model.tenants import Lifetimes
from intaglio.tokens import hashes
from tests import harness
from tests.capability import capability
from tests.dialects.cloudentity.test_claims import SAMPLE
from tests.dialects.cloudentity.workspace import ISSUER, App, keys, metadata
from tests.server.provider import test_request_objects as objects
from tests.web import markup

LINKED = ("authorization_code", "implicit", "refresh_token")
SERVICES = {
    "accounts": {
        "name": "Accounts",
        "description": "Your accounts at the bank.",
        "scopes": [
            {"name": "accounts.read", "display_name": "See your accounts", "description": "Numbers and balances."},
            "accounts.pay",
        ],
    },
    "news": {"name": "News", "scopes": [{"name": "news", "implicit_grant": True}]},
}


def believed(site: harness.Site, token: str, issuer: str = ISSUER, audience: str = "web") -> dict[str, Any]:
    """Return the claims of an ID token that PyJWT believes by the published keys."""
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in keys(site, issuer) if key["kid"] == kid)
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(key), algorithms=[key["alg"]], audience=audience, issuer=issuer, options=options
    )
    return found


def with_services(site: harness.Site, *scopes: str) -> App:
    """Give the workspace its services, and `web` those scopes besides its own."""
    site.change_tenant(dialects={"cloudentity": settings.read("tenant", {"services": SERVICES})})
    site.change_client("web", scope=(*site.client("web").scope, *scopes))
    return App(site)


# --- issuers, keys and metadata


@capability("cloudentity-issuer", witness="PyJWT believes the token")
@capability("signing-default", witness="the token's header")
def test_a_code_for_tokens(site: harness.Site) -> None:
    """ES256 without anybody asking for it, the sample's claims, and the issuer without a slash at its end."""
    app = App(site)
    tokens = app.tokens()
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == "ES256"
    claims = believed(site, tokens["id_token"])
    assert (claims["tid"], claims["aid"], claims["iss"]) == ("default", "default", ISSUER)
    assert claims["scp"] == ["openid", "profile", "email", "offline_access"]
    assert (claims["exp"] - claims["iat"], claims["st"], claims["idp"]) == (3600, "public", "default")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", claims["jti"])
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert app.userinfo(tokens["access_token"]).json()["sub"] == claims["sub"]
    again = app.refresh(tokens["refresh_token"]).json()
    assert believed(site, again["id_token"])["jti"] != claims["jti"]
    assert "nonce" not in believed(site, again["id_token"])


@capability("cloudentity-issuer", witness="each of two owners")
@pytest.mark.parametrize(
    "path", ["/default/nothing", "/acme/default", "/default", "//default", "/", "/default/default/"]
)
def test_another_owner_or_workspace_is_not_there(site: harness.Site, path: str) -> None:
    """Both words have to be right: a workspace is found under its own tenant alone."""
    for rest in ("", "/.well-known/openid-configuration", "/oauth2/authorize"):
        assert site.get("http://localhost:8084" + path + rest).status == 404


def test_a_surplus_slash_is_another_issuer(site: harness.Site) -> None:
    """Trap 5: neither the issuer nor an endpoint has one more slash than it should."""
    found = metadata(site)
    assert found["issuer"] == ISSUER
    addresses = [value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))]
    assert [one for one in addresses if "//" in one.split("://")[1] or one.endswith("/")] == []


@capability("cloudentity-discovery", witness="each endpoint it lists")
def test_what_is_listed_is_there_and_of_its_own_type(site: harness.Site) -> None:
    """Trap 14: texts, lists of texts, true and false; no address is a 404; what is left out is not there."""
    site.change_tenant(registration="open")
    found = metadata(site)
    kinds: dict[str, type] = {name: bool for name in found if re.search(r"_supported$|^require_", name)}
    kinds |= {name: list for name in found if re.search(r"(values|types|modes|methods|scopes|claims)_supported$", name)}
    kinds |= {name: str for name in found if name.endswith(("_endpoint", "_uri")) or name == "issuer"}
    assert set(kinds) == set(found)
    assert {name: type(value) for name, value in found.items()} == kinds
    for value in found.values():
        assert not isinstance(value, list) or all(isinstance(one, str) for one in value)
    by_get = ("authorization_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint")
    listed = {name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))}
    for name, address in listed.items():
        method = "GET" if name in by_get else "POST"
        answer = site.request(method, address, form={} if method == "POST" else None)
        assert (name, answer.status in (200, 400, 401)) == (name, True)
    assert len(listed) == 10
    gone = ("mtls", "jwt", "dpop", "backchannel_authentication", "authorization_signing", "check_session")
    assert [name for name in found if any(word in name for word in gone)] == []


def test_every_response_type_listed_works_and_no_other(site: harness.Site) -> None:
    """What is not listed is unsupported."""
    listed = metadata(site)["response_types_supported"]
    site.change_client("web", response_types=tuple(listed), grant_types=LINKED)
    for kind in (*listed, "token", "none"):
        error = App(site).authorize(harness.Browser(site), response_type=kind, prompt="none").error
        assert error == ("login_required" if kind in listed else "unsupported_response_type")


@capability("cloudentity-keys", witness="the JWK members")
def test_the_key_set(site: harness.Site) -> None:
    """ES256 first, decimal names that are the certificates' serial numbers, one key to encrypt to; no secrets."""
    site.keys("PS256")
    found = keys(site)
    assert [(key["kty"], key["alg"], key["use"]) for key in found] == [
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
        ("RSA", "PS256", "sig"),
        ("EC", "ECDH-ES+A256KW", "enc"),
    ]
    for key in found[:-1]:
        certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
        assert key["kid"] == str(certificate.serial_number)
        assert key["kid"].isdecimal()
        assert {"x5t", "x5t#S256"} <= set(key)
    for key in found:
        # Trap 3: each key says its name and its algorithm.
        assert key["alg"]
        assert key["kid"]
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)


def test_the_key_that_signs_is_first(site: harness.Site) -> None:
    """One that is published ahead comes behind the one that signs now, whatever their age."""
    token = App(site).tokens()["id_token"]
    site.clock.advance(90 * 86400 - 3600)
    assert site.run(site.house.keyring.rotate_due(RingId(seeds.TENANT_ID))) >= 1
    site.settle()
    found = [key for key in keys(site) if key.get("alg") == "ES256"]
    assert len(found) == 2
    assert found[0]["kid"] == jwt.get_unverified_header(token)["kid"]


# --- what an application may ask for


@capability("cloudentity-response-types", witness="the client's callback")
@pytest.mark.parametrize("kind", ["id_token", "code id_token", "id_token token", "code token", "token"])
def test_a_response_type_that_is_not_enabled(site: harness.Site, kind: str) -> None:
    """`unsupported_response_type`, with a hint, and nothing else; enabled, it works."""
    refused = App(site).authorize(harness.Browser(site), response_type=kind)
    told = refused.params | refused.fragment
    assert told["error"] == "unsupported_response_type"
    assert told["state"] == "a-state"
    assert not {"code", "id_token", "access_token"} & set(told)
    # Trap 22: who compares the issuer of every answer can.
    assert told["iss"] == ISSUER
    if kind == "token":
        return
    site.change_client("web", response_types=(kind,), grant_types=LINKED)
    given = App(site).callback(response_type=kind).fragment
    assert {"code": "code", "id_token": "id_token", "token": "access_token"}[kind.split(maxsplit=1)[0]] in given


@capability("cloudentity-services", witness="the client's callback")
def test_a_scope_that_is_not_assigned(site: harness.Site) -> None:
    """`invalid_scope`, whether a service has the scope or nobody knows it; assigned, it is granted."""
    app = with_services(site, "accounts.read")
    for scope in ("openid accounts.pay", "openid nobody.knows", "nobody.knows"):
        refused = app.authorize(harness.Browser(site), scope=scope)
        assert (refused.params["error"], refused.params["error_cause"]) == ("invalid_scope", "scope_not_allowed")
    tokens = app.tokens(scope="openid accounts.read")
    assert harness.payload(tokens["id_token"])["scp"] == ["openid", "accounts.read"]
    assert harness.App(site).authorize(harness.Browser(site), scope="openid nobody.knows").error == ""


def test_an_id_token_needs_openid(site: harness.Site) -> None:
    """The scope has to be assigned to the client, and asked for."""
    site.change_client("web", scope=("profile", "email"))
    assert App(site).authorize(harness.Browser(site), scope="openid").params["error"] == "invalid_scope"
    assert "id_token" not in App(site).tokens(scope="profile")


@capability("cloudentity-services", witness="the metadata document")
def test_scopes_of_services_are_listed(site: harness.Site) -> None:
    """Profile's own, then those of the services."""
    with_services(site)
    listed = metadata(site)["scopes_supported"]
    assert listed[:6] == ["openid", "profile", "email", "address", "phone", "offline_access"]
    assert listed[6:] == ["accounts.read", "accounts.pay", "news"]


@capability("cloudentity-consent", witness="the page's elements")
def test_consent_groups_scopes_by_service(site: harness.Site) -> None:
    """Each scope in its service's own part, under the same ids as everywhere; what is unticked is not granted."""
    app, browser = with_services(site, "accounts.read", "reports:read"), harness.Browser(site)
    page = browser.follow(app.authorize(browser, scope="openid email accounts.read reports:read"))
    page = browser.sign_in(page)
    document = markup.read(page.body)
    inside: dict[str, list[str]] = {}
    shown: list[str] = []
    for element in markup.tagged(document, "fieldset", "input"):
        if element.tag == "fieldset":
            inside[element.attributes["id"]] = shown = []
        elif element.attributes["type"] == "checkbox":
            shown.append(element.attributes["value"])
    assert inside == {
        "service-profile": ["openid", "email"],
        "service-accounts": ["accounts.read"],
        "service-others": ["reports:read"],
    }
    accounts = markup.by_id(document, "service-accounts").text
    assert "See your accounts" in accounts
    assert "Your accounts at the bank." in accounts
    for number in range(1, 5):
        assert markup.by_id(document, f"scope-{number}").attributes["name"] == "scope"
    assert markup.by_id(document, "consent-form").tag == "form"
    back = browser.consent(page, scope=["openid", "accounts.read"])
    assert app.redeem(back.params["code"]).json()["scope"] == "openid accounts.read"
    # The page on which the person can withdraw it calls the scope by the same words.
    assert "See your accounts" in browser.get(f"{ISSUER}/account").text


def test_no_service_is_shown_without_a_scope(site: harness.Site) -> None:
    """A service of which nothing is asked for is not on the page; elsewhere there are none at all."""
    app, browser = with_services(site, "accounts.read"), harness.Browser(site)
    page = browser.sign_in(browser.follow(app.authorize(browser, scope="openid profile")))
    assert 'id="service-profile"' in page.text
    assert 'id="service-accounts"' not in page.text
    plain = harness.Browser(site)
    assert "service-" not in plain.sign_in(plain.follow(harness.App(site).authorize(plain))).text


def test_nobody_is_asked_for_an_implicit_scope(site: harness.Site) -> None:
    """`implicit_grant`: granted to a client that has it without a word; prompt=consent asks all the same."""
    app, browser = with_services(site, "news"), harness.Browser(site)
    page = browser.follow(app.authorize(browser, scope="openid news"))
    page = browser.sign_in(page)
    assert 'id="consent-form"' in page.text
    browser.consent(page, scope=["openid"])
    silent = app.authorize(browser, scope="openid news", prompt="none")
    assert app.redeem(silent.params["code"]).json()["scope"] == "openid news"
    assert app.authorize(browser, scope="openid email news", prompt="none").error == "consent_required"
    assert 'id="consent-form"' in browser.follow(app.authorize(browser, scope="openid news", prompt="consent")).text


def test_an_application_without_consent(site: harness.Site) -> None:
    """A trusted client asks nobody."""
    site.change_client("web", consent="implicit")
    browser = harness.Browser(site)
    assert "code" in browser.sign_in(browser.follow(App(site).authorize(browser))).params


# --- the hybrid flow


@capability("cloudentity-hybrid", witness="each step of the diagram")
@pytest.mark.parametrize("kind", ["code id_token", "code token", "code id_token token"])
def test_the_hybrid_flow_of_the_diagram(site: harness.Site, kind: str) -> None:
    """User, client, workspace: request, sign-in and consent, code and parameters, token request, check, token."""
    site.change_client("web", response_types=(kind,), grant_types=LINKED)
    app, browser = App(site), harness.Browser(site)
    # Client application to workspace: request authorization.
    waits = app.authorize(browser, response_type=kind)
    # Workspace to user: authenticate, then consent is displayed.
    page = browser.follow(waits)
    assert 'id="login-form"' in page.text
    page = browser.sign_in(page)
    assert 'id="consent-form"' in page.text
    # Workspace to client application: authorization code and one or more parameters, in the fragment.
    back = browser.consent(page)
    assert (back.params, back.fragment["state"]) == ({}, "a-state")
    given = {"code", "id_token", "access_token"} & set(back.fragment)
    names = {"code": "code", "id_token": "id_token", "token": "access_token"}
    assert given == {names[word] for word in kind.split()}
    front: dict[str, Any] = {}
    if "id_token" in given:
        front = believed(site, back.fragment["id_token"])
        assert front["c_hash"] == hashes.half_hash("ES256", back.fragment["code"])
        assert front["s_hash"] == hashes.half_hash("ES256", "a-state")
        assert ("at_hash" in front) == ("access_token" in given)
        assert front["nonce"] == "a-nonce"
    # Client application to workspace: request token; the code is verified, the token returned.
    answer = app.redeem(back.fragment["code"])
    assert answer.status == 200
    claims = believed(site, answer.json()["id_token"])
    for name in ("iss", "sub", "auth_time", "nonce", "scp", "rat"):
        assert claims[name] == front.get(name, claims[name])
    # The code was used up by that, and a second use ends what it gave.
    again = app.redeem(back.fragment["code"])
    assert (again.status, again.error) == (400, "invalid_grant")
    assert app.userinfo(answer.json()["access_token"]).status == 401


def test_a_hybrid_answer_by_form(site: harness.Site) -> None:
    """form_post works for it; a query does not."""
    site.change_client("web", response_types=("code id_token",), grant_types=LINKED)
    app, browser = App(site), harness.Browser(site)
    page = browser.through(app.authorize(browser, response_type="code id_token", response_mode="form_post"))
    assert 'name="id_token"' in page.text
    refused = app.authorize(browser, response_type="code id_token", response_mode="query")
    assert (refused.params, refused.fragment["error"]) == ({}, "invalid_request")


# --- lifetimes


@capability("cloudentity-durations", witness="the claims")
def test_lifetimes_of_workspace_and_client(site: harness.Site) -> None:
    """The client's over the workspace's over an hour; a refresh has them as well."""

    def lives() -> int:
        claims = harness.payload(App(site).tokens()["id_token"])
        return int(claims["exp"] - claims["iat"])

    assert lives() == 3600
    site.change_tenant(lifetimes=Lifetimes(id_token=1800, access_token=900))
    assert lives() == 1800
    site.change_client("web", lifetimes=Lifetimes(id_token=300))
    tokens = App(site).tokens()
    assert (harness.payload(tokens["id_token"])["exp"] - harness.NOW >= 300, tokens["expires_in"]) == (True, 900)
    assert lives() == 300


@pytest.mark.parametrize(("code", "seconds"), [(None, 600), (30, 30)])
def test_how_long_a_code_is_good(site: harness.Site, code: int | None, seconds: int) -> None:
    """Ten minutes, or what the workspace says; never after that."""
    site.change_tenant(lifetimes=Lifetimes(code=code))
    app = App(site)
    in_time, late = app.code(), app.code()
    site.clock.advance(seconds - 1)
    assert app.redeem(in_time).status == 200
    site.clock.advance(1)
    assert app.redeem(late).error == "invalid_grant"


# --- encryption


def _key() -> jwcrypto.jwk.JWK:
    return jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="a-key", use="enc")


@capability("cloudentity-encryption", witness="jwcrypto opens it, PyJWT believes it")
@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("enc", ["A256GCM", "A128CBC-HS256"])
def test_encrypted_id_tokens(site: harness.Site, alg: str, enc: str) -> None:
    """Signed, then encrypted, in five parts; through the browser, at the token endpoint and after a refresh."""
    key = _key()
    site.change_client(
        "web",
        jwks=json.dumps({"keys": [key.export_public(as_dict=True)]}),
        id_token_encrypted_response_alg=alg,
        id_token_encrypted_response_enc=enc,
        response_types=("code id_token",),
        grant_types=LINKED,
    )
    app = App(site)
    front = app.callback(response_type="code id_token").fragment
    redeemed = app.redeem(front["code"]).json()
    refreshed = app.refresh(redeemed["refresh_token"]).json()
    for token in (front["id_token"], redeemed["id_token"], refreshed["id_token"]):
        assert len(token.split(".")) == 5
        opened = jwcrypto.jwe.JWE()
        opened.deserialize(token, key)
        header = json.loads(opened.objects["protected"])
        # Trap 20: `cty` says that a JWT is inside, in capitals.
        assert header == {"alg": alg, "enc": enc, "kid": "a-key", "cty": "JWT"} | (
            {"typ": header["typ"]} if "typ" in header else {}
        )
        assert believed(site, opened.payload.decode())["aud"] == "web"


@capability("cloudentity-encryption", witness="no token in clear")
@pytest.mark.parametrize("level", ["always", "front_channel"])
def test_a_workspace_that_demands_encryption(site: harness.Site, level: str) -> None:
    """Before anybody signs in, and at the token endpoint: an error with a cause, and never a token in clear."""
    tokens = App(site).tokens()
    site.change_client("web", response_types=("code", "code id_token"), grant_types=LINKED)
    site.change_tenant(encrypt_id_tokens=level)
    refused = App(site).authorize(harness.Browser(site), response_type="code id_token")
    assert refused.fragment["error"] == "invalid_request"
    assert "id_token" not in refused.fragment
    by_code = App(site).authorize(harness.Browser(site))
    assert by_code.params.get("error", "") == ("invalid_request" if level == "always" else "")
    if level == "always":
        again = App(site).refresh(tokens["refresh_token"])
        assert (again.status, again.error) == (400, "invalid_request")
        assert "id_token" not in again.json()


# --- errors


@capability("cloudentity-errors", witness="the error answers")
def test_errors_of_the_token_endpoint(site: harness.Site) -> None:
    """Trap 11: 400 for a code, 401 for a client; hint, cause, status and the trace, which the header repeats."""
    app = App(site)
    refused = app.redeem("x")
    assert (refused.status, refused.error) == (400, "invalid_grant")
    told = refused.json()
    assert set(told) == {"error", "error_description", "error_hint", "cause", "trace_id", "status_code"}
    assert (told["status_code"], told["trace_id"]) == (400, refused.header("x-trace-id"))
    unknown = App(site, "nobody", "x").redeem("x")
    assert (unknown.status, unknown.error) == (401, "invalid_client")
    # Trap 7's other half: the body is a form here, never JSON.
    body = json.dumps({"grant_type": "authorization_code", "code": "x"}).encode()
    by_json = site.request("POST", ISSUER + "/oauth2/token", body=body, headers={"content-type": "application/json"})
    assert (by_json.status, by_json.error) == (400, "invalid_request")


def test_one_cause_for_everything_that_is_not_good(site: harness.Site) -> None:
    """SECURITY: unknown, used, expired and another's look alike, and so do unknown clients and bad secrets."""
    app = App(site)
    used = app.code()
    app.redeem(used)
    expired = app.code()
    site.clock.advance(700)
    fresh = app.code()
    site.add_client("other", "other-secret")
    other = App(site, "other", "other-secret")
    answers = [app.redeem("x"), app.redeem(used), app.redeem(expired), other.redeem(fresh), app.refresh("x")]
    answers += [
        app.redeem(app.code(), code_verifier="x" * 43),
        app.redeem(app.code(), redirect_uri="https://x.example"),
    ]
    answers += [app.redeem(app.code(), code_verifier=None)]
    assert {json.dumps({**one.json(), "trace_id": ""}) for one in answers} == {
        json.dumps({**answers[0].json(), "trace_id": ""})
    }
    site.add_client("keyed", jwks=objects.jwks("ES256"), token_endpoint_auth_methods=("private_key_jwt",))
    site.add_client("gone", "gone-secret", disabled_at=harness.NOW)
    proofs = [App(site, "nobody", "x").redeem("x"), App(site, "web", "wrong").redeem("x")]
    proofs += [App(site, "keyed", "x").redeem("x"), App(site, "gone", "gone-secret").redeem("x")]
    assert len({json.dumps({**one.json(), "trace_id": ""}) for one in proofs}) == 1


@capability("cloudentity-errors", witness="the client's callback")
def test_errors_that_are_redirected(site: harness.Site) -> None:
    """error_hint, error_cause and trace_id beside the standard members; a success has none of them."""
    site.change_client("web", require_pkce=True)
    app, browser = App(site), harness.Browser(site)
    refused = app.authorize(browser, code_challenge=None, code_challenge_method=None)
    assert refused.params["error"] == "invalid_request"
    assert refused.params["error_cause"] == "pkce_required"
    assert refused.params["trace_id"] in refused.params["error_description"]
    assert refused.params["iss"] == ISSUER
    assert not {"error_hint", "error_cause", "trace_id"} & set(app.callback(browser).params)


def test_an_unsafe_redirect_is_a_page(site: harness.Site) -> None:
    """An address that nobody registered gets nothing."""
    refused = App(site).authorize(harness.Browser(site), redirect_uri="https://evil.example/")
    assert (refused.status, refused.is_page, refused.location) == (400, True, "")


def test_reasons_have_causes_or_say_nothing() -> None:
    """A reason that is not listed tells nothing more; one that is tells both."""
    assert errors.explained("") == ("", "")
    assert errors.explained("tenant-unknown") == ("", "")
    for reason in ("code-used", "secret-wrong", "scope-unknown", "pushed-required", "encryption-impossible"):
        assert all(errors.explained(reason))


# --- who a client is


def test_credentials_url_encoded_and_not(site: harness.Site) -> None:
    """Trap 8: RFC 6749 2.3.1 wants both halves of Basic encoded; a secret without such characters is the same bare."""
    secret = "s:e%c+r/t ü"
    site.add_client("a.b~c", secret)
    app = App(site, "a.b~c", quote(secret, safe=""))
    assert app.redeem(app.code()).status == 200
    assert App(site, "a.b~c", secret).redeem(app.code()).error == "invalid_client"
    bare = App(site)
    assert bare.redeem(bare.code()).status == 200


@pytest.mark.parametrize("audience", ["", "/oauth2/token", "/par"])
def test_an_assertion_is_for_the_token_endpoint(site: harness.Site, audience: str) -> None:
    """Trap 18: the token endpoint's address, or the issuer, and nothing beside it."""
    site.change_client("web", jwks=objects.jwks("ES256"), token_endpoint_auth_methods=("private_key_jwt",))

    def redeemed(aud: str, jti: str) -> harness.Answer:
        claims = {"iss": "web", "sub": "web", "aud": aud, "jti": jti, "exp": harness.NOW + 60}
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        key = objects.private("ES256", "web")
        text = jwt.encode(claims, key, algorithm="ES256", headers={"kid": "web-ES256"})
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        return site.post(ISSUER + "/oauth2/token", form | {"client_assertion": text, "client_assertion_type": kind})

    assert redeemed(ISSUER + audience, "1").error == "invalid_grant"
    assert redeemed(ISSUER + audience + "/", "2").error == "invalid_client"


# --- pushed requests, and the rest of the endpoints


@capability("pushed-requests", witness="the client's callback")
def test_a_pushed_request(site: harness.Site) -> None:
    """Trap 13: 201; then the browser brings nothing but the reference."""
    app, browser = App(site), harness.Browser(site)
    answer = app.push()
    assert (answer.status, answer.json()["expires_in"]) == (201, 60)
    query = urlencode({"client_id": "web", "request_uri": answer.json()["request_uri"]})
    back = browser.through(browser.get(f"{ISSUER}/oauth2/authorize?{query}"))
    assert app.redeem(back.params["code"]).status == 200
    refused = app.push(scope="openid nobody.knows")
    assert (refused.status, refused.error, refused.json()["cause"]) == (400, "invalid_scope", "scope_not_allowed")


@capability("cloudentity-introspection", witness="the answers")
def test_introspection_and_revocation(site: harness.Site) -> None:
    """Tenant and workspace are told; a revoked token is inactive, and nothing is told of it."""
    app = App(site)
    token = app.tokens()["access_token"]
    told = app.introspect(token)
    assert (told["active"], told["tenant_id"], told["server_id"], told["aud"]) == (True, "default", "default", ["web"])
    assert (told["iss"], told["nbf"]) == (ISSUER, told["iat"])
    assert app.revoke(token).status == 200
    assert app.introspect(token) == {"active": False}


@capability("cloudentity-introspection", witness="the registration's own address")
def test_registration(site: harness.Site) -> None:
    """201, 200 and 204 at /oauth2/register; what is in force is told: ES256."""
    site.change_tenant(registration="open")
    wanted = {"redirect_uris": ["https://a.example/cb"], "client_name": "A"}
    as_json = {"content-type": "application/json"}
    made = site.request("POST", ISSUER + "/oauth2/register", body=json.dumps(wanted).encode(), headers=as_json)
    told = made.json()
    assert (made.status, told["id_token_signed_response_alg"]) == (201, "ES256")
    assert told["registration_client_uri"] == f"{ISSUER}/oauth2/register/{told['client_id']}"
    bearer = {"authorization": f"Bearer {told['registration_access_token']}"}
    assert site.get(told["registration_client_uri"], headers=bearer).json()["client_name"] == "A"
    assert site.request("DELETE", told["registration_client_uri"], headers=bearer).status == 204
    assert site.get(told["registration_client_uri"], headers=bearer).status == 401


@capability("cloudentity-introspection", witness="the device's tokens")
def test_a_device(site: harness.Site) -> None:
    """Half an hour for the person, whose page is the workspace's own."""
    started = site.post(ISSUER + "/device/authorization", {"client_id": "tv", "scope": "openid profile"}).json()
    assert (started["verification_uri"], started["expires_in"]) == (ISSUER + "/device", 1800)
    browser = harness.Browser(site)
    page = browser.submit(browser.get(started["verification_uri_complete"]), "device-form")
    page = browser.sign_in(browser.follow(page))
    assert 'id="service-profile"' in page.text
    browser.follow(browser.submit(page, "device-decision", decision="allow"))
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
        "client_id": "tv",
    }
    answer = site.post(ISSUER + "/oauth2/token", form)
    assert answer.status == 200, answer.text
    assert believed(site, answer.json()["id_token"], audience="tv")["scp"] == ["openid", "profile"]
    refused = site.post(ISSUER + "/device/authorization", {"client_id": "tv", "scope": "openid nobody.knows"})
    assert (refused.status, refused.error) == (400, "invalid_scope")


@capability("cloudentity-introspection", witness="the browser's cookie")
def test_signing_out(site: harness.Site) -> None:
    """Trap 15: an expired id_token_hint is good enough to name who goes."""
    app, browser = App(site), harness.Browser(site)
    token = app.tokens(browser)["id_token"]
    site.clock.advance(7200)
    target = "http://127.0.0.1:9999/"
    query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": target, "state": "s"})
    left = browser.get(f"{ISSUER}/oidc/logout?{query}")
    assert left.location == target + "?state=s"
    assert app.authorize(browser, prompt="none").error == "login_required"


def test_a_session_is_shared_by_no_other_workspace(site: harness.Site) -> None:
    """A token of one workspace is refused at another, and so is its session."""
    site.add_tenant("shop")
    app, browser = App(site), harness.Browser(site)
    tokens = app.tokens(browser)
    there = App(site, issuer="http://localhost:8084/default/shop", secret="other-secret")
    assert there.authorize(browser, prompt="none").error == "login_required"
    assert there.userinfo(tokens["access_token"]).status == 401


def test_an_encrypted_request_object_by_the_keys_own_algorithm(site: harness.Site) -> None:
    """A client encrypts to the first key with `use: enc`, by the algorithm that the key says, with A256GCM."""
    site.change_client("web", jwks=objects.jwks("ES256"))
    inside = objects.claims(aud=ISSUER, scope="openid")
    key = next(key for key in keys(site) if key["use"] == "enc")
    signed = jwt.encode(inside, objects.private("ES256", "web"), algorithm="ES256", headers={"kid": "web-ES256"})
    # Trap 20: `cty` in lower case is a JWT as well.
    header = {"alg": key["alg"], "enc": "A256GCM", "kid": key["kid"], "cty": "jwt"}
    sealed = jwcrypto.jwe.JWE(signed.encode(), json.dumps(header), recipient=jwcrypto.jwk.JWK(**key))
    around = {"client_id": "web", "response_type": "code", "scope": "openid", "request": sealed.serialize(compact=True)}
    browser = harness.Browser(site)
    back = browser.through(browser.get(f"{ISSUER}/oauth2/authorize?{urlencode(around)}"))
    assert back.params["state"] == "inside"
    assert "code" in back.params


# --- the sample, and bad input


@capability("cloudentity-claims", witness="PyJWT believes the token, whose claims are the sample's")
def test_a_sign_in_gives_the_sample(site: harness.Site) -> None:
    """A person with a name alone, nine seconds after signing in: the sample's claims, order, types and spans."""
    site.change_tenant(owner="cloudentity-user")
    site.change_user("bob", claims={"name": "John Doe"})
    site.add_client("default-demo", "a-secret")
    issuer = "http://localhost:8084/cloudentity-user/default"
    app, browser = App(site, "default-demo", "a-secret", issuer=issuer), harness.Browser(site)
    app.callback(browser, "bob", scope="openid profile email")
    site.clock.advance(9)
    token = app.tokens(browser, scope="openid profile email", nonce="c50rf23o825ulrjk38qg", prompt="none")["id_token"]
    claims = believed(site, token, issuer, "default-demo")
    assert list(claims) == list(SAMPLE)
    assert {name: type(value) for name, value in claims.items()} == {name: type(v) for name, v in SAMPLE.items()}
    same = ("acr", "aid", "amr", "aud", "email", "email_verified", "idp", "name", "nonce", "st", "tid")
    assert {name: claims[name] for name in same} == {name: SAMPLE[name] for name in same}
    # Trap 6: nothing is of the future.
    assert claims["iat"] == claims["nbf"] == claims["rat"] == site.clock.now()
    assert (claims["exp"] - claims["iat"], claims["iat"] - claims["auth_time"]) == (3600, 9)


@capability("cloudentity-encryption", witness="jwcrypto opens it, PyJWT believes it")
def test_the_switch_of_the_workspace_and_the_keys_of_the_client(site: harness.Site) -> None:
    """All four controls of the page together."""
    key = _key()
    site.change_tenant(encrypt_id_tokens="always")
    site.change_client(
        "web",
        jwks=json.dumps({"keys": [key.export_public(as_dict=True)]}),
        id_token_encrypted_response_alg="RSA-OAEP-256",
        id_token_encrypted_response_enc="A256GCM",
    )
    opened = jwcrypto.jwe.JWE()
    opened.deserialize(App(site).tokens()["id_token"], key)
    assert believed(site, opened.payload.decode())["aud"] == "web"


@capability("cloudentity-encryption", witness="no token in clear")
@pytest.mark.parametrize("kind", ["no set", "an empty set", "a key that signs"])
def test_encryption_without_a_usable_key(site: harness.Site, kind: str) -> None:
    """No key, or one that only signs: refused before anybody signs in, with a cause."""
    signs = objects.jwks("RS256")
    jwks = {"no set": "", "an empty set": '{"keys":[]}', "a key that signs": signs}[kind]
    site.change_client("web", jwks=jwks, id_token_encrypted_response_alg="RSA-OAEP-256")
    refused = App(site).authorize(harness.Browser(site))
    assert refused.params["error"] == "invalid_request"
    assert refused.params["error_cause"] == "encryption_impossible"
    assert "code" not in refused.params


@capability("cloudentity-errors", witness="the error answers")
def test_bad_input(site: harness.Site) -> None:
    """Disabled, expired, reused, not consented, another tenant's: the standard's errors, nobody signed in."""
    app, browser = App(site), harness.Browser(site)
    tokens = app.tokens(browser)
    assert app.authorize(browser, scope="openid phone", prompt="none").error == "consent_required"
    assert app.authorize(harness.Browser(site), prompt="none").error == "login_required"
    app.refresh(tokens["refresh_token"])
    site.clock.advance(61)
    reused = app.refresh(tokens["refresh_token"])
    assert (reused.status, reused.error) == (400, "invalid_grant")
    assert app.userinfo(tokens["access_token"]).status == 401
    secret = site.house.secrets.keep("old-secret", harness.NOW, site.clock.now() + 1)
    site.add_client("late", secrets=(secret,))
    late = App(site, "late", "old-secret")
    code = late.code()
    site.clock.advance(2)
    assert (late.redeem(code).status, late.redeem(code).error) == (401, "invalid_client")
    site.change_client("web", disabled_at=site.clock.now())
    assert (app.redeem("x").status, app.redeem("x").error) == (401, "invalid_client")
    gone = app.authorize(browser)
    assert (gone.status, gone.is_page, gone.location) == (400, True, "")


# --- validation, as on the page


@capability("cloudentity-hybrid", witness="the library's Validator, by the rules of the dialect")
def test_a_client_that_validates_what_it_got(site: harness.Site) -> None:
    """Signature, claims and hashes by the dialect's own rules; what is of another workspace is refused."""
    site.change_client("web", response_types=("code id_token token",), grant_types=LINKED)
    given = App(site).callback(response_type="code id_token token").fragment
    wants: dict[str, Any] = {"audience": "web", "dialect": "cloudentity", "clock": site.clock}
    made = intaglio.Validator(issuer=ISSUER, keys={"keys": keys(site)}, **wants)
    beside = {"nonce": "a-nonce", "code": given["code"], "state": "a-state", "access_token": given["access_token"]}
    believed = made.validate(given["id_token"], **beside, require_at_hash=True)
    assert believed.claims["tid"] == "default"
    for name, value in {"nonce": "another", "code": "another", "state": "another", "access_token": "another"}.items():
        with pytest.raises(intaglio.TokenRefused):
            made.validate(given["id_token"], **(beside | {name: value}))
    site.add_tenant("shop")
    there = "http://localhost:8084/default/shop"
    other = intaglio.Validator(issuer=there, keys={"keys": keys(site)}, **wants)
    with pytest.raises(intaglio.TokenRefused):
        other.validate(given["id_token"], **beside)
    theirs = intaglio.Validator(issuer=ISSUER, keys={"keys": keys(site, there)}, **wants)
    with pytest.raises(intaglio.TokenRefused):
        theirs.validate(given["id_token"], **beside)
