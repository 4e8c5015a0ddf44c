"""Auth0's kits for servers, unmodified, over https: sign-in, userinfo, refresh, revocation, devices, management."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio.server.devmode import seeds
from intaglio.server.model import organizations
from intaglio.server.model.organizations import Organization
from tests import live
from tests.capability import capability
from tests.sdk import person
from tests.sdk import secure as secures

pytestmark = pytest.mark.sdk
secure = secures.secure
KITS = {
    "auth0-python": lambda: secures.python("auth0kit.py"),
    "node-auth0": lambda: secures.node("auth0.mjs"),
    "go-auth0": lambda: secures.go("auth0"),
    "auth0-java": lambda: secures.java("Auth0Witness"),
}
ROWS = [
    pytest.param("auth0-python", marks=capability("official-auth0-python", witness="auth0-python")),
    pytest.param("node-auth0", marks=capability("official-node-auth0", witness="node-auth0")),
    pytest.param("go-auth0", marks=capability("official-go-auth0", witness="go-auth0")),
    pytest.param("auth0-java", marks=capability("official-auth0-java", witness="auth0-java")),
]
PUBLIC = ("node-auth0", "go-auth0", "auth0-java")
"""Those that send a verifier and a secret together; the kit for Python sends either."""


class Somebody(person.Person):
    """A person who signs in at the Auth0 port, and the requests that send them there."""

    def __init__(self, site: secures.Secure) -> None:
        super().__init__(site.at("auth0"))
        self.session.verify = site.ca

    def signs_in(self, **more: str) -> tuple[live.Started, str]:
        """Sign in for the application `web`; return the request and the code that it got."""
        begun = live.authorization(self.base + "/authorize", **more)
        given = dict(parse_qsl(urlsplit(self.through(begun.url)["url"]).query))
        assert given["state"] == begun.state, given
        return begun, given["code"]


def _redeemed(talk: secures.Talk, kit: str, somebody: Somebody, **asked: str) -> dict[str, Any]:
    pkce = {} if kit in PUBLIC else {"code_challenge": "", "code_challenge_method": ""}
    begun, code = somebody.signs_in(**pkce, **asked)
    verifier = {"verifier": begun.code_verifier} if kit in PUBLIC else {}
    told = talk.say("redeem", code=code, redirectUri=begun.redirect_uri, nonce=begun.nonce, **verifier)
    assert live.claims(told["idToken"])["nonce"] == begun.nonce
    return told


class Talks(contextlib.ExitStack):
    """One process for each kit, started when it is first asked."""

    def __init__(self, site: secures.Secure) -> None:
        super().__init__()
        self._site = site
        self._opened: dict[str, secures.Talk] = {}

    def open(self, kit: str, client_id: str, **given: str) -> secures.Talk:
        """Return a kit that is to speak for an application."""
        if kit not in self._opened:
            self._opened[kit] = self.enter_context(self._site.talk(KITS[kit]()))
        self._opened[kit].say("open", domain=self._site.place("auth0"), clientId=client_id, **given)
        return self._opened[kit]


@pytest.fixture(scope="module")
def talks(secure: secures.Secure) -> Iterator[Talks]:
    """The kits, for all tests of this module."""
    with Talks(secure) as opened:
        yield opened


@pytest.mark.parametrize("kit", ROWS)
def test_sign_in_refresh_and_revocation(secure: secures.Secure, talks: Talks, kit: str) -> None:
    """A kit signs a person in, verifies, asks who it is, refreshes, revokes; what fails then, it can read."""
    somebody = Somebody(secure)
    talk = talks.open(kit, "web", secret="web-secret")
    told = _redeemed(talk, kit, somebody)
    claims = live.claims(told["idToken"])
    assert (claims["iss"], claims["aud"]) == (secure.at("auth0") + "/", "web")
    assert claims["sub"].startswith("auth0|")
    assert claims["exp"] - claims["iat"] == 36000
    assert (told["type"], told["expiresIn"]) == ("Bearer", 86400)

    found = talk.say("userinfo", accessToken=told["accessToken"])
    assert (found["sub"], found["email"]) == (claims["sub"], "alice@example.com")
    # An ID token opens no API.
    assert talk.refused("userinfo", accessToken=told["idToken"])["status"] == 401

    again = talk.say("refresh", refreshToken=told["refreshToken"])
    fresh = live.claims(again["idToken"])
    assert (fresh["sub"], "nonce" in fresh) == (claims["sub"], False)
    talk.say("revoke", refreshToken=told["refreshToken"])
    refused = talk.refused("refresh", refreshToken=told["refreshToken"])
    assert (refused["failed"], refused["status"]) == ("invalid_grant", 403)
    assert refused["message"] == "Unknown or invalid refresh token."
    refused = talk.refused("redeem", code="no-such-code", redirectUri=live.WEB, nonce="n")
    assert (refused["failed"], refused["status"]) == ("invalid_grant", 403)
    assert refused["message"] == "Invalid authorization code"

    talks.open(kit, "web", secret="wrong-secret")
    refused = talk.refused("refresh", refreshToken="any")
    assert (refused["failed"], refused["status"]) == ("invalid_client", 401)


@pytest.fixture(scope="module")
def proof(secure: secures.Secure) -> str:
    """The private key, as PEM, of the application `proof`, which has no secret."""
    made = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made.public_key()))
    members = {name: public[name] for name in ("kty", "n", "e")} | {"use": "sig", "alg": "RS256", "kid": "proof"}
    told: dict[str, Any] = {"token_endpoint_auth_methods": ("private_key_jwt",), "secrets": ()}
    secure.add_client("proof", jwks=json.dumps({"keys": [members]}), **told)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*form).decode()


@pytest.mark.parametrize("kit", ROWS)
def test_application_proves_itself_by_a_key(secure: secures.Secure, talks: Talks, proof: str, kit: str) -> None:
    """An assertion whose audience is the issuer, slash and all, is a client authentication; another's key is none."""
    talk = talks.open(kit, "proof", key=proof)
    told = _redeemed(talk, kit, Somebody(secure), client_id="proof")
    again = talk.say("refresh", refreshToken=told["refreshToken"])
    assert live.claims(again["idToken"])["aud"] == "proof"
    talks.open(kit, "web", key=proof)
    assert talk.refused("refresh", refreshToken="any")["failed"] == "invalid_client"


