"""acp-client-go, unmodified, over https, and an application that opens its encrypted ID tokens with go-jose."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import live
from tests.capability import capability
from tests.sdk import cloudentity
from tests.sdk import secure as secures
from tests.sdk.cloudentity import CALLBACK, SCOPES, Somebody

pytestmark = pytest.mark.sdk
secure = secures.secure
WITNESS = "acp-client-go"
SECRET = "a secret of % characters + more"
GRANTS = ("authorization_code", "implicit", "refresh_token", "client_credentials")


@pytest.fixture(scope="module")
def talk(secure: secures.Secure) -> Iterator[secures.Talk]:
    """One process for every test, and its applications."""
    with secure.talk(secures.go("acp")) as opened:
        given: dict[str, Any] = {
            "redirect_uris": (CALLBACK,),
            "grant_types": GRANTS,
            "response_types": cloudentity.RESPONSE_TYPES,
        }
        secure.add_client("acp", SECRET, **given)
        secure.add_client("acp-open", like="native", **given)
        yield opened


def _open(secure: secures.Secure, talk: secures.Talk, client_id: str = "acp", **more: Any) -> dict[str, Any]:
    given = {"issuer": cloudentity.issuer(secure), "rootCA": secure.ca, "redirectUri": CALLBACK, "skip": True}
    given |= {"clientId": client_id, "scopes": SCOPES, "secret": SECRET, "method": "client_secret_basic"}
    return talk.say("open", **(given | more))


def _redeemed(talk: secures.Talk, begun: dict[str, Any], back: dict[str, str]) -> dict[str, Any]:
    told = talk.say("redeem", code=back["code"], state=back["state"])
    assert (told["type"], told["expiresIn"]) == ("Bearer", 3600)
    return told


def _proof(folder: pathlib.Path) -> tuple[str, str]:
    """Return the file with an application's key, as the library reads one, and its public half as a key set."""
    made = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(made.private_bytes(*form))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made.public_key()))
    members = {name: public[name] for name in ("kty", "n", "e")} | {"use": "sig", "alg": "RS256", "kid": "proof"}
    return str(folder / "key.pem"), json.dumps({"keys": [members]})


@capability("official-acp-client-go", witness=WITNESS)
def test_library_finds_the_issuer_and_reads_what_it_says(secure: secures.Secure, talk: secures.Talk) -> None:
    """`New` splits the issuer into tenant and workspace; both documents fit the library's strict models."""
    assert _open(secure, talk) == {"tenant": "default", "server": "default"}
    told = talk.say("describe")
    issuer, document = cloudentity.issuer(secure), told["document"]
    assert document["issuer"] == issuer
    assert document["token_endpoint"] == issuer + "/oauth2/token"
    assert document["pushed_authorization_request_endpoint"] == issuer + "/par"
    first = told["keys"][0]
    assert (first["use"], first["alg"], first["kid"].isdigit()) == ("sig", "ES256", True)
    refused = talk.refused(
        "open", issuer=issuer + "/", clientId="acp", secret=SECRET, method="client_secret_basic", rootCA=secure.ca
    )
    assert "unable to get well-known endpoints" in refused["failed"]


@capability("official-acp-client-go", witness=WITNESS)
def test_sign_in_with_each_client_authentication(
    secure: secures.Secure, talk: secures.Talk, tmp_path: pathlib.Path
) -> None:
    """Basic with an encoded secret, the secret in the form, a signed assertion, and no secret: code, PKCE, userinfo."""
    key, jwks = _proof(tmp_path)
    redirected = {"redirect_uris": (CALLBACK,), "token_endpoint_auth_methods": ("private_key_jwt",), "secrets": ()}
    secure.add_client("acp-proof", jwks=jwks, **redirected)
    somebody = Somebody(secure)
    for client_id, method in (
        ("acp", "client_secret_basic"),
        ("acp", "client_secret_post"),
        ("acp-proof", "private_key_jwt"),
        ("acp-open", "none"),
    ):
        _open(secure, talk, client_id, method=method, keyFile=key if method == "private_key_jwt" else "")
        begun = talk.say("begin", responseType=["code"], pkce=True)
        told = _redeemed(talk, begun, somebody.comes_back(begun["url"]))
        claims = live.claims(told["idToken"])
        assert (claims["iss"], claims["aud"]) == (cloudentity.issuer(secure), client_id)
        assert (claims["nonce"], claims["tid"], claims["aid"]) == (begun["nonce"], "default", "default")
        assert claims["exp"] - claims["iat"] == 3600
        found = talk.say("userinfo", token=told["accessToken"])
        assert (found["sub"], found["email"]) == (claims["sub"], "alice@example.com")
    assert "401" in talk.refused("userinfo", token=told["idToken"])["failed"]


@capability("official-acp-client-go", witness=WITNESS)
def test_what_fails_fails_in_the_library(secure: secures.Secure, talk: secures.Talk) -> None:
    """Another state, another secret and a used code are failures, each with the answer's own words."""
    _open(secure, talk)
    begun = talk.say("begin", responseType=["code"], pkce=True)
    back = Somebody(secure).comes_back(begun["url"])
    assert talk.refused("redeem", code=back["code"], state="another")["failed"] == "invalid state"
    refused = talk.refused("redeem", code=back["code"], state=back["state"])["failed"]
    assert "do request 400" in refused
    assert '"invalid_grant"' in refused
    _open(secure, talk, secret="another")
    refused = talk.refused("redeem", code=back["code"], state=back["state"])["failed"]
    assert "do request 401" in refused
    assert '"invalid_client"' in refused


