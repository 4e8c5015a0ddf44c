"""Key sets of certificates: their keys, under their names."""

from __future__ import annotations

import base64
import hashlib

import pytest

from intaglio.errors import Refused
from intaglio.tokens import certificates, certifiedkeys, jwk, pem


def certificate(alg: str = "RS256") -> tuple[bytes, str]:
    """Return a certificate as octets and as text."""
    der = certificates.self_signed(jwk.generate(alg), common_name="app", not_before=0, lifetime=10**9)
    return der, pem.certificate_to_pem(der)


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_certificate_becomes_a_key(alg: str) -> None:
    """The key is the certificate's, and its names are the thumbprints of RFC 7515."""
    der, text = certificate(alg)
    document = certifiedkeys.key_set("Bag Attributes\n    friendlyName: app\n" + text)
    (key,) = document["keys"]
    assert base64.b64decode(key["x5c"][0]) == der
    assert key["kid"] == key["x5t"]
    assert base64.urlsafe_b64decode(key["x5t#S256"] + "=") == hashlib.sha256(der).digest()
    assert jwk.read_set(document).keys[0].public == certificates.public_key(der, None).public


def test_several_certificates() -> None:
    """A new one beside the old one: each is a key of its own."""
    texts = [certificate()[1] for _ in range(2)]
    assert len(certifiedkeys.key_set("\n".join(texts))["keys"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_what_is_no_certificate(text: str) -> None:
    """It is refused, and not repeated."""
    with pytest.raises(Refused) as caught:
        certifiedkeys.key_set(text)
    assert caught.value.code == "malformed-key"
    assert "AAAA" not in str(caught.value.detail)


def test_too_many_certificates() -> None:
    """At most twenty."""
    with pytest.raises(Refused):
        certifiedkeys.key_set(certificate()[1] * 21)
