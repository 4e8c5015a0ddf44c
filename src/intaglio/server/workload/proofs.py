"""JWTs that a service account signed with a key of its own: believed only if a registered key made them.

RFC 7523 section 3 (assertions), RFC 7519 section 4.1, RFC 8725 (best current practice).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import ProtocolFault, Refused
from intaglio.server.issue import accountsigning
from intaglio.server.model.accountkeys import AccountKey
from intaglio.server.model.serviceaccounts import ServiceAccount
from intaglio.server.workload import accounts
from intaglio.server.workload.place import Place, Works
from intaglio.tokens import certificates, claims, jws
from intaglio.tokens.jwk import VerificationKey

ALGORITHMS = ("RS256",)
LONGEST = 3600
"""Seconds that such a JWT may live."""
LEEWAY = 30
EARLY = 300
"""Seconds by which `iat` may lie ahead."""
MAX_KEYS = 20

TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


class Proof(msgspec.Struct, frozen=True):
    """A JWT that an account's key signed: whose it is, which key it was, what it says and until when."""

    account: ServiceAccount
    key: AccountKey
    claims: dict[str, Any]
    expires_at: int

    def __repr__(self) -> str:
        return f"Proof({self.account.unique_id}, {self.key.key_id})"

    @property
    def own_key(self) -> bool:
        """Whether the workload holds the key itself; the other one the server keeps and signs with for anybody let."""
        return self.key.origin != accountsigning.ORIGIN

    @property
    def scope(self) -> tuple[str, ...]:
        """The scopes that it asks for, each once."""
        text = self.claims.get("scope")
        return tuple(dict.fromkeys(text.split())) if isinstance(text, str) else ()


def unproven(public: str, expected: str, received: str = "another") -> ProtocolFault:
    """Return the fault `invalid_grant` of a JWT that proves nothing."""
    return ProtocolFault("invalid_grant", public, detail={"expected": expected, "received": received})


def read(text: str) -> tuple[jws.Segments, dict[str, Any]]:
    """Return the parts and claims of a JWT, believed in nothing; raises `ProtocolFault` (`invalid_request`)."""
    try:
        parts = jws.read(text)
        return parts, codec.decode_json_object(parts.payload)
    except (Refused, codec.CodecError) as fault:
        received = fault.code if isinstance(fault, Refused) else "payload"
        detail = {"expected": "a JWT that a service account signed", "received": received}
        raise ProtocolFault("invalid_request", "Bad Request", detail=detail) from fault


async def check(text: str, place: Place, works: Works) -> Proof:
    """Return what a JWT proves; its audience and scope are the caller's to judge.

    Raises `ProtocolFault`: `invalid_request` for anything but a JWT, `invalid_grant` for an unknown or disabled account
    (one without a key looks the same), a wrong signature, wrong or missing times.
    """
    parts, payload = read(text)
    issuer = payload.get("iss")
    name = issuer if isinstance(issuer, str) else ""
    account = await accounts.named(name, place, works)
    # SECURITY: an account that has no key is told apart from one that does not exist by nothing, time included
    # (test_an_account_without_a_key_looks_unknown).
    keys = await accounts.keys(account.unique_id if account is not None else name[: accounts.MAX_NAME], place, works)
    if account is None or not account.is_usable or name != account.email or not keys:
        raise unproven("Invalid grant: account not found", "the address of an account with a key", name[:100])
    key = _signed(parts, keys)
    if payload.get("sub", name) != name:
        # An account stands for itself alone: to speak for a person takes that person.
        detail = {"expected": name, "received": str(payload["sub"])[:100]}
        raise ProtocolFault("unauthorized_client", "The account may not act for another subject.", detail=detail)
    return Proof(account, key, payload, _times(payload, place.now))


def _signed(parts: jws.Segments, keys: list[AccountKey]) -> AccountKey:
    """Return the key that signed; raises `invalid_grant`."""
    wrong, kid, kind = "Invalid JWT Signature.", parts.header.get("kid"), parts.header.get("typ", "JWT")
    # RFC 8725 3.11: a token that says it is something else is none of these.
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != "jwt":
        raise unproven(wrong, "typ JWT", str(kind)[:40])
    # RFC 8725 3.1: the algorithm is ours to choose.
    if parts.header["alg"] not in ALGORITHMS:
        raise unproven(wrong, "RS256", parts.header["alg"][:40])
    # VENDOR: half of the clients name no key; then it may be any that is registered.
    tried = [key for key in keys if kid is None or key.key_id == kid][:MAX_KEYS]
    for key in tried:
        if jws.is_signed_by(_public(key.certificate, key.alg), "RS256", parts.signature, parts.signing_input):
            return key
    raise unproven(wrong, "a usable key of the account", f"kid {kid[:80] if kid else 'absent'}")


@lru_cache(maxsize=2048)
def _public(certificate: bytes, alg: str) -> VerificationKey:
    return certificates.public_key(certificate, alg)


def _times(payload: dict[str, Any], now: int) -> int:
    """Return `exp` of a JWT that is short-lived and of this hour; raises `invalid_grant`."""
    try:
        iat, exp, nbf = (claims.instant(payload, name) for name in ("iat", "exp", "nbf"))
    except Refused as fault:
        raise unproven(TIMES, "numbers", str(fault.detail.get("claim"))) from fault
    if iat is None:
        raise unproven("Invalid JWT: iat (issued at) is not set.", "iat", "none")
    if exp is None:
        raise unproven("Invalid JWT: exp (expiration time) is not set.", "exp", "none")
    ahead = max(iat, nbf or 0) - now
    if ahead > EARLY or exp <= now - LEEWAY or not 0 < exp - iat <= LONGEST:
        raise unproven(TIMES, f"iat about {now}, exp at most {LONGEST} s later", f"iat {iat}, exp {exp}, nbf {nbf}")
    return exp


def audiences(payload: dict[str, Any]) -> frozenset[str]:
    """Return for whom a JWT is, empty if that is not said or not readable."""
    try:
        return frozenset(claims.audiences(payload))
    except Refused:
        return frozenset()
