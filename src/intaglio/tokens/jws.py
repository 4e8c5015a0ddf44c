"""Compact signatures: sign a payload, check one; nothing in a token chooses how it is checked but a name of a key.

RFC 7515 (JWS compact serialization), RFC 7518 section 3, RFC 8037, RFC 9964, RFC 8725 (best current practice).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from cryptography.exceptions import InvalidSignature

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwk, schemes
from intaglio.tokens.sharedsecret import SharedSecret

MAXIMUM_OCTETS = 64 * 1024
MAXIMUM_CANDIDATES = 10
CACHED_HEADER_OCTETS = 512


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


class Signer:
    """Signs many payloads with one key, or one shared secret, under one protected header, which is encoded once."""

    __slots__ = ("_prefix", "_sign")

    def __init__(self, key: jwk.SigningKey | SharedSecret, header: Mapping[str, object]) -> None:
        """Prepare a signer; `alg` comes from the key, and a header that says another is a `ValueError`."""
        if header.get("alg", key.alg) != key.alg:
            raise ValueError("the header names another algorithm than the key")
        encoded = codec.encode_json({"alg": key.alg, **header})
        self._prefix = codec.encode_base64url(encoded) + "."
        self._sign: schemes.Sign = (
            key.mac if isinstance(key, SharedSecret) else schemes.sign(algorithms.find(key.alg), key.private)
        )

    def sign(self, payload: bytes) -> str:
        """Return the compact serialization of `payload`, signed (RFC 7515 section 7.1)."""
        text = self._prefix + codec.encode_base64url(payload)
        return f"{text}.{codec.encode_base64url(self._sign(text.encode('ascii')))}"

    def __repr__(self) -> str:
        return "Signer(…)"


def sign(key: jwk.SigningKey | SharedSecret, header: Mapping[str, object], payload: bytes) -> str:
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
    """Return a header, which may be the one that is kept: nobody outside of this package alters or keeps it."""
    # Only short ones are kept, so that no stranger fills the memory.
    kept = _read_flat(segment) if len(segment) <= CACHED_HEADER_OCTETS else None
    return _read_header(segment) if kept is None else kept


def take_apart(text: str | bytes) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    """Return header, payload, signature and signing input of a compact JWS; no signature is checked.

    The header is to be read only: it may be shared with other calls.

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
    # RFC 7515 7.1: exactly three parts. At most four are made, so that thousands of dots cost nothing.
    parts = raw.split(b".", 3)
    if len(parts) != 3:
        hint = "Five parts are an encrypted token." if raw.count(b".") == 4 else ""
        _refuse("token-malformed", hint, rule="not three parts with two dots between")
    first, second, third = parts
    header = _header(first)
    try:
        payload, signature = codec.decode_base64url(second), codec.decode_base64url(third)
    except codec.CodecError as fault:
        raise Refused("token-malformed", detail={"rule": str(fault)}) from None  # the rule says it all
    return header, payload, signature, raw[: len(first) + 1 + len(second)]


def read(text: str | bytes) -> Segments:
    """Return the decoded parts of a compact JWS as a record, its header a copy; raises as `take_apart` does."""
    header, payload, signature, message = take_apart(text)
    return Segments(dict(header), payload, signature, message)


def peek_kid(text: str | bytes) -> str | None:
    """Return the `kid` that a token names, for choosing what to fetch; believed in nothing, None if unreadable."""
    try:
        raw = text[:MAXIMUM_OCTETS].encode("ascii") if isinstance(text, str) else text[:MAXIMUM_OCTETS]
        return _header(raw.partition(b".")[0]).get("kid")
    except (Refused, UnicodeEncodeError):
        return None


# --- checking


def allow(
    header: Mapping[str, Any],
    allowed: Collection[str],
    table: Mapping[str, algorithms.Algorithm] = algorithms.ALGORITHMS,
) -> str:
    """Return the header's `alg`; raises `Refused` with code `forbidden-algorithm` unless it is allowed.

    `table` is what the key at hand can do: `algorithms.ALGORITHMS` for key pairs, `algorithms.KEYED` for a secret.
    """
    alg: str = header["alg"]
    # RFC 8725 3.1: the verifier decides; `none` is in no table.
    if alg not in allowed or alg not in table:
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


def is_signed_by(key: jwk.VerificationKey, alg: str, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is this key's under `alg`; False as well if the key is not for `alg`."""
    check = key.checks.get(alg)
    if check is None:
        return False
    try:
        check(signature, message)
    except InvalidSignature:
        return False
    return True


def is_keyed_by(secret: SharedSecret, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is the secret's under HS256, compared in constant time (RFC 7518 section 3.2)."""
    return secret.verifies(signature, message)


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


def verify_with_secret(text: str | bytes, secret: SharedSecret) -> Verified:
    """Return header and payload of a compact JWS that HS256 and this secret made.

    `kid` is not looked at: the client has one secret. Raises `Refused` with `token-malformed`, `header-unsupported`,
    `forbidden-algorithm` for every other algorithm, or `signature-invalid`.
    """
    parts = read(text)
    # RFC 8725 3.1: a secret is used with its own algorithm only.
    allow(parts.header, algorithms.KEYED, algorithms.KEYED)
    if not is_keyed_by(secret, parts.signature, parts.signing_input):
        _refuse("signature-invalid")
    return Verified(parts.header, parts.payload)