@pytest.fixture(scope="module")
def manager(secure: secures.Secure) -> str:
    """The secret of `manager`, which may change applications, and of `reader`, which may look at them."""
    api, secret = secure.at("auth0") + "/api/v2/", "a-secret-of-the-manager"
    scope = ("read:clients", "update:clients")
    secure.add_client("manager", secret, like="machine", audiences=(api,), scope=scope)
    secure.add_client("reader", secret, like="machine", audiences=(api,), scope=scope[:1])
    return secret


@pytest.mark.parametrize("kit", ROWS)
def test_lifetime_of_an_application_is_changed(secure: secures.Secure, talks: Talks, manager: str, kit: str) -> None:
    """The kit's management client gets a token of its own, sets the lifetime, and the next ID token has it."""
    name, seconds = f"shop-{kit}", 1200 + len(kit)
    secure.add_client(name, "a-secret-of-the-shop")
    talk = talks.open(kit, "manager", secret=manager)
    told = talk.say("lifetime", client=name, seconds=seconds)
    assert told == {"name": name, "lifetimes": [36000, seconds, seconds]}
    machine = talk.say("machine", audience=secure.at("auth0") + "/api/v2/")
    assert (machine["type"], machine["expiresIn"], machine.get("idToken") or None) == ("Bearer", 86400, None)

    talks.open(kit, name, secret="a-secret-of-the-shop")
    claims = live.claims(_redeemed(talk, kit, Somebody(secure), client_id=name)["idToken"])
    assert claims["exp"] - claims["iat"] == seconds

    talks.open(kit, "reader", secret=manager)
    refused = talk.refused("lifetime", client=name, seconds=60)
    assert (refused["status"], "insufficient_scope" in json.dumps(refused)) == (403, True)
    talks.open(kit, "manager", secret=manager)
    refused = talk.refused("lifetime", client="nobody", seconds=60)
    assert (refused["status"], "The client does not exist" in json.dumps(refused)) == (404, True)


ORGANIZATION = "org_9ybsU1dN2dKfDkBi"


