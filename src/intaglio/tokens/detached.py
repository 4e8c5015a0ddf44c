"""Bare signatures of octets: nothing around them, as the owner of a key may ask for.

RFC 8017 section 8.2 (RSASSA-PKCS1-v1_5), RFC 4648 section 4 (base64).
"""

from __future__ import annotations

import base64

from intaglio.tokens import algorithms, jwk, schemes


class DetachedSigner:
    """Signs octets with one key; the signature comes as base64 with padding."""

    __slots__ = ("_sign",)

    def __init__(self, key: jwk.SigningKey) -> None:
        self._sign: schemes.Sign = schemes.sign(algorithms.find(key.alg), key.private)

    def sign(self, payload: bytes) -> str:
        """Return the signature of `payload` under the key's algorithm."""
        return base64.b64encode(self._sign(payload)).decode("ascii")

    def __repr__(self) -> str:
        return "DetachedSigner(…)"
