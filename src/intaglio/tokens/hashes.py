"""The half hashes that tie an access token, a code or a state to an ID token.

OpenID Connect Core 3.1.3.6 (at_hash), 3.3.2.11 (c_hash); Financial-grade API 1.0 part 2, 5.1 (s_hash). The hash is the
one that the signature's algorithm names: RFC 7518 section 3.1, RFC 8032 section 5.1 (Ed25519), FIPS 204 (ML-DSA).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from intaglio import codec
from intaglio.tokens import algorithms

# FIPS 204 algorithm 7 line 6: ML-DSA takes 64 octets of SHAKE256, whatever the parameter set.
_SHAKE_OCTETS = 64
_Digest = Callable[[bytes], bytes]
# Called by their own names: looking one up by text costs as much as the hash itself.
_DIGESTS: dict[str, _Digest] = {
    "sha256": lambda octets: hashlib.sha256(octets).digest()[:16],
    "sha384": lambda octets: hashlib.sha384(octets).digest()[:24],
    "sha512": lambda octets: hashlib.sha512(octets).digest()[:32],
    "shake_256": lambda octets: hashlib.shake_256(octets).digest(_SHAKE_OCTETS)[: _SHAKE_OCTETS // 2],
}
_HALVES: dict[str, _Digest] = {name: _DIGESTS[found.hash] for name, found in algorithms.EVERY.items()}


def half_hash(alg: str, text: str) -> str:
    """Return the left half of the hash of `text`, base64url, with the hash that `alg` signs with.

    EdDSA and Ed25519 hash with SHA-512, ML-DSA with 64 octets of SHAKE256. Raises `Refused` with code
    `forbidden-algorithm` for an unknown `alg`; there is no default.
    """
    half = _HALVES.get(alg) or _DIGESTS[algorithms.find(alg, algorithms.EVERY).hash]
    # OpenID Connect Core 3.1.3.6: the octets of the ASCII representation.
    return codec.encode_base64url(half(text.encode("utf-8", "surrogatepass")))
