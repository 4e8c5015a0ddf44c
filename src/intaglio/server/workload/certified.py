"""Believing a client certificate: a short token that the certificate's key signed, and the chain to an authority.

RFC 7515 section 4.1.6 (`x5c`), RFC 5280 section 6, RFC 7523 section 3 (short, for one audience, used once).
"""

from __future__ import annotations

from typing import Any

from intaglio import codec
from intaglio.errors import ProtocolFault, Refused
from intaglio.protocol.principals import Origin
from intaglio.server.model import assertions
from intaglio.server.model.plan import Store
from intaglio.server.workload import external
from intaglio.server.workload.external import Evidence
from intaglio.server.workload.pools import LEEWAY, Known
from intaglio.tokens import algorithms, claims, jws
from intaglio.tokens.chains import Leaf
from intaglio.tokens.jwk import KeySet

LONGEST_LIFETIME = 300
"""Seconds that a proof may live."""
LONGEST_JTI = 255
UNTRUSTED = "Unable to verify the client certificate."


async def believe(text: str, known: Known, now: int, store: Store) -> Evidence:
    """Return what a certificate says whose holder made a proof of it for this provider, never used before.

    Raises `ProtocolFault` (`invalid_grant`).
    """
    evidence, expires_at = judge(text, known, now)
    provider = known.provider
    whose = f"{provider.project_id}/{provider.pool_id}/{provider.provider_id}"
    # Used once, in one atomic step; a store that fails raises, and never means yes.
    digest = assertions.digest(provider.tenant_id, whose, evidence.origin.jti)
    if not await store.write(assertions.use, digest, expires_at + LEEWAY + 1):
        raise _refuse(UNTRUSTED, "a proof that was not used before", "token-replayed")
    return evidence


def judge(text: str, known: Known, now: int) -> tuple[Evidence, int]:
    """Return what a proof shows, and when it expires; it is not used up. Raises `ProtocolFault` (`invalid_grant`)."""
    try:
        leaf, payload = _proven(text, known, now)
        jti, issued_at, expires_at = _checked(payload, known, now)
    except (Refused, codec.CodecError) as refusal:
        detail: dict[str, object] = dict(refusal.detail) if isinstance(refusal, Refused) else {"rule": str(refusal)}
        code = refusal.code if isinstance(refusal, Refused) else "payload"
        told = {name: value for name, value in detail.items() if name not in ("expected", "received")}
        raise _refuse(UNTRUSTED, "a proof by a certificate that is trusted", code, **told) from refusal
    origin = Origin(leaf.issuer[:1024], leaf.subject[:1024], jti)
    return Evidence(leaf.says, origin, issued_at, leaf.expires_at), expires_at


def _refuse(public: str, expected: str, received: str, **detail: object) -> ProtocolFault:
    return ProtocolFault("invalid_grant", public, detail={**detail, "expected": expected, "received": received})


def _proven(text: str, known: Known, now: int) -> tuple[Leaf, dict[str, Any]]:
    assert known.anchors is not None
    parts = jws.read(text)
    alg, kid, listed = jws.allow(parts.header, tuple(algorithms.ALGORITHMS)), parts.header.get("kid"), parts.header
    x5c = listed.get("x5c")
    if not isinstance(x5c, list) or not all(isinstance(one, str) for one in x5c):
        raise Refused("certificate-malformed", detail={"rule": "no x5c"})
    # RFC 8725 3.11: a token that was made for something else is no proof.
    if str(listed.get("typ", "JWT")).lower().removeprefix("application/") != "jwt":
        raise Refused("token-type-mismatch")
    # RFC 7515 4.1.6: the key that travels with the token counts only because the chain leads to a configured anchor.
    leaf = known.anchors.judge(x5c, alg, kid, now)
    verified = jws.verify(text, KeySet((leaf.key,)), algorithms=(alg,))
    return leaf, codec.decode_json_object(verified.payload)


def _checked(payload: dict[str, Any], known: Known, now: int) -> tuple[str, int, int]:
    """Return `jti`, `iat` and `exp` of a proof whose claims are right."""
    named = claims.audiences(payload)
    if len(named) != 1 or named[0] not in known.audiences:
        shown = external.shown(", ".join(named))
        public = f"The audience in ID Token [{shown}] does not match the expected audience."
        raise _refuse(public, " or ".join(known.audiences), shown)
    expires_at, issued_at = claims.instant(payload, "exp"), claims.instant(payload, "iat")
    if expires_at is None or issued_at is None:
        raise external.stale("null", "exp and iat")
    if not (now - LEEWAY < expires_at and issued_at <= now + LEEWAY and 0 < expires_at - issued_at <= LONGEST_LIFETIME):
        raise external.stale(str(issued_at), f"a life of at most {LONGEST_LIFETIME} s that holds {now}")
    begins_at = claims.instant(payload, "nbf")
    if begins_at is not None and begins_at > now + LEEWAY:
        raise external.stale(str(begins_at), f"nbf at most {now}")
    jti = claims.text(payload, "jti")
    if not jti or len(jti) > LONGEST_JTI or not jti.isprintable():
        raise Refused("claim-malformed", detail={"rule": f"a jti of 1 to {LONGEST_JTI} characters"})
    return jti, issued_at, expires_at
