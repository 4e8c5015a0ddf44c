"""Content encryption: what happens to the octets of a JWE once its content encryption key is known.

RFC 7518 section 5.2 (AES-CBC with HMAC), section 5.3 (AES-GCM), appendix B (their test cases).
"""

from __future__ import annotations

import hmac
import secrets
from types import MappingProxyType
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intaglio.errors import Refused

BLOCK_OCTETS = 16


class Encryption(msgspec.Struct, frozen=True):
    """What one `enc` value means; `hash` is empty for AES-GCM."""

    name: str
    family: Literal["gcm", "cbc-hmac"]
    key_octets: int
    iv_octets: int
    tag_octets: int
    hash: str = ""


class Sealed(msgspec.Struct, frozen=True):
    """The three parts that encryption of one content gives."""

    iv: bytes
    body: bytes
    tag: bytes


ENCRYPTIONS: MappingProxyType[str, Encryption] = MappingProxyType(
    {
        encryption.name: encryption
        for encryption in (
            Encryption("A128CBC-HS256", "cbc-hmac", 32, 16, 16, "sha256"),
            Encryption("A192CBC-HS384", "cbc-hmac", 48, 16, 24, "sha384"),
            Encryption("A256CBC-HS512", "cbc-hmac", 64, 16, 32, "sha512"),
            Encryption("A128GCM", "gcm", 16, 12, 16),
            Encryption("A192GCM", "gcm", 24, 12, 16),
            Encryption("A256GCM", "gcm", 32, 12, 16),
        )
    }
)
"""Every content encryption that is supported, which is every registered one that authenticates (RFC 7518 5.1)."""


def find(enc: str) -> Encryption:
    """Return the content encryption called `enc`; raises `Refused` with code `forbidden-algorithm`."""
    encryption = ENCRYPTIONS.get(enc)
    if encryption is None:
        # RFC 8725 3.1: only algorithms that were chosen beforehand; the name is shown shortened.
        raise Refused(
            "forbidden-algorithm",
            detail={"received": enc[:64], "expected": sorted(ENCRYPTIONS)},
            hint="Encrypt with one of the supported content encryptions.",
        )
    return encryption


def encrypt(encryption: Encryption, cek: bytes, plaintext: bytes, aad: bytes, *, iv: bytes | None = None) -> Sealed:
    """Return `plaintext` encrypted under `cek`, authenticated together with `aad`.

    `iv` is for test cases alone: it is random otherwise, and never used twice with one key (RFC 7518 5.3).
    """
    iv = secrets.token_bytes(encryption.iv_octets) if iv is None else iv
    if encryption.family == "gcm":
        sealed = AESGCM(cek).encrypt(iv, plaintext, aad)
        return Sealed(iv, sealed[:-BLOCK_OCTETS], sealed[-BLOCK_OCTETS:])
    half = encryption.key_octets // 2
    # RFC 7518 5.2.2.1 step 3, RFC 5652 6.3: always padded, by a whole block where the length fits already.
    missing = BLOCK_OCTETS - len(plaintext) % BLOCK_OCTETS
    cipher = Cipher(algorithms.AES(cek[half:]), modes.CBC(iv)).encryptor()
    body = cipher.update(plaintext + bytes((missing,)) * missing) + cipher.finalize()
    return Sealed(iv, body, _tag(encryption, cek[:half], aad, iv, body))


def decrypt(encryption: Encryption, cek: bytes, sealed: Sealed, aad: bytes) -> bytes:
    """Return the plaintext; raises `cryptography.exceptions.InvalidTag` for every fault alike."""
    # RFC 7518 5.2.2.2, 5.3: exact lengths; a shortened tag is a weaker one.
    if len(sealed.iv) != encryption.iv_octets or len(sealed.tag) != encryption.tag_octets:
        raise InvalidTag
    if encryption.family == "gcm":
        return AESGCM(cek).decrypt(sealed.iv, sealed.body + sealed.tag, aad)
    half = encryption.key_octets // 2
    # RFC 7518 5.2.2.2 step 2: the tag first, in constant time, so that padding is never an oracle.
    if not hmac.compare_digest(_tag(encryption, cek[:half], aad, sealed.iv, sealed.body), sealed.tag):
        raise InvalidTag
    return _open_cbc(cek[half:], sealed.iv, sealed.body)


def _tag(encryption: Encryption, key: bytes, aad: bytes, iv: bytes, body: bytes) -> bytes:
    # RFC 7518 5.2.2.1 step 4: the length of the additional data in bits closes the text, so that none can move.
    message = b"".join((aad, iv, body, (len(aad) * 8).to_bytes(8, "big")))
    return hmac.digest(key, message, encryption.hash)[: encryption.tag_octets]


def _open_cbc(key: bytes, iv: bytes, body: bytes) -> bytes:
    if not body or len(body) % BLOCK_OCTETS:
        raise InvalidTag
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = cipher.update(body) + cipher.finalize()
    missing = padded[-1]
    # RFC 5652 6.3: each octet of the padding tells its length.
    if not 1 <= missing <= BLOCK_OCTETS or not padded.endswith(bytes((missing,)) * missing):
        raise InvalidTag
    return padded[:-missing]
