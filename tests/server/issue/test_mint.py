"""The mint: what it signs is believed by others, and the lifetimes in force are told with their origin."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
import msgspec
import pytest
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from intaglio.dialects import registry
from intaglio.server.issue import gather
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Lifetimes, Tenant
from tests import harness
from tests.capability import capability

ISSUER = "http://localhost:8080/default"
TENANT = Tenant("t", "t", "o", "T", 0)
CLIENT = Client("t", "c", "C", 0)
STANDARD = registry.DIALECTS["standard"].profile
WITNESS = "PyJWT and joserfc"


def _token(site: harness.Site, alg: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    site.change_client("web", id_token_signed_response_alg=alg)
    answer = harness.App(site).tokens()
    kid = jwt.get_unverified_header(answer["id_token"])["kid"]
    (key,) = [key for key in site.get("~/jwks").json()["keys"] if key["kid"] == kid]
    return answer["id_token"], key, answer


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    "alg",
    [
        pytest.param("RS256", marks=capability("id-token-rs256", witness=WITNESS)),
        pytest.param("PS256", marks=capability("id-token-ps256", witness=WITNESS)),
        pytest.param("ES256", marks=capability("id-token-es256", witness=WITNESS)),
        pytest.param("EdDSA", marks=capability("id-token-eddsa", witness=WITNESS)),
    ],
)
def test_others_believe_what_is_minted(site: harness.Site, alg: str) -> None:
    """PyJWT and joserfc verify the signature with the published key, and PyJWT its issuer, audience and at_hash."""
    token, key, answer = _token(site, alg)
    options = {"verify_exp": False, "verify_iat": False, "require": ["iss", "sub", "aud", "exp", "iat"]}
    claims = jwt.decode(
        token,
        jwt.PyJWK(key),
        algorithms=[alg],
        audience="web",
        issuer=ISSUER,
        options=options,
    )
    assert jwt.get_unverified_header(token) == {"alg": alg, "typ": "JWT", "kid": key["kid"]}
    read = joserfc_jwt.decode(token, joserfc_jwk.import_key(key), algorithms=[alg])
    assert read.claims == claims
    # OpenID Connect Core 3.1.3.6: half the hash that goes with the algorithm; SHA-512 for Ed25519.
    digest = hashlib.new("sha512" if alg == "EdDSA" else "sha256", answer["access_token"].encode()).digest()
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token[:-4] + "AAAA", jwt.PyJWK(key), algorithms=[alg], audience="web", options=options)


@capability("id-token-claims", witness="PyJWT")
def test_the_claims_of_a_sign_in(site: harness.Site) -> None:
    """OpenID Connect Core 2: aud is one text, nonce is the request's, auth_time the sign-in's; no claim is empty."""
    claims = harness.payload(harness.App(site).tokens()["id_token"])
    assert claims["iss"] == ISSUER
    assert claims["aud"] == "web"
    assert claims["sub"] == site.user("alice").user_id
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (harness.NOW, harness.NOW + 3600, harness.NOW)
    assert claims["nonce"] == "a-nonce"
    assert claims["amr"] == ["pwd"]
    assert all(value not in ("", None, []) for value in claims.values())
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid"}


def test_no_nonce_unless_one_was_sent(site: harness.Site) -> None:
    """OpenID Connect Core 2: the claim belongs to the request's parameter."""
    assert "nonce" not in harness.payload(harness.App(site).tokens(nonce=None)["id_token"])


def test_no_openid_no_id_token(site: harness.Site) -> None:
    """OpenID Connect Core 3.1.2.1: without `openid` it is plain OAuth."""
    assert "id_token" not in harness.App(site).tokens(scope="profile")


@capability("id-token-lifetime", witness="issued tokens")
@pytest.mark.parametrize("kind", ["id_token", "access_token", "refresh_token"])
def test_lifetimes_tell_their_origin(kind: Any) -> None:
    """Client before tenant before dialect; at one level the grant's before the general."""

    def told(client: Client | None, tenant: Tenant, grant: str = "") -> tuple[int, str]:
        found = gather.lifetime(kind, client, tenant, STANDARD, grant)
        return found.seconds, found.origin

    own = msgspec.structs.replace(CLIENT, lifetimes=Lifetimes(**{kind: 11}))
    shared = msgspec.structs.replace(TENANT, lifetimes=Lifetimes(**{kind: 22}))
    special = msgspec.structs.replace(own, grant_lifetimes={"refresh_token": Lifetimes(**{kind: 33})})
    assert told(None, TENANT) == (getattr(STANDARD, f"{kind}_lifetime"), "dialect")
    assert told(CLIENT, shared) == (22, "tenant")
    assert told(own, shared) == (11, "client")
    assert told(special, shared, "refresh_token") == (33, "client, refresh_token")
    assert told(special, shared, "authorization_code") == (11, "client")


@capability("id-token-lifetime", witness="issued tokens")
def test_lifetimes_are_in_force(site: harness.Site) -> None:
    """What is set is what is issued, each kind apart from the others."""
    site.change_client("web", lifetimes=Lifetimes(id_token=100, access_token=200, refresh_token=300))
    answer = harness.App(site).tokens()
    claims = harness.payload(answer["id_token"])
    assert claims["exp"] - claims["iat"] == 100
    assert answer["expires_in"] == 200


def test_session_lifetime_has_its_origin() -> None:
    """The tenant's, else the dialect's."""
    shared = msgspec.structs.replace(TENANT, lifetimes=Lifetimes(session=77))
    assert gather.session_lifetime(shared, STANDARD) == gather.Effective(77, "tenant")
    assert gather.session_lifetime(TENANT, STANDARD).origin == "dialect"


def test_an_algorithm_that_a_dialect_cannot_show_is_not_used() -> None:
    """A dialect whose key set holds RSA keys alone signs with its own choice."""
    wants = msgspec.structs.replace(CLIENT, id_token_signed_response_alg="EdDSA")
    assert gather.algorithm(wants, STANDARD) == "EdDSA"
    assert gather.algorithm(wants, registry.DIALECTS["auth0"].profile) == "RS256"
    assert gather.algorithm(None, STANDARD) == "RS256"
