"""Clients that prove themselves by an assertion: private_key_jwt and client_secret_jwt (RFC 7523, OIDC Core 9)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intaglio.dialects.coding import ASSERTION_TYPE
from intaglio.errors import Unavailable
from intaglio.server.model import assertions, clients
from intaglio.server.provider import keyplaces
from tests import harness
from tests.assertions import (
    ISSUER,
    KEYS,
    NOW,
    OTHER,
    REFUSED,
    RSA,
    SECRET,
    Elsewhere,
    ask,
    claims,
    jwk_of,
    jwks,
    pair_client,
    secret_client,
    signed,
    told,
)
from tests.capability import capability


@capability("auth-private-key-jwt", witness="PyJWT")
@pytest.mark.parametrize("alg", KEYS)
def test_every_listed_algorithm_works(site: harness.Site, alg: str) -> None:
    """An assertion under each algorithm that discovery lists is believed."""
    listed = site.get("~/.well-known/openid-configuration").json()["token_endpoint_auth_signing_alg_values_supported"]
    assert set(listed) == {*KEYS, "Ed25519", "HS256"}
    pair_client(site, KEYS[alg], alg)
    answer = ask(site, signed(KEYS[alg], alg))
    assert answer.status == 200, answer.text
    assert answer.json()["token_type"] == "Bearer"


def test_ed25519_by_its_own_name(site: harness.Site) -> None:
    """RFC 9864: the same signature under the name Ed25519."""
    key = KEYS["EdDSA"]
    pair_client(site, key, "EdDSA")

    def b64(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    head = b64(json.dumps({"alg": "Ed25519", "kid": "k"}).encode())
    text = f"{head}.{b64(json.dumps(claims()).encode())}"
    assert ask(site, f"{text}.{b64(key.sign(text.encode()))}").status == 200


@capability("auth-client-secret-jwt", witness="PyJWT")
def test_a_secret_that_signs(site: harness.Site) -> None:
    """OpenID Connect Core 9: HS256 with the octets of the client secret."""
    secret_client(site)
    assert ask(site, signed(SECRET, "HS256")).status == 200
    assert told(ask(site, signed(SECRET + "x", "HS256", jti="twice"))) == REFUSED


def test_the_secret_is_not_kept_in_clear(site: harness.Site) -> None:
    """What is stored of a secret that signs tells nothing without the master key."""
    secret_client(site)
    [kept] = site.client("robot").secrets
    assert SECRET not in kept.sealed
    assert SECRET.encode() not in kept.digest
    assert [one.reveal() for one in site.house.secrets.sealed((kept,), NOW)] == [SECRET]


@capability("secrets-several", witness="PyJWT")
def test_a_new_secret_beside_the_old(site: harness.Site) -> None:
    """While secrets are exchanged both are good; an expired one is not, as a secret and as a key."""
    keep = site.house.secrets.keep
    old, new = "the old secret of thirty-two octets", "the new secret of thirty-two octets"
    both = (keep(old, NOW, NOW + 10, sealed=True), keep(new, NOW, sealed=True))
    secret_client(site, secrets=both, token_endpoint_auth_methods=("client_secret_jwt", "client_secret_post"))
    post = {"grant_type": "client_credentials", "client_id": "robot"}
    for number, secret in enumerate((old, new)):
        assert ask(site, signed(secret, "HS256", jti=f"a{number}")).status == 200
        assert site.post("~/token", post | {"client_secret": secret}).status == 200
    site.clock.advance(10)
    assert told(ask(site, signed(old, "HS256", jti="b"))) == REFUSED
    assert told(site.post("~/token", post | {"client_secret": old})) == REFUSED
    assert ask(site, signed(new, "HS256", jti="c")).status == 200
    assert site.post("~/token", post | {"client_secret": new}).status == 200


@pytest.mark.parametrize("where", ["~/token", "~/introspect", "~/revoke"])
def test_everywhere_a_client_proves_itself(site: harness.Site, where: str) -> None:
    """RFC 7009 2.1, RFC 7662 2.1: the same at each endpoint, and used up at each for all."""
    pair_client(site)
    assertion = signed()
    assert ask(site, assertion, where, token="x").status == 200
    assert told(ask(site, assertion, "~/token", token="x")) == REFUSED


@pytest.mark.parametrize(
    "audience",
    [ISSUER, ISSUER + "/token", [ISSUER], [ISSUER + "/token"], [ISSUER, ISSUER + "/token"]],
    ids=["issuer", "token endpoint", "issuer in a list", "token endpoint in a list", "both"],
)
def test_audiences_that_are_ours(site: harness.Site, audience: Any) -> None:
    """The issuer or the token endpoint, as a string or a list of those."""
    pair_client(site)
    assert ask(site, signed(aud=audience)).status == 200


@pytest.mark.parametrize("audience", ["http://localhost:8083/", "http://localhost:8083/oauth/token"])
def test_audiences_in_another_shape(site: harness.Site, audience: str) -> None:
    """The issuer and token endpoint of the dialect that is asked, and not those of another one."""
    pair_client(site)
    where = "http://localhost:8083/oauth/token"
    assert ask(site, signed(aud=audience), where).status == 200
    assert told(ask(site, signed(aud=ISSUER, jti="b"), where))[0] == 401
    assert told(ask(site, signed(aud=audience, jti="c"))) == REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "https://evil.example"}, id="another server"),
        pytest.param({"aud": [ISSUER, "https://evil.example"]}, id="another server beside us"),
        pytest.param({"aud": ISSUER + "/"}, id="a slash more"),
        pytest.param({"aud": ISSUER + "/token?x"}, id="a query more"),
        pytest.param({"aud": ISSUER.upper()}, id="another case"),
        pytest.param({"aud": "http://localhost:8080"}, id="a prefix"),
        pytest.param({"aud": ISSUER + "/introspect"}, id="another endpoint"),
        pytest.param({"aud": "robot"}, id="the client itself"),
        pytest.param({"aud": []}, id="nobody"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"aud": f"{ISSUER} {ISSUER}/token"}, id="two in one string"),
        pytest.param({"iss": "web"}, id="issued by another client"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"exp": NOW - 31}, id="expired"),
        pytest.param({"exp": NOW + 3700}, id="good for too long"),
        pytest.param({"exp": 1e300}, id="good for ever"),
        pytest.param({"iat": NOW + 61}, id="of the future"),
        pytest.param({"iat": NOW - 86400}, id="of yesterday"),
        pytest.param({"nbf": NOW + 61}, id="not yet"),
        pytest.param({"jti": None}, id="no jti"),
        pytest.param({"jti": ""}, id="empty jti"),
        pytest.param({"jti": "j" * 256}, id="long jti"),
    ],
)
def test_claims_that_are_refused(site: harness.Site, changes: dict[str, Any]) -> None:
    """RFC 7523 3, CVE-2025-27370: nothing made for another, by another, for ever, or for more than one use."""
    pair_client(site)
    answer = ask(site, signed(**changes), client_id="robot")
    assert told(answer) == REFUSED
    assert answer.json()["error_description"] == "Client authentication failed."


@pytest.mark.parametrize("changes", [{"jti": 7}, {"exp": "1900000000"}, {"iat": True}, {"aud": [ISSUER, 7]}])
def test_claims_of_another_type(site: harness.Site, changes: dict[str, Any]) -> None:
    """RFC 7519 4.1: a claim of the wrong type is not believed."""
    pair_client(site)
    key = RSA.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    payload = json.dumps(claims(**changes)).encode()
    assertion = jwt.PyJWS().encode(payload, key, algorithm="RS256", headers={"kid": "k"})
    assert told(ask(site, assertion)) == REFUSED


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": "oauth-authz-req+jwt"},
        {"kid": "another"},
    ],
    ids=str,
)
def test_headers_that_are_refused(site: harness.Site, header: dict[str, Any]) -> None:
    """RFC 7515 4.1.11, RFC 8725 3.11: what is not understood, and a token made for something else."""
    pair_client(site)
    assert told(ask(site, signed(header=header))) == REFUSED


@pytest.mark.parametrize("kind", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"])
def test_types_that_are_assertions(site: harness.Site, kind: str) -> None:
    """draft-ietf-oauth-rfc7523bis: the explicit type, and the plain one that everybody sends."""
    pair_client(site)
    assert ask(site, signed(header={"typ": kind})).status == 200


def test_a_key_that_travels_with_the_assertion(site: harness.Site) -> None:
    """CVE-2018-0114: a key in the header proves nothing."""
    pair_client(site)
    for number, header in enumerate(({"jwk": jwk_of(OTHER)}, {"jku": "https://evil.example/jwks"})):
        assert told(ask(site, signed(OTHER, header=header, jti=f"{number}"))) == REFUSED


def test_another_key(site: harness.Site) -> None:
    """A signature by another key under the right kid is refused, and uses nothing up."""
    pair_client(site)
    assert told(ask(site, signed(OTHER))) == REFUSED
    assert ask(site, signed()).status == 200


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "jwks"])
def test_a_public_key_is_no_secret(site: harness.Site, form: str) -> None:
    """CVE-2017-11424 and others: HS256 made with the client's public key is not believed, whatever it registered."""
    public = RSA.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    document = jwks(jwk_of(RSA, kid="k"))
    octets = {"pem": pem, "der": der, "jwk": json.dumps(jwk_of(RSA)).encode(), "jwks": document.encode()}[form]
    both = ("private_key_jwt", "client_secret_jwt")
    pair_client(site, token_endpoint_auth_methods=both)

    def b64(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    text = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k'}).encode())}.{b64(json.dumps(claims()).encode())}"
    forged = f"{text}.{b64(hmac.digest(octets, text.encode(), hashlib.sha256))}"
    assert told(ask(site, forged)) == REFUSED


def test_no_algorithm(site: harness.Site) -> None:
    """CVE-2015-9235: none in any spelling is no signature."""
    pair_client(site, token_endpoint_auth_methods=("private_key_jwt", "client_secret_jwt"))
    good = signed()
    for alg in ("none", "None", "NONE", "nOnE"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
        assert told(ask(site, f"{head}.{good.split('.')[1]}.")) == REFUSED


def test_the_algorithm_that_was_registered(site: harness.Site) -> None:
    """token_endpoint_auth_signing_alg pins one; the same key under another is refused."""
    pair_client(site, token_endpoint_auth_signing_alg="PS256")
    assert told(ask(site, signed(alg="RS256"))) == REFUSED
    assert ask(site, signed(alg="PS256")).status == 200


def test_the_method_that_was_registered(site: harness.Site) -> None:
    """A client with a secret does not get in by a key that it never registered, nor the other way round."""
    secret_client(site, jwks=jwks(jwk_of(RSA, kid="k")))
    assert told(ask(site, signed())) == REFUSED
    post = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": SECRET}
    assert told(site.post("~/token", post)) == REFUSED
    assert told(site.post("~/token", {"grant_type": "client_credentials", "client_id": "robot"})) == REFUSED


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": "machine-secret"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": ""},
        {"client_assertion": ""},
        {"client_assertion": "a.b"},
        {"client_assertion": "a" * 20_000},
        {"client_assertion": "." * 5000},
        {"client_id": "web"},
    ],
    ids=str,
)
def test_requests_that_are_refused(site: harness.Site, form: dict[str, str]) -> None:
    """RFC 6749 2.3, RFC 7521 4.2: two ways at once, another type, no JWT, another client_id."""
    pair_client(site)
    assert told(ask(site, signed(), **form)) == REFUSED


