"""Authlib (PyPI), unmodified, feature by feature; keys and signatures are joserfc's, which Authlib builds on."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE
from authlib.oidc.core import CodeIDToken, HybridIDToken, ImplicitIDToken, UserInfo
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests import live
from tests.capability import capability
from tests.sdk import matrix
from tests.sdk.person import Person

pytestmark = [pytest.mark.sdk, capability("rp-authlib-matrix", witness="Authlib (PyPI)")]
ALICE = "00000000-0000-4000-8000-000000000101"
SCOPE = "openid profile email"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
ALG, ENC = "ECDH-ES+A128KW", "A128GCM"


@pytest.fixture(scope="module")
def opened(filed: live.Dev) -> live.Dev:
    """A development server where clients may register themselves."""
    live.cli(filed, "tenant", "update", "default", "--registration", "open")
    return filed


class Party:
    """A session of Authlib's for a client that was registered for it."""

    def __init__(self, dev: live.Dev, home: str, response_type: str = "code", **metadata: Any) -> None:
        self.dev, self.response_type = dev, response_type
        self.signing = RSAKey.generate_key(2048, {"kid": "sig", "use": "sig", "alg": "RS256"})
        self.opening = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc", "alg": ALG})
        self.known = requests.get(dev.issuer + "/.well-known/openid-configuration", timeout=10).json()
        words, uri = response_type.split(), home + "/cb"
        asked = {
            "application_type": "native",
            "redirect_uris": [uri],
            "response_types": [response_type],
            "grant_types": ["authorization_code"] * ("code" in words) + ["implicit"] * ("id_token" in words),
            "jwks": {"keys": [key.as_dict(private=False) for key in (self.signing, self.opening)]},
        } | metadata
        answer = requests.post(self.known["registration_endpoint"], json=asked, timeout=10)
        assert answer.status_code == 201, answer.text
        self.client: dict[str, Any] = answer.json()
        method = self.client["token_endpoint_auth_method"]
        self.session = OAuth2Session(
            self.client["client_id"],
            self.signing.as_pem(private=True).decode()
            if method == "private_key_jwt"
            else self.client.get("client_secret"),
            token_endpoint_auth_method=method,
            scope=SCOPE,
            redirect_uri=uri,
            code_challenge_method="S256" if "code" in words else None,
        )
        self.session.trust_env = False
        if method == "private_key_jwt":
            auth = PrivateKeyJWT(self.known["token_endpoint"], headers={"kid": "sig"})
            self.session.register_client_auth_method(auth)
        self.nonce, self.verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)

    def arrived(self, person: Person, **more: str) -> str:
        """Send the person, and return the address that they come back to; a form's fields become its query."""
        given = {"nonce": self.nonce, "response_type": self.response_type} | more
        given |= {"code_verifier": self.verifier} if "code" in self.response_type.split() else {}
        address, self.state = self.session.create_authorization_url(self.known["authorization_endpoint"], **given)
        # Authlib leaves PKCE out of every response type but `code`.
        self.proof = {"code_verifier": self.verifier} if "code_challenge=" in address else {}
        told = person.through(address)
        assert ("form" in told) is (more.get("response_mode") == "form_post")
        return f"{self.session.redirect_uri}?{urlencode(told['form'])}" if "form" in told else str(told["url"])

    def tokens(self, at: str) -> dict[str, Any]:
        """Exchange the code."""
        told = self.session.fetch_token(
            self.known["token_endpoint"],
            authorization_response=at.replace("#", "?"),
            state=self.state,
            **self.proof,
        )
        return dict(told)

    def believed(self, token: str, kind: Any = CodeIDToken, **beside: str) -> dict[str, Any]:
        """Return the claims of an ID token that Authlib's rules for its kind accept."""
        keys = KeySet.import_key_set(requests.get(self.known["jwks_uri"], timeout=10).json())
        signed = jwt.decode(token, keys, algorithms=["RS256"])
        given = {"client_id": self.client["client_id"], "nonce": self.nonce} | beside
        claims = kind(signed.claims, signed.header, {"iss": {"value": self.dev.issuer}}, given)
        claims.validate(leeway=5)
        return dict(claims)

    def opened(self, token: str) -> str:
        """Return what is inside an encrypted token."""
        assert token.count(".") == 4
        return (jwe.decrypt_compact(token, self.opening, algorithms=[ALG, ENC]).plaintext or b"").decode()

    def person(self, tokens: dict[str, Any]) -> requests.Response:
        """Ask UserInfo."""
        self.session.token = tokens
        answer = self.session.get(self.known["userinfo_endpoint"], timeout=10)
        assert answer.status_code == 200
        return answer


@pytest.fixture
def home(loopback: live.Receiver) -> str:
    """The application's own address."""
    return f"http://127.0.0.1:{loopback.port}"


@pytest.mark.parametrize("feature", ["code", "form_post", "private_key_jwt"])
def test_code(opened: live.Dev, home: str, feature: str) -> None:
    """A code by query or form, exchanged with a secret or an assertion; the ID token and UserInfo are believed."""
    metadata: dict[str, Any] = {}
    if feature == "private_key_jwt":
        metadata = {"token_endpoint_auth_method": feature, "token_endpoint_auth_signing_alg": "RS256"}
    party = Party(opened, home, **metadata)
    more = {"response_mode": "form_post"} if feature == "form_post" else {}
    told = party.tokens(party.arrived(Person(opened.base), **more))
    assert party.believed(told["id_token"], access_token=told["access_token"])["sub"] == ALICE
    assert UserInfo(party.person(told).json()).email == "alice@example.com"
    matrix.note("Authlib", feature)