@pytest.fixture(scope="module")
def members(secure: secures.Secure) -> str:
    """An application for members of organizations: alice belongs to one, and there is another."""
    now = secure.clock.now()
    for identifier, name in ((ORGANIZATION, "acme"), ("org_another000000000", "another")):
        secure.write(organizations.insert, Organization(seeds.TENANT_ID, identifier, name, now))
    secure.write(organizations.add_member, seeds.TENANT_ID, ORGANIZATION, secure.user("alice").user_id)
    secure.add_client("members", "a-secret-of-members", organization_usage="allow")
    return "a-secret-of-members"


@pytest.mark.parametrize("kit", ROWS)
def test_member_of_an_organization(secure: secures.Secure, talks: Talks, members: str, kit: str) -> None:
    """A member signs in for an organization; the kit finds it by its identifier, and by its name in any case."""
    somebody, pkce = Somebody(secure), {"code_challenge": "", "code_challenge_method": ""}
    talk = talks.open(kit, "members", secret=members)
    for asked in (ORGANIZATION, "Acme"):
        begun, code = somebody.signs_in(client_id="members", organization=ORGANIZATION, **pkce)
        given = {"code": code, "redirectUri": begun.redirect_uri, "nonce": begun.nonce, "organization": asked}
        claims = live.claims(talk.say("redeem", **given)["idToken"])
        assert (claims["org_id"], claims["org_name"]) == (ORGANIZATION, "acme")
    begun, code = somebody.signs_in(client_id="members", **pkce)
    given = {"code": code, "redirectUri": begun.redirect_uri, "nonce": begun.nonce, "organization": ORGANIZATION}
    assert "org_id" in talk.refused("redeem", **given)["message"]
    begun = live.authorization(somebody.base + "/authorize", "members", organization="org_another000000000")
    refused = dict(parse_qsl(urlsplit(somebody.through(begun.url)["url"]).query))
    assert (refused["error"], "code" in refused) == ("access_denied", False)
    assert "not part of the org_another000000000 organization" in refused["error_description"]


@capability("official-go-auth0", witness="go-auth0")
def test_device(secure: secures.Secure, talks: Talks) -> None:
    """A device's code is exchanged by the kit: pending first, then allowed at `/activate`, then used."""
    base = secure.at("auth0")
    form = {"client_id": "tv", "scope": "openid profile"}
    begun = requests.post(base + "/oauth/device/code", data=form, verify=secure.ca, timeout=10).json()
    assert begun["verification_uri"] == base + "/activate"
    talk = talks.open("go-auth0", "tv")
    refused = talk.refused("device", deviceCode=begun["device_code"])
    assert (refused["failed"], refused["status"]) == ("authorization_pending", 403)
    assert refused["message"] == "User has yet to authorize device code."
    refused = talk.refused("device", deviceCode=begun["device_code"])
    assert (refused["failed"], refused["status"]) == ("slow_down", 429)
    Somebody(secure).approve(begun["verification_uri"], begun["user_code"])
    secure.clock.advance(30)
    told = talk.say("device", deviceCode=begun["device_code"])
    assert live.claims(told["idToken"])["aud"] == "tv"


@capability("official-auth0-java", witness="auth0-java")
def test_urls_of_the_kit_for_java(secure: secures.Secure, talks: Talks) -> None:
    """The kit's own addresses lead through sign-in, with PKCE, and through logout back to the application."""
    secure.change_client("web", post_logout_redirect_uris=("http://localhost:3000/",))
    somebody = Somebody(secure)
    begun = live.authorization("unused", redirect_uri="http://localhost:3000/callback")
    challenge = dict(parse_qsl(urlsplit(begun.url).query))["code_challenge"]
    talk = talks.open("auth0-java", "web", secret="web-secret")
    asked = {"redirectUri": begun.redirect_uri, "scope": "openid email", "state": begun.state}
    url = talk.say("begin", **asked, nonce=begun.nonce, challenge=challenge)["url"]
    code = dict(parse_qsl(urlsplit(somebody.through(url)["url"]).query))["code"]
    verifier = {"verifier": begun.code_verifier, "nonce": begun.nonce}
    told = talk.say("redeem", code=code, redirectUri=begun.redirect_uri, **verifier)
    assert live.claims(told["idToken"])["email"] == "alice@example.com"
    out = talk.say("logout", returnTo="http://localhost:3000/")["url"]
    assert out.startswith(secure.at("auth0") + "/v2/logout?")
    assert somebody.open(out).location == "http://localhost:3000/"
    assert 'id="login-form"' in somebody.open(url).text
