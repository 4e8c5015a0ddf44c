"""The one table of signature algorithms: name to family, hash, key type, curve and smallest key.

RFC 7518 sections 3.1 (RS, PS, ES) and 3.2 (HS256), RFC 8037 section 3.1 (EdDSA), RFC 9864 section 2.2 (Ed25519),
RFC 9964 (ML-DSA). Ed448 is left out: `EdDSA` with it would make the hash behind `at_hash` depend on the key's curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from intaglio.errors import Refused

Family = Literal["rsa-pkcs1", "rsa-pss", "ecdsa", "eddsa", "ml-dsa", "hmac"]
KeyType = Literal["RSA", "EC", "OKP", "AKP", "oct"]


class Algorithm(msgspec.Struct, frozen=True):
    """What one `alg` value means; `signature_octets` is 0 where the key's size decides.

    `hash` is a name that `hashlib` knows.
    """

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
            # FIPS 204 table 2. Algorithm 7 line 6: a message is hashed with SHAKE256.
            Algorithm("ML-DSA-44", "ml-dsa", "shake_256", "AKP", None, 0, 2420),
            Algorithm("ML-DSA-65", "ml-dsa", "shake_256", "AKP", None, 0, 3309),
            Algorithm("ML-DSA-87", "ml-dsa", "shake_256", "AKP", None, 0, 4627),
        )
    }
)
"""Every algorithm with a key pair; `none` and the shared-secret algorithms are not among them."""

KEYED: MappingProxyType[str, Algorithm] = MappingProxyType(
    {"HS256": Algorithm("HS256", "hmac", "sha256", "oct", None, 256, 32)}
)
"""The algorithms with a shared secret: apart, so that no public key is ever taken for a secret (RFC 8725 2.1)."""

EVERY: MappingProxyType[str, Algorithm] = MappingProxyType({**ALGORITHMS, **KEYED})
"""Both tables, for what depends on a name alone: the hash behind `at_hash`."""


def find(alg: str, table: Mapping[str, Algorithm] = ALGORITHMS) -> Algorithm:
    """Return the algorithm called `alg`, compared byte for byte.

    Raises `Refused` with code `forbidden-algorithm` for a name that is not in the table, `none` in any spelling.
    """
    algorithm = table.get(alg)
    if algorithm is None:
        # RFC 8725 3.1: only algorithms that were chosen beforehand; the name is shown shortened.
        raise Refused(
            "forbidden-algorithm",
            detail={"received": alg[:64], "expected": sorted(table)},
            hint="Sign with one of the supported algorithms.",
        )
    return algorithm
