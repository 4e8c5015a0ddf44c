"""idpyoidc (PyPI), unmodified, as relying party: what it has of the features that all of them are held to.

It has no device flow. Its own registration refuses an answer that names the registered scope (RFC 7591 3.2.1), and its
relying party an ID token that is encrypted, which its message class opens; so clients are registered for it, and the
encrypted ID token is given to that class.
"""

from __future__ import annotations

import contextlib
import pathlib
import queue
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from cryptojwt.key_jar import KeyJar, init_key_jar
from idpyoidc.client.rp_handler import RPHandler
from idpyoidc.message.oidc import IdToken
from idpyoidc.message.oidc.session import BackChannelLogoutRequest

from tests import live
from tests.capability import capability
from tests.sdk import matrix
from tests.sdk.person import Person

pytestmark = [pytest.mark.sdk, capability("rp-idpyoidc", witness="idpyoidc (PyPI)")]
ALICE = "00000000-0000-4000-8000-000000000101"
SCOPE = ["openid", "profile", "email"]
KEYS = [
    {"type": "RSA", "use": ["sig"]},
    {"type": "EC", "crv": "P-256", "use": ["sig"]},
    {"type": "RSA", "use": ["enc"]},
]
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}
ALG, ENC = "RSA-OAEP-256", "A128CBC-HS256"


@pytest.fixture(scope="module")
def opened(filed: live.Dev) -> live.Dev:
    """A development server where clients may register themselves."""
    live.cli(filed, "tenant", "update", "default", "--registration", "open")
    return filed


