"""Keys to encrypt to and keys to decrypt with; a key that signs is neither.

RFC 7517 sections 4 and 5 (JWK, sets), RFC 7518 section 6 (members), RFC 8037 section 2 (X25519, X448).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NoReturn

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from intaglio.errors import Refused
from intaglio.tokens import jwe_agreement, jwe_content, jwe_keys, jwe_material, publickeys
from intaglio.tokens.jwe_keys import Recipient
from intaglio.tokens.jwe_material import OctetKey, PrivateKey, PublicKey

MAXIMUM_KEYS = 100
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})


class EncryptionKey(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """A public key or a shared secret that content is encrypted to, and what its owner says it is for."""

    public: PublicKey
    alg: str | None = None
    kid: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        # What is no key to encrypt to is refused when it is made, not when it is used.
        _ = self.usable_for

    @cached_property
    def usable_for(self) -> frozenset[str]:
        """The names of the algorithms that content may be encrypted to this key with; none for one that signs."""
        return jwe_material.usable_for(self.public, self.alg, self.use, self.key_ops, private=False)

    @cached_property
    def recipient(self) -> Recipient:
        """The key as the primitives want it."""
        material = self.public.reveal() if isinstance(self.public, OctetKey) else self.public
        return Recipient(material, jwe_agreement.curve_name(material))

    def fits(self, alg: str, enc: str) -> bool:
        """Return whether the key may serve `alg` with `enc`: by use, key_ops, alg, type, curve and length."""
        return alg in self.usable_for and jwe_material.is_long_enough(alg, enc, self.alg, self.public)

    def __repr__(self) -> str:
        return f"EncryptionKey(kid={self.kid!r}, alg={self.alg!r}, …)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled; it may be a secret")


class DecryptionKey:
    """A private key or a shared secret that content is decrypted with; it neither prints nor pickles itself."""

    __slots__ = ("_usable_for", "alg", "key_ops", "kid", "private", "recipient", "use")

    def __init__(
        self,
        private: PrivateKey,
        *,
        alg: str | None = None,
        kid: str | None = None,
        use: str | None = None,
        key_ops: tuple[str, ...] | None = None,
    ) -> None:
        """Keep a key; raises `Refused` with code `malformed-key` for one that never decrypts."""
        self.private, self.alg, self.kid, self.use, self.key_ops = private, alg, kid, use, key_ops
        self._usable_for = jwe_material.usable_for(private, alg, use, key_ops, private=True)
        material = private.reveal() if isinstance(private, OctetKey) else private
        self.recipient = Recipient(material, jwe_agreement.curve_name(material))
        if not self._usable_for:
            publickeys.malformed("the key is not for decryption, or does not fit its alg")

    def fits(self, alg: str, enc: str) -> bool:
        """Return whether the key may serve `alg` with `enc`: by use, key_ops, alg, type, curve and length."""
        return alg in self._usable_for and jwe_material.is_long_enough(alg, enc, self.alg, self.private)

    def public(self) -> EncryptionKey:
        """Return what others encrypt to, with `use: enc`; the secret itself where it is a shared one."""
        half = self.private if isinstance(self.private, OctetKey) else self.private.public_key()
        return EncryptionKey(public=half, alg=self.alg, kid=self.kid, use="enc")

    def __repr__(self) -> str:
        return f"DecryptionKey(kid={self.kid!r}, alg={self.alg!r}, …)"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


class DecryptionKeys:
    """The keys to choose from; `skipped` tells why members of a document were left out."""

    __slots__ = ("_by_kid", "keys", "skipped")

    def __init__(self, keys: Iterable[DecryptionKey], skipped: tuple[str, ...] = ()) -> None:
        self.keys = tuple(keys)
        self.skipped = skipped
        self._by_kid: dict[str | None, tuple[DecryptionKey, ...]] = {}
        for key in self.keys:
            self._by_kid[key.kid] = (*self._by_kid.get(key.kid, ()), key)

    def named(self, kid: str) -> tuple[DecryptionKey, ...]:
        """Return the keys with exactly this `kid`; where there is none, those that have no name at all."""
        return self._by_kid.get(kid) or self._by_kid.get(None, ())

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"DecryptionKeys({len(self.keys)} keys)"


def choose_recipient(keys: Iterable[EncryptionKey], alg: str, enc: str = "A256GCM") -> EncryptionKey:
    """Return the first key that fits; `enc` counts for `dir` alone.

    Raises `Refused` with code `forbidden-algorithm` for an unknown `alg` or `enc`, `encryption-key-unknown` if no key
    fits.
    """
    jwe_keys.find(alg), jwe_content.find(enc)
    for key in keys:
        if key.fits(alg, enc):
            return key
    raise Refused("encryption-key-unknown", detail={"alg": alg}, hint="Publish a key with use=enc for this algorithm.")


def generate(kind: str, *, alg: str | None = None, kid: str | None = None) -> DecryptionKey:
    """Return a new key: "RSA" (2048 bits), or a curve: "P-256", "P-384", "P-521", "X25519", "X448".

    Raises `Refused` with code `malformed-key` for another kind or an `alg` that does not fit.
    """
    if kind != "RSA" and kind not in jwe_agreement.COORDINATE_OCTETS:
        publickeys.malformed("no such kind of key")
    if kind == "RSA":
        return DecryptionKey(rsa.generate_private_key(65537, 2048), alg=alg, kid=kid, use="enc")
    return DecryptionKey(jwe_agreement.generate(kind), alg=alg, kid=kid, use="enc")


def from_secret(octets: bytes, *, alg: str | None = None, kid: str | None = None) -> DecryptionKey:
    """Return a shared secret as a key; its `public()` is what the other side encrypts with."""
    return DecryptionKey(OctetKey(octets), alg=alg, kid=kid, use="enc")


# --- reading


class _Claims(msgspec.Struct, frozen=True):
    """What the owner of a key says it is for."""

    alg: str | None = None
    kid: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None


def _read_claims(members: Mapping[str, Any]) -> dict[str, Any]:
    try:
        named = {name: members[name] for name in _Claims.__struct_fields__ if name in members}
        claims = msgspec.convert(named, _Claims)
    except msgspec.ValidationError:
        raise Refused("malformed-key", detail={"rule": "alg, kid, use or key_ops of another type"}) from None  # quotes
    if claims.alg is not None and claims.alg not in jwe_keys.ALGORITHMS and claims.alg not in jwe_content.ENCRYPTIONS:
        publickeys.malformed("alg is not one that encrypts")
    operations = None if claims.key_ops is None else tuple(claims.key_ops)
    return {"alg": claims.alg, "kid": claims.kid, "use": claims.use, "key_ops": operations}


def read_public(members: Mapping[str, Any]) -> EncryptionKey:
    """Return the public key that a JWK describes; certificates in it are not looked at.

    Raises `Refused` with code `malformed-key` for a private member, a key that is not for encryption (`use`,
    `key_ops`, `alg`), another type or curve, a point off its curve, RSA outside 2048 to 8192 bits.
    """
    # RFC 7517 9.2: private material in a published key means that it is public already.
    if _PRIVATE_MEMBERS & members.keys():
        publickeys.malformed("a private member")
    key = EncryptionKey(public=jwe_material.read_public(members), **_read_claims(members))
    if not key.usable_for:
        publickeys.malformed("the key is not for encryption, or does not fit its alg")
    return key


def read_private(members: Mapping[str, Any]) -> DecryptionKey:
    """Return the private key or the shared secret (`oct`) that a JWK describes; every member is checked.

    Raises `Refused` with code `malformed-key` as `read_public` does, and for members that do not belong together.
    """
    claims = _read_claims(members)
    return DecryptionKey(jwe_material.read_private(members), **claims)


def _entries(document: object) -> list[dict[str, Any]]:
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        publickeys.malformed("not a JWK Set")
    if len(entries) > MAXIMUM_KEYS:
        publickeys.malformed("more than 100 keys")
    return entries


def read_public_set(document: object) -> tuple[EncryptionKey, ...]:
    """Return the keys of a JWK Set that content can be encrypted to; others, which sign for example, are skipped.

    Raises `Refused` with code `malformed-key` for a document that is no set, one with more than 100 keys, and one with
    a private member.
    """
    entries, keys = _entries(document), []
    if any(_PRIVATE_MEMBERS & entry.keys() for entry in entries):
        publickeys.malformed("a private member")
    for entry in entries:
        try:
            keys.append(read_public(entry))
        except Refused:
            continue
    return tuple(keys)


def read_private_set(document: object) -> DecryptionKeys:
    """Return the keys of a JWK Set, or of a single JWK, that can decrypt; `skipped` says why others were left out.

    Raises `Refused` with code `malformed-key` for anything else, and for a single JWK that cannot decrypt.
    """
    if isinstance(document, Mapping) and "kty" in document and "keys" not in document:
        return DecryptionKeys((read_private(document),))
    keys, skipped = [], []
    for position, entry in enumerate(_entries(document)):
        try:
            keys.append(read_private(entry))
        except Refused as refusal:
            skipped.append(f"key {position}: {refusal.detail.get('rule')}")
    return DecryptionKeys(keys, tuple(skipped))


def from_pem(
    text: str, *, password: str | None = None, alg: str | None = None, kid: str | None = None
) -> DecryptionKey:
    """Return the private key in a PEM text: PKCS #8, SEC 1 or PKCS #1, encrypted ones with their password.

    Raises `Refused` with code `malformed-key` for anything else, a wrong password, and one where none is needed.
    """
    return DecryptionKey(jwe_material.from_pem(text, password), alg=alg, kid=kid)


def public_members(key: EncryptionKey) -> dict[str, str]:
    """Return the members that define a public key, and no others; raises `ValueError` for a shared secret."""
    if isinstance(key.public, OctetKey):
        raise ValueError("a shared secret is not published")  # noqa: TRY004  (the type is right, the use is not)
    if isinstance(key.public, rsa.RSAPublicKey):
        return jwe_material.rsa_members(key.public)
    return jwe_agreement.public_members(key.public, str(jwe_agreement.curve_name(key.public)))
