"""The tokens that are minted, validated and encrypted in the measurements, and the keys behind them."""

from __future__ import annotations

import base64
import time
from typing import Any

from cryptography.hazmat.primitives import serialization

from intaglio import codec
from intaglio.dialects import believing
from intaglio.tokens import hashes, jwk, jws
from intaglio.validate.policy import Expectation, Occasion

NOW = int(time.time())
KID = "k" * 43
CLIENT = "8f0c2f6e-8f43-4a3e-a5b0-3b1ad2a1c0de"
NONCE = "n-0S6_WzA2Mj-fXq3yR8tL0v"
ACCESS_TOKEN = "ig_at_" + "a" * 43
ISSUER = "https://id.example.com/bench"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
TENANT_ISSUER = f"https://login.example.com/{TENANT}/v2.0"
TEMPLATE = "https://login.example.com/{tenantid}/v2.0"
LEEWAY = 60


class Sample:
    """A token, what is expected of it, and its keys in every form that a library asks for."""

    def __init__(self, alg: str, octets: int, *, tenanted: bool = False, dialect: str = "standard") -> None:
        self.alg, self.tenanted, self.dialect = alg, tenanted, dialect
        self.key = jwk.generate(alg)
        self.issuer = TENANT_ISSUER if tenanted else ISSUER
        self.leeway = 300 if tenanted else LEEWAY
        signer = jws.Signer(self.key, {"typ": "JWT", "kid": KID})
        claims = self._claims()
        # Filled up with a claim of no meaning to the length that is wanted.
        missing = octets - len(signer.sign(codec.encode_json({**claims, "fill": ""})))
        self.claims = {**claims, "fill": "x" * max(0, missing * 3 // 4)}
        self.token = signer.sign(codec.encode_json(self.claims))

    def _claims(self) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "00000000-0000-4000-8000-0000000000aa",
            "aud": CLIENT,
            "exp": NOW + 3600,
            "iat": NOW,
            "auth_time": NOW,
            "nonce": NONCE,
            "at_hash": hashes.half_hash(self.alg, ACCESS_TOKEN),
            "amr": ["pwd"],
            "sid": "s" * 22,
        }
        if self.tenanted:
            # What a business account's token carries: names, a tenant, groups, roles.
            groups = [f"{number:08x}-0000-4000-8000-0000000000bb" for number in range(9)]
            claims |= {"nbf": NOW, "tid": TENANT, "ver": "2.0", "oid": "00000000-0000-4000-8000-0000000000cc"}
            claims |= {"name": "Alice Example", "preferred_username": "alice@example.com", "groups": groups}
            claims |= {"roles": ["Reader"], "rh": "0.AAAA" + "b" * 40, "uti": "u" * 22, "email": "alice@example.com"}
        return claims

    def document(self) -> dict[str, Any]:
        """Return the issuer's key set: as many keys as an issuer in mid-rotation publishes."""
        others = [jwk.public_members(jwk.generate(self.alg).public()) | {"kid": f"other-{n}"} for n in range(3)]
        keys = [*others, {**self.public(), "kid": KID}]
        owner = {"issuer": TEMPLATE} if self.tenanted else {}
        return {"keys": [{**members, "use": "sig", "alg": self.alg, **owner} for members in keys]}

    def public(self) -> dict[str, Any]:
        """Return the public key's members."""
        return dict(jwk.public_members(self.key.public()))

    def pem(self) -> str:
        """Return the public key in PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def expectation(self) -> Expectation:
        """Return what Intaglio is told to expect: every rule of the standard, or of the dialect with tenants."""
        rules = believing.rules(self.dialect)
        issuer = TEMPLATE if rules.placeholder else self.issuer
        return Expectation(issuer, CLIENT, leeway=self.leeway, algorithms=(self.alg,), rules=rules)

    def occasion(self, *, bound: bool = False) -> Occasion:
        """Return what is known of the sign-in; with `bound`, the access token that came along too."""
        return Occasion(nonce=NONCE, access_token=ACCESS_TOKEN if bound else None)

    def parts(self) -> tuple[bytes, bytes]:
        """Return the signature and what it is over."""
        message, _, last = self.token.rpartition(".")
        return base64.urlsafe_b64decode(last + "=" * (-len(last) % 4)), message.encode()
