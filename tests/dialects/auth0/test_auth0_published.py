"""What Auth0's SDKs read of a tenant, and how programs prove themselves: each trap by its name."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from joserfc import jwk, jwt

from intaglio import codec
from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8083"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_trap_the_issuer_ends_in_a_slash(site: harness.Site) -> None:
    """In the metadata at both addresses and in the token, letter by letter."""
    documents = [
        site.get(f"{ROOT}/.well-known/{name}").json() for name in ("openid-configuration", "oauth-authorization-server")
    ]
    assert documents[0] == documents[1]
    claims = harness.payload(harness.auth0_app(site).tokens()["id_token"])
    assert documents[0]["issuer"] == claims["iss"] == ROOT + "/"


def test_the_metadata_lists_what_is_there(site: harness.Site) -> None:
    """Each endpoint at the host's root; every one of them answers."""
    body = site.get(ROOT + "/.well-known/openid-configuration").json()
    endpoints = {
        "authorization_endpoint": "/authorize",
        "token_endpoint": "/oauth/token",
        "userinfo_endpoint": "/userinfo",
        "jwks_uri": "/.well-known/jwks.json",
        "revocation_endpoint": "/oauth/revoke",
        "device_authorization_endpoint": "/oauth/device/code",
        "end_session_endpoint": "/oidc/logout",
        "pushed_authorization_request_endpoint": "/oauth/par",
        "introspection_endpoint": "/oauth/introspect",
    }
    for name, path in endpoints.items():
        assert body[name] == ROOT + path
        assert site.request("OPTIONS", body[name]).status == 204
    assert {name for name in body if name.endswith(("_endpoint", "_uri"))} == set(endpoints)
    assert "web_message" in body["response_modes_supported"]
    assert body["id_token_signing_alg_values_supported"] == ["RS256", "PS256"]
    assert "none" not in str(body["id_token_signing_alg_values_supported"])


@capability("auth0-traps", witness="the key set")
def test_trap_the_keys_are_rsa_each_with_alg_and_kid(site: harness.Site) -> None:
    """One SDK parses every key as RSA, others need `alg`; nobody keeps the set for ten minutes or more."""
    for alg in ("ES256", "EdDSA", "PS256"):
        site.keys(alg)
    answer = site.get(ROOT + "/.well-known/jwks.json")
    keys = answer.json()["keys"]
    assert keys
    for key in keys:
        assert (key["kty"], key["use"], len(key["x5c"])) == ("RSA", "sig", 1)
        assert key["alg"] in ("RS256", "PS256")
        assert all(key[name] for name in ("kid", "n", "e", "x5t"))
    header = answer.header("cache-control") or ""
    assert int(header.partition("max-age=")[2]) < 600


def test_an_algorithm_that_the_kits_do_not_know_is_never_used(site: harness.Site) -> None:
    """An application that wants an elliptic curve gets RS256 here."""
    site.keys("ES256")
    site.change_client("web", id_token_signed_response_alg="ES256")
    token = harness.auth0_app(site).tokens()["id_token"]
    assert json.loads(codec.decode_base64url(token.split(".")[0]))["alg"] == "RS256"


@pytest.mark.parametrize("encoded", [True, False])
def test_trap_basic_credentials_encoded_and_not(site: harness.Site, encoded: bool) -> None:
    """RFC 6749 wants them form-encoded, many programs do not; for what needs no encoding it is the same."""
    secret = "a-secret~with.marks_1"
    site.add_client("basic", secret, like="machine")
    shown = quote(secret, safe="") if encoded else secret
    headers = {"authorization": harness.basic("basic", shown)}
    assert site.post(ROOT + "/oauth/token", {"grant_type": "client_credentials"}, headers=headers).status == 200


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        (ROOT + "/", True),
        (ROOT + "/oauth/token", True),
        (ROOT, False),
        ([ROOT + "/"], True),
        ("https://evil.example/", False),
        ([ROOT + "/", "https://evil.example/"], False),
    ],
    ids=str,
)
def test_trap_an_assertion_is_for_the_issuer(site: harness.Site, audience: Any, good: bool) -> None:
    """The kits name the issuer with its slash, for 120 or 180 seconds; a second use is none."""
    key = jwk.RSAKey.generate_key(2048, {"kid": "k", "alg": "RS256"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]})
    site.add_client("signs", like="machine", token_endpoint_auth_methods=("private_key_jwt",), jwks=keys)
    now = site.clock.now()
    claims = {"iss": "signs", "sub": "signs", "aud": audience, "jti": "one", "iat": now, "exp": now + 180}
    assertion = jwt.encode({"alg": "RS256", "kid": "k"}, claims, key)
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    assert site.post(ROOT + "/oauth/token", form).status == (200 if good else 401)
    assert site.post(ROOT + "/oauth/token", form).status == 401


