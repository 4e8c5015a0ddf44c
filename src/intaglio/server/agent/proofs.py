"""How the metadata server proves itself: by an account's key, by a Kubernetes token, or by a certificate.

RFC 7523 section 3 (assertions), RFC 7515 section 4.1.6 (`x5c`).
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import msgspec

from intaglio import codec, ids
from intaglio.clock import Clock
from intaglio.dialects.google import upstream
from intaglio.errors import Misconfigured
from intaglio.server.agent.files import Watched
from intaglio.tokens import jws, privatepem

PROOF_LIFETIME = 300
MAX_TOKEN = 16 * 1024


class AccountKey(msgspec.Struct, frozen=True):
    """An account's own key, ready to sign."""

    email: str
    project_id: str
    signer: jws.Signer

    def __repr__(self) -> str:
        return f"AccountKey({self.email})"

    def assertion(self, base: str, now: int, scopes: tuple[str, ...]) -> str:
        """Return the assertion by which the account asks for an access token."""
        return self.signer.sign(codec.encode_json(upstream.assertion(self.email, base, now, scopes)))

    def bearer(self, base: str, now: int) -> str:
        """Return the JWT by which the account asks for its own ID tokens."""
        return self.signer.sign(codec.encode_json(upstream.self_signed(self.email, base, now)))


def read_account_key(octets: bytes) -> AccountKey:
    """Return the key of a key file; raises `Misconfigured` (`key-file-unusable`), `Refused` (`malformed-key`)."""
    told = upstream.read_key_file(octets)
    header: dict[str, Any] = {"typ": "JWT", "kid": told.key_id}
    return AccountKey(told.email, told.project_id, jws.Signer(privatepem.signing_key(told.private_key), header))


def read_token(octets: bytes) -> str:
    """Return the token of a file; raises `Misconfigured` (`token-file-unusable`) for what cannot be one."""
    text = octets.decode("ascii", "replace").strip()
    if text.count(".") != 2 or len(text) > MAX_TOKEN or not text.isprintable() or " " in text:
        expected = f"a signed JWT of at most {MAX_TOKEN} characters"
        raise Misconfigured("token-file-unusable", "The token's file holds no token.", detail={"expected": expected})
    return text


class Certificate(msgspec.Struct, frozen=True):
    """A client's certificate, its key ready to sign."""

    subject: str
    signer: jws.Signer

    def __repr__(self) -> str:
        return "Certificate(…)"

    def proof(self, audience: str, now: int) -> str:
        """Return a proof for one audience: good for five minutes, and once."""
        told = {
            "iss": self.subject,
            "sub": self.subject,
            "aud": audience,
            "iat": now,
            "exp": now + PROOF_LIFETIME,
            "jti": ids.opaque(),
        }
        return self.signer.sign(codec.encode_json(told))


def read_certificate(chain_pem: bytes, key_pem: bytes) -> Certificate:
    """Return a certificate with its key; raises `Misconfigured` (`certificate-mismatched`), `Refused`."""
    chain, key = privatepem.chain(chain_pem), privatepem.signing_key(key_pem)
    # Both files are replaced one after the other: until the second one is there, the last good pair is kept.
    if not privatepem.certifies(chain[0], key):
        raise Misconfigured("certificate-mismatched", "The key is not the certificate's.")
    return Certificate("x509", jws.Signer(key, {"typ": "JWT", "x5c": list(chain)}))


def kubernetes(token_file: pathlib.Path, clock: Clock) -> Callable[[], str]:
    """Return what gives the projected token of a pod, as it is now."""
    return Watched((token_file,), read_token, clock).get


def certified(chain: pathlib.Path, key: pathlib.Path, provider: str, clock: Clock) -> Callable[[], str]:
    """Return what makes a proof by a certificate, a new one each time."""
    watched = Watched((chain, key), read_certificate, clock)
    return lambda: watched.get().proof(provider, clock.now())
