"""Certificates of clients: a chain judged against the authorities that an operator trusts, and what the leaf says.

RFC 5280 section 6 (path validation), RFC 7515 section 4.1.6 (`x5c`), RFC 4514 (names as text). Whether a certificate
was withdrawn is not asked: trust authorities whose certificates are short-lived.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from intaglio.errors import Refused
from intaglio.tokens import certificates, jwk

MAXIMUM_CERTIFICATES = 5
MAXIMUM_OCTETS = 8 * 1024
"""Octets of one certificate."""
MAXIMUM_ANCHORS = 20
_PARTS = {
    "cn": NameOID.COMMON_NAME,
    "o": NameOID.ORGANIZATION_NAME,
    "ou": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "c": NameOID.COUNTRY_NAME,
    "st": NameOID.STATE_OR_PROVINCE_NAME,
    "l": NameOID.LOCALITY_NAME,
    "serial_number": NameOID.SERIAL_NUMBER,
}

# The library raises the last two for what a stranger writes into a certificate before anybody vouches for it.
_UNTRUSTED = (verification.VerificationError, ValueError, x509.UnsupportedGeneralNameType, x509.DuplicateExtension)


class Leaf(msgspec.Struct, frozen=True):
    """A certificate that the anchors vouch for: its key, its names as text, its end, and all that it says as values."""

    key: jwk.VerificationKey
    subject: str
    issuer: str
    expires_at: int
    says: dict[str, Any]


class Anchors:
    """The authorities that a provider trusts; read once."""

    def __init__(self, pem: str) -> None:
        """Read certificates in PEM; raises `Refused` (`malformed-key`) for anything else, none, or more than 20."""
        try:
            self._certificates = x509.load_pem_x509_certificates(pem.encode())
        except (ValueError, x509.InvalidVersion):
            raise _refused("certificates in PEM") from None  # the cause may quote it
        if not 1 <= len(self._certificates) <= MAXIMUM_ANCHORS:
            raise _refused(f"1 to {MAXIMUM_ANCHORS} certificates")
        if any(not _is_authority(one) for one in self._certificates):
            # A leaf as an anchor would vouch for nobody, or, to a laxer reader, for everybody.
            raise _refused("certificates of authorities (basicConstraints CA:TRUE)")
        self._store = verification.Store(self._certificates)

    def __repr__(self) -> str:
        return f"Anchors({len(self._certificates)})"

    def judge(self, x5c: Sequence[str], alg: str, kid: str | None, now: int) -> Leaf:
        """Return the leaf of a chain that leads to an anchor at `now`, its key bound to `alg` and `kid`.

        Raises `Refused` with `certificate-malformed` or `certificate-untrusted`.
        """
        leaf, *others = _read(x5c)
        # RFC 5280 6.1: signatures, dates, path lengths, name constraints and the extended key usage of clients.
        builder = verification.PolicyBuilder().store(self._store).time(datetime.fromtimestamp(now, UTC))
        try:
            builder.extension_policies(
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=_LEAVES
            ).build_client_verifier().verify(leaf, others)
        except _UNTRUSTED as fault:
            raise Refused("certificate-untrusted", detail={"rule": str(fault)[:200]}) from None  # may quote a name
        return Leaf(
            _key(leaf, alg, kid),
            leaf.subject.rfc4514_string(),
            leaf.issuer.rfc4514_string(),
            int(leaf.not_valid_after_utc.timestamp()),
            _says(leaf),
        )


def _refused(expected: str) -> Refused:
    return Refused("malformed-key", detail={"rule": f"not {expected}"})


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        return False


# A client need not have an alternative name: many authorities of companies name it in the subject alone.
_LEAVES = verification.ExtensionPolicy.webpki_defaults_ee().may_be_present(
    x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
)


def _read(x5c: Sequence[str]) -> list[x509.Certificate]:
    # RFC 7515 4.1.6: base64, not base64url, the leaf first.
    if not 1 <= len(x5c) <= MAXIMUM_CERTIFICATES:
        raise Refused("certificate-malformed", detail={"rule": f"1 to {MAXIMUM_CERTIFICATES} certificates in x5c"})
    found = []
    for text in x5c:
        try:
            der = binascii.a2b_base64(text, strict_mode=True) if len(text) <= 2 * MAXIMUM_OCTETS else b""
            found.append(certificates.parsed(der))
        except ValueError:
            raise Refused("certificate-malformed", detail={"rule": "no certificate"}) from None  # may quote it
    return found


def _key(leaf: x509.Certificate, alg: str, kid: str | None) -> jwk.VerificationKey:
    try:
        return jwk.from_public(leaf.public_key(), alg, kid)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("certificate-malformed", detail={"rule": "no such key"}) from None  # may quote numbers


def _says(leaf: x509.Certificate) -> dict[str, Any]:
    der = leaf.public_bytes(serialization.Encoding.DER)
    return {
        "subject": {"dn": _parts(leaf.subject)},
        "issuer": {"dn": _parts(leaf.issuer)},
        "san": _alternatives(leaf),
        "serialNumberHex": f"{leaf.serial_number:x}",
        "sha256Fingerprint": hashlib.sha256(der).hexdigest(),
    }


def _parts(name: x509.Name) -> dict[str, Any]:
    # SECURITY: of two common names nobody knows which is meant; such a part is left out, and a mapping that needs it
    # fails (test_a_name_that_stands_twice_is_no_name).
    found = {}
    for part, oid in _PARTS.items():
        values = [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]
        if len(values) == 1:
            found[part] = values[0]
    return found


def _alternatives(leaf: x509.Certificate) -> dict[str, list[str]]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {"dns": [], "uri": [], "email": [], "ip": []}
    return {
        "dns": list(names.get_values_for_type(x509.DNSName)),
        "uri": list(names.get_values_for_type(x509.UniformResourceIdentifier)),
        "email": list(names.get_values_for_type(x509.RFC822Name)),
        "ip": [str(address) for address in names.get_values_for_type(x509.IPAddress)],
    }
