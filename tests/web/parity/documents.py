"""Key sets, good and bad, and keys to decrypt with."""

# ruff: noqa: E501  (tables of cases, which are read by column)

from __future__ import annotations

from collections.abc import Iterator

from intaglio import codec
from intaglio.tokens import jwk
from tests.web.parity.library import Case
from tests.web.parity.tokens import decryption_key, decryption_pem, signing


def documents() -> Iterator[Case]:
    """Make key sets, good and bad, and keys to decrypt with."""
    rsa, ec, okp, akp = (jwk.public_members(signing(alg).public()) for alg in ("RS256", "ES256", "EdDSA", "ML-DSA-44"))
    wrong: tuple[Case, ...] = (
        {}, {"kid": 1}, {"alg": "none"}, {"alg": "HS256"}, {"alg": 5}, {"alg": None, "kid": None, "use": None, "key_ops": None},
        {"use": "enc"}, {"use": 1}, {"key_ops": []}, {"key_ops": ["verify"]}, {"key_ops": ["sign", 1]}, {"key_ops": "verify"}, {"d": "AA"}, {"k": "AA"},
        {"issuer": "x"}, {"issuer": None}, {"kty": "oct"}, {"kty": None}, {"kty": ["RSA"]}, {"crv": "P-521"}, {"crv": "secp256k1"}, {"crv": None},
        {"crv": "Ed448"}, {"x": "AA"}, {"x": "AA=="}, {"x": 1}, {"y": None}, {"y": ec["x"]}, {"n": "AA"}, {"n": "AQAB"}, {"n": ""}, {"n": rsa["n"][:-8]},
        {"n": "AQ" + rsa["n"]}, {"e": "AA"}, {"e": "AQ"}, {"e": "Ag"}, {"e": "AAEAAQ"}, {"e": "BAAB"}, {"e": "__________8"}, {"e": "Af__________"},
        {"alg": "RS384"}, {"alg": "ES256"}, {"alg": "ES384"}, {"alg": "Ed25519"}, {"alg": "EdDSA"}, {"alg": "ML-DSA-65"}, {"pub": "AA"}, {"priv": "AA"},
    )  # fmt: skip
    for members in (rsa, ec, okp, akp):
        yield {
            "kind": "keys",
            "keys": {"keys": [{**members, **change} for change in wrong if not jwk.PRIVATE_MEMBERS & change.keys()]},
        }
        for change in wrong:
            yield {"kind": "keys", "keys": {"keys": [{**members, **change}]}}
    # Such a modulus is a power of 65537 by each of the small primes.
    roca = codec.encode_base64url(pow(65537, 128).to_bytes(257, "big"))
    yield {"kind": "keys", "keys": {"keys": [{**rsa, "n": roca}]}}
    odd: tuple[object, ...] = ({}, [], {"keys": 1}, {"keys": [1]}, {"keys": [{}] * 101}, {"keys": []}, rsa)
    for document in odd:
        yield {"kind": "keys", "keys": document}
    yield from _private_documents(wrong)


def _private_documents(wrong: tuple[Case, ...]) -> Iterator[Case]:
    kinds = ("RSA", "P-256", "P-384", "P-521", "X25519")
    secrets = [{"kty": "oct", "k": codec.encode_base64url(bytes(length))} for length in (0, 15, 16, 24, 32, 48, 64, 65)]
    changes = (
        *wrong,
        {"alg": "RSA-OAEP"},
        {"alg": "ECDH-ES"},
        {"alg": "A256KW"},
        {"alg": "A256GCM"},
        {"alg": "dir"},
        {"key_ops": ["deriveBits"]},
    )
    changes += (
        {"key_ops": ["decrypt"]},
        {"key_ops": ["unwrapKey"]},
        {"use": "sig"},
        {"d": 1},
        {"d": "AQAB"},
        {"p": "Aw"},
        {"oth": []},
        {"qi": "AQ"},
    )
    for members in (*map(decryption_key, kinds), *secrets):
        for change in changes:
            yield {"kind": "decryption", "keys": {**members, **change}}
    for members in secrets:
        yield {"kind": "decryption", "keys": {"keys": [{**members, **change} for change in changes]}}
    rsa = decryption_key("RSA")
    yield {"kind": "decryption", "keys": {name: rsa[name] for name in ("kty", "n", "e", "d")}}
    yield {"kind": "decryption", "keys": {**{name: rsa[name] for name in ("kty", "n", "e")}, "d": rsa["p"]}}
    for kind in kinds:
        yield {"kind": "decryption", "keys": decryption_pem(kind)}
    for text in ("-----BEGIN", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        yield {"kind": "decryption", "keys": text}
