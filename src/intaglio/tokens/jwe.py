"""Compact encryption: to a recipient's key, from a sender, and under one key of our own for secrets at rest.

RFC 7516 section 5 (encryption, decryption), section 7.1 (compact), section 11.5 (one answer for every fault), RFC 7518
sections 4 and 5 (see `jwe_keys`, `jwe_content`). `zip` is never used: RFC 8725 3.6.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import jwe_content, jwe_keys
from intaglio.tokens.encryptionkeys import DecryptionKey, DecryptionKeys, EncryptionKey

KEY_OCTETS = 32
IV_OCTETS = 12
TAG_OCTETS = 16
PARTS = 5
MAXIMUM_OCTETS = 256 * 1024
MAXIMUM_HEADER_OCTETS = 8 * 1024
MAXIMUM_CANDIDATES = 10
ALL = frozenset(jwe_keys.ALGORITHMS)
"""Every key management algorithm; allow fewer where the sender is known to use fewer."""
ALL_ENCRYPTIONS = frozenset(jwe_content.ENCRYPTIONS)
"""Every content encryption."""
PUBLIC = tuple(name for name, one in jwe_keys.ALGORITHMS.items() if one.family in ("rsa-oaep", "ecdh-es"))
"""The key management algorithms with a public key, in the order in which they are told."""
ENCRYPTIONS = tuple(jwe_content.ENCRYPTIONS)
"""The content encryptions, in the order in which they are told."""
_RESERVED = frozenset("alg enc zip crit b64 epk iv tag p2s p2c jwk jku x5c x5u".split())
_FIXED = {"alg": "dir", "enc": "A256GCM"}


def _refuse(rule: str) -> NoReturn:
    # RFC 7516 11.5: one answer for every way to fail.
    raise Refused("decryption-failed", detail={"rule": rule}, hint="Check the key and where the text came from.")


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_OCTETS:
        raise ValueError("an A256GCM key has 32 octets")
    return AESGCM(key)


def encrypt_direct(key: bytes, payload: bytes, header: Mapping[str, object] | None = None) -> str:
    """Return `payload` sealed under a 32-octet key as a compact JWE (dir, A256GCM).

    `header` may hold `kid` and whatever binds the text to its place; it is authenticated, not hidden. The IV is
    random: seal fewer than 2**32 texts under one key (NIST SP 800-38D section 8.3).
    """
    members = dict(header or {})
    if _FIXED.keys() & members.keys() or "zip" in members or "crit" in members:
        raise ValueError("alg, enc, zip and crit are not the caller's to set")
    protected = codec.encode_base64url(codec.encode_json({**_FIXED, **members}))
    iv = secrets.token_bytes(IV_OCTETS)
    sealed = _cipher(key).encrypt(iv, payload, protected.encode("ascii"))
    body, tag = sealed[:-TAG_OCTETS], sealed[-TAG_OCTETS:]
    return ".".join((protected, "", *map(codec.encode_base64url, (iv, body, tag))))


def _split(text: str) -> list[str]:
    if len(text) > MAXIMUM_OCTETS:
        _refuse("longer than 256 KiB")
    parts = text.split(".", PARTS)
    if len(parts) != PARTS:
        _refuse("not five parts")
    return parts


def peek_header(text: str) -> dict[str, Any]:
    """Return the header of a compact JWE, not authenticated: good for choosing a key by `kid`, for nothing else.

    Raises `Refused` with code `decryption-failed`.
    """
    try:
        return codec.decode_json_object(codec.decode_base64url(_split(text)[0]))
    except codec.CodecError:
        raise Refused("decryption-failed", detail={"rule": "the header is not JSON"}) from None  # one face


def decrypt_direct(key: bytes, text: str, *, require: Mapping[str, object] | None = None) -> bytes:
    """Return what `encrypt_direct` sealed; `require` names header members and the values they must have.

    Raises `Refused` with code `decryption-failed` for every fault alike.
    """
    cipher, header, parts = _cipher(key), peek_header(text), _split(text)
    # RFC 7516 4.1.13, RFC 8725 3.6: no extension, no compression.
    if "crit" in header or "zip" in header:
        _refuse("crit or zip")
    # RFC 8725 3.1: the algorithms are ours, not the text's; `require` stops one sealed text from serving as another.
    if any(header.get(name) != value for name, value in {**_FIXED, **(require or {})}.items()):
        _refuse("the header is not the one that is required")
    try:
        wrapped, iv, body, tag = (codec.decode_base64url(part) for part in parts[1:])
    except codec.CodecError:
        raise Refused("decryption-failed", detail={"rule": "not base64url"}) from None  # one face
    if wrapped or len(iv) != IV_OCTETS or len(tag) != TAG_OCTETS:
        _refuse("a part of the wrong length")
    try:
        return cipher.decrypt(iv, body + tag, parts[0].encode("ascii"))
    except InvalidTag:
        raise Refused("decryption-failed", detail={"rule": "the seal is broken"}) from None  # one face


# --- to a recipient, from a sender


class Decrypted(msgspec.Struct, frozen=True):
    """What a JWE held: the authenticated header, the octets, and how they were encrypted. It prints neither."""

    header: dict[str, Any]
    plaintext: bytes
    alg: str
    enc: str

    def __repr__(self) -> str:
        return f"Decrypted(alg={self.alg!r}, enc={self.enc!r}, …)"


class _Parts(msgspec.Struct, frozen=True):
    """A compact JWE taken apart and decoded, believed in nothing."""

    header: dict[str, Any]
    encrypted_key: bytes
    sealed: jwe_content.Sealed
    aad: bytes


def encrypt(
    payload: bytes, key: EncryptionKey, *, alg: str, enc: str, header: Mapping[str, object] | None = None
) -> str:
    """Return `payload` encrypted to `key` as a compact JWE (RFC 7516 section 5.1).

    `header` may hold `typ`, `cty`, `kid` (else the key's own), `apu` and `apv`. Raises `ValueError` for members that
    are not the caller's, a bad `apu` or `apv` and a text above 256 KiB; `Refused` with code `forbidden-algorithm` for
    an unknown `alg` or `enc`, with `encryption-key-unknown` for a key that is not for them.
    """
    algorithm, encryption = jwe_keys.find(alg), jwe_content.find(enc)
    members: dict[str, object] = {"alg": alg, "enc": enc}
    if key.kid is not None:
        members["kid"] = key.kid
    if header:
        if _RESERVED & header.keys():
            raise ValueError("a header member that is not the caller's to set")
        members |= header
    if not key.fits(alg, enc):
        raise Refused("encryption-key-unknown", detail={"alg": alg, "enc": enc}, hint="The key is not for this alg.")
    wrapped = jwe_keys.wrap(algorithm, encryption, key.recipient, members)
    protected = codec.encode_base64url(codec.encode_json(members | wrapped.members))
    sealed = jwe_content.encrypt(encryption, wrapped.cek, payload, protected.encode("ascii"))
    parts = (wrapped.encrypted_key, sealed.iv, sealed.body, sealed.tag)
    text = ".".join((protected, *map(codec.encode_base64url, parts)))
    if len(text) > MAXIMUM_OCTETS:
        raise ValueError("longer than 256 KiB, which nobody here would read")
    return text


def _malformed(rule: str) -> Refused:
    return Refused("token-malformed", detail={"rule": rule}, hint="An encrypted token has five parts, base64url.")


def _read_header(segment: bytes) -> dict[str, Any]:
    if len(segment) > MAXIMUM_HEADER_OCTETS:
        raise _malformed("a header longer than 8 KiB")
    header = codec.decode_json_object(codec.decode_base64url(segment))
    if not (isinstance(header.get("alg"), str) and isinstance(header.get("enc"), str)):
        raise _malformed("alg or enc is missing or not a string")
    if not isinstance(header.get("kid", ""), str):
        raise _malformed("kid is not a string")
    # RFC 7516 4.1.13, RFC 8725 3.6: no extension; no compression, which is a bomb, and tells of the plaintext.
    if "crit" in header or "zip" in header or "b64" in header:
        raise Refused("header-unsupported", detail={"rule": "crit, zip and b64 are not supported"})
    return header


def _read(text: str | bytes) -> _Parts:
    # RFC 8725 3.9 and common sense: the bound comes before any work on the text.
    if len(text) > MAXIMUM_OCTETS:
        raise _malformed("longer than 256 KiB")
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
        # CVE-2025-27144: never more than six pieces, however many dots there are.
        parts = raw.split(b".", PARTS)
        if len(parts) != PARTS:
            raise _malformed("not five parts")
        header = _read_header(parts[0])
        decode = codec.decode_base64url
        sealed = jwe_content.Sealed(decode(parts[2]), decode(parts[3]), decode(parts[4]))
        return _Parts(header, decode(parts[1]), sealed, parts[0])
    except codec.CodecError as fault:
        raise _malformed(str(fault)) from None  # the rule says it all
    except UnicodeEncodeError:
        raise _malformed("a character outside ASCII") from None  # the cause would quote it


def _allow(name: str, allowed: Collection[str], supported: Collection[str]) -> None:
    # RFC 8725 3.1, 3.2: the recipient decides; RSA1_5, PBES2 and `none` are in no table, p2c is never looked at.
    if name not in allowed or name not in supported:
        detail = {"received": name[:64], "expected": sorted(allowed)}
        raise Refused("forbidden-algorithm", detail=detail, hint="Encrypt with an algorithm that is allowed.")


def _candidates(header: Mapping[str, Any], keys: DecryptionKeys) -> tuple[DecryptionKey, ...]:
    kid, alg, enc = header.get("kid"), header["alg"], header["enc"]
    # RFC 7516 4.1.4 to 4.1.8: keys and addresses that travel with a token choose nothing.
    found = [key for key in (keys.keys if kid is None else keys.named(kid)) if key.fits(alg, enc)]
    if not found:
        detail = {"received": None if kid is None else kid[:128], "alg": alg, "enc": enc}
        raise Refused("decryption-key-unknown", detail=detail, hint="No key has this kid and is for this algorithm.")
    return tuple(found[:MAXIMUM_CANDIDATES])


def decrypt(
    text: str | bytes,
    keys: DecryptionKeys,
    *,
    algorithms: Collection[str] = ALL,
    encryptions: Collection[str] = ALL_ENCRYPTIONS,
) -> Decrypted:
    """Return what a compact JWE holds (RFC 7516 section 5.2). Who sent it is not known: anyone can encrypt.

    Keys are chosen by `kid`, `use`, `key_ops` and `alg` alone. Raises `Refused` with `token-malformed`,
    `header-unsupported`, `forbidden-algorithm`, `decryption-key-unknown`, and with `decryption-failed` for everything
    that goes wrong after a key was chosen.
    """
    parts = _read(text)
    alg, enc = parts.header["alg"], parts.header["enc"]
    _allow(alg, algorithms, jwe_keys.ALGORITHMS)
    _allow(enc, encryptions, jwe_content.ENCRYPTIONS)
    algorithm, encryption = jwe_keys.ALGORITHMS[alg], jwe_content.ENCRYPTIONS[enc]
    for key in _candidates(parts.header, keys):
        cek = jwe_keys.unwrap(algorithm, encryption, key.recipient, parts.header, parts.encrypted_key)
        try:
            plaintext = jwe_content.decrypt(encryption, cek, parts.sealed, parts.aad)
        except InvalidTag:
            continue
        return Decrypted(parts.header, plaintext, alg, enc)
    # RFC 7516 11.5: one answer for every way to fail.
    raise Refused("decryption-failed", detail={"rule": "no key opens it"}, hint="Check which key it was encrypted to.")