def test_an_assertion_beside_a_header(site: harness.Site) -> None:
    """RFC 6749 2.3: one method in a request."""
    pair_client(site)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed(),
    }
    headers = {"authorization": harness.basic("machine", "machine-secret")}
    assert told(site.post("~/token", form, headers=headers)) == REFUSED


def test_a_disabled_client(site: harness.Site) -> None:
    """A client that was switched off does not get in by its key either."""
    pair_client(site, disabled_at=NOW)
    assert told(ask(site, signed())) == REFUSED


# --- once


def test_an_assertion_is_good_once(site: harness.Site) -> None:
    """GHSA-3p3g-vpw6-4w66: brought again it is refused, while it lives and after; another jti is another one."""
    pair_client(site)
    assertion = signed()
    assert ask(site, assertion).status == 200
    assert told(ask(site, assertion)) == REFUSED
    assert ask(site, signed(jti="another")).status == 200
    site.clock.advance(89)
    assert told(ask(site, assertion)) == REFUSED


def test_a_jti_is_its_clients_own(site: harness.Site) -> None:
    """RFC 7523 3: another client may use the same jti."""
    pair_client(site)
    key = jwks(jwk_of(RSA, kid="k"))
    site.add_client("twin", like="machine", token_endpoint_auth_methods=("private_key_jwt",), jwks=key)
    assert ask(site, signed()).status == 200
    assert ask(site, signed(iss="twin", sub="twin")).status == 200


