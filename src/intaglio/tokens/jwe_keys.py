"""Key management: how the content encryption key of a JWE reaches its recipient.

RFC 7518 sections 4.3 (RSA-OAEP), 4.4 (AES key wrap), 4.5 (dir), 4.6 (ECDH-ES), 4.7 (AES-GCM key wrap); RFC 8037
section 3.2 (X25519, X448). RSA1_5 (RFC 8725 3.2), PBES2 (its iteration count is the sender's) are left out by design.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import jwe_agreement
from intaglio.tokens.jwe_content import Encryption

Family = Literal["rsa-oaep", "ecdh-es", "aes-kw", "aes-gcm-kw", "dir"]

GCM_IV_OCTETS = 12
GCM_TAG_OCTETS = 16


class KeyManagement(msgspec.Struct, frozen=True):
    """What one `alg` value means; `octets` is the length of the key that wraps, 0 where nothing is wrapped by AES."""

    name: str
    family: Family
    key_types: tuple[str, ...]
    octets: int = 0


class Recipient(msgspec.Struct, frozen=True):
    """One half of a key as the primitives want it: a key of the cryptography library or octets, and its curve."""

    key: Any
    curve: str | None = None

    def __repr__(self) -> str:
        return "Recipient(…)"


class Wrapped(msgspec.Struct, frozen=True):
    """A content encryption key, its encrypted form, and the header members that go with it."""

    cek: bytes
    encrypted_key: bytes = b""
    members: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "Wrapped(…)"


def _of(family: Family, key_types: tuple[str, ...], *names: tuple[str, int]) -> list[KeyManagement]:
    return [KeyManagement(name, family, key_types, octets) for name, octets in names]


ALGORITHMS: MappingProxyType[str, KeyManagement] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            *_of("rsa-oaep", ("RSA",), *((name, 0) for name in ("RSA-OAEP", "RSA-OAEP-256"))),
            *_of("rsa-oaep", ("RSA",), *((name, 0) for name in ("RSA-OAEP-384", "RSA-OAEP-512"))),
            *_of("ecdh-es", ("EC", "OKP"), ("ECDH-ES", 0), ("ECDH-ES+A128KW", 16)),
            *_of("ecdh-es", ("EC", "OKP"), ("ECDH-ES+A192KW", 24), ("ECDH-ES+A256KW", 32)),
            *_of("aes-kw", ("oct",), ("A128KW", 16), ("A192KW", 24), ("A256KW", 32)),
            *_of("aes-gcm-kw", ("oct",), ("A128GCMKW", 16), ("A192GCMKW", 24), ("A256GCMKW", 32)),
            KeyManagement("dir", "dir", ("oct",)),
        )
    }
)
"""Every key management algorithm that is supported."""


def _oaep(digest: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)


_OAEP = {
    # RFC 7518 4.3: RSA-OAEP is the one with SHA-1, whose collisions do not concern OAEP.
    "RSA-OAEP": _oaep(hashes.SHA1()),  # noqa: S303
    "RSA-OAEP-256": _oaep(hashes.SHA256()),
    "RSA-OAEP-384": _oaep(hashes.SHA384()),
    "RSA-OAEP-512": _oaep(hashes.SHA512()),
}


def find(alg: str) -> KeyManagement:
    """Return the key management algorithm called `alg`, compared byte for byte.

    Raises `Refused` with code `forbidden-algorithm` for any other name; RSA1_5, PBES2 and signature algorithms, too.
    """
    algorithm = ALGORITHMS.get(alg)
    if algorithm is None:
        # RFC 8725 3.1, 3.2: only algorithms that were chosen beforehand; the name is shown shortened.
        raise Refused(
            "forbidden-algorithm",
            detail={"received": alg[:64], "expected": sorted(ALGORITHMS)},
            hint="Encrypt with one of the supported algorithms.",
        )
    return algorithm


# --- wrapping


def _agreed(algorithm: KeyManagement, encryption: Encryption, shared: bytes, header: Mapping[str, Any]) -> bytes:
    if algorithm.octets:
        return jwe_agreement.derive(algorithm.name, algorithm.octets, shared, header)
    return jwe_agreement.derive(encryption.name, encryption.key_octets, shared, header)


def _wrap_rsa(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    cek = secrets.token_bytes(encryption.key_octets)
    return Wrapped(cek, to.key.encrypt(cek, _OAEP[algorithm.name]))


def _wrap_ecdh(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    curve = str(to.curve)
    ephemeral = jwe_agreement.generate(curve)
    members = {"epk": jwe_agreement.public_members(ephemeral.public_key(), curve)}
    agreed = _agreed(algorithm, encryption, jwe_agreement.exchange(ephemeral, to.key, curve), header)
    if not algorithm.octets:
        return Wrapped(agreed, b"", members)
    cek = secrets.token_bytes(encryption.key_octets)
    return Wrapped(cek, keywrap.aes_key_wrap(agreed, cek), members)


def _wrap_aes(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    cek = secrets.token_bytes(encryption.key_octets)
    return Wrapped(cek, keywrap.aes_key_wrap(to.key, cek))


def _wrap_gcm(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    cek, iv = secrets.token_bytes(encryption.key_octets), secrets.token_bytes(GCM_IV_OCTETS)
    sealed = AESGCM(to.key).encrypt(iv, cek, None)
    encoded = {"iv": codec.encode_base64url(iv), "tag": codec.encode_base64url(sealed[-GCM_TAG_OCTETS:])}
    return Wrapped(cek, sealed[:-GCM_TAG_OCTETS], encoded)


def _wrap_direct(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    return Wrapped(to.key)


_WRAP: dict[Family, Callable[[KeyManagement, Encryption, Recipient, Mapping[str, Any]], Wrapped]] = {
    "rsa-oaep": _wrap_rsa,
    "ecdh-es": _wrap_ecdh,
    "aes-kw": _wrap_aes,
    "aes-gcm-kw": _wrap_gcm,
    "dir": _wrap_direct,
}


def wrap(algorithm: KeyManagement, encryption: Encryption, to: Recipient, header: Mapping[str, Any]) -> Wrapped:
    """Return a content encryption key made for the recipient; `header` gives `apu` and `apv` for ECDH-ES.

    Raises `ValueError` for an `apu` or `apv` that is not base64url or above 512 octets.
    """
    return _WRAP[algorithm.family](algorithm, encryption, to, header)


# --- unwrapping


def _unwrap_rsa(alg: KeyManagement, enc: Encryption, our: Recipient, header: Any, wrapped: bytes) -> bytes:
    cek: bytes = our.key.decrypt(wrapped, _OAEP[alg.name])
    return cek


def _unwrap_ecdh(alg: KeyManagement, enc: Encryption, our: Recipient, header: Any, wrapped: bytes) -> bytes:
    epk = header.get("epk")
    if not isinstance(epk, dict):
        raise ValueError("epk is missing or not an object")  # noqa: TRY004  (`unwrap` awaits ValueError alone)
    curve, public = jwe_agreement.read_public(epk)
    # RFC 7518 4.6.1.1: the public members that have just been read and no others, a private one or a kid for example.
    if len(epk) != (3 if epk["kty"] == "OKP" else 4):
        raise ValueError("epk has other members")
    if curve != our.curve:
        raise ValueError("epk is on another curve")
    agreed = _agreed(alg, enc, jwe_agreement.exchange(our.key, public, curve), header)
    return keywrap.aes_key_unwrap(agreed, wrapped) if alg.octets else _nothing_wrapped(agreed, wrapped)


def _nothing_wrapped(key: bytes, wrapped: bytes) -> bytes:
    # RFC 7516 5.2 step 10: nothing may stand where nothing is wrapped.
    if wrapped:
        raise ValueError("an encrypted key where there can be none")
    return key


def _unwrap_aes(alg: KeyManagement, enc: Encryption, our: Recipient, header: Any, wrapped: bytes) -> bytes:
    return keywrap.aes_key_unwrap(our.key, wrapped)


def _unwrap_gcm(alg: KeyManagement, enc: Encryption, our: Recipient, header: Any, wrapped: bytes) -> bytes:
    iv, tag = (codec.decode_base64url(jwe_agreement.text(header, name)) for name in ("iv", "tag"))
    # RFC 7518 4.7.1.1, 4.7.1.2: 96 and 128 bits.
    if len(iv) != GCM_IV_OCTETS or len(tag) != GCM_TAG_OCTETS:
        raise ValueError("iv or tag of the wrong length")
    return AESGCM(our.key).decrypt(iv, wrapped + tag, None)


def _unwrap_direct(alg: KeyManagement, enc: Encryption, our: Recipient, header: Any, wrapped: bytes) -> bytes:
    return _nothing_wrapped(our.key, wrapped)


_UNWRAP: dict[Family, Callable[[KeyManagement, Encryption, Recipient, Any, bytes], bytes]] = {
    "rsa-oaep": _unwrap_rsa,
    "ecdh-es": _unwrap_ecdh,
    "aes-kw": _unwrap_aes,
    "aes-gcm-kw": _unwrap_gcm,
    "dir": _unwrap_direct,
}
_FAULTS = (ValueError, InvalidTag, keywrap.InvalidUnwrap, UnsupportedAlgorithm)


def unwrap(
    algorithm: KeyManagement, encryption: Encryption, our: Recipient, header: Mapping[str, Any], wrapped: bytes
) -> bytes:
    """Return the content encryption key, or a random one of its length where there is none; never raises.

    The content then fails to open, in about the time that a wrong key would take (RFC 7516 11.5).
    """
    # RFC 7516 11.5: made beforehand and always, so that its cost tells nothing.
    substitute = secrets.token_bytes(encryption.key_octets)
    try:
        cek = _UNWRAP[algorithm.family](algorithm, encryption, our, header, wrapped)
    except _FAULTS:
        return substitute
    return cek if len(cek) == encryption.key_octets else substitute
