"""Certificate authorities for tests: roots, intermediates, and leaves of clients."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from typing import Any

import jwt
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests import foreign, harness

_USAGE = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class Holder(msgspec.Struct, frozen=True):
    """A certificate with its key, and the certificates between it and its root."""

    key: Any
    certificate: Any
    chain: tuple[Any, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return str(self.certificate.public_bytes(serialization.Encoding.PEM).decode())

    @property
    def x5c(self) -> list[str]:
        """The certificate and those above it as a header has them (RFC 7515 section 4.1.6)."""
        ders = [one.public_bytes(serialization.Encoding.DER) for one in (self.certificate, *self.chain)]
        return [base64.b64encode(der).decode() for der in ders]

    def proof(self, headers: dict[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
        """Return a short token that the certificate's key signed."""
        usual = {"aud": foreign.NAME, "iat": harness.NOW, "exp": harness.NOW + 120, "jti": "proof-1"}
        claims = {name: value for name, value in (usual | changes).items() if value is not None}
        return jwt.encode(claims, key or self.key, "ES256", headers={"x5c": self.x5c} | (headers or {}))


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def make(
    names: Sequence[tuple[Any, str]],
    issuer: Holder | None = None,
    *,
    ca: bool = False,
    path: int | None = None,
    begins_at: int = harness.NOW - 1000,
    ends_at: int = harness.NOW + 86_400,
    usage: Any = CLIENT,
    alternatives: Sequence[Any] = (),
    constraints: Any = None,
    other: Any = None,
    key: Any = None,
) -> Holder:
    """Return a certificate that an issuer signed, or its own root."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    signer = issuer.key if issuer is not None else key
    above = issuer.certificate.subject if issuer is not None else subject
    usages = {name: name == "digital_signature" and not ca for name in _USAGE}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .not_valid_before(_at(begins_at))
        .not_valid_after(_at(ends_at))
        .public_key(key.public_key())
        .serial_number(0x1234 if not ca else x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
        .add_extension(
            x509.KeyUsage(**usages, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not ca and usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(alternatives)), critical=False)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    if other is not None:
        builder = builder.add_extension(other, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    chain = (issuer.certificate, *issuer.chain) if issuer is not None and issuer.chain is not None else ()
    return Holder(key, certificate, chain[:-1] if _is_rooted(chain) else chain)


def _is_rooted(chain: Sequence[Any]) -> bool:
    return bool(chain) and chain[-1].subject == chain[-1].issuer


def cn(name: str) -> list[tuple[Any, str]]:
    """Return a name of one common name."""
    return [(NameOID.COMMON_NAME, name)]


ROOT = make(cn("Acme root"), ca=True)
OTHER_ROOT = make(cn("Acme root"), ca=True)
