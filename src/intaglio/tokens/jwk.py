"""Keys and key sets: make, read strictly, write the public part, name by thumbprint.

RFC 7517 (JWK, sets), RFC 7518 section 6 (members), RFC 8037 section 2 (OKP), RFC 9964 (AKP), RFC 7638 (thumbprint).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, publickeys, schemes
from intaglio.tokens.publickeys import PrivateKey, PublicKey

MAXIMUM_KEYS = 100
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
THUMBPRINT_MEMBERS = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "AKP": ("alg", "kty", "pub"),
}


class VerificationKey(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """A public key that signatures are checked with, and what its owner says it is for.

    `issuer` is the issuer whose tokens it may sign, where the document says so key by key.
    """

    public: PublicKey
    alg: str | None = None
    kid: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    issuer: str | None = None

    @cached_property
    def key_type(self) -> algorithms.KeyType:
        """The JWK `kty` of the key."""
        return publickeys.key_type(self.public)

    @cached_property
    def curve(self) -> str | None:
        """The JWK `crv` of the key; None for RSA and ML-DSA."""
        return publickeys.curve_name(self.public)

    @cached_property
    def usable_for(self) -> frozenset[str]:
        """The names of the algorithms whose signatures this key may check."""
        # RFC 7517 4.2, 4.3: a key meant for something else checks no signature.
        if self.use not in (None, "sig") or (self.key_ops is not None and "verify" not in self.key_ops):
            return frozenset()
        return frozenset(
            name for name in algorithms.ALGORITHMS if self.alg in (None, name) and publickeys.fits(name, self.public)
        )

    @cached_property
    def checks(self) -> Mapping[str, schemes.Check]:
        """What checks a signature under each algorithm of `usable_for`, bound once."""
        return MappingProxyType({name: schemes.check(algorithms.find(name), self.public) for name in self.usable_for})


class SigningKey:
    """A private key bound to one algorithm; it neither prints nor pickles itself."""

    __slots__ = ("alg", "private")

    def __init__(self, alg: str, private: PrivateKey) -> None:
        """Bind `private` to `alg`; raises `Refused` with code `malformed-key` if the two do not fit."""
        algorithms.find(alg)
        if not publickeys.fits(alg, private.public_key()):
            publickeys.malformed("the key does not fit its algorithm")
        self.alg = alg
        self.private = private

    def public(self) -> VerificationKey:
        """Return the public half, with the algorithm and `use: sig`."""
        return VerificationKey(public=self.private.public_key(), alg=self.alg, use="sig")

    def __repr__(self) -> str:
        return f"SigningKey({self.alg}, …)"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


class KeySet:
    """Public keys to choose from; `skipped` tells why members of the document were left out."""

    __slots__ = ("_by_kid", "keys", "skipped")

    def __init__(self, keys: tuple[VerificationKey, ...], skipped: tuple[str, ...] = ()) -> None:
        self.keys = tuple(keys)
        self.skipped = skipped
        self._by_kid: dict[str, tuple[VerificationKey, ...]] = {}
        for key in self.keys:
            if key.kid is not None:
                self._by_kid[key.kid] = (*self._by_kid.get(key.kid, ()), key)

    def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """Return the keys with exactly this `kid`; more than one where the issuer used it twice."""
        return self._by_kid.get(kid, ())

    def kids(self) -> tuple[str, ...]:
        """Return the distinct key identifiers in the set."""
        return tuple(self._by_kid)

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"KeySet({len(self.keys)} keys)"


def generate(alg: str, *, rsa_bits: int = 2048) -> SigningKey:
    """Return a new key for `alg`; `rsa_bits` counts only for RSA.

    Raises `Refused` with code `forbidden-algorithm` for an unknown `alg` and for ML-DSA where the cryptography library
    was built without it, `malformed-key` for a short RSA key.
    """
    algorithm = algorithms.find(alg)
    if algorithm.key_type == "RSA":
        if not algorithms.MINIMUM_RSA_BITS <= rsa_bits <= algorithms.MAXIMUM_RSA_BITS:
            publickeys.malformed("an RSA key has 2048 to 8192 bits")
        return SigningKey(alg, rsa.generate_private_key(65537, rsa_bits))
    if algorithm.key_type == "EC":
        return SigningKey(alg, ec.generate_private_key(publickeys.CURVES[str(algorithm.curve)]))
    if algorithm.key_type == "AKP":
        return SigningKey(alg, publickeys.generate_lattice(alg))
    return SigningKey(alg, ed25519.Ed25519PrivateKey.generate())


def _octets(number: int, length: int | None = None) -> str:
    return codec.encode_base64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def public_members(key: VerificationKey) -> dict[str, str]:
    """Return the members that define the public key, and no others (RFC 7638 section 3.2)."""
    public = key.public
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": _octets(numbers.n), "e": _octets(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        # RFC 7518 6.2.1.2: the full size of a coordinate, leading zeros included.
        size = (public.curve.key_size + 7) // 8
        return {"kty": "EC", "crv": str(key.curve), "x": _octets(point.x, size), "y": _octets(point.y, size)}
    octets = codec.encode_base64url(public.public_bytes_raw())
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": octets}
    return {"kty": "AKP", "alg": str(publickeys.lattice_name(public)), "pub": octets}


def thumbprint(members: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a key's members, base64url (RFC 7638 section 3).

    Members that do not define the key are ignored. Raises `Refused` with code `malformed-key` if one is missing.
    """
    names = THUMBPRINT_MEMBERS.get(members.get("kty", ""))
    if names is None or any(name not in members for name in names):
        publickeys.malformed("a member that defines the key is missing")
    canonical = codec.encode_json({name: members[name] for name in names})
    return codec.encode_base64url(hashlib.sha256(canonical).digest())


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        publickeys.malformed(f"{name} is not a string")
    return value


