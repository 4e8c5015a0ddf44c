"""Reading, writing and naming keys and key sets."""

from __future__ import annotations

import pickle

import pytest

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, publickeys

RSA = jwk.public_members(jwk.generate("RS256").public())
EC = jwk.public_members(jwk.generate("ES256").public())
OKP = jwk.public_members(jwk.generate("Ed25519").public())


def number(value, octets):
    """Return a number as base64url of so many octets."""
    return codec.encode_base64url(value.to_bytes(octets, "big"))


BAD = [
    pytest.param({}, id="empty"),
    pytest.param({**RSA, "kty": "oct"}, id="shared secret"),
    pytest.param({**RSA, "kty": ["RSA"]}, id="kty a list"),
    pytest.param({**RSA, "kty": "EC"}, id="kty of another key"),
    pytest.param({**RSA, "d": "AQAB"}, id="private member of RSA"),
    pytest.param({**EC, "d": EC["x"]}, id="private member of EC"),
    pytest.param({**RSA, "e": number(1, 1)}, id="e is 1"),
    pytest.param({**RSA, "e": number(2, 1)}, id="e is 2"),
    pytest.param({**RSA, "e": number(65536, 3)}, id="e is even"),
    pytest.param({**RSA, "e": number(2**64 + 1, 9)}, id="e is huge"),
    pytest.param({**RSA, "e": ""}, id="e is empty"),
    pytest.param({**RSA, "n": number(2**2047 + 2, 256)}, id="n is even"),
    pytest.param({**RSA, "n": number(2**1024 + 1, 129)}, id="n is short"),
    pytest.param({**RSA, "n": number(2**8192 + 1, 1025)}, id="n is too long"),
    pytest.param({**RSA, "n": "AA" + RSA["n"]}, id="n with a leading zero octet or wrong length"),
    pytest.param({**RSA, "n": RSA["n"] + "="}, id="n with padding"),
    pytest.param({**RSA, "n": 5}, id="n a number"),
    pytest.param({**RSA, "alg": "ES256"}, id="alg of another type"),
    pytest.param({**RSA, "alg": "none"}, id="alg none"),
    pytest.param({**RSA, "alg": "HS256"}, id="alg HS256"),
    pytest.param({**RSA, "alg": 1}, id="alg a number"),
    pytest.param({**RSA, "kid": 1}, id="kid a number"),
    pytest.param({**RSA, "use": ["sig"]}, id="use a list"),
    pytest.param({**RSA, "key_ops": "verify"}, id="key_ops a string"),
    pytest.param({**EC, "crv": "P-384"}, id="another curve"),
    pytest.param({**EC, "crv": "secp256k1"}, id="an unknown curve"),
    pytest.param({**EC, "y": EC["x"]}, id="a point off its curve"),
    pytest.param({**EC, "x": number(0, 32), "y": number(0, 32)}, id="the origin"),
    pytest.param({**EC, "x": EC["x"][:-2]}, id="a short coordinate"),
    pytest.param({**EC, "alg": "ES384"}, id="alg of another curve"),
    pytest.param({**OKP, "x": OKP["x"][:-3]}, id="a short Edwards point"),
    pytest.param({**OKP, "crv": "X25519"}, id="a key for agreement"),
    pytest.param({**OKP, "crv": "Ed448"}, id="a curve that is left out"),
    pytest.param({**EC, "issuer": 1}, id="issuer a number"),
    pytest.param({**EC, "issuer": None}, id="issuer null"),
    pytest.param({**EC, "issuer": ["https://issuer.example"]}, id="issuer a list"),
]


@pytest.mark.parametrize("members", BAD)
def test_unusable_key_is_refused(members):
    """Refuse a key that breaks a rule, with one code and no value of it."""
    with pytest.raises(Refused) as caught:
        jwk.read(members)
    assert caught.value.code == "malformed-key"


