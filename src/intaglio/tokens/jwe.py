"""Compact encryption under a key that both sides hold: how secrets are sealed at rest.

RFC 7516 section 7.1 (compact), RFC 7518 sections 4.5 (dir) and 5.3 (A256GCM). `zip` is never used: RFC 8725 3.6.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intaglio import codec
from intaglio.errors import Refused

KEY_OCTETS = 32
IV_OCTETS = 12
TAG_OCTETS = 16
PARTS = 5
MAXIMUM_OCTETS = 256 * 1024
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
