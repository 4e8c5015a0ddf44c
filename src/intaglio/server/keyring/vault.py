"""The master key: seals what is kept at rest, and derives the keys of narrower purposes from it.

Sealing is a JWE with direct encryption, A256GCM (RFC 7516, RFC 7518 section 5.3); deriving is HMAC-SHA256 over the
purpose's name (one step of HKDF-Expand, RFC 5869 section 2.3, from a key that is uniform already).
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio import codec
from intaglio.errors import Misconfigured
from intaglio.tokens import jwe

OCTETS = 32


class Vault:
    """Seals and opens under one master key of 32 octets. Does not print itself."""

    __slots__ = ("_key",)

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != OCTETS:
            raise Misconfigured(
                "master-key-length",
                "The master key must be 32 octets.",
                detail={"expected": OCTETS, "received": len(master_key)},
                hint="Make one with: openssl rand -base64 32",
            )
        self._key = master_key

    def __repr__(self) -> str:
        return "Vault(…)"

    def derive(self, purpose: str) -> bytes:
        """Return the key of one purpose (32 octets); other purposes tell nothing about it."""
        return hmac.digest(self._key, b"intaglio/" + purpose.encode() + b"\x01", hashlib.sha256)

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Return the sealed form; it opens only for the same purpose."""
        return jwe.encrypt_direct(self.derive("seal/" + purpose), plaintext, {})

    def open(self, sealed: str, purpose: str) -> bytes:
        """Return what was sealed; raises `Misconfigured` (`master-key-wrong`) if another key or purpose sealed it."""
        try:
            return jwe.decrypt_direct(self.derive("seal/" + purpose), sealed)
        except Exception as exc:
            raise Misconfigured(
                "master-key-wrong",
                "What is stored was sealed under another master key.",
                hint="Start with the master key that this database was made with.",
            ) from exc


def read_master_key(text: str) -> bytes:
    """Return the master key of its text form: 32 octets as base64 or base64url, with or without padding.

    Raises `Misconfigured` (`master-key-length`, `master-key-unreadable`); the text is never part of the error.
    """
    canonical = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return codec.decode_base64url(canonical)
    except codec.CodecError:
        raise Misconfigured(
            "master-key-unreadable",
            "The master key is not base64 text.",
            hint="Make one with: openssl rand -base64 32",
        ) from None  # the cause belongs to a secret
