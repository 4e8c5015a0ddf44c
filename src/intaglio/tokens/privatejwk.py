"""Private keys as JWKs, for other programs that are handed one. RFC 7518 section 6.2.2, RFC 8037 section 2."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import jwk


def members(key: jwk.SigningKey, kid: str) -> dict[str, str]:
    """Return the members of a private EC or Ed25519 key with its `alg`, `use` and `kid`.

    Raises `Refused` with code `malformed-key` for another kind of key.
    """
    private = key.private
    if isinstance(private, ec.EllipticCurvePrivateKey):
        octets = private.private_numbers().private_value.to_bytes((private.curve.key_size + 7) // 8, "big")
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        octets = private.private_bytes_raw()
    else:
        raise Refused("malformed-key", detail={"rule": "only EC and Ed25519 keys are handed out"})
    public = jwk.public_members(key.public())
    return {**public, "d": codec.encode_base64url(octets), "alg": key.alg, "use": "sig", "kid": kid}
