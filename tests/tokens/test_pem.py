"""Keys in DER and PEM."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, x25519

from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, pem

FOREIGN = [
    pytest.param(ed448.Ed448PrivateKey.generate(), id="Ed448"),
    pytest.param(x25519.X25519PrivateKey.generate(), id="X25519"),
    pytest.param(ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
    pytest.param(dsa.generate_private_key(2048), id="DSA"),
]


def refusal(function, *arguments):
    """Return the code with which a call is refused."""
    with pytest.raises(Refused) as caught:
        function(*arguments)
    return caught.value.code


class Foreign:
    """A key of the cryptography library in the place of ours."""

    def __init__(self, private):
        self.private, self.public = private, private.public_key()


@pytest.mark.parametrize("alg", algorithms.ALGORITHMS)
def test_keys_round_trip(alg):
    """Read what was written: the private key in PKCS #8, the public one in SubjectPublicKeyInfo, DER and PEM."""
    key = jwk.generate(alg)
    public = key.public()
    assert pem.private_from_der(alg, pem.private_to_der(key)).public().public == public.public
    for again in (
        pem.public_from_der(pem.public_to_der(public), alg),
        pem.public_from_pem(pem.public_to_pem(public), alg),
        pem.public_from_pem(pem.public_to_pem(public)),
    ):
        assert again.public == public.public
        assert alg in again.usable_for


@pytest.mark.parametrize("private", FOREIGN)
def test_keys_of_other_types_are_refused(private):
    """Refuse keys of types and curves that nothing here signs with."""
    foreign = Foreign(private)
    assert refusal(pem.private_from_der, "EdDSA", pem.private_to_der(foreign)) == "malformed-key"
    assert refusal(pem.public_from_der, pem.public_to_der(foreign)) == "malformed-key"
    assert refusal(pem.public_from_pem, pem.public_to_pem(foreign)) == "malformed-key"


@pytest.mark.parametrize("octets", [b"", b"0", b"\x30\x00", b"x" * 100, b"\x30\x82" * 40_000])
def test_what_is_no_der_is_refused(octets):
    """Refuse octets that are no key, and too many of them."""
    assert refusal(pem.public_from_der, octets) == "malformed-key"
    assert refusal(pem.private_from_der, "ES256", octets) == "malformed-key"


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN PUBLIC KEY-----", "x" * 70_000, "-----BEGIN CERTIFICATE-----\nAA==\n"]
)
def test_what_is_no_pem_is_refused(text):
    """Refuse texts that are no key, and too long ones."""
    assert refusal(pem.public_from_pem, text) == "malformed-key"


def test_key_must_fit_the_algorithm():
    """Refuse a key that is not for the algorithm that it is read for."""
    public = jwk.generate("ES256").public()
    assert refusal(pem.public_from_der, pem.public_to_der(public), "ES384") == "malformed-key"
    assert refusal(pem.public_from_pem, pem.public_to_pem(public), "ML-DSA-44") == "malformed-key"


def test_private_pem_is_read_back_and_nothing_else():
    """A key survives its PEM; another type, another algorithm, a public key and any text are refused unquoted."""
    key = jwk.generate("RS256")
    text = pem.private_to_pem(key)
    assert pem.private_from_pem("RS256", text).public().public == key.public().public
    for alg, wrong in (
        ("ES256", text),
        ("RS256", pem.public_to_pem(key.public())),
        ("RS256", text[:100]),
        ("RS256", "hush \u00e9"),
        ("RS256", "A" * 70_000),
    ):
        assert refusal(pem.private_from_pem, alg, wrong) == "malformed-key"
