"""What encryption keys are made of: which algorithms a key may serve, and its numbers read strictly.

RFC 7517 section 4 (use, key_ops, alg), RFC 7518 section 6 (members), RFC 5958 (PKCS #8), RFC 7468 (PEM).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwe_agreement, jwe_content, jwe_keys, publickeys
from intaglio.tokens.jwe_keys import KeyManagement

MAXIMUM_PEM_OCTETS = 64 * 1024
SECRET_OCTETS = frozenset({16, 24, 32, 48, 64})
_CRT = ("p", "q", "dp", "dq", "qi")
# RFC 7517 4.3: what `key_ops` must name one of. WebCrypto writes an empty list for a public key to agree with.
_ENCRYPTING = {"rsa-oaep": {"wrapKey", "encrypt"}, "aes-kw": {"wrapKey"}, "aes-gcm-kw": {"wrapKey", "encrypt"}}
_DECRYPTING = {"rsa-oaep": {"unwrapKey", "decrypt"}, "aes-kw": {"unwrapKey"}, "aes-gcm-kw": {"unwrapKey", "decrypt"}}
_AGREEING = {"deriveKey", "deriveBits"}


class OctetKey:
    """Octets that both sides hold; they neither print nor pickle. `reveal()` is the only way to them."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        """Keep 16, 24, 32, 48 or 64 octets; raises `Refused` with code `malformed-key` for another length."""
        if len(octets) not in SECRET_OCTETS:
            publickeys.malformed("a shared secret has 16, 24, 32, 48 or 64 octets")
        self._octets = octets

    def reveal(self) -> bytes:
        """Return the octets."""
        return self._octets

    def __len__(self) -> int:
        return len(self._octets)

    def __repr__(self) -> str:
        return "OctetKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


PublicKey: TypeAlias = rsa.RSAPublicKey | jwe_agreement.PublicKey | OctetKey
PrivateKey: TypeAlias = rsa.RSAPrivateKey | jwe_agreement.PrivateKey | OctetKey


def _key_type(key: object) -> str:
    if isinstance(key, OctetKey):
        return "oct"
    if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        # RFC 7518 4.3: 2048 bits or more; the upper bound is for the cost.
        if not algorithms.MINIMUM_RSA_BITS <= key.key_size <= algorithms.MAXIMUM_RSA_BITS:
            publickeys.malformed("an RSA key has 2048 to 8192 bits")
        return "RSA"
    curve = jwe_agreement.curve_name(key)
    if curve is None:
        publickeys.malformed("a key type or a curve that does not encrypt")
    return "EC" if curve in publickeys.CURVES else "OKP"


def _is_permitted(algorithm: KeyManagement, key_ops: tuple[str, ...] | None, *, private: bool) -> bool:
    if key_ops is None:
        return True
    if algorithm.family == "ecdh-es":
        return bool(_AGREEING & set(key_ops)) or (not private and not key_ops)
    if algorithm.family == "dir":
        return ("decrypt" if private else "encrypt") in key_ops
    return bool((_DECRYPTING if private else _ENCRYPTING)[algorithm.family] & set(key_ops))


def usable_for(
    material: object, alg: str | None, use: str | None, key_ops: tuple[str, ...] | None, *, private: bool
) -> frozenset[str]:
    """Return the names of the algorithms that a key may serve; raises `Refused` with code `malformed-key`."""
    key_type = _key_type(material)
    # RFC 7517 4.2: a key that signs decrypts nothing, and nothing is encrypted to it.
    if use not in (None, "enc"):
        return frozenset()
    return frozenset(
        name
        for name, algorithm in jwe_keys.ALGORITHMS.items()
        if key_type in algorithm.key_types
        and (alg in (None, name) or (name == "dir" and alg in jwe_content.ENCRYPTIONS))
        and (key_type != "oct" or algorithm.octets in (0, len(material)))  # type: ignore[arg-type]
        and _is_permitted(algorithm, key_ops, private=private)
    )


def is_long_enough(alg: str, enc: str, of: str | None, key: Any) -> bool:
    """Return whether a key whose own `alg` is `of` has the length that `dir` demands; True for any other `alg`."""
    # RFC 7518 4.5: the shared key is the content encryption key. RFC 7517 4.4: its alg may be the enc it is for.
    if alg != "dir":
        return True
    return len(key) == jwe_content.ENCRYPTIONS[enc].key_octets and of in (None, "dir", enc)


def read_public(members: Mapping[str, Any]) -> PublicKey:
    """Return the RSA, EC or OKP public key of a JWK; raises `Refused` with code `malformed-key`."""
    try:
        public: Any = publickeys.read(members) if members.get("kty") == "RSA" else jwe_agreement.read_public(members)[1]
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "no such key"}) from None  # the cause may quote numbers
    key: PublicKey = public
    return key


def _read_rsa(members: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    public = publickeys.read(members)
    numbers = {name: _number(members, name) for name in ("d", *_CRT) if name in members}
    # RFC 7518 6.3.2.7: keys of more than two primes are not supported.
    if not isinstance(public, rsa.RSAPublicKey) or "oth" in members or "d" not in numbers:
        raise ValueError("d is missing, or more than two primes")
    of = public.public_numbers()
    # RFC 7518 6.3.2: all of them or none.
    if len(numbers) == 1:
        p, q = rsa.rsa_recover_prime_factors(of.n, of.e, numbers["d"])
        numbers |= {"p": p, "q": q, "dp": rsa.rsa_crt_dmp1(numbers["d"], p), "dq": rsa.rsa_crt_dmq1(numbers["d"], q)}
        numbers["qi"] = rsa.rsa_crt_iqmp(p, q)
    if len(numbers) != 1 + len(_CRT):
        raise ValueError("some of p, q, dp, dq, qi are missing")
    crt = {"dmp1": numbers["dp"], "dmq1": numbers["dq"], "iqmp": numbers["qi"]}
    private = rsa.RSAPrivateNumbers(p=numbers["p"], q=numbers["q"], d=numbers["d"], public_numbers=of, **crt)
    return private.private_key()


def _number(members: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(codec.decode_base64url(jwe_agreement.text(members, name)), "big")


def _read_private(members: Mapping[str, Any]) -> PrivateKey:
    if members.get("kty") == "oct":
        return OctetKey(codec.decode_base64url(jwe_agreement.text(members, "k")))
    return _read_rsa(members) if members.get("kty") == "RSA" else jwe_agreement.read_private(members)


def read_private(members: Mapping[str, Any]) -> PrivateKey:
    """Return the private key or the shared secret of a JWK; raises `Refused` with code `malformed-key`."""
    try:
        return _read_private(members)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        raise Refused("malformed-key", detail={"rule": "no such private key"}) from None  # the cause may tell of it


def from_pem(text: str, password: str | None) -> PrivateKey:
    """Return the private key in a PEM text; raises `Refused` with code `malformed-key`."""
    if len(text) > MAXIMUM_PEM_OCTETS:
        publickeys.malformed("longer than 64 KiB")
    try:
        secret = None if password is None else password.encode()
        private: Any = serialization.load_pem_private_key(text.encode(), secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = "An encrypted key needs its password, and only such a one has a password."
        raise Refused("malformed-key", detail={"rule": "not a PEM private key"}, hint=hint) from None  # may tell of it
    if isinstance(private, rsa.RSAPrivateKey):
        publickeys.read(rsa_members(private.public_key()))
    _key_type(private)
    key: PrivateKey = private
    return key


def rsa_members(public: rsa.RSAPublicKey) -> dict[str, str]:
    """Return the JWK members of an RSA public key."""
    of = public.public_numbers()
    n, e = (codec.encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (of.n, of.e))
    return {"kty": "RSA", "n": n, "e": e}
