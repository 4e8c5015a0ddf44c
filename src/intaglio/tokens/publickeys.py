"""Public keys from their numbers: strict about sizes, ranges, curves and known bad generators.

RFC 7518 sections 6.2 and 6.3, RFC 8037 section 2, RFC 9964 (AKP), RFC 8725 section 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms

LatticePublicKey: TypeAlias = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
LatticePrivateKey: TypeAlias = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | LatticePublicKey
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | LatticePrivateKey

MAXIMUM_EXPONENT_BITS = 64
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_CURVE_NAMES = {curve.name: name for name, curve in CURVES.items()}
LATTICES: dict[str, tuple[type[LatticePrivateKey], type[LatticePublicKey]]] = {
    "ML-DSA-44": (mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
    "ML-DSA-65": (mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
    "ML-DSA-87": (mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey),
}


def malformed(rule: str) -> NoReturn:
    """Raise `Refused` with code `malformed-key` and the rule that was broken, never a value."""
    raise Refused("malformed-key", detail={"rule": rule}, hint="Correct the key's members.")


def key_type(public: PublicKey) -> algorithms.KeyType:
    """Return the JWK `kty` of a key."""
    if isinstance(public, rsa.RSAPublicKey):
        return "RSA"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "EC"
    return "OKP" if isinstance(public, ed25519.Ed25519PublicKey) else "AKP"


def curve_name(public: PublicKey) -> str | None:
    """Return the JWK `crv` of a key; None for RSA, ML-DSA and for curves that are not supported."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _CURVE_NAMES.get(public.curve.name)
    return "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else None


def lattice_name(public: object) -> str | None:
    """Return the `alg` that an ML-DSA key is for, which its type alone decides; None for other keys."""
    return next((name for name, (_, kind) in LATTICES.items() if isinstance(public, kind)), None)


def generate_lattice(alg: str) -> LatticePrivateKey:
    """Return a new ML-DSA key.

    Raises `Refused` with code `forbidden-algorithm` where the cryptography library was built without ML-DSA.
    """
    try:
        return LATTICES[alg][0].generate()
    except UnsupportedAlgorithm:
        hint = "Install the cryptography library with OpenSSL 3.5 or later."
        raise Refused("forbidden-algorithm", detail={"received": alg}, hint=hint) from None  # the hint says it all


def fits(alg: str, public: object) -> bool:
    """Return whether a public key has the type, the curve and the size that the algorithm demands."""
    algorithm = algorithms.find(alg)
    if not isinstance(public, PublicKey):
        return False
    if isinstance(public, rsa.RSAPublicKey) and not (
        # RFC 7518 3.3: 2048 bits or more.
        algorithm.minimum_bits <= public.key_size <= algorithms.MAXIMUM_RSA_BITS
    ):
        return False
    if algorithm.key_type == "AKP":
        # FIPS 204 4: each parameter set has keys of its own.
        return lattice_name(public) == alg
    return algorithm.key_type == key_type(public) and algorithm.curve == curve_name(public)


def _number(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str):
        malformed(f"{name} is missing or not a string")
    try:
        return codec.decode_base64url(value)
    except codec.CodecError:
        raise Refused("malformed-key", detail={"rule": f"{name} is not base64url"}) from None  # would quote the value


def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


# The primes by which Nemec et al., "The Return of Coppersmith's Attack" (CCS 2017), tell the keys of that generator.
_ROCA = tuple(
    (prime, _powers(prime)) for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
)


def _is_roca(modulus: int) -> bool:
    return all(modulus % prime in powers for prime, powers in _ROCA)


def _read_rsa(members: Mapping[str, Any]) -> PublicKey:
    modulus, exponent = _number(members, "n"), _number(members, "e")
    # RFC 7518 6.3.1.1: the least number of octets.
    if modulus[:1] in (b"", b"\0") or exponent[:1] in (b"", b"\0"):
        malformed("n or e is empty or has leading zero octets")
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    # RFC 7518 3.3: 2048 bits or more.
    if not algorithms.MINIMUM_RSA_BITS <= n.bit_length() <= algorithms.MAXIMUM_RSA_BITS or n % 2 == 0:
        malformed("n is even or not of 2048 to 8192 bits")
    # RFC 8017 3.1: e is odd and at least 3; e = 1 would make every text its own signature.
    if e <= 2 or e % 2 == 0 or e.bit_length() > MAXIMUM_EXPONENT_BITS:
        malformed("e is even, below 3 or above 64 bits")
    if _is_roca(n):
        malformed("n comes from a generator whose keys can be factored (CVE-2017-15361)")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _read_ec(members: Mapping[str, Any]) -> PublicKey:
    curve = CURVES.get(str(members.get("crv")))
    if curve is None:
        malformed("crv is not supported")
    x, y = _number(members, "x"), _number(members, "y")
    # RFC 7518 6.2.1.2: the full size of a coordinate.
    if {len(x), len(y)} != {(curve.key_size + 7) // 8}:
        malformed("x or y has not the length of the curve")
    # RFC 8725 3.4: the library refuses a point that is not on the curve.
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve).public_key()


def _read_okp(members: Mapping[str, Any]) -> PublicKey:
    if members.get("crv") != "Ed25519":
        malformed("crv is not supported")
    return ed25519.Ed25519PublicKey.from_public_bytes(_number(members, "x"))


def _read_akp(members: Mapping[str, Any]) -> PublicKey:
    # RFC 9964: alg is required, for it alone says what the octets of pub are.
    kinds = LATTICES.get(str(members.get("alg")))
    if kinds is None:
        malformed("alg is not supported or does not fit the key")
    return kinds[1].from_public_bytes(_number(members, "pub"))


_READERS: dict[str, Callable[[Mapping[str, Any]], PublicKey]] = {
    "RSA": _read_rsa,
    "EC": _read_ec,
    "OKP": _read_okp,
    "AKP": _read_akp,
}


def read(members: Mapping[str, Any]) -> PublicKey:
    """Return the key that the members define; raises `Refused` with code `malformed-key`."""
    reader = _READERS.get(str(members.get("kty")))
    if reader is None:
        malformed("kty is not supported")
    try:
        return reader(members)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "no such key"}) from None  # the cause may quote numbers
