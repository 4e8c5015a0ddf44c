"""How each algorithm signs and checks octets: the calls of the cryptography library, bound to one key.

RFC 7518 sections 3.3 to 3.5 (RS, ES, PS), RFC 8037 section 3.1 (EdDSA), RFC 9964 (ML-DSA), FIPS 186-5 (ECDSA).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from intaglio.tokens import algorithms
from intaglio.tokens.publickeys import PrivateKey, PublicKey

Sign: TypeAlias = Callable[[bytes], bytes]
"""A message to its signature, in the form of RFC 7518."""
Check: TypeAlias = Callable[[bytes, bytes], None]
"""A signature and its message; returns for a good one, raises `InvalidSignature` for any other."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PKCS1 = padding.PKCS1v15()
_PSS = {
    # RFC 7518 3.5: the salt is as long as the hash. To check with this refuses any other length.
    name: padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
    for name, digest in _HASHES.items()
}
_ECDSA = {name: ec.ECDSA(digest) for name, digest in _HASHES.items()}
# The order of each curve's group, at the full length of r and s: SP 800-186 section 3.2.1.
ORDERS = {
    "P-256": bytes.fromhex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"),
    "P-384": bytes.fromhex(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973"
    ),
    "P-521": bytes.fromhex(
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
        "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409"
    ),
}
_SHORT_FORM = 0x80
_LONG_FORM = 0x81
# X.690 8.1.3: the octets before an INTEGER and before a SEQUENCE, by the length of what follows.
_INTEGER = tuple(bytes((0x02, length)) for length in range(_SHORT_FORM))
_SEQUENCE = tuple(
    bytes((0x30, length)) if length < _SHORT_FORM else bytes((0x30, _LONG_FORM, length)) for length in range(256)
)


def from_der(signature: bytes, half: int) -> bytes:
    """Return r and s at full length, joined, of an ECDSA signature that the cryptography library made.

    Not for signatures of strangers: the form is taken for granted (RFC 7518 section 3.4, RFC 3279 section 2.2.3).
    """
    begin = 5 if signature[1] == _LONG_FORM else 4
    end = begin + signature[begin - 1]
    # A leading zero octet, which keeps an INTEGER positive, falls off; short numbers are filled up.
    return signature[begin:end][-half:].rjust(half, b"\0") + signature[end + 2 :][-half:].rjust(half, b"\0")


def _heads(half: int) -> tuple[tuple[tuple[bytes, bytes], ...], ...]:
    # What stands before r and before s of full length, by whether each needs a zero octet to stay positive.
    def before(first: int, second: int) -> tuple[bytes, bytes]:
        zeros = (b"\0" * first, b"\0" * second)
        start = _SEQUENCE[2 * half + first + second + 4] + _INTEGER[half + first]
        return start + zeros[0], _INTEGER[half + second] + zeros[1]

    return tuple(tuple(before(first, second) for second in (0, 1)) for first in (0, 1))


_HEADS = {half: _heads(half) for half in (32, 48, 66)}
_ZEROS = {half: bytes(half) for half in _HEADS}


def to_der(signature: bytes, order: bytes) -> bytes:
    """Return r and s, joined at full length, as the cryptography library takes them.

    Raises `InvalidSignature` for another length and for numbers outside 1 … n-1.
    """
    half = len(order)
    # RFC 7518 3.4: r and s at full length; a DER signature or a longer one is not looked at.
    if len(signature) != 2 * half:
        raise InvalidSignature
    r, s, zero = signature[:half], signature[half:], _ZEROS[half]
    # FIPS 186-5 6.4.2: both in 1 … n-1; zeros were once accepted (CVE-2022-21449). Octets of one length compare as
    # the numbers that they write.
    if not (zero < r < order and zero < s < order):
        raise InvalidSignature
    r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
    # X.690 8.3: an INTEGER is signed, and as short as can be.
    if r[0] >= _SHORT_FORM:
        r = b"\0" + r
    if s[0] >= _SHORT_FORM:
        s = b"\0" + s
    return _SEQUENCE[len(r) + len(s) + 4] + _INTEGER[len(r)] + r + _INTEGER[len(s)] + s


def sign(algorithm: algorithms.Algorithm, private: PrivateKey) -> Sign:
    """Return what signs under `algorithm`; that the two fit is the caller's to have seen to."""
    if isinstance(private, rsa.RSAPrivateKey):
        digest = _HASHES[algorithm.hash]
        scheme = _PKCS1 if algorithm.family == "rsa-pkcs1" else _PSS[algorithm.hash]
        return lambda message: private.sign(message, scheme, digest)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        sign_der, kind, half = private.sign, _ECDSA[algorithm.hash], algorithm.signature_octets // 2
        return lambda message: from_der(sign_der(message, kind), half)
    return private.sign


def check(algorithm: algorithms.Algorithm, public: PublicKey) -> Check:
    """Return what checks signatures under `algorithm`; that the two fit is the caller's to have seen to."""
    if isinstance(public, rsa.RSAPublicKey):
        digest = _HASHES[algorithm.hash]
        scheme = _PKCS1 if algorithm.family == "rsa-pkcs1" else _PSS[algorithm.hash]
        return lambda signature, message: public.verify(signature, message, scheme, digest)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _check_ecdsa(public, _ECDSA[algorithm.hash], ORDERS[str(algorithm.curve)])
    return public.verify


def _check_ecdsa(public: ec.EllipticCurvePublicKey, kind: ec.ECDSA, order: bytes) -> Check:
    verify, half = public.verify, len(order)
    octets, zero, heads = 2 * half, _ZEROS[half], _HEADS[half]

    def check_numbers(signature: bytes, message: bytes) -> None:
        if len(signature) == octets:
            r, s = signature[:half], signature[half:]
            # What `to_der` says, for the signature that nearly every one is, in the place where it is needed.
            if zero < r < order and zero < s < order and r[0] and s[0]:
                before, between = heads[r[0] >> 7][s[0] >> 7]
                verify(before + r + between + s, message, kind)
                return
        verify(to_der(signature, order), message, kind)

    return check_numbers
