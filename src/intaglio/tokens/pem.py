"""Keys and certificates in DER and PEM.

RFC 5958 (PKCS #8), RFC 5280 section 4.1.2.7 (SubjectPublicKeyInfo), RFC 7468 (PEM), RFC 9881 (ML-DSA, seed form).
"""

from __future__ import annotations

import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from intaglio.errors import Refused
from intaglio.tokens import jwk
from intaglio.tokens.publickeys import PrivateKey

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_LINE = 64
MAXIMUM_PEM_OCTETS = 64 * 1024


def private_to_der(key: jwk.SigningKey) -> bytes:
    """Return the private key as unencrypted PKCS #8 DER; the caller encrypts it before it is kept."""
    return key.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def private_to_pem(key: jwk.SigningKey) -> str:
    """Return the private key as unencrypted PKCS #8 PEM, to be handed to its holder and kept nowhere."""
    form = serialization.PrivateFormat.PKCS8
    return key.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode("ascii")


def private_from_der(alg: str, der: bytes) -> jwk.SigningKey:
    """Return a key of our own from what `private_to_der` wrote.

    Raises `Refused` with code `malformed-key`. Never for keys of strangers: see the comment inside.
    """
    try:
        # Our own keys are authenticated at rest (an AEAD seals them), so that checking p, q and d again, which takes
        # 37 ms a key, proves nothing that the seal has not proved.
        private = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "not PKCS #8"}) from None  # the cause may tell of the key
    if not isinstance(private, PrivateKey):
        raise Refused("malformed-key", detail={"rule": "a key type that is not supported"})
    return jwk.SigningKey(alg, private)


def private_from_pem(alg: str, pem: str) -> jwk.SigningKey:
    """Return the key in a PEM text without a passphrase; raises `Refused` with code `malformed-key`."""
    if len(pem) > MAXIMUM_PEM_OCTETS:
        raise Refused("malformed-key", detail={"rule": "longer than 64 KiB"})
    try:
        private = serialization.load_pem_private_key(pem.encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "not a PEM private key"}) from None  # the cause may quote it
    if not isinstance(private, PrivateKey):
        raise Refused("malformed-key", detail={"rule": "a key type that is not supported"})
    return jwk.SigningKey(alg, private)


def certificate_to_pem(der: bytes) -> str:
    """Return a certificate's PEM text, lines of 64 characters and a newline at the end (RFC 7468 section 2)."""
    body = binascii.b2a_base64(der, newline=False).decode("ascii")
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def certificate_from_pem(pem: str) -> bytes:
    """Return the DER of the first certificate in a PEM text; raises `Refused` with code `malformed-key`."""
    from cryptography import x509  # noqa: PLC0415  (41 ms; only those who read certificates pay for it)

    try:
        return x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(serialization.Encoding.DER)
    except (ValueError, x509.InvalidVersion):
        raise Refused("malformed-key", detail={"rule": "not a PEM certificate"}) from None  # the cause quotes it


def public_to_pem(key: jwk.VerificationKey) -> str:
    """Return the public key as PEM SubjectPublicKeyInfo."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public.public_bytes(serialization.Encoding.PEM, form).decode("ascii")


def public_to_der(key: jwk.VerificationKey) -> bytes:
    """Return the public key as DER SubjectPublicKeyInfo."""
    return key.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_from_der(der: bytes, alg: str | None = None) -> jwk.VerificationKey:
    """Return the key in a DER SubjectPublicKeyInfo.

    Raises `Refused` with code `malformed-key` for anything else, and for a key that does not fit `alg`.
    """
    if len(der) > MAXIMUM_PEM_OCTETS:
        raise Refused("malformed-key", detail={"rule": "longer than 64 KiB"})
    try:
        public = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "not a DER public key"}) from None  # the cause may quote it
    return jwk.from_public(public, alg)


def public_from_pem(pem: str, alg: str | None = None) -> jwk.VerificationKey:
    """Return the key in a PEM text that holds a public key or a certificate.

    Raises `Refused` with code `malformed-key` for anything else, and for a key that does not fit `alg`.
    """
    if len(pem) > MAXIMUM_PEM_OCTETS:
        raise Refused("malformed-key", detail={"rule": "longer than 64 KiB"})
    if _BEGIN in pem:
        from intaglio.tokens import certificates  # noqa: PLC0415  (loads X.509)

        return certificates.public_key(certificate_from_pem(pem), alg)
    try:
        public = serialization.load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "not a PEM public key"}) from None  # the cause may quote it
    return jwk.from_public(public, alg)
