"""HS256 with a client's secret: what is one, what it signs, and that it never meets a public key."""

from __future__ import annotations

import base64
import copy
import functools
import hmac
import json
import pickle

import joserfc.jwk
import joserfc.jws
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, certificates, hashes, jwk, jws, pem
from intaglio.tokens.sharedsecret import SharedSecret

TEXT = "a client secret of forty characters ....!"
SECRET = SharedSecret(TEXT)
PAYLOAD = b'{"sub":"u"}'
ALL = tuple(algorithms.ALGORITHMS)
ENCODING, FORM = serialization.Encoding, serialization.PublicFormat


@functools.cache
def key(alg):
    """Return a key for the algorithm, the same one throughout the run."""
    return jwk.generate(alg)


def encodings(alg):
    """Return a public key in every form that it is handed around in."""
    owner = key(alg)
    public = owner.private.public_key()
    certificate = certificates.self_signed(owner, common_name="c", not_before=1_700_000_000, lifetime=86400)
    found = {
        "PEM SPKI": public.public_bytes(ENCODING.PEM, FORM.SubjectPublicKeyInfo),
        "DER SPKI": public.public_bytes(ENCODING.DER, FORM.SubjectPublicKeyInfo),
        "JWK": codec.encode_json(jwk.public_members(owner.public())),
        "JWK, spaced": json.dumps(jwk.public_members(owner.public()), indent=1).encode(),
        "JWKS": codec.encode_json({"keys": [jwk.public_members(owner.public())]}),
        "DER certificate": certificate,
        "PEM certificate": pem.certificate_to_pem(certificate).encode(),
        "OpenSSH": public.public_bytes(ENCODING.OpenSSH, FORM.OpenSSH),
    }
    if alg == "RS256":
        found["PEM PKCS1"] = public.public_bytes(ENCODING.PEM, FORM.PKCS1)
        found["DER PKCS1"] = public.public_bytes(ENCODING.DER, FORM.PKCS1)
        found["base64 PKCS1"] = base64.b64encode(found["DER PKCS1"])
    return found | {
        "PEM, spaced": b"\n\n  " + found["PEM SPKI"],
        "base64 SPKI": base64.b64encode(found["DER SPKI"]),
        "base64url SPKI": codec.encode_base64url(found["DER SPKI"]).encode(),
        "base64 SPKI in lines": base64.encodebytes(found["DER SPKI"]),
        "x5c": base64.b64encode(certificate),
        "SSH blob": found["OpenSSH"].split()[1],
    }


CASES = [
    pytest.param(octets, id=f"{alg} {name}")
    for alg in ("RS256", "ES256", "EdDSA")
    for name, octets in encodings(alg).items()
]


def refusal(function, *arguments, **named):
    """Return the code with which a call is refused."""
    with pytest.raises(Refused) as caught:
        function(*arguments, **named)
    return caught.value.code


@pytest.mark.parametrize("octets", CASES)
def test_d1_02_public_key_is_no_secret(octets):
    """Refuse every form of a public key where a secret belongs, as octets and as text."""
    assert refusal(SharedSecret, octets) == "malformed-key"
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return
    assert refusal(SharedSecret, text) == "malformed-key"


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, b"\0" * 31, "é" * 15])
def test_short_secret_is_refused(secret):
    """Refuse fewer than 32 octets, counted in UTF-8."""
    assert refusal(SharedSecret, secret) == "secret-too-short"


@pytest.mark.parametrize("secret", ["x" * 32, b"\0" * 32, "é" * 16, "0" + "\x1e" * 31, b"0\x1e" + bytes(30), "M" * 44])
def test_long_secret_is_taken(secret):
    """Take 32 octets and more, also those that begin as DER or base64 do."""
    assert jws.verify_with_secret(jws.sign(SharedSecret(secret), {}, PAYLOAD), SharedSecret(secret)).payload == PAYLOAD


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=32, max_size=128) | st.binary(min_size=31, max_size=63).map(lambda octets: b"0" + octets))
def test_random_octets_are_a_secret(octets):
    """Take any random octets: what looks for public keys refuses no real secret."""
    assert len(SharedSecret(octets).mac(b"")) == 32


@pytest.mark.parametrize("secret", [None, 32, ["x" * 32], {"kty": "oct"}])
def test_other_types_are_no_secret(secret):
    """Refuse numbers, which would make zeros, and everything else that is neither text nor octets."""
    with pytest.raises(TypeError):
        SharedSecret(secret)


def test_secret_with_lone_surrogates_is_refused():
    """Refuse a text that UTF-8 cannot write, with nothing of it in the refusal."""
    with pytest.raises(Refused) as caught:
        SharedSecret("\ud800" * 40)
    assert caught.value.code == "malformed-key"


def test_secret_prints_pickles_and_copies_nothing():
    """Keep a secret out of texts, pickles and copies, and of the refusals about it."""
    assert TEXT not in f"{SECRET!r} {SECRET} {jws.Signer(SECRET, {})!r}"
    assert not hasattr(SECRET, "__dict__")
    for function in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            function(SECRET)
    with pytest.raises(Refused) as caught:
        SharedSecret("a secret so short")
    assert "so short" not in f"{caught.value!r} {caught.value.detail} {caught.value.hint}"