@capability("official-acp-client-go", witness=WITNESS)
def test_hybrid_pushed_requests_refresh_devices_and_machines(secure: secures.Secure, talk: secures.Talk) -> None:
    """A hybrid answer by a form; a pushed request, taken once; a refresh that rotates; a device; a program's token."""
    _open(secure, talk)
    somebody = Somebody(secure)
    begun = talk.say("begin", responseType=["code", "id_token"], responseMode="form_post", pkce=True)
    back = somebody.comes_back(begun["url"])
    told = _redeemed(talk, begun, back)
    front, claims = live.claims(back["id_token"]), live.claims(told["idToken"])
    assert "c_hash" in front
    assert [front[name] for name in ("iss", "sub", "nonce")] == [claims[name] for name in ("iss", "sub", "nonce")]

    pushed = talk.say("push", responseType=["code"], pkce=True)
    assert pushed["requestUri"].startswith("urn:ietf:params:oauth:request_uri:")
    told = _redeemed(talk, pushed, somebody.comes_back(pushed["url"]))
    assert live.claims(told["idToken"])["nonce"] == pushed["nonce"]

    again = talk.say("refresh", token=told["refreshToken"], clientId="acp", secret=SECRET)
    assert live.claims(again["id_token"])["sub"] == claims["sub"]
    assert again["refresh_token"] != told["refreshToken"]
    device = talk.say("device", clientId="tv", scope="openid")
    assert (device["expires_in"], device["verification_uri"]) == (1800, cloudentity.issuer(secure) + "/device")

    # Without `skip` every call of the library carries a token that its own credentials got.
    _open(secure, talk, skip=False, scopes=[])
    assert talk.say("describe")["document"]["issuer"] == cloudentity.issuer(secure)
    found = talk.say("introspect", token=told["accessToken"])
    assert (found["active"], found["client_id"], found["tenant_id"]) == (True, "acp", "default")
    assert "active" not in talk.say("introspect", token=told["idToken"])
    _open(secure, talk, skip=False, scopes=[], secret="another")
    assert "invalid_client" in talk.refused("describe")["failed"]


@capability("cloudentity-encrypted-client", witness="go-jose")
def test_encrypted_tokens_open_with_the_application_s_key(secure: secures.Secure, talk: secures.Talk) -> None:
    """By its own settings an application gets nested tokens everywhere: from the endpoint, by a form, at a refresh."""
    jwk = talk.say("key")["jwk"]
    settings: dict[str, Any] = {"id_token_encrypted_response_alg": "RSA-OAEP", "jwks": json.dumps({"keys": [jwk]})}
    given = {"redirect_uris": (CALLBACK,), "grant_types": GRANTS, "response_types": cloudentity.RESPONSE_TYPES}
    secure.add_client("acp-nested", SECRET, **(given | settings))
    somebody = Somebody(secure)
    for alg, enc in (("RSA-OAEP", "A128CBC-HS256"), ("RSA-OAEP-256", "A256GCM")):
        # Registration 1.0 section 2: nothing said of `enc` means A128CBC-HS256.
        told_enc = "" if enc == "A128CBC-HS256" else enc
        secure.change_client(
            "acp-nested", id_token_encrypted_response_alg=alg, id_token_encrypted_response_enc=told_enc
        )
        _open(secure, talk, "acp-nested")
        begun = talk.say("begin", responseType=["code", "id_token"], responseMode="form_post", pkce=True)
        back = somebody.comes_back(begun["url"])
        told = _redeemed(talk, begun, back)
        again = talk.say("refresh", token=told["refreshToken"], clientId="acp-nested", secret=SECRET)
        for token in (back["id_token"], told["idToken"], again["id_token"]):
            assert _protected(token) == {"alg": alg, "enc": enc, "kid": "enc-1", "cty": "JWT", "typ": "JWT"}
            opened = talk.say("decrypt", token=token)
            assert opened["alg"] == "ES256"
            assert (opened["claims"]["aud"], opened["claims"]["name"]) == ("acp-nested", "Alice Elizabeth Adams")


def _protected(token: str) -> dict[str, Any]:
    assert token.count(".") == 4
    header: dict[str, Any] = jwt.utils.base64url_decode(token.split(".", 1)[0])  # type: ignore[assignment]
    return dict(json.loads(header))


@capability("cloudentity-encrypted-client", witness="go-jose")
def test_workspace_switch_leaves_no_token_in_clear(secure: secures.Secure, talk: secures.Talk) -> None:
    """With the workspace's switch on, an application with a key gets nested tokens, and one without gets none."""
    jwk = talk.say("key")["jwk"]
    told = {"id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": json.dumps({"keys": [jwk]})}
    secure.add_client("acp-switched", SECRET, redirect_uris=(CALLBACK,), **told)
    secure.change_tenant(encrypt_id_tokens="always")
    try:
        _open(secure, talk)
        refused = Somebody(secure).comes_back(talk.say("begin", responseType=["code"], pkce=True)["url"])
        assert (refused["error"], "code" in refused) == ("invalid_request", False)
        _open(secure, talk, "acp-switched")
        begun = talk.say("begin", responseType=["code"], pkce=True)
        token = _redeemed(talk, begun, Somebody(secure).comes_back(begun["url"]))["idToken"]
        assert talk.say("decrypt", token=token)["claims"]["nonce"] == begun["nonce"]
    finally:
        secure.change_tenant(encrypt_id_tokens="")