class Party:
    """An application of idpyoidc's with keys of its own."""

    def __init__(
        self,
        dev: live.Dev,
        folder: pathlib.Path,
        home: str,
        response_type: str = "code",
        prefer: dict[str, Any] | None = None,
        **metadata: Any,
    ) -> None:
        self.dev = dev
        self.response_type = response_type
        self.redirect_uri = home + "/cb"
        path = str(folder / "keys.json")
        self.keys: KeyJar = init_key_jar(key_defs=KEYS, private_path=path, read_only=False, issuer_id="")
        self.method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
        self.client = self._registered(metadata)
        config: dict[str, Any] = {
            "client_type": "oidc",
            "issuer": dev.issuer,
            "base_url": home,
            "redirect_uris": [self.redirect_uri],
            "client_id": self.client["client_id"],
            "client_authn_methods": [self.method],
            "key_conf": {"key_defs": KEYS, "private_path": path, "read_only": True},
            "preference": {
                "response_types_supported": [response_type],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "scopes_supported": SCOPE,
                "token_endpoint_auth_methods_supported": [self.method],
                **(prefer or {}),
            },
            "add_ons": {"pkce": PKCE} if "code" in response_type else {},
        }
        if self.method == "client_secret_basic":
            config["client_secret"] = self.client["client_secret"]
        self.handler = RPHandler(base_url=home, client_configs={dev.issuer: config}, keyjar=self.keys)

    def _registered(self, metadata: dict[str, Any]) -> dict[str, Any]:
        words = self.response_type.split()
        asked = {
            "application_type": "native",
            "redirect_uris": [self.redirect_uri],
            "response_types": [self.response_type],
            "grant_types": ["authorization_code"] * ("code" in words) + ["implicit"] * ("id_token" in words),
            "token_endpoint_auth_method": self.method,
            "jwks": self.keys.export_jwks(),
        }
        answer = requests.post(self.dev.issuer + "/register", json=asked | metadata, timeout=10)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def arrived(self, person: Person, **more: str) -> dict[str, str]:
        """Send the person, and return what comes back through the browser."""
        request = {"scope": SCOPE, "response_type": self.response_type} | more
        told = person.through(self.handler.begin(self.dev.issuer, req_args=request))
        if "form" in told:
            assert more["response_mode"] == "form_post"
            return dict(told["form"])
        parts = urlsplit(told["url"])
        return dict(parse_qsl(parts.fragment if "id_token" in self.response_type else parts.query))

    def finish(self, fields: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let the library check everything; return the ID token's claims and the person's."""
        done = self.handler.finalize(self.dev.issuer, fields)
        assert "error" not in done, done
        return done["id_token"].to_dict(), dict(done["userinfo"])


FLOWS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "code": ("code", {}, {}, {}),
    "hybrid": ("code id_token", {}, {}, {}),
    "implicit": ("id_token", {}, {}, {}),
    "form_post": ("code", {}, {}, {"response_mode": "form_post"}),
    "private_key_jwt": (
        "code",
        {"token_endpoint_auth_signing_alg_values_supported": ["ES256"]},
        {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"},
        {},
    ),
    "encrypted_userinfo": (
        "code",
        {
            "encrypt_userinfo_supported": True,
            "userinfo_signing_alg_values_supported": ["RS256"],
            "userinfo_encryption_alg_values_supported": [ALG],
            "userinfo_encryption_enc_values_supported": [ENC],
        },
        {
            "userinfo_signed_response_alg": "RS256",
            "userinfo_encrypted_response_alg": ALG,
            "userinfo_encrypted_response_enc": ENC,
        },
        {},
    ),
}


@pytest.mark.parametrize("feature", FLOWS)
def test_flow(opened: live.Dev, loopback: live.Receiver, tmp_path: pathlib.Path, feature: str) -> None:
    """The library sends its person, believes the ID token, and reads UserInfo; the claims are alice's."""
    response_type, prefer, metadata, request = FLOWS[feature]
    home = f"http://127.0.0.1:{loopback.port}"
    party = Party(opened, tmp_path, home, response_type, prefer, **metadata)
    claims, person = party.finish(party.arrived(Person(opened.base), **request))
    assert (claims["iss"], claims["sub"], claims["aud"]) == (opened.issuer, ALICE, [party.client["client_id"]])
    assert person["email"] == "alice@example.com"
    matrix.note("idpyoidc", feature)


@pytest.mark.parametrize("name", ["state", "iss", "id_token", "code"])
def test_spoilt_answers_are_refused(
    opened: live.Dev, loopback: live.Receiver, tmp_path: pathlib.Path, name: str
) -> None:
    """The library refuses a hybrid answer of which one field was changed."""
    party = Party(opened, tmp_path, f"http://127.0.0.1:{loopback.port}", "code id_token")
    fields = party.arrived(Person(opened.base))
    with pytest.raises(Exception):  # noqa: B017 - each check raises a kind of its own
        party.finish(fields | {name: "A" + fields[name][1:] + "A"})


def _token_answer(party: Party, fields: dict[str, str]) -> dict[str, Any]:
    client = party.handler.issuer2rp[party.dev.issuer]
    verifier = client.get_context().cstate.get_set(fields["state"], claim=["code_verifier"])["code_verifier"]
    form = {"grant_type": "authorization_code", "code": fields["code"], "redirect_uri": party.redirect_uri}
    auth = (party.client["client_id"], party.client["client_secret"])
    answer = requests.post(party.dev.issuer + "/token", form | {"code_verifier": verifier}, auth=auth, timeout=10)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.filterwarnings("ignore:owner is deprecated:DeprecationWarning")
def test_encrypted_id_token(opened: live.Dev, loopback: live.Receiver, tmp_path: pathlib.Path) -> None:
    """The library's ID token class decrypts with the application's key and believes what is inside."""
    members = {"id_token_encrypted_response_alg": ALG, "id_token_encrypted_response_enc": ENC}
    party = Party(opened, tmp_path, f"http://127.0.0.1:{loopback.port}", **members)
    token = _token_answer(party, party.arrived(Person(opened.base)))["id_token"]
    assert token.count(".") == 4
    keys = party.handler.issuer2rp[opened.issuer].get_attribute("keyjar")
    claims = IdToken().from_jwt(token, keyjar=keys, encalg=ALG, encenc=ENC, sigalg="RS256")
    assert claims.verify(iss=opened.issuer, client_id=party.client["client_id"])
    assert claims["sub"] == ALICE
    matrix.note("idpyoidc", "encrypted_id_token")


def _left(party: Party, person: Person, opened: live.Dev) -> tuple[dict[str, Any], list[str]]:
    fields = party.arrived(person)
    told = _token_answer(party, fields)
    query = urlencode({"id_token_hint": told["id_token"]})
    return live.claims(told["id_token"]), person.sign_out(f"{opened.issuer}/logout?{query}")


def test_back_channel_logout(opened: live.Dev, loopback: live.Receiver, tmp_path: pathlib.Path) -> None:
    """What arrives at the application's address is a logout request that the library verifies, once."""
    home = f"http://127.0.0.1:{loopback.port}"
    members = {"backchannel_logout_uri": home + "/back", "backchannel_logout_session_required": True}
    party = Party(opened, tmp_path, home, **members)
    claims, _ = _left(party, Person(opened.base), opened)
    arrival = loopback.arrivals.get(timeout=15)
    assert (arrival.method, arrival.path) == ("POST", "/back")
    request = BackChannelLogoutRequest(**arrival.fields)
    keys = party.handler.issuer2rp[opened.issuer].get_attribute("keyjar")
    expected = {"iss": opened.issuer, "aud": party.client["client_id"], "allowed_sign_alg": "RS256"}
    assert request.verify(keyjar=keys, **expected)
    token = request["__verified_logout_token"]
    assert (token["sub"], token["sid"]) == (claims["sub"], claims["sid"])
    with contextlib.suppress(queue.Empty):
        raise AssertionError(f"another one: {loopback.arrivals.get(timeout=0.5)}")
    matrix.note("idpyoidc", "back_channel_logout")


def test_front_channel_logout(opened: live.Dev, loopback: live.Receiver, tmp_path: pathlib.Path) -> None:
    """The logout page asks the application's address with the issuer and the session of its ID token."""
    home = f"http://127.0.0.1:{loopback.port}"
    members = {"frontchannel_logout_uri": home + "/front", "frontchannel_logout_session_required": True}
    party = Party(opened, tmp_path, home, **members)
    claims, frames = _left(party, Person(opened.base), opened)
    (frame,) = [one for one in frames if one.startswith(home + "/front")]
    assert parse_qs(urlsplit(frame).query) == {"iss": [opened.issuer], "sid": [claims["sid"]]}
    matrix.note("idpyoidc", "front_channel_logout")
