"""Key agreement: the curves that ECDH-ES runs on, and the key that an agreed secret gives.

RFC 7518 section 4.6 (ECDH-ES, Concat KDF), section 6.2 (EC keys), appendix C (their example); RFC 8037 section 2 and
section 3.2 (X25519, X448).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from intaglio import codec
from intaglio.tokens import publickeys

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey | x448.X448PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | x25519.X25519PublicKey | x448.X448PublicKey

MAXIMUM_PARTY_OCTETS = 512
# Curve to the length of a coordinate.
COORDINATE_OCTETS = {"P-256": 32, "P-384": 48, "P-521": 66, "X25519": 32, "X448": 56}
_MONTGOMERY: dict[str, tuple[Any, Any]] = {
    "X25519": (x25519.X25519PrivateKey, x25519.X25519PublicKey),
    "X448": (x448.X448PrivateKey, x448.X448PublicKey),
}
_NAMES = {curve.name: name for name, curve in publickeys.CURVES.items()}
_ECDH, _SHA256 = ec.ECDH(), hashes.SHA256()


def read_public(members: Mapping[str, Any]) -> tuple[str, PublicKey]:
    """Return curve and key of an EC or OKP public key; members other than `kty`, `crv`, `x`, `y` are not looked at.

    Raises `ValueError` for another type or curve, a coordinate that is not of full length, a point off its curve.
    """
    kty, crv = members.get("kty"), members.get("crv")
    if not isinstance(crv, str) or kty != ("OKP" if crv in _MONTGOMERY else "EC") or crv not in COORDINATE_OCTETS:
        raise ValueError("kty or crv is not supported")
    # RFC 7518 6.2.1.2, RFC 8037 2: the full size of a coordinate.
    points = [codec.decode_base64url(text(members, name)) for name in ("x", "y")[: 2 if kty == "EC" else 1]]
    if any(len(point) != COORDINATE_OCTETS[crv] for point in points):
        raise ValueError("x or y has not the length of the curve")
    if kty == "OKP":
        return crv, _MONTGOMERY[crv][1].from_public_bytes(points[0])
    # RFC 8725 3.4, CVE-2017-16007: the library refuses a point that is not on the curve.
    return crv, ec.EllipticCurvePublicKey.from_encoded_point(publickeys.CURVES[crv], b"\4" + points[0] + points[1])


def text(members: Mapping[str, Any], name: str) -> str:
    """Return a member that must be a string; raises `ValueError`."""
    value = members.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing or not a string")  # noqa: TRY004  (callers await ValueError alone)
    return value


def public_members(public: Any, curve: str) -> dict[str, str]:
    """Return the JWK members of an EC or OKP public key (RFC 7518 6.2.1, RFC 8037 2)."""
    if curve in _MONTGOMERY:
        return {"kty": "OKP", "crv": curve, "x": codec.encode_base64url(public.public_bytes_raw())}
    point, size = public.public_numbers(), COORDINATE_OCTETS[curve]
    x, y = (codec.encode_base64url(number.to_bytes(size, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": curve, "x": x, "y": y}


def generate(curve: str) -> PrivateKey:
    """Return a new private key on the curve."""
    if curve in _MONTGOMERY:
        private: PrivateKey = _MONTGOMERY[curve][0].generate()
        return private
    return ec.generate_private_key(publickeys.CURVES[curve])


def _party(header: Mapping[str, Any], name: str) -> bytes:
    octets = codec.decode_base64url(text(header, name)) if name in header else b""
    if len(octets) > MAXIMUM_PARTY_OCTETS:
        raise ValueError("apu or apv is too long")
    return len(octets).to_bytes(4, "big") + octets


def derive(name: str, octets: int, shared: bytes, header: Mapping[str, Any]) -> bytes:
    """Return the key that an agreed secret gives (RFC 7518 4.6.2); raises `ValueError` for a bad `apu` or `apv`."""
    # RFC 7518 4.6.2: what the key is for goes into it, so that no key serves two algorithms.
    identifier = len(name).to_bytes(4, "big") + name.encode("ascii")
    info = identifier + _party(header, "apu") + _party(header, "apv") + (octets * 8).to_bytes(4, "big")
    return ConcatKDFHash(_SHA256, octets, info).derive(shared)


def exchange(private: Any, public: Any, curve: str) -> bytes:
    """Return the secret that both sides share; raises `ValueError` for keys of different curves and an all-zero one."""
    # RFC 8037 3.2, RFC 7748 6: the library refuses the all-zero secret of a point of small order.
    secret: bytes = private.exchange(public) if curve in _MONTGOMERY else private.exchange(_ECDH, public)
    return secret


def curve_name(key: object) -> str | None:
    """Return the JWK `crv` of a public or private key; None for one that no secret is agreed with."""
    if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        return _NAMES.get(key.curve.name)
    return next((name for name, kinds in _MONTGOMERY.items() if isinstance(key, kinds)), None)


def read_private(members: Mapping[str, Any]) -> PrivateKey:
    """Return the private key that a JWK describes; raises `ValueError` as `read_public` does, and for a wrong `d`."""
    curve, public = read_public(members)
    octets = codec.decode_base64url(text(members, "d"))
    # RFC 7518 6.2.2.1, RFC 8037 2: the full size here, too.
    if len(octets) != COORDINATE_OCTETS[curve]:
        raise ValueError("d has not the length of the curve")
    private: PrivateKey
    if curve in _MONTGOMERY:
        private = _MONTGOMERY[curve][0].from_private_bytes(octets)
    else:
        private = ec.derive_private_key(int.from_bytes(octets, "big"), publickeys.CURVES[curve])
    # A public half that belongs to another key would have others encrypt to whoever holds that one.
    if private.public_key() != public:
        raise ValueError("d does not belong to the public key")
    return private
