"""The other libraries at the same work, each as its own documentation has it, with keys read beforehand.

Each validation is given issuer, audience, time and nonce; what a library does not look at by itself is compared beside
it, as its users have to. `CHECKS` says who looks at what.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import google.auth.jwt
import joserfc.errors
import joserfc.jwe
import joserfc.jwk
import joserfc.jwt
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jwt
import jwt
from joserfc.jws import JWSRegistry

from benchmarks.samples import ACCESS_TOKEN, CLIENT, KID, NONCE, Sample

Work = Callable[[], object]
CHECKS = {
    "Intaglio": "every rule of the dialect; strict JSON and base64url; one of four keys; a typed result",
    "PyJWT": "one key; iss, aud, exp, iat, five claims required; nonce compared by hand; no at_hash",
    "joserfc": "one key; iss, aud, sub, exp, iat, nonce by its claims registry; no at_hash",
    "Authlib": "one key (joserfc beneath); iss, aud, exp, iat, nonce, azp, at_hash by its CodeIDToken",
    "jwcrypto": "one key; iss, aud, exp, nonce by check_claims; no at_hash",
    "google-auth": "one of its certificates by kid, read each time; aud, exp, iat; iss and nonce by hand; no at_hash",
    "jose (node)": "one key; iss, aud, exp, five claims required; nonce and iat by hand; no at_hash; awaited in turn",
}
"""What each one checks beyond the signature."""
ESSENTIAL = ["iss", "sub", "aud", "exp", "iat"]


# joserfc tells of EdDSA that Ed25519 is its name now, each time.
warnings.filterwarnings("ignore", category=joserfc.errors.SecurityWarning)


class Disagrees(Exception):
    """A library believed other claims than were minted."""


def _same(nonce: object) -> None:
    if nonce != NONCE:
        raise Disagrees


def _pyjwt(sample: Sample) -> Work:
    key = sample.key.private.public_key()
    options: Any = {"require": ESSENTIAL}

    def work() -> None:
        claims = jwt.decode(
            sample.token,
            key,
            algorithms=[sample.alg],
            audience=CLIENT,
            issuer=sample.issuer,
            leeway=sample.leeway,
            options=options,
        )
        _same(claims["nonce"])

    return work


def _joserfc(sample: Sample) -> Work:
    key = joserfc.jwk.import_key(sample.public())
    registry = JWSRegistry(algorithms=[sample.alg])
    checks = joserfc.jwt.JWTClaimsRegistry(
        leeway=sample.leeway,
        iss={"essential": True, "value": sample.issuer},
        aud={"essential": True, "value": CLIENT},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": NONCE},
    )

    def work() -> None:
        checks.validate(joserfc.jwt.decode(sample.token, key, registry=registry).claims)

    return work


def _authlib(sample: Sample) -> Work:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415  (it warns of its own future)
    key = joserfc.jwk.import_key(sample.public())
    registry = JWSRegistry(algorithms=[sample.alg])
    options = {"iss": {"essential": True, "value": sample.issuer}, "aud": {"essential": True, "value": CLIENT}}
    params = {"nonce": NONCE, "client_id": CLIENT, "access_token": ACCESS_TOKEN}

    def work() -> None:
        read = joserfc.jwt.decode(sample.token, key, registry=registry)
        CodeIDToken(read.claims, read.header, options, params).validate(leeway=sample.leeway)

    return work


def _jwcrypto(sample: Sample) -> Work:
    key = jwcrypto.jwk.JWK(**sample.public())
    wanted = {"iss": sample.issuer, "aud": CLIENT, "nonce": NONCE, "exp": None, "iat": None, "sub": None}

    def work() -> None:
        jwcrypto.jwt.JWT(jwt=sample.token, key=key, algs=[sample.alg], check_claims=wanted, expected_type="JWS")

    return work


def _google(sample: Sample) -> Work:
    certificates = {KID: sample.pem()}

    def work() -> None:
        claims = google.auth.jwt.decode(
            sample.token, certs=certificates, audience=CLIENT, clock_skew_in_seconds=sample.leeway
        )
        _same(claims["nonce"])
        if claims["iss"] != sample.issuer:
            raise Disagrees

    return work


def validations(sample: Sample) -> dict[str, Work]:
    """Return the other libraries' validation of a sample."""
    return {
        "PyJWT": _pyjwt(sample),
        "joserfc": _joserfc(sample),
        "Authlib": _authlib(sample),
        "jwcrypto": _jwcrypto(sample),
        "google-auth": _google(sample),
    }


def mints(sample: Sample, members: dict[str, Any]) -> dict[str, Work]:
    """Return the other libraries' minting of a sample's claims; `members` is the private key as a JWK."""
    header = {"alg": sample.alg, "kid": KID, "typ": "JWT"}
    key, registry = joserfc.jwk.import_key(members), JWSRegistry(algorithms=[sample.alg])
    return {
        "PyJWT": lambda: jwt.encode(sample.claims, sample.key.private, sample.alg, header),
        "joserfc": lambda: joserfc.jwt.encode(header, sample.claims, key, registry=registry),
    }


def encryptions(members: dict[str, Any], alg: str, enc: str, payload: bytes) -> dict[str, tuple[Work, Work]]:
    """Return the other libraries' encryption and decryption with a key (its private JWK)."""
    header, known = {"alg": alg, "enc": enc, "cty": "JWT"}, [alg, enc]
    key = joserfc.jwk.import_key(members)
    # It writes into the header that it is given.
    sealed = joserfc.jwe.encrypt_compact(dict(header), payload, key, algorithms=known)
    own, written = jwcrypto.jwk.JWK(**members), json.dumps(header)

    def seal() -> str:
        text: str = jwcrypto.jwe.JWE(payload, protected=written, recipient=own, algs=known).serialize(compact=True)
        return text

    kept = seal()

    def open_() -> None:
        opened = jwcrypto.jwe.JWE(algs=known)
        opened.deserialize(kept, key=own)

    return {
        "joserfc": (
            lambda: joserfc.jwe.encrypt_compact(dict(header), payload, key, algorithms=known),
            lambda: joserfc.jwe.decrypt_compact(sealed, key, algorithms=known),
        ),
        "jwcrypto": (seal, open_),
    }
