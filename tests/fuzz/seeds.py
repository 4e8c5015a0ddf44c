"""Good tokens, keys and documents to begin with: the same in every process, so that an input found here fails there."""

from __future__ import annotations

import functools
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from intaglio import codec
from intaglio.tokens import certificates as x509
from intaglio.tokens import encryptionkeys, jwe, jwk, jws, pem

ISSUER, CLIENT, NOW = "https://issuer.example/t", "client-1", 1_800_000_000
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
SECRET = bytes(range(32))
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "u1",
    "aud": CLIENT,
    "exp": NOW + 600,
    "iat": NOW - 10,
    "nbf": NOW - 10,
    "nonce": "n",
    "auth_time": NOW - 20,
    "amr": ["pwd"],
    "azp": CLIENT,
}
VENDORS: dict[str, dict[str, Any]] = {
    "standard": {},
    "google": {"iss": "https://accounts.google.com", "email": "a@b.example", "email_verified": True},
    "microsoft": {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "tid": TENANT, "ver": "2.0"},
    "auth0": {"iss": "https://t.auth0.com/", "org_id": "org_1"},
    "cloudentity": {"iss": "https://t.example/t/w", "tid": "t", "aid": "w"},
}


@functools.cache
def signing_keys() -> dict[str, jwk.SigningKey]:
    """Return a key for each algorithm whose keys can be made from a number."""
    return {
        "EdDSA": jwk.SigningKey("EdDSA", ed25519.Ed25519PrivateKey.from_private_bytes(SECRET)),
        "ES256": jwk.SigningKey("ES256", ec.derive_private_key(0xC0FFEE, ec.SECP256R1())),
    }


@functools.cache
def document() -> dict[str, Any]:
    """Return the key set."""
    return {
        "keys": [
            {**jwk.public_members(key.public()), "kid": alg, "alg": alg, "use": "sig"}
            for alg, key in signing_keys().items()
        ]
    }


@functools.cache
def tokens() -> tuple[str, ...]:
    """Return signed tokens of every vendor's kind."""
    made = []
    for alg, key in signing_keys().items():
        for more in VENDORS.values():
            payload = codec.encode_json({**CLAIMS, **more})
            made.append(jws.sign(key, {"kid": alg, "typ": "JWT"}, payload))
    return tuple(made)


@functools.cache
def decryption_keys() -> encryptionkeys.DecryptionKeys:
    """Return keys to open the encrypted seeds."""
    private = ec.derive_private_key(0xBEEF, ec.SECP256R1())
    return encryptionkeys.DecryptionKeys(
        (
            encryptionkeys.DecryptionKey(private, kid="ec"),
            encryptionkeys.from_secret(SECRET, kid="oct"),
        )
    )


@functools.cache
def encrypted() -> tuple[str, ...]:
    """Return encrypted tokens, one for each way that needs no RSA key."""
    curve, octets = (key.public() for key in decryption_keys().keys)
    ways = (("ECDH-ES", "A128GCM"), ("ECDH-ES+A256KW", "A256CBC-HS512"))
    secret = (("dir", "A256GCM"), ("dir", "A128CBC-HS256"), ("A256KW", "A192GCM"), ("A256GCMKW", "A128GCM"))
    payload, header = tokens()[0].encode(), {"cty": "JWT"}
    return tuple(
        jwe.encrypt(payload, key, alg=alg, enc=enc, header=header)
        for key, all_of in ((curve, ways), (octets, secret))
        for alg, enc in all_of
    )


def encryption_members() -> dict[str, Any]:
    """Return a key to encrypt to as a JWK."""
    return dict(encryptionkeys.public_members(decryption_keys().keys[0].public()))


def private_members() -> tuple[dict[str, Any], ...]:
    """Return private keys and a shared secret as JWKs."""
    octets = codec.encode_base64url((0xBEEF).to_bytes(32, "big"))
    return (
        {**encryption_members(), "d": octets, "kid": "private"},
        {"kty": "oct", "kid": "private", "k": codec.encode_base64url(SECRET)},
    )


def private_pem() -> bytes:
    """Return a private key in PEM."""
    form = serialization.PrivateFormat.PKCS8
    return ec.derive_private_key(0xBEEF, ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )


def public_pems() -> tuple[bytes, ...]:
    """Return public keys in PEM."""
    return tuple(pem.public_to_pem(key.public()).encode() for key in signing_keys().values())


def certificates() -> tuple[bytes, ...]:
    """Return a certificate, and one whose key is no point of its curve."""
    key = signing_keys()["ES256"]
    good = x509.self_signed(key, common_name="a", not_before=NOW, lifetime=60, serial=1)
    form = serialization.PublicFormat.UncompressedPoint
    point = key.private.public_key().public_bytes(serialization.Encoding.X962, form)
    return (good, good.replace(point, point[:-1] + bytes((point[-1] ^ 1,))))


def json(*values: object) -> tuple[bytes, ...]:
    """Return values as JSON."""
    return tuple(codec.encode_json(value) for value in values)