@pytest.mark.parametrize("alg", list(algorithms.ALGORITHMS))
def test_public_members_round_trip(alg):
    """Read what was written, with exactly the members that define the key."""
    key = jwk.generate(alg)
    members = jwk.public_members(key.public())
    again = jwk.read({**members, "alg": alg, "kid": "k", "use": "sig", "x5t": "ignored"})
    assert set(members) == set(jwk.THUMBPRINT_MEMBERS[members["kty"]])
    assert jwk.public_members(again) == members
    assert (again.alg, again.kid, again.use, again.public) == (alg, "k", "sig", key.private.public_key())


def test_issuer_of_a_key_is_read_and_names_no_other_key():
    """Read the issuer that an authority publishes with a key; the thumbprint is the same without it."""
    bound = jwk.read({**EC, "issuer": "https://issuer.example/{tenantid}/v2.0"})
    assert bound.issuer == "https://issuer.example/{tenantid}/v2.0"
    assert jwk.read(EC).issuer is None
    assert jwk.thumbprint({**EC, "issuer": "x"}) == jwk.thumbprint(EC) == jwk.thumbprint(jwk.public_members(bound))


def test_checks_are_those_of_usable_for():
    """Check under exactly the algorithms that the key is for."""
    for members in (RSA, EC, OKP, {**RSA, "alg": "PS384"}, {**EC, "use": "enc"}, {**OKP, "key_ops": ["sign"]}):
        key = jwk.read(members)
        assert key.checks.keys() == key.usable_for


def test_key_of_the_roca_generator_is_refused():
    """Refuse moduli with the fingerprint of CVE-2017-15361."""
    primorial = 1
    for prime in (2, 3, 5, 7, *(prime for prime, _ in publickeys._ROCA)):
        primorial *= prime
    n = (pow(65537, 77, primorial) + primorial * (1 << (2047 - primorial.bit_length()))) | 0
    n += primorial if n % 2 == 0 else 0
    assert publickeys._is_roca(n)
    assert not publickeys._is_roca(int.from_bytes(codec.decode_base64url(RSA["n"]), "big"))


def test_set_skips_what_it_does_not_know():
    """Skip unknown types, unknown algorithms and broken keys of a set, and tell which."""
    entries = [
        {**EC, "kid": "a"},
        {"kty": "AKP"},
        {**RSA, "alg": "RSA-OAEP"},
        {**EC, "y": EC["x"]},
        {**OKP, "kid": "b"},
    ]
    keys = jwk.read_set({"keys": entries})
    assert keys.kids() == ("a", "b")
    assert len(keys.skipped) == 3


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="no keys"),
        pytest.param([], id="a list"),
        pytest.param({"keys": {}}, id="keys an object"),
        pytest.param({"keys": ["k"]}, id="a key that is a string"),
        pytest.param({"keys": [EC] * 101}, id="101 keys"),
        pytest.param({"keys": [EC, {**EC, "d": EC["x"]}]}, id="a private member"),
        pytest.param({"keys": [EC, {"kty": "oct", "k": "AAAA"}]}, id="a shared secret"),
    ],
)
def test_unusable_set_is_refused(document):
    """Refuse a whole set that is none, is too long or gives secrets away."""
    with pytest.raises(Refused) as caught:
        jwk.read_set(document)
    assert caught.value.code == "malformed-key"


def test_private_key_prints_and_pickles_nothing():
    """Keep a private key out of texts and pickles."""
    key = jwk.generate("ES256")
    secret = str(key.private.private_numbers().private_value)
    assert secret not in f"{key!r} {key}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_signing_key_must_fit_its_algorithm():
    """Refuse to bind a key to the algorithm of another type."""
    with pytest.raises(Refused):
        jwk.SigningKey("RS256", jwk.generate("ES256").private)


@pytest.mark.parametrize("alg", ["none", "HS256", "rs256", "RS256 ", "", "ES256K"])
def test_unknown_algorithm_makes_no_key(alg):
    """Refuse to make a key for a name that is not in the table."""
    with pytest.raises(Refused) as caught:
        jwk.generate(alg)
    assert caught.value.code == "forbidden-algorithm"


@pytest.mark.parametrize("members", [{}, {"kty": "RSA"}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256"}])
def test_thumbprint_needs_the_members_that_define_the_key(members):
    """Refuse to name half a key."""
    with pytest.raises(Refused):
        jwk.thumbprint(members)