def read(members: Mapping[str, Any]) -> VerificationKey:
    """Return the public key that a JWK describes; certificates in it are not looked at.

    Raises `Refused` with code `malformed-key` for a missing or wrong member, a private member, an RSA key under 2048
    bits, a point off its curve, and a key type, a curve or an `alg` that is not supported or does not fit the key.
    """
    # RFC 7517 9.2: private material in a published key means that it is public already.
    if PRIVATE_MEMBERS & members.keys():
        publickeys.malformed("a private member")
    alg, operations = _text(members, "alg"), members.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and all(isinstance(o, str) for o in operations)):
        publickeys.malformed("key_ops is not a list of strings")
    if not isinstance(members.get("issuer", ""), str):
        # Skipped rather than left unbound: a key that is for one issuer must not become a key for all.
        publickeys.malformed("issuer is not a string")
    public = publickeys.read(members)
    if alg is not None and (alg not in algorithms.ALGORITHMS or not publickeys.fits(alg, public)):
        publickeys.malformed("alg is not supported or does not fit the key")
    return VerificationKey(
        public=public,
        alg=alg,
        kid=_text(members, "kid"),
        use=_text(members, "use"),
        key_ops=None if operations is None else tuple(operations),
        issuer=members.get("issuer"),
    )


def read_set(document: object) -> KeySet:
    """Return the usable keys of a JWK Set (RFC 7517 section 5).

    Keys of unknown type or algorithm and keys out of range are skipped and `skipped` says why. Raises `Refused` with
    code `malformed-key` for a document that is no set, one with more than 100 keys, and one with a private member.
    """
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        publickeys.malformed("not a JWK Set")
    if len(entries) > MAXIMUM_KEYS:
        publickeys.malformed("more than 100 keys")
    if any(PRIVATE_MEMBERS & entry.keys() for entry in entries):
        publickeys.malformed("a private member")
    keys, skipped = [], []
    for position, entry in enumerate(entries):
        try:
            keys.append(read(entry))
        except Refused as refusal:
            skipped.append(f"key {position}: {refusal.detail.get('rule')}")
    return KeySet(tuple(keys), tuple(skipped))


def from_public(public: object, alg: str | None = None, kid: str | None = None) -> VerificationKey:
    """Return a public key of the cryptography library as ours, bound to `alg` if that is given.

    Raises `Refused` with code `malformed-key` for other types, sizes and curves, and for a key that does not fit.
    """
    if not isinstance(public, PublicKey):
        publickeys.malformed("a key type that is not supported")
    if not any(publickeys.fits(name, public) for name in ([alg] if alg else algorithms.ALGORITHMS)):
        publickeys.malformed("the key fits no algorithm that is allowed")
    return VerificationKey(public=public, alg=alg, kid=kid)
