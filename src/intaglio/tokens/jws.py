"""Compact signatures: sign a payload, check one; nothing in a token chooses how it is checked but a name of a key.

RFC 7515 (JWS compact serialization), RFC 7518 section 3, RFC 8037, RFC 8725 (best current practice).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk

MAXIMUM_OCTETS = 64 * 1024
MAXIMUM_CANDIDATES = 10
CACHED_HEADER_OCTETS = 512

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PKCS1 = padding.PKCS1v15()
_PSS = {
    name: padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
    for name, digest in _HASHES.items()
}
_ECDSA = {name: ec.ECDSA(digest) for name, digest in _HASHES.items()}
# The order of each curve's group: FIPS 186-5, SP 800-186 section 3.2.1.
_ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "P-521": int(
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
        "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
        16,
    ),
}


class Verified(msgspec.Struct, frozen=True):
    """What a good signature covers: the protected header and the payload's octets."""

    header: dict[str, Any]
    payload: bytes


class Segments(msgspec.Struct, frozen=True):
    """A compact JWS taken apart and decoded, believed in nothing."""

    header: dict[str, Any]
    payload: bytes
    signature: bytes
    signing_input: bytes


def _refuse(code: str, hint: str = "", **detail: object) -> NoReturn:
    raise Refused(code, detail=detail, hint=hint)


# --- signing


def _raw_signature(private: ec.EllipticCurvePrivateKey, algorithm: algorithms.Algorithm) -> Callable[[bytes], bytes]:
    scheme, half = _ECDSA[algorithm.hash], algorithm.signature_octets // 2

    def sign_input(message: bytes) -> bytes:
        r, s = utils.decode_dss_signature(private.sign(message, scheme))
        # RFC 7518 3.4: r and s at full length, joined.
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    return sign_input


def _signature_of(key: jwk.SigningKey) -> Callable[[bytes], bytes]:
    algorithm, private = algorithms.find(key.alg), key.private
    if isinstance(private, rsa.RSAPrivateKey):
        digest = _HASHES[algorithm.hash]
        scheme = _PKCS1 if algorithm.family == "rsa-pkcs1" else _PSS[algorithm.hash]
        return lambda message: private.sign(message, scheme, digest)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return _raw_signature(private, algorithm)
    return private.sign


class Signer:
    """Signs many payloads with one key under one protected header, which is encoded once."""

    __slots__ = ("_prefix", "_sign")

    def __init__(self, key: jwk.SigningKey, header: Mapping[str, object]) -> None:
        """Prepare a signer; `alg` comes from the key, and a header that says another is a `ValueError`."""
        if header.get("alg", key.alg) != key.alg:
            raise ValueError("the header names another algorithm than the key")
        encoded = codec.encode_json({"alg": key.alg, **header})
        self._prefix = (codec.encode_base64url(encoded) + ".").encode("ascii")
        self._sign = _signature_of(key)

    def sign(self, payload: bytes) -> str:
        """Return the compact serialization of `payload`, signed (RFC 7515 section 7.1)."""
        message = self._prefix + codec.encode_base64url(payload).encode("ascii")
        return message.decode("ascii") + "." + codec.encode_base64url(self._sign(message))

    def __repr__(self) -> str:
        return "Signer(…)"


def sign(key: jwk.SigningKey, header: Mapping[str, object], payload: bytes) -> str:
    """Return the compact serialization of `payload`, signed once; `alg` comes from the key."""
    return Signer(key, header).sign(payload)


# --- reading


def _read_header(segment: bytes) -> dict[str, Any]:
    try:
        header = codec.decode_json_object(codec.decode_base64url(segment))
    except codec.CodecError as fault:
        raise Refused("token-malformed", detail={"part": "header", "rule": str(fault)}) from None  # rule says it all
    if not isinstance(header.get("alg"), str):
        _refuse("token-malformed", part="header", rule="alg is missing or not a string")
    if not isinstance(header.get("kid", ""), str):
        _refuse("token-malformed", part="header", rule="kid is not a string")
    # RFC 7515 4.1.11: an extension that must be understood and is not; this holds for b64 (RFC 7797) as well.
    if "crit" in header or "b64" in header:
        _refuse("header-unsupported", rule="crit and b64 are not supported")
    # RFC 7516 4.1.2: enc belongs to encrypted tokens; a signed token that carries it is a disguise.
    if "enc" in header or "zip" in header:
        _refuse("header-unsupported", rule="enc and zip do not belong in a signed token")
    return header


@lru_cache(maxsize=128)
def _read_flat(segment: bytes) -> dict[str, Any] | None:
    # Issuers sign thousands of tokens under one header. Only flat ones are kept: a copy of those is a deep one.
    header = _read_header(segment)
    return None if any(isinstance(value, (dict, list)) for value in header.values()) else header


def _header(segment: bytes) -> dict[str, Any]:
    # Only short ones are kept, so that no stranger fills the memory.
    kept = _read_flat(segment) if len(segment) <= CACHED_HEADER_OCTETS else None
    # A copy, so that no caller can alter the one that is kept.
    return _read_header(segment) if kept is None else kept.copy()


