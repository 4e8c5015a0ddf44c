"""auth0-python (PyPI), unmodified, against the auth0 port."""

from __future__ import annotations

import urllib.parse

import pytest
import requests
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error, TokenValidationError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.sdk
WITNESS = "auth0-python"


def _verifier(dev: live.Dev, audience: str = "web") -> TokenVerifier:
    keys = AsymmetricSignatureVerifier(dev.at("auth0") + "/.well-known/jwks.json")
    return TokenVerifier(keys, issuer=dev.at("auth0") + "/", audience=audience)


def _code(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver, **more: str) -> tuple[live.Started, str]:
    begun = live.authorization(dev.at("auth0") + "/authorize", **more)
    live.sign_in(page, begun.url)
    return begun, receiver.next().fields["code"]


def _sdk(dev: live.Dev) -> GetToken:
    host = urllib.parse.urlsplit(dev.at("auth0")).netloc
    return GetToken(host, "web", client_secret="web-secret", protocol="http")


@pytest.mark.browser
@capability("auth0-python", witness=WITNESS)
@capability("auth0-authorize", witness="Chromium")
@capability("auth0-token-json", witness=WITNESS)
@capability("auth0-lifetime", witness=WITNESS)
@capability("auth0-jwks", witness=WITNESS)
def test_sdk_exchanges_a_code_and_believes_the_token(
    dev: live.Dev, page: sync_api.Page, receiver: live.Receiver
) -> None:
    """The SDK posts JSON, gets tokens and verifies the ID token; another audience or nonce it refuses."""
    begun, code = _code(dev, page, receiver, code_challenge="", code_challenge_method="")
    answer = _sdk(dev).authorization_code(code, begun.redirect_uri)
    claims = _verifier(dev).verify(answer["id_token"], nonce=begun.nonce, max_age=600)
    assert claims["iss"] == dev.at("auth0") + "/"
    assert claims["sub"].startswith("auth0|")
    assert claims["exp"] - claims["iat"] == 36000
    assert (claims["email"], claims["name"]) == ("alice@example.com", "Alice Elizabeth Adams")
    with pytest.raises(TokenValidationError, match=r"(?i)nonce"):
        _verifier(dev).verify(answer["id_token"], nonce="another")
    with pytest.raises(TokenValidationError, match=r"(?i)audience"):
        _verifier(dev, "spa").verify(answer["id_token"], nonce=begun.nonce)

    again = _sdk(dev).refresh_token(answer["refresh_token"])
    assert again["id_token"] != answer["id_token"]
    refreshed = _verifier(dev).verify(again["id_token"])
    assert refreshed["exp"] - refreshed["iat"] == 36000


@pytest.mark.browser
@capability("auth0-token-form", witness="requests")
@capability("auth0-token-json", witness="requests")
@pytest.mark.parametrize("form", ["form", "json"])
def test_both_bodies_are_read(dev: live.Dev, page: sync_api.Page, receiver: live.Receiver, form: str) -> None:
    """A form and a JSON body whose absent members are null get the same answer, PKCE included."""
    begun, code = _code(dev, page, receiver)
    body: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "client_id": "web",
        "client_secret": "web-secret",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.code_verifier,
    }
    at = dev.at("auth0") + "/oauth/token"
    nulls = {"organization": None, "audience": None, "scope": None}
    answer = requests.post(at, json=body | nulls) if form == "json" else requests.post(at, data=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 86400
    _verifier(dev).verify(answer.json()["id_token"], nonce=begun.nonce)


@capability("auth0-invalid-grant", witness=WITNESS)
def test_a_bad_code_is_403(dev: live.Dev) -> None:
    """A code that does not exist gets 403 `invalid_grant`, as the SDK expects it; so does a refresh token."""
    with pytest.raises(Auth0Error) as caught:
        _sdk(dev).authorization_code("no-such-code", live.WEB)
    assert (caught.value.status_code, caught.value.error_code) == (403, "invalid_grant")
    with pytest.raises(Auth0Error) as caught:
        _sdk(dev).refresh_token("no-such-token")
    assert (caught.value.status_code, caught.value.error_code) == (403, "invalid_grant")


@capability("auth0-discovery", witness="requests")
@capability("auth0-jwks", witness="requests")
def test_discovery_and_keys(dev: live.Dev) -> None:
    """The issuer ends with a slash, the endpoints stand at the root, the keys are RSA with a certificate each."""
    base = dev.at("auth0")
    found = requests.get(base + "/.well-known/openid-configuration").json()
    assert found["issuer"] == base + "/"
    assert found["authorization_endpoint"] == base + "/authorize"
    assert found["token_endpoint"] == base + "/oauth/token"
    keys = requests.get(found["jwks_uri"]).json()["keys"]
    assert {key["kty"] for key in keys} == {"RSA"}
    assert all(len(key["x5c"]) == 1 and key["kid"] == key["x5t"] for key in keys)
