"""An encryption key that is derived, not made: from secret octets comes the same P-256 key each time.

FIPS 186-5 appendix A.2.1 (more bits than needed, reduced), RFC 7518 sections 4.6 and 6.2.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from intaglio.tokens import jwe_agreement, jwk
from intaglio.tokens.encryptionkeys import DecryptionKey
from intaglio.tokens.schemes import ORDERS

CURVE = "P-256"
MINIMUM_OCTETS = 48
"""FIPS 186-5 A.2.1: 64 bits or more beyond the order's, so that the remainder is as good as even."""


def agreement_key(seed: bytes) -> DecryptionKey:
    """Return the key for ECDH-ES that the seed, at least 48 uniform secret octets, stands for.

    Its `kid` is its RFC 7638 thumbprint. Raises `ValueError` for a shorter seed.
    """
    if len(seed) < MINIMUM_OCTETS:
        raise ValueError("a seed has 48 octets or more")
    order = int.from_bytes(ORDERS[CURVE], "big")
    # FIPS 186-5 A.2.1: 1 … n-1.
    private = ec.derive_private_key(int.from_bytes(seed, "big") % (order - 1) + 1, ec.SECP256R1())
    members = jwe_agreement.public_members(private.public_key(), CURVE)
    return DecryptionKey(private, kid=jwk.thumbprint(members), use="enc")