def read(text: str | bytes) -> Segments:
    """Return the decoded parts of a compact JWS; no signature is checked.

    Raises `Refused` with `token-malformed` for more than 64 KiB, anything but two dots, text that is not canonical
    base64url, a header that is not a JSON object with an `alg`; with `header-unsupported` for `crit`, `b64`, `enc`.
    """
    # RFC 8725 3.9 and common sense: the bound comes before any work on the text.
    if len(text) > MAXIMUM_OCTETS:
        _refuse("token-malformed", rule="longer than 64 KiB")
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise Refused("token-malformed", detail={"rule": "a character outside ASCII"}) from None  # would quote it
    first, last = raw.find(b"."), raw.rfind(b".")
    # RFC 7515 7.1: exactly three parts. Found from both ends: thousands of dots cost no list.
    if first == last or raw.find(b".", first + 1) != last:
        hint = "Five parts are an encrypted token." if raw.count(b".") == 4 else ""
        _refuse("token-malformed", hint, rule="not three parts with two dots between")
    header = _header(raw[:first])
    try:
        payload, signature = codec.decode_base64url(raw[first + 1 : last]), codec.decode_base64url(raw[last + 1 :])
    except codec.CodecError as fault:
        raise Refused("token-malformed", detail={"rule": str(fault)}) from None  # the rule says it all
    return Segments(header, payload, signature, raw[:last])


def peek_kid(text: str | bytes) -> str | None:
    """Return the `kid` that a token names, for choosing what to fetch; believed in nothing, None if unreadable."""
    try:
        raw = text[:MAXIMUM_OCTETS].encode("ascii") if isinstance(text, str) else text[:MAXIMUM_OCTETS]
        return _header(raw.partition(b".")[0]).get("kid")
    except (Refused, UnicodeEncodeError):
        return None


# --- checking


def allow(header: Mapping[str, Any], allowed: Collection[str]) -> str:
    """Return the header's `alg`; raises `Refused` with code `forbidden-algorithm` unless it is allowed."""
    alg: str = header["alg"]
    # RFC 8725 3.1: the verifier decides; `none` is in no table.
    if alg not in allowed or alg not in algorithms.ALGORITHMS:
        _refuse("forbidden-algorithm", received=alg[:64], expected=sorted(allowed))
    return alg


def candidates(header: Mapping[str, Any], keys: jwk.KeySet) -> tuple[jwk.VerificationKey, ...]:
    """Return the keys that may have signed: by `kid` where there is one, by algorithm, type and use always.

    `jwk`, `jku`, `x5c` and `x5u` in the header are never looked at. Raises `Refused` with code `key-unknown` if there
    is none, or if different keys share the `kid`.
    """
    kid, alg = header.get("kid"), header["alg"]
    # RFC 7515 4.1.2, 4.1.3, 4.1.5, 4.1.6: a key that travels with a token proves nothing about it.
    named = keys.keys if kid is None else keys.named(kid)
    # RFC 8725 3.1: a key is used with its own algorithm only.
    if len(named) == 1 and alg in named[0].usable_for:
        return named
    found = tuple([key for key in named if alg in key.usable_for])
    # RFC 7517 4.5: one kid, one key; guessing between two would let the later one stand in for the earlier.
    if len(found) > 1 and kid is not None and any(key.public != found[0].public for key in found):
        _refuse("key-unknown", "Several keys have this kid.", received=kid[:128])
    if not found:
        hint = "No key has this kid." if not named else "The key is not for this algorithm."
        _refuse("key-unknown", hint, received=None if kid is None else kid[:128], expected=[*keys.kids()[:20]])
    return found[:MAXIMUM_CANDIDATES]


def _check_ecdsa(
    key: ec.EllipticCurvePublicKey, algorithm: algorithms.Algorithm, signature: bytes, message: bytes
) -> None:
    # RFC 7518 3.4: r and s at full length; a DER signature or a longer one is not looked at.
    if len(signature) != algorithm.signature_octets:
        raise InvalidSignature
    half = algorithm.signature_octets // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    order = _ORDERS[str(algorithm.curve)]
    # FIPS 186-5 6.4.2: both in 1 … n-1; zeros were once accepted (CVE-2022-21449).
    if not (0 < r < order and 0 < s < order):
        raise InvalidSignature
    key.verify(utils.encode_dss_signature(r, s), message, _ECDSA[algorithm.hash])


def is_signed_by(key: jwk.VerificationKey, alg: str, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is this key's under `alg`; False as well if the key is not for `alg`."""
    if alg not in key.usable_for:
        return False
    algorithm = algorithms.ALGORITHMS[alg]
    # `usable_for` has tied the algorithm to the key's type; asking isinstance of abstract classes again costs 1 µs.
    public: Any = key.public
    try:
        if algorithm.family == "rsa-pkcs1":
            public.verify(signature, message, _PKCS1, _HASHES[algorithm.hash])
        elif algorithm.family == "rsa-pss":
            public.verify(signature, message, _PSS[algorithm.hash], _HASHES[algorithm.hash])
        elif algorithm.family == "ecdsa":
            _check_ecdsa(public, algorithm, signature, message)
        else:
            public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify(text: str | bytes, keys: jwk.KeySet, *, algorithms: Collection[str]) -> Verified:
    """Return header and payload of a compact JWS whose signature is good.

    `algorithms` are the names that are allowed. Raises `Refused` with `token-malformed`, `header-unsupported`,
    `forbidden-algorithm`, `key-unknown` or `signature-invalid` (RFC 7515 section 5.2).
    """
    parts = read(text)
    alg = allow(parts.header, algorithms)
    for key in candidates(parts.header, keys):
        if is_signed_by(key, alg, parts.signature, parts.signing_input):
            return Verified(parts.header, parts.payload)
    _refuse("signature-invalid")
