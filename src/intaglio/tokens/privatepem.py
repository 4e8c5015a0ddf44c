"""Keys and chains of certificates that somebody keeps in PEM files, to sign with.

RFC 5958 (PKCS #8), RFC 7468 (PEM), RFC 7515 section 4.1.6 (`x5c`).
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk
from intaglio.tokens.publickeys import PrivateKey

MAXIMUM_OCTETS = 64 * 1024
MAXIMUM_CERTIFICATES = 5


def signing_key(pem: bytes) -> jwk.SigningKey:
    """Return the private key of an unencrypted PEM text, bound to the usual algorithm of its type.

    That is RS256 for RSA, the one of its curve for EC, EdDSA for Ed25519. Raises `Refused` with code `malformed-key`.
    """
    if len(pem) > MAXIMUM_OCTETS:
        raise Refused("malformed-key", detail={"rule": "longer than 64 KiB"})
    try:
        private = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "not a private key in PEM"}) from None  # may tell of the key
    if not isinstance(private, PrivateKey):
        raise Refused("malformed-key", detail={"rule": "a key type that is not supported"})
    return jwk.SigningKey(_usual(private), private)


def _usual(private: PrivateKey) -> str:
    if isinstance(private, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = private.curve.key_size
        found = [
            one.name for one in algorithms.ALGORITHMS.values() if one.key_type == "EC" and one.minimum_bits == size
        ]
        return found[0] if found else "ES256"
    return "EdDSA"


def chain(pem: bytes) -> tuple[str, ...]:
    """Return the certificates of a PEM text as `x5c` has them: base64, the leaf first.

    Raises `Refused` with code `malformed-key` for anything but 1 to 5 certificates.
    """
    try:
        found = x509.load_pem_x509_certificates(pem) if len(pem) <= MAXIMUM_OCTETS else []
    except (ValueError, x509.InvalidVersion):
        raise Refused("malformed-key", detail={"rule": "not certificates in PEM"}) from None  # the cause may quote it
    if not 1 <= len(found) <= MAXIMUM_CERTIFICATES:
        raise Refused("malformed-key", detail={"rule": f"1 to {MAXIMUM_CERTIFICATES} certificates"})
    der = serialization.Encoding.DER
    return tuple(base64.b64encode(one.public_bytes(der)).decode("ascii") for one in found)


def certifies(leaf: str, key: jwk.SigningKey) -> bool:
    """Tell whether the first certificate of a chain is over the public half of a key."""
    public = x509.load_der_x509_certificate(base64.b64decode(leaf)).public_key()
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes(*form) == key.private.public_key().public_bytes(*form)