def test_mac_is_that_of_the_standard_library():
    """Make the MAC of RFC 7518 section 3.2 over the first two parts."""
    message, _, last = jws.sign(SECRET, {"kid": "k"}, PAYLOAD).rpartition(".")
    assert codec.decode_base64url(last) == hmac.new(TEXT.encode(), message.encode(), "sha256").digest()


def test_other_libraries_believe_what_a_secret_signs():
    """Sign so that PyJWT and joserfc believe it, and believe what they sign."""
    text = jws.sign(SECRET, {"typ": "JWT"}, PAYLOAD)
    assert jwt.decode(text, TEXT, algorithms=["HS256"]) == {"sub": "u"}
    known = joserfc.jwk.OctKey.import_key(TEXT)
    assert joserfc.jws.deserialize_compact(text, known, algorithms=["HS256"]).payload == PAYLOAD
    assert jws.verify_with_secret(jwt.encode({"sub": "u"}, TEXT, algorithm="HS256"), SECRET).payload == PAYLOAD
    theirs = joserfc.jws.serialize_compact({"alg": "HS256"}, PAYLOAD, known, algorithms=["HS256"])
    assert jws.verify_with_secret(theirs, SECRET).payload == PAYLOAD


@pytest.mark.parametrize("alg", ALL)
def test_secret_checks_no_signature_of_a_key_pair(alg):
    """Refuse tokens of every asymmetric algorithm where a secret is what there is."""
    assert refusal(jws.verify_with_secret, jws.sign(key(alg), {}, PAYLOAD), SECRET) == "forbidden-algorithm"


@pytest.mark.parametrize("alg", ALL)
def test_key_pair_checks_no_mac(alg):
    """Refuse HS256 where keys are what there is, even where somebody allows it, and make no key for it."""
    text, published = jws.sign(SECRET, {}, PAYLOAD), key(alg).public()
    assert refusal(jws.verify, text, jwk.KeySet((published,)), algorithms=(*ALL, "HS256")) == "forbidden-algorithm"
    parts = jws.read(text)
    assert not jws.is_signed_by(published, "HS256", parts.signature, parts.signing_input)
    assert "HS256" not in published.usable_for | published.checks.keys()


def test_no_key_set_makes_a_secret():
    """Refuse HS256 as the algorithm of a key, read, generated or bound, and a shared secret in a set."""
    members = {"kty": "oct", "k": codec.encode_base64url(TEXT.encode()), "alg": "HS256"}
    assert refusal(jwk.read, members) == "malformed-key"
    assert refusal(jwk.read_set, {"keys": [members]}) == "malformed-key"
    assert refusal(jwk.generate, "HS256") == "forbidden-algorithm"
    assert refusal(jwk.SigningKey, "HS256", key("ES256").private) == "forbidden-algorithm"
    assert refusal(algorithms.find, "HS256") == "forbidden-algorithm"
    assert refusal(jwk.thumbprint, members) == "malformed-key"


@pytest.mark.parametrize("alg", ["none", "None", "HS384", "HS512", "hs256", "HS256 ", "", "RS256"])
def test_other_names_are_refused(alg):
    """Refuse every other name with the right MAC under it."""
    message = f"{codec.encode_base64url(json.dumps({'alg': alg}).encode())}.{codec.encode_base64url(PAYLOAD)}"
    text = f"{message}.{codec.encode_base64url(SECRET.mac(message.encode()))}"
    assert refusal(jws.verify_with_secret, text, SECRET) == "forbidden-algorithm"


@pytest.mark.parametrize(
    "change", [lambda mac: mac[:-1], lambda mac: mac + b"\0", lambda mac: b"", lambda mac: mac[:16]]
)
def test_mac_of_another_length_is_refused(change):
    """Refuse a MAC that is cut, filled up or empty."""
    message, _, last = jws.sign(SECRET, {}, PAYLOAD).rpartition(".")
    text = f"{message}.{codec.encode_base64url(change(codec.decode_base64url(last)))}"
    assert refusal(jws.verify_with_secret, text, SECRET) == "signature-invalid"


def test_parts_that_were_read_are_checked_alike():
    """Say of parts that were read already whether the secret made them."""
    parts = jws.read(jws.sign(SECRET, {}, PAYLOAD))
    assert jws.allow(parts.header, ("HS256",), algorithms.KEYED) == "HS256"
    assert refusal(jws.allow, parts.header, ("HS256",)) == "forbidden-algorithm"
    assert refusal(jws.allow, parts.header, ("RS256",), algorithms.KEYED) == "forbidden-algorithm"
    assert jws.is_keyed_by(SECRET, parts.signature, parts.signing_input)
    assert not jws.is_keyed_by(SharedSecret("y" * 32), parts.signature, parts.signing_input)


def test_signer_refuses_another_algorithm_in_the_header():
    """Take the algorithm from the secret alone."""
    with pytest.raises(ValueError, match="another algorithm"):
        jws.Signer(SECRET, {"alg": "RS256"})


def test_half_hash_is_sha_256():
    """Hash tokens that come with an HS256 ID token as with RS256."""
    assert hashes.half_hash("HS256", "token") == hashes.half_hash("RS256", "token")
