"""A client's secret as the key of HS256: long enough, never a public key, never published, printed or pickled.

RFC 7518 section 3.2 (HMAC, length), OpenID Connect Core 10.1 (octets of the client secret), RFC 8725 section 2.1.
"""

from __future__ import annotations

import binascii
import hmac
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm

from intaglio.errors import Refused

MINIMUM_OCTETS = 32
_SSH = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"---- BEGIN SSH2")
_SSH_BLOB = (b"\0\0\0\x07ssh-", b"\0\0\0\x0bssh-", b"\0\0\0\x13ecdsa-sha2-")
_SEQUENCE = b"\x30"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def _is_certificate(octets: bytes) -> bool:
    from cryptography import x509  # noqa: PLC0415  (41 ms; one secret in 256 begins as DER does)

    try:
        x509.load_der_x509_certificate(octets)
    except (ValueError, x509.InvalidVersion):
        return False
    return True


def _is_der(octets: bytes) -> bool:
    if not octets.startswith(_SEQUENCE):
        return False
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (5 ms, as above)

    try:
        # SubjectPublicKeyInfo, and an RSA key in PKCS #1.
        serialization.load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return _is_certificate(octets)
    return True


def _decoded(octets: bytes) -> bytes:
    text = b"".join(octets.split()).translate(_TO_STANDARD).rstrip(b"=")
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return b""


def _is_public_key(octets: bytes) -> bool:
    text = octets.strip()
    if b"-----BEGIN" in text or text.startswith(_SSH) or (text.startswith(b"{") and b'"kty"' in text):
        return True
    # The body of a PEM, an entry of x5c and an SSH key without its first word are the same keys in base64.
    inner = _decoded(text)
    return _is_der(octets) or _is_der(inner) or inner.startswith(_SSH_BLOB)


def _refuse(code: str, rule: str, hint: str) -> NoReturn:
    raise Refused(code, detail={"rule": rule}, hint=hint)


class SharedSecret:
    """A client secret that HS256 signs and checks with; no JWK, no key set and no token ever makes one.

    A text counts as its octets in UTF-8. Raises `Refused` with code `malformed-key` for what is a public key in PEM,
    DER, SSH, JWK or certificate form, and with `secret-too-short` under 32 octets.
    """

    __slots__ = ("_octets",)
    alg = "HS256"

    def __init__(self, secret: str | bytes) -> None:
        try:
            octets = secret.encode("utf-8") if isinstance(secret, str) else memoryview(secret).tobytes()
        except UnicodeEncodeError:
            raise Refused("malformed-key", detail={"rule": "not Unicode"}) from None  # the cause would quote it
        # RFC 8725 2.1: with a public key as the secret, whoever reads the key set signs (CVE-2017-11424 and others).
        if _is_public_key(octets):
            _refuse("malformed-key", "a public key is no secret", "Use the client's secret, not a key of the issuer.")
        # RFC 7518 3.2: a key as long as the hash or longer must be used.
        if len(octets) < MINIMUM_OCTETS:
            _refuse("secret-too-short", "fewer than 32 octets", "Register a secret of 32 octets or more.")
        self._octets = octets

    def mac(self, message: bytes) -> bytes:
        """Return the HMAC-SHA-256 of a message, 32 octets."""
        return hmac.digest(self._octets, message, "sha256")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether `signature` is the MAC of the message, in a time that does not depend on where it differs."""
        # CVE-2016-7036: a comparison that stops at the first difference tells the right MAC octet by octet.
        return hmac.compare_digest(self.mac(message), signature)

    def __repr__(self) -> str:
        return "SharedSecret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
