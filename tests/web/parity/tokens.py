"""Good tokens of each dialect, what is expected of them, and the keys that sign and open tokens."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import joserfc.jwk

from intaglio.tokens import jwk, jws
from intaglio.tokens.sharedsecret import SharedSecret
from tests.web.parity.library import Case

NOW = 1_700_000_000
TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"
GUEST = "fa15d692-e9c7-4460-a743-29f2956fd429"
SECRET = "a secret of 32 octets or a few more"


@functools.cache
def signing(alg: str, which: int = 0) -> jwk.SigningKey:
    """Return a key of the algorithm, the same one throughout the run."""
    return jwk.generate(alg)


def published(*algs: str, **more: object) -> Case:
    """Return a JWK Set with a key of each algorithm; its kid is the algorithm's name."""
    return {"keys": [{**jwk.public_members(signing(alg).public()), "kid": alg, "alg": alg, **more} for alg in algs]}


class Raw(str):
    """JSON that is written as it stands."""

    __slots__ = ()


def encode(claims: Mapping[str, Any]) -> bytes:
    """Return claims as JSON, with raw values as they stand."""
    pieces = []
    for name, value in claims.items():
        text = value if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        pieces.append(f"{json.dumps(name)}:{text}")
    return ("{" + ",".join(pieces) + "}").encode()


def token(alg: str, claims: Mapping[str, Any] | bytes, **header: Any) -> str:
    """Return a signed token; header members beyond `alg` are given, and `kid` is the algorithm's name."""
    payload = claims if isinstance(claims, bytes) else encode(claims)
    key: Any = SharedSecret(SECRET) if alg == "HS256" else signing(alg)
    return jws.sign(key, {"kid": alg, "typ": "JWT"} | header, payload)


@functools.cache
def _private(kind: str) -> Any:
    if kind == "RSA":
        return joserfc.jwk.RSAKey.generate_key(2048)
    return joserfc.jwk.OKPKey.generate_key("X25519") if kind == "X25519" else joserfc.jwk.ECKey.generate_key(kind)


def decryption_pem(kind: str) -> str:
    """Return the same key as PKCS #8 in PEM."""
    return str(_private(kind).as_pem(private=True).decode())


def decryption_key(kind: str) -> Case:
    """Return a private JWK for tests, of a kind: "RSA" or a curve; the same one throughout the run."""
    return {name: value for name, value in _private(kind).as_dict(private=True).items() if name != "kid"}


TIMES = {"exp": NOW + 600, "iat": NOW - 10}
GOOD: dict[str, tuple[str, Case, Case]] = {
    "standard": (
        "ES256",
        {
            "iss": "https://issuer.example",
            "sub": "u1",
            "aud": "client-1",
            **TIMES,
            "nonce": "n",
            "amr": ["pwd"],
            "sid": "s",
        },
        {"issuer": "https://issuer.example", "audience": "client-1", "dialect": "standard"},
    ),
    "google": (
        "RS256",
        {
            "iss": "https://accounts.google.com",
            "azp": "client-1",
            "aud": "client-1",
            "sub": "110169484474386276334",
            **TIMES,
            "email": "alice@example.com",
            "email_verified": True,
            "hd": "example.com",
        },
        {"issuer": "https://accounts.google.com", "audience": "client-1", "dialect": "google"},
    ),
    "microsoft": (
        "RS256",
        {
            "ver": "2.0",
            "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "aud": "client-1",
            **TIMES,
            "nbf": NOW - 10,
            "oid": GUEST,
            "tid": TENANT,
        },
        {
            "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
            "audience": ["client-1", "client-2"],
            "dialect": "microsoft",
        },
    ),
    "auth0": (
        "RS256",
        {
            "iss": "https://tenant.auth0.com/",
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
            "aud": "client-1",
            **TIMES,
            "org_id": "org_abc",
            "org_name": "acme",
        },
        {"issuer": "https://tenant.auth0.com/", "audience": "client-1", "dialect": "auth0"},
    ),
    "cloudentity": (
        "ES256",
        {
            "iss": "https://host.example/tenant/workspace",
            "sub": "user",
            "aud": "client-1",
            **TIMES,
            "aid": "workspace",
            "tid": "tenant",
            "scp": ["openid"],
        },
        {"issuer": "https://host.example/tenant/workspace", "audience": "client-1", "dialect": "cloudentity"},
    ),
}


def case(text: str, expectation: Case, **more: Any) -> Case:
    """Return a check with the usual keys, time and occasion."""
    usual = {"keys": published("ES256", "RS256"), "decryption": None, "now": NOW, "occasion": {}, "skew": None}
    return {"kind": "check", "token": text, "expectation": expectation, **usual, **more}
