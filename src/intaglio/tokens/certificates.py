"""X.509 certificates: one that each signing key carries, and a local authority for development.

RFC 5280 (profile), RFC 7515 sections 4.1.7 and 4.1.8 (thumbprints), RFC 9525 (names live in subjectAltName).
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from intaglio import codec
from intaglio.errors import Misconfigured, Refused
from intaglio.tokens import algorithms, jwk

AUTHORITY_LIFETIME = 10 * 365 * 86400
LEAF_LIFETIME = 397 * 86400
"""What browsers accept at most; the hour before `now` that a leaf begins with is counted in."""
EARLIER = 3600
"""A certificate begins this many seconds before it is made, for clocks that are behind."""
_COMMON_NAME_LIMIT = 64
_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def _name(common_name: str) -> x509.Name:
    # RFC 5280 appendix A.1: ub-common-name is 64.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_LIMIT] or "-")])


def _usage(*, signing: bool, issuing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issuing,
        crl_sign=issuing,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(subject: x509.Name, issuer: x509.Name, begins_at: int, ends_at: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .not_valid_before(datetime.fromtimestamp(begins_at, UTC))
        .not_valid_after(datetime.fromtimestamp(ends_at, UTC))
    )


def new_serial() -> int:
    """Return a positive random serial of at most 20 octets (RFC 5280 section 4.1.2.2)."""
    return secrets.randbits(158) + 1


def self_signed(
    key: jwk.SigningKey, *, common_name: str, not_before: int, lifetime: int, serial: int | None = None
) -> bytes:
    """Return a self-signed certificate (DER) over a signing key, valid for `lifetime` seconds from `not_before`.

    `common_name` is cut at 64 characters. The serial is random unless it is given.
    """
    name, algorithm, private = _name(common_name), algorithms.find(key.alg), key.private
    builder = (
        _builder(name, name, not_before, not_before + lifetime)
        .public_key(private.public_key())
        .serial_number(new_serial() if serial is None else serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing=True, issuing=False), critical=True)
    )
    # RFC 8410 3, RFC 9881 2: Ed25519 and ML-DSA take no hash of their own.
    digest = None if algorithm.family in ("eddsa", "ml-dsa") else _HASHES[algorithm.hash]
    return builder.sign(private, digest).public_bytes(serialization.Encoding.DER)


def parsed(der: bytes) -> x509.Certificate:
    """Return the certificate of octets that a stranger may have made; raises `ValueError` for what is none."""
    with warnings.catch_warnings():
        # RFC 5280 4.1.2.2: a serial number is positive. The library reads others too, and only warns of them.
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        try:
            return x509.load_der_x509_certificate(der)
        except (x509.InvalidVersion, CryptographyDeprecationWarning) as exc:
            raise ValueError("not a certificate as RFC 5280 has it") from exc


def _load(der: bytes) -> x509.Certificate:
    try:
        return parsed(der)
    except ValueError:
        raise Refused("malformed-key", detail={"rule": "not a certificate"}) from None  # the cause may quote it


def thumbprint_sha1(der: bytes) -> str:
    """Return `x5t`: the SHA-1 of the certificate's DER, base64url (RFC 7515 section 4.1.7); a name, no protection."""
    return codec.encode_base64url(hashlib.sha1(der, usedforsecurity=False).digest())


def thumbprint_sha256(der: bytes) -> str:
    """Return `x5t#S256`: the SHA-256 of the certificate's DER, base64url (RFC 7515 section 4.1.8)."""
    return codec.encode_base64url(hashlib.sha256(der).digest())


def serial(der: bytes) -> int:
    """Return the certificate's serial number; raises `Refused` with code `malformed-key`."""
    return _load(der).serial_number


def validity(der: bytes) -> tuple[int, int]:
    """Return from when and until when a certificate says it is valid (RFC 5280 section 4.1.2.5), in epoch seconds.

    Raises `Refused` with code `malformed-key`.
    """
    certificate = _load(der)
    return int(certificate.not_valid_before_utc.timestamp()), int(certificate.not_valid_after_utc.timestamp())


def public_key(der: bytes, alg: str | None) -> jwk.VerificationKey:
    """Return the key in a certificate; neither its chain nor its dates are judged.

    Raises `Refused` with code `malformed-key` for anything but a certificate over a key that fits `alg`.
    """
    try:
        public = _load(der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "no such key"}) from None  # the cause may quote numbers
    return jwk.from_public(public, alg)


# --- the local authority for development


def _key_pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_authority(
    now: int, common_name: str = "Intaglio local development authority", *, only: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """Return (key PEM, certificate PEM) of a new local certificate authority, valid for ten years from `now`.

    `only` are the hosts that it may sign (RFC 5280 section 4.2.1.10); none given means no constraint.

    Its path length is 0: it can sign servers and no further authority. The name ends in letters of its own, so that
    two authorities in one trust store are not mistaken for one another.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    name = _name(f"{common_name} {identifier.digest.hex()[:8]}")
    builder = (
        _builder(name, name, now - EARLIER, now - EARLIER + AUTHORITY_LIFETIME)
        .public_key(public)
        .serial_number(new_serial())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=False, issuing=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    if only:
        permitted = [_subtree(host) for host in only]
        builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    certificate = builder.sign(private, hashes.SHA256())
    return _key_pem(private), certificate.public_bytes(serialization.Encoding.PEM)


def _subtree(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(host))
    except ValueError:
        return x509.DNSName(host)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def make_leaf(
    authority_key_pem: bytes, authority_cert_pem: bytes, hosts: Sequence[str], now: int
) -> tuple[bytes, bytes]:
    """Return (key PEM, chain PEM) of a server certificate for `hosts` (names and addresses), at most 397 days.

    The chain is the leaf and then the authority. Raises `Misconfigured` with code `misconfigured` without hosts.
    """
    if not hosts:
        raise Misconfigured(hint="Name at least one host for the certificate.")
    authority = x509.load_pem_x509_certificate(authority_cert_pem)
    authority_key = cast("ec.EllipticCurvePrivateKey", serialization.load_pem_private_key(authority_key_pem, None))
    private = ec.generate_private_key(ec.SECP256R1())
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    ends_at = min(now - EARLIER + LEAF_LIFETIME, int(authority.not_valid_after_utc.timestamp()))
    leaf = (
        _builder(_name(hosts[0]), authority.subject, now - EARLIER, ends_at)
        .public_key(private.public_key())
        .serial_number(new_serial())
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing=True, issuing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return _key_pem(private), leaf.public_bytes(serialization.Encoding.PEM) + authority_cert_pem
