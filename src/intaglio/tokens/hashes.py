"""The half hashes that tie an access token, a code or a state to an ID token.

OpenID Connect Core 3.1.3.6 (at_hash), 3.3.2.11 (c_hash); Financial-grade API 1.0 part 2, 5.1 (s_hash).
"""

from __future__ import annotations

import hashlib

from intaglio import codec
from intaglio.tokens import algorithms


def half_hash(alg: str, text: str) -> str:
    """Return the left half of the hash of `text`, base64url, with the hash that `alg` signs with.

    EdDSA and Ed25519 hash with SHA-512. Raises `Refused` with code `forbidden-algorithm` for an unknown `alg`
    (never a default) and with `token-malformed` for a text outside ASCII.
    """
    name = algorithms.find(alg).hash
    # OpenID Connect Core 3.1.3.6: the octets of the ASCII representation.
    octets = text.encode("utf-8", "surrogatepass")
    digest = hashlib.new(name, octets).digest()
    return codec.encode_base64url(digest[: len(digest) // 2])