def test_of_many_at_once_one_wins(site: harness.Site) -> None:
    """GHSA-v3q9-2p3m-7g43: fifty requests at once with one assertion give one token."""
    pair_client(site)
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed()}
    body = "&".join(f"{name}={value.replace(':', '%3A')}" for name, value in form.items()).encode()
    headers = [("content-type", harness.FORM)]

    async def many() -> list[harness.Answer]:
        return await asyncio.gather(
            *(site.exchange("POST", ISSUER + "/token", headers=headers, body=body) for _ in range(50))
        )

    assert sorted(answer.status for answer in site.run(many())) == [200] + [401] * 49


def test_a_store_that_fails_is_no_yes(site: harness.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2020-15223: where it cannot be known whether an assertion was used, nobody gets in."""
    pair_client(site)
    write = site.store.write

    async def failing(plan: Callable[..., Any], *args: Any) -> Any:
        if plan is assertions.use:
            raise Unavailable("storage-unavailable")
        return await write(plan, *args)

    monkeypatch.setattr(site.store, "write", failing)
    assert told(ask(site, signed())) == (503, "temporarily_unavailable")


# --- keys at an address


def remote_client(site: harness.Site, *keys: dict[str, Any]) -> Elsewhere:
    """Register a client with keys at an address."""
    elsewhere = Elsewhere(jwks={"keys": list(keys)})
    site.house.outgoing = elsewhere
    pair_client(site, jwks="", jwks_uri="https://rp.example/jwks")
    return elsewhere


@capability("client-jwks-uri", witness="PyJWT")
def test_keys_are_fetched_and_kept(site: harness.Site) -> None:
    """The first assertion asks the client's address, the next ones do not."""
    elsewhere = remote_client(site, jwk_of(RSA, kid="k"))
    for number in range(5):
        assert ask(site, signed(jti=f"{number}")).status == 200
    assert elsewhere.asked == ["https://rp.example/jwks"]


@capability("client-jwks-uri", witness="PyJWT")
@pytest.mark.parametrize("kid", ["k", "fresh"])
def test_a_client_exchanges_its_keys(site: harness.Site, kid: str) -> None:
    """A key under a new name, and one under an old name, are found half a minute later; the old key is out."""
    elsewhere = remote_client(site, jwk_of(RSA, kid="k"))
    assert ask(site, signed()).status == 200
    elsewhere.documents["jwks"] = {"keys": [jwk_of(OTHER, kid=kid)]}
    site.clock.advance(31)
    assert ask(site, signed(OTHER, header={"kid": kid}, jti="a")).status == 200
    assert told(ask(site, signed(jti="b"))) == REFUSED
    assert len(elsewhere.asked) == 2


def test_unknown_kids_are_no_flood_of_calls(site: harness.Site) -> None:
    """Whoever invents names of keys costs the client one call in half a minute."""
    elsewhere = remote_client(site, jwk_of(RSA, kid="k"))
    assert ask(site, signed()).status == 200
    for number in range(20):
        assert told(ask(site, signed(OTHER, header={"kid": f"x{number}"}, jti=f"{number}"))) == REFUSED
    assert len(elsewhere.asked) == 1
    site.clock.advance(31)
    for number in range(20):
        assert told(ask(site, signed(OTHER, header={"kid": f"x{number}"}, jti=f"{number}"))) == REFUSED
    assert len(elsewhere.asked) == 2


def test_one_fetch_for_many(site: harness.Site) -> None:
    """Fifty who come at once wait for one fetch."""
    elsewhere = remote_client(site, jwk_of(RSA, kid="k"))
    kind = ASSERTION_TYPE.replace(":", "%3A")
    headers = [("content-type", harness.FORM)]

    async def many() -> list[harness.Answer]:
        forms = [
            f"grant_type=client_credentials&client_assertion_type={kind}&client_assertion={signed(jti=str(number))}"
            for number in range(50)
        ]
        calls = (site.exchange("POST", ISSUER + "/token", headers=headers, body=form.encode()) for form in forms)
        return await asyncio.gather(*calls)

    assert {answer.status for answer in site.run(many())} == {200}
    assert len(elsewhere.asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        None,
        b"{",
        b"[]",
        b'{"keys": 7}',
        b'{"keys": []}',
        json.dumps({"keys": [], "padding": "x" * 70_000}).encode(),
        json.dumps({"keys": [jwk_of(RSA, kid="k") | {"d": "AQAB"}]}).encode(),
    ],
    ids=["silent", "no JSON", "no object", "no list", "empty", "huge", "private"],
)
def test_an_address_that_is_no_key_set(site: harness.Site, document: bytes | None) -> None:
    """Nobody gets in, and it looks like any other failure."""
    elsewhere = remote_client(site)
    elsewhere.documents["jwks"] = document
    answer = ask(site, signed())
    assert told(answer) == REFUSED
    assert "rp.example" not in answer.text


