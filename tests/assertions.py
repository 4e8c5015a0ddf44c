"""Assertions of clients, made by PyJWT, clients that bring them, and what such clients publish elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import algorithms as pyjwt_algorithms

from intaglio.dialects.coding import ASSERTION_TYPE
from intaglio.errors import Unavailable
from intaglio.wire.flow import Flow, Reply
from tests import harness

T = TypeVar("T")
NOW = harness.NOW
ISSUER = "http://localhost:8080/default"
SECRET = "a secret of at least thirty-two octets"
WITNESS = "PyJWT"
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
KEYS: dict[str, Any] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    **{alg: ec.generate_private_key(curve) for alg, curve in CURVES.items()},
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
KINDS = {"R": pyjwt_algorithms.RSAAlgorithm, "P": pyjwt_algorithms.RSAAlgorithm, "E": pyjwt_algorithms.ECAlgorithm}


def jwk_of(key: Any, alg: str = "RS256", **members: Any) -> dict[str, Any]:
    """Return the public key as PyJWT writes it."""
    kind = pyjwt_algorithms.OKPAlgorithm if alg in ("EdDSA", "Ed25519") else KINDS[alg[0]]
    found: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    found.pop("key_ops", None)
    return found | members


def jwks(*keys: dict[str, Any]) -> str:
    """Return a key set as text."""
    return json.dumps({"keys": list(keys)})


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good assertion; None leaves one out."""
    usual = {"iss": "robot", "sub": "robot", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "once"}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(key: Any = RSA, alg: str = "RS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return an assertion that PyJWT made."""
    return jwt.encode(claims(**changes), key, algorithm=alg, headers={"kid": "k", **(header or {})})


def pair_client(site: harness.Site, key: Any = RSA, alg: str = "RS256", **changes: Any) -> None:
    """Register a client with a key pair."""
    usual = {
        "token_endpoint_auth_methods": ("private_key_jwt",),
        "jwks": jwks(jwk_of(key, alg, kid="k")),
        "secrets": (),
    }
    site.add_client("robot", like="machine", **(usual | changes))


def secret_client(site: harness.Site, secret: str = SECRET, **changes: Any) -> None:
    """Register a client whose secret signs."""
    kept = site.house.secrets.keep(secret, NOW, sealed=True)
    usual = {"token_endpoint_auth_methods": ("client_secret_jwt",), "secrets": (kept,)}
    site.add_client("robot", like="machine", **(usual | changes))


def ask(site: harness.Site, assertion: str, where: str = "~/token", **more: str) -> harness.Answer:
    """Ask for a token by an assertion."""
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return site.post(where, form | more)


def told(answer: harness.Answer) -> tuple[int, str]:
    """Return the status and the error of an answer."""
    return answer.status, answer.error


REFUSED = (401, "invalid_client")


class Elsewhere:
    """What clients publish, by address; counts who asked."""

    def __init__(self, **documents: Any) -> None:
        self.documents = documents
        self.asked: list[str] = []

    async def run(self, flow: Flow[T]) -> T:
        """Answer the flow's calls."""
        try:
            call = next(flow)
            while True:
                self.asked.append(call.url)
                await asyncio.sleep(0)
                found = self.documents.get(call.url.rpartition("/")[2])
                if found is None:
                    call = flow.throw(Unavailable("unreachable"))
                    continue
                body = found if isinstance(found, bytes) else json.dumps(found).encode()
                call = flow.send(Reply(200, (("content-type", "application/json"),), body, call.url))
        except StopIteration as stop:
            value: T = stop.value
            return value