def test_trap_one_audience_and_no_authorized_party(site: harness.Site) -> None:
    """With one audience, as text, nobody asks for `azp`."""
    claims = harness.payload(harness.auth0_app(site).tokens()["id_token"])
    assert claims["aud"] == "web"
    assert "azp" not in claims


def test_the_payload_begins_with_the_profile(site: harness.Site) -> None:
    """In the order of the vendor's samples; `updated_at` is text there."""
    claims = harness.payload(harness.auth0_app(site).tokens(scope="openid profile email")["id_token"])
    order = ["nickname", "name", "picture", "updated_at", "email", "email_verified", "iss", "sub", "aud", "iat", "exp"]
    assert [name for name in claims if name in order] == order
    assert claims["updated_at"].endswith(".000Z")


def test_names_are_there_for_everybody(site: harness.Site) -> None:
    """Without them the address stands for the name, and its local part for the nickname."""
    site.change_user("bob", claims={"email": "bob@example.com"})
    claims = harness.payload(harness.auth0_app(site).tokens(username="bob", scope="openid profile")["id_token"])
    assert (claims["name"], claims["nickname"]) == ("bob@example.com", "bob")
    site.change_user("bob", claims={})
    site.clock.advance(1)
    claims = harness.payload(harness.auth0_app(site).tokens(username="bob", scope="openid profile")["id_token"])
    assert (claims["name"], claims["nickname"]) == ("bob", "bob")


def test_a_host_is_a_tenant(site: harness.Site) -> None:
    """Its issuer, endpoints and keys are there, and its people and applications alone."""
    site.add_tenant("acme", hosts=("id.acme.example",))
    host = {"host": "id.acme.example"}
    body = site.get(ROOT + "/.well-known/openid-configuration", headers=host).json()
    assert body["issuer"] == "http://id.acme.example/"
    assert body["token_endpoint"] == "http://id.acme.example/oauth/token"
    own = site.get(ROOT + "/.well-known/jwks.json", headers=host).json()["keys"]
    default = site.get(ROOT + "/.well-known/jwks.json").json()["keys"]
    assert not {key["kid"] for key in own} & {key["kid"] for key in default}
    form = {"grant_type": "authorization_code", "code": "x", "client_id": "web", "client_secret": "web-secret"}
    assert site.post(ROOT + "/oauth/token", form, headers=host).status == 401
    assert site.post(ROOT + "/oauth/token", form | {"client_secret": "other-secret"}, headers=host).status == 403


class AtHost(harness.Browser):
    """A browser that reached the door by a tenant's own name."""

    def request(self, method: str, where: str, **given: Any) -> harness.Answer:
        """Send a request with that name as its host."""
        headers = dict(given.pop("headers", None) or {}) | {"host": "id.acme.example"}
        return super().request(method, where.replace("http://id.acme.example", ROOT), headers=headers, **given)

    def submit(
        self, page: harness.Answer, form_id: str, *, origin: str | None = "own", **changes: Any
    ) -> harness.Answer:
        """Send a form as from that host."""
        return super().submit(page, form_id, origin="http://id.acme.example" if origin == "own" else origin, **changes)


@capability("auth0-hosts", witness="the ID token")
def test_people_sign_in_at_their_tenants_host(site: harness.Site) -> None:
    """From the authorization request to the tokens, whose issuer is that host."""
    site.add_tenant("acme", hosts=("id.acme.example",))
    app = harness.App(site, "web", "other-secret", issuer="http://id.acme.example/", token="/oauth/token")
    browser = AtHost(site)
    code = browser.through(app.authorize(browser), "alice", "other-password").params["code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": "web", "client_secret": "other-secret"}
    form |= {"redirect_uri": app.redirect_uri, "code_verifier": harness.VERIFIER}
    elsewhere = site.post(ROOT + "/oauth/token", form)
    assert elsewhere.status == 401
    tokens = site.post(ROOT + "/oauth/token", form, headers={"host": "id.acme.example"})
    assert harness.payload(tokens.json()["id_token"])["iss"] == "http://id.acme.example/"


def test_a_host_that_is_nobodys_makes_no_issuer(site: harness.Site) -> None:
    """It is answered as the door's own."""
    body = site.get(ROOT + "/.well-known/openid-configuration", headers={"host": "evil.example"}).json()
    assert body["issuer"] == ROOT + "/"
