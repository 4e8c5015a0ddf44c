"""The one table of signature algorithms: name to family, hash, key type, curve and smallest key.

RFC 7518 section 3.1 (RS, PS, ES), RFC 8037 section 3.1 (EdDSA), RFC 9864 section 2.2 (Ed25519).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

import msgspec

from intaglio.errors import Refused

Family = Literal["rsa-pkcs1", "rsa-pss", "ecdsa", "eddsa"]
KeyType = Literal["RSA", "EC", "OKP"]


class Algorithm(msgspec.Struct, frozen=True):
    """What one `alg` value means; `signature_octets` is 0 where the key's size decides."""

    name: str
    family: Family
    hash: str
    key_type: KeyType
    curve: str | None = None
    minimum_bits: int = 0
    signature_octets: int = 0


# RFC 7518 3.3 and 3.5: a key of 2048 bits or more must be used.
MINIMUM_RSA_BITS = 2048
# Bounds the cost of one verification, which grows with the square of the modulus.
MAXIMUM_RSA_BITS = 8192


def _rsa(name: str, family: Family, digest: str) -> Algorithm:
    return Algorithm(name, family, digest, "RSA", None, MINIMUM_RSA_BITS)


ALGORITHMS: MappingProxyType[str, Algorithm] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            _rsa("RS256", "rsa-pkcs1", "sha256"),
            _rsa("RS384", "rsa-pkcs1", "sha384"),
            _rsa("RS512", "rsa-pkcs1", "sha512"),
            _rsa("PS256", "rsa-pss", "sha256"),
            _rsa("PS384", "rsa-pss", "sha384"),
            _rsa("PS512", "rsa-pss", "sha512"),
            Algorithm("ES256", "ecdsa", "sha256", "EC", "P-256", 256, 64),
            Algorithm("ES384", "ecdsa", "sha384", "EC", "P-384", 384, 96),
            Algorithm("ES512", "ecdsa", "sha512", "EC", "P-521", 521, 132),
            Algorithm("EdDSA", "eddsa", "sha512", "OKP", "Ed25519", 256, 64),
            Algorithm("Ed25519", "eddsa", "sha512", "OKP", "Ed25519", 256, 64),
        )
    }
)
"""Every algorithm that is supported; `none` and the shared-secret algorithms are not among them."""


def find(alg: str) -> Algorithm:
    """Return the algorithm called `alg`, compared byte for byte.

    Raises `Refused` with code `forbidden-algorithm` for any other name, `none` in any spelling among them.
    """
    algorithm = ALGORITHMS.get(alg)
    if algorithm is None:
        # RFC 8725 3.1: only algorithms that were chosen beforehand; the name is shown shortened.
        raise Refused(
            "forbidden-algorithm",
            detail={"received": alg[:64], "expected": sorted(ALGORITHMS)},
            hint="Sign with one of the supported algorithms.",
        )
    return algorithm