def test_a_silent_address_keeps_the_last_keys(site: harness.Site) -> None:
    """Keys are used for a day while the client's address does not answer, and no longer."""
    elsewhere = remote_client(site, jwk_of(RSA, kid="k"))
    assert ask(site, signed()).status == 200
    elsewhere.documents["jwks"] = None
    site.clock.advance(23 * 3600)
    later = {"iat": site.clock.now(), "exp": site.clock.now() + 60}
    assert ask(site, signed(jti="a", **later)).status == 200
    site.clock.advance(3600)
    later = {"iat": site.clock.now(), "exp": site.clock.now() + 60}
    assert told(ask(site, signed(jti="b", **later))) == REFUSED


def test_nothing_is_called_where_nothing_may_be(site: harness.Site) -> None:
    """A process without a way out refuses, and does not fail."""
    remote_client(site, jwk_of(RSA, kid="k"))
    site.house.outgoing = None
    assert told(ask(site, signed())) == REFUSED


def test_the_memory_for_addresses_is_bounded() -> None:
    """However many addresses clients name, a bounded number is remembered."""
    places = keyplaces.KeyPlaces()
    first = places.of("https://rp.example/0")
    for number in range(keyplaces.MAXIMUM_PLACES):
        places.of(f"https://rp.example/{number + 1}")
    assert places.of("https://rp.example/0") is not first


# --- whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        ["alg", "typ", "kid", "crit", "enc", "zip", "b64", "jwk", "x5c", "iss", "sub", "aud", "exp", "jti"]
    ),
    JSON,
    max_size=4,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=MEMBERS, payload=MEMBERS, signature=st.binary(max_size=80))
def test_no_text_is_believed_and_none_breaks(
    site: harness.Site, header: dict[str, Any], payload: dict[str, Any], signature: bytes
) -> None:
    """Any header and claims without the client's signature are refused like a wrong secret, and nothing fails."""
    if site.run(site.house.store.read(clients.by_id, site.client("web").tenant_id, "robot")) is None:
        pair_client(site, token_endpoint_auth_methods=("private_key_jwt", "client_secret_jwt"))
    parts = ({"alg": "RS256", "kid": "k"} | header, claims() | payload)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    last = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert told(ask(site, ".".join((*texts, last)), client_id="robot")) == REFUSED


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="abcABC019-_.=+ /\u00e9{}", min_size=1, max_size=60))
def test_no_text_is_an_assertion(site: harness.Site, text: str) -> None:
    """Text that is no JWT is refused in the same way."""
    assert told(ask(site, text)) == REFUSED
