"""openid-client, unmodified, over https with a workspace: the matrix of flows and client authentications.

And express-openid-connect as Cloudentity's own sample application has it, in Chromium.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import cloudentity
from tests.sdk import secure as secures
from tests.sdk.cloudentity import CALLBACK, SCOPES, Somebody

pytestmark = pytest.mark.sdk
secure = secures.secure
WITNESS = "openid-client"
SECRET = "a-secret-of-the-client-that-is-long-enough"
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
GRANTS = ("authorization_code", "implicit", "refresh_token", "client_credentials")
SCOPE = " ".join(SCOPES)


@pytest.fixture(scope="module")
def talk(secure: secures.Secure) -> Iterator[secures.Talk]:
    """One process for every test, and the applications that it speaks for."""
    given: dict[str, Any] = {
        "redirect_uris": (CALLBACK,),
        "post_logout_redirect_uris": (CALLBACK,),
        "grant_types": GRANTS,
        "response_types": cloudentity.RESPONSE_TYPES,
    }
    kept = (secure.house.secrets.keep(SECRET, secure.clock.now(), sealed=True),)
    secure.add_client("flows", **given, token_endpoint_auth_methods=METHODS, secrets=kept)
    secure.add_client("flows-open", like="native", **given)
    with secure.talk(secures.node("workspace.mjs")) as opened:
        yield opened


def _open(secure: secures.Secure, talk: secures.Talk, client_id: str = "flows", **more: Any) -> None:
    given = {"issuer": cloudentity.issuer(secure), "clientId": client_id, "secret": SECRET}
    talk.say("open", **(given | {"method": "client_secret_basic"} | more))


def _signed_in(secure: secures.Secure, talk: secures.Talk, **more: Any) -> dict[str, Any]:
    url = talk.say("begin", redirectUri=CALLBACK, scope=SCOPE, **more)["url"]
    return talk.say("finish", redirectUri=CALLBACK, **Somebody(secure).through(url))


@capability("cloudentity-flows", witness=WITNESS)
def test_code_with_each_client_authentication(secure: secures.Secure, talk: secures.Talk) -> None:
    """A code with PKCE for a secret in the header, in the form, as a key, for a key of its own, and for none."""
    jwk = talk.say("key", alg="ES256", use="sig")["jwk"]
    proof = {"token_endpoint_auth_methods": ("private_key_jwt",), "secrets": (), "redirect_uris": (CALLBACK,)}
    secure.add_client("flows-proof", jwks=json.dumps({"keys": [jwk]}), **proof)
    every = [("flows", method) for method in METHODS] + [("flows-proof", "private_key_jwt"), ("flows-open", "none")]
    for client_id, method in every:
        _open(secure, talk, client_id, method=method)
        told = _signed_in(secure, talk)
        assert (told["claims"]["aud"], told["claims"]["scp"]) == (client_id, list(SCOPES))
        found = talk.say("userinfo", accessToken=told["accessToken"], sub=told["claims"]["sub"])
        assert found["email"] == "alice@example.com"
    # The same key signs a request, which then counts alone.
    _open(secure, talk, "flows-proof", method="private_key_jwt")
    assert _signed_in(secure, talk, signed=True)["claims"]["aud"] == "flows-proof"


@capability("cloudentity-flows", witness=WITNESS)
def test_pushed_hybrid_and_implicit(secure: secures.Secure, talk: secures.Talk) -> None:
    """A pushed request; a hybrid answer in the fragment and by a form; an ID token alone."""
    _open(secure, talk)
    assert _signed_in(secure, talk, pushed=True)["claims"]["tid"] == "default"
    _open(secure, talk, responseType="code id_token")
    assert _signed_in(secure, talk)["claims"]["aid"] == "default"
    assert _signed_in(secure, talk, response_mode="form_post")["claims"]["st"] == "public"
    _open(secure, talk, responseType="id_token")
    url = talk.say("begin", redirectUri=CALLBACK, scope="openid email")["url"]
    told = talk.say("implicit", url=Somebody(secure).through(url)["url"])
    assert (told["claims"]["aud"], told["claims"]["scp"]) == ("flows", ["openid", "email"])


@capability("cloudentity-flows", witness=WITNESS)
def test_refresh_introspection_revocation_machine_device_and_logout(secure: secures.Secure, talk: secures.Talk) -> None:
    """A refresh token rotates and can be taken back; a program gets a token, a device too; and people leave."""
    _open(secure, talk)
    told = _signed_in(secure, talk)
    again = talk.say("refresh", refreshToken=told["refreshToken"])
    assert again["refreshToken"] != told["refreshToken"]
    assert again["claims"]["sub"] == told["claims"]["sub"]
    found = talk.say("introspect", token=again["accessToken"])
    assert (found["active"], found["sub"]) == (True, told["claims"]["sub"])
    assert talk.say("introspect", token=again["idToken"]) == {"active": False}
    talk.say("revoke", token=again["refreshToken"])
    refused = talk.refused("refresh", refreshToken=again["refreshToken"])
    assert (refused["failed"], refused["status"]) == ("invalid_grant", 400)
    machine = talk.say("machine", scope="")
    assert talk.say("introspect", token=machine["accessToken"])["client_id"] == "flows"

    somebody = Somebody(secure)
    _open(secure, talk, "tv", method="none")
    talk.begin("device", scope="openid profile")
    started = talk.heard()["started"]
    somebody.approve(started["verification_uri"], started["user_code"])
    secure.clock.advance(10)
    device = talk.heard()
    assert device["claims"]["aud"] == "tv"

    _open(secure, talk)
    url = talk.say("begin", redirectUri=CALLBACK, scope="openid")["url"]
    told = talk.say("finish", **somebody.through(url))
    leaving = talk.say("leave", idToken=told["idToken"], redirectUri=CALLBACK)["url"]
    assert somebody.open(leaving).location == CALLBACK + "?state=bye"
    assert 'id="login-form"' in somebody.open(url).text


@capability("cloudentity-flows", witness=WITNESS)
def test_what_is_not_enabled_is_refused(secure: secures.Secure, talk: secures.Talk) -> None:
    """A response type and a scope that the application does not have come back as the page says."""
    secure.add_client("flows-few", SECRET, redirect_uris=(CALLBACK,), scope=("openid",))
    _open(secure, talk, "flows-few", responseType="id_token")
    url = talk.say("begin", redirectUri=CALLBACK, scope="openid")["url"]
    refused = talk.refused("implicit", url=Somebody(secure).through(url)["url"])
    assert refused["failed"] == "unsupported_response_type"
    _open(secure, talk, "flows-few")
    url = talk.say("begin", redirectUri=CALLBACK, scope="openid email")["url"]
    refused = talk.refused("finish", url=Somebody(secure).through(url)["url"])
    assert refused["failed"] == "invalid_scope"


@capability("cloudentity-encrypted-client", witness="openid-client, jose")
def test_openid_client_opens_its_tokens(secure: secures.Secure, talk: secures.Talk) -> None:
    """The library decrypts, then verifies: from the token endpoint, through the browser, and at a refresh."""
    jwk = talk.say("key", alg="RSA-OAEP-256", use="enc")["jwk"]
    told = {"id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM"}
    given = {"redirect_uris": (CALLBACK,), "response_types": cloudentity.RESPONSE_TYPES, "grant_types": GRANTS}
    secure.add_client("flows-nested", SECRET, jwks=json.dumps({"keys": [jwk]}), **given, **told)
    opens = {"decrypt": {"alg": "RSA-OAEP-256", "enc": "A256GCM"}}
    for response_type in ("code", "code id_token"):
        _open(secure, talk, "flows-nested", responseType=response_type, **opens)
        found = _signed_in(secure, talk)
        assert (found["idToken"].count("."), found["claims"]["name"]) == (4, "Alice Elizabeth Adams")
        again = talk.say("refresh", refreshToken=found["refreshToken"])
        assert (again["idToken"].count("."), again["claims"]["sub"]) == (4, found["claims"]["sub"])


@pytest.mark.browser
@capability("official-express-openid-connect", witness="express-openid-connect, Chromium")
def test_express_as_in_cloudentity_s_sample(secure: secures.Secure, visit: Callable[..., live.Visitor]) -> None:
    """The settings of Cloudentity's sample: the workspace as issuer, a secret in the form, ES256, no slash."""
    tls = {"chain": str(secure.authority.chain), "key": str(secure.authority.key)}
    config = {
        "issuerBaseURL": cloudentity.issuer(secure),
        "clientID": "express",
        "clientSecret": SECRET,
        "clientAuthMethod": "client_secret_post",
        "idTokenSigningAlg": "ES256",
        "authorizationParams": {"response_type": "code", "scope": "openid email offline_access"},
    }
    with secure.talk(secures.node("express.mjs")) as started:
        origin = str(started.say("open", **tls, config=config)["origin"])
        told = {"redirect_uris": (origin + "/callback",), "post_logout_redirect_uris": (origin,)}
        secure.add_client("express", SECRET, **told)
        page = visit(ignore_https_errors=True).tab()
        page.goto(origin + "/profile")
        live.log_in(page)
        live.allow(page)
        shown = json.loads(page.inner_text("#rp-done"))
        assert shown["claims"]["iss"] == cloudentity.issuer(secure)
        page.goto(origin + "/refresh")
        assert json.loads(page.inner_text("#rp-done"))["token_type"].lower() == "bearer"
        page.goto(origin + "/logout")
        assert json.loads(page.inner_text("#rp-done")) == {"signedIn": False}