def test_hybrid(opened: live.Dev, home: str) -> None:
    """Both ID tokens are believed for the code and the access token that they came with, and with no other."""
    party = Party(opened, home, "code id_token")
    at = party.arrived(Person(opened.base))
    fields = dict(parse_qsl(urlsplit(at).fragment))
    front = party.believed(fields["id_token"], HybridIDToken, code=fields["code"])
    with pytest.raises(Exception, match="c_hash"):
        party.believed(fields["id_token"], HybridIDToken, code=fields["code"] + "x")
    told = party.tokens(at)
    assert party.believed(told["id_token"], access_token=told["access_token"])["sub"] == front["sub"] == ALICE
    matrix.note("Authlib", "hybrid")


def test_implicit(opened: live.Dev, home: str) -> None:
    """The ID token alone, with the scopes' claims in it."""
    party = Party(opened, home, "id_token")
    fields = dict(parse_qsl(urlsplit(party.arrived(Person(opened.base))).fragment))
    claims = party.believed(fields["id_token"], ImplicitIDToken)
    assert (claims["sub"], claims["email"], fields["state"]) == (ALICE, "alice@example.com", party.state)
    matrix.note("Authlib", "implicit")


def test_device(opened: live.Dev, home: str) -> None:
    """A device polls with Authlib's session until its person has decided."""
    party = Party(opened, home, redirect_uris=[], response_types=[], grant_types=[DEVICE_CODE_GRANT_TYPE])
    auth = (party.client["client_id"], party.client["client_secret"])
    begun = requests.post(party.known["device_authorization_endpoint"], {"scope": SCOPE}, auth=auth, timeout=10).json()
    Person(opened.base).approve(begun["verification_uri"], begun["user_code"])
    told = party.session.fetch_token(
        party.known["token_endpoint"], grant_type=DEVICE_CODE_GRANT_TYPE, device_code=begun["device_code"]
    )
    party.nonce = ""
    claims = party.believed(told["id_token"], access_token=told["access_token"])
    assert claims["sub"] == ALICE
    matrix.note("Authlib", "device")


def test_encrypted_id_token(opened: live.Dev, home: str) -> None:
    """What is inside the encrypted ID token is believed; the same code flow in everything else."""
    members = {"id_token_encrypted_response_alg": ALG, "id_token_encrypted_response_enc": ENC}
    party = Party(opened, home, **members)
    told = party.tokens(party.arrived(Person(opened.base)))
    assert party.believed(party.opened(told["id_token"]), access_token=told["access_token"])["sub"] == ALICE
    matrix.note("Authlib", "encrypted_id_token")


@pytest.mark.parametrize("signed", ["", "RS256"])
def test_encrypted_userinfo(opened: live.Dev, home: str, signed: str) -> None:
    """UserInfo encrypted, and signed inside where that was registered."""
    members = {"userinfo_encrypted_response_alg": ALG, "userinfo_encrypted_response_enc": ENC}
    party = Party(opened, home, **members, **({"userinfo_signed_response_alg": signed} if signed else {}))
    answer = party.person(party.tokens(party.arrived(Person(opened.base))))
    assert answer.headers["content-type"] == "application/jwt"
    text = party.opened(answer.text)
    if signed:
        keys = KeySet.import_key_set(requests.get(party.known["jwks_uri"], timeout=10).json())
        found = jwt.decode(text, keys, algorithms=[signed]).claims
        assert (found["iss"], found["aud"]) == (opened.issuer, party.client["client_id"])
    else:
        found = json.loads(text)
    assert UserInfo(found).email == "alice@example.com"
    matrix.note("Authlib", "encrypted_userinfo")


def _left(party: Party, opened: live.Dev) -> tuple[dict[str, Any], list[str]]:
    person = Person(opened.base)
    told = party.tokens(party.arrived(person))
    query = urlencode({"id_token_hint": told["id_token"]})
    frames = person.sign_out(f"{party.known['end_session_endpoint']}?{query}")
    return party.believed(told["id_token"], access_token=told["access_token"]), frames


def test_front_channel_logout(opened: live.Dev, home: str) -> None:
    """The page asks the application's address with the issuer and session of its ID token."""
    members = {"frontchannel_logout_uri": home + "/front", "frontchannel_logout_session_required": True}
    claims, frames = _left(Party(opened, home, **members), opened)
    (frame,) = [one for one in frames if one.startswith(home)]
    assert parse_qs(urlsplit(frame).query) == {"iss": [opened.issuer], "sid": [claims["sid"]]}
    matrix.note("Authlib", "front_channel_logout")


def test_back_channel_logout(opened: live.Dev, home: str, loopback: live.Receiver) -> None:
    """The logout token has what Back-Channel Logout 2.6 wants checked, and the ID token's subject and session."""
    members = {"backchannel_logout_uri": home + "/back", "backchannel_logout_session_required": True}
    party = Party(opened, home, **members)
    claims, _ = _left(party, opened)
    arrival = loopback.arrivals.get(timeout=15)
    keys = KeySet.import_key_set(requests.get(party.known["jwks_uri"], timeout=10).json())
    token = jwt.decode(arrival.fields["logout_token"], keys, algorithms=["RS256"])
    rules = jwt.JWTClaimsRegistry(
        leeway=5,
        iss={"essential": True, "value": opened.issuer},
        aud={"essential": True, "value": party.client["client_id"]},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
        events={"essential": True},
    )
    rules.validate(token.claims)
    assert token.header["typ"] == "logout+jwt"
    assert token.claims["events"] == {EVENT: {}}
    assert "nonce" not in token.claims
    assert (token.claims["sub"], token.claims["sid"]) == (claims["sub"], claims["sid"])
    matrix.note("Authlib", "back_channel_logout")
