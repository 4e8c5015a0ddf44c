"""What can be wrong in ID tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from joserfc import jwk, jwt

from intaglio import codec
from intaglio.wire.flow import Call
from tests.conformance.op import faulty
from tests.conformance.op.defects.variants import (
    CODE,
    CODE_ID_TOKEN,
    HYBRID,
    ID_TOKEN,
    IMPLICIT,
)
from tests.conformance.op.faulty import Fault, OnAnswer
from tests.conformance.op.modules import claims, flows, requests
from tests.conformance.op.provider import RP, SECRET, Provider
from tests.harness import Answer


def id_tokens() -> Iterator[Fault]:
    """What can be wrong in an ID token."""
    for name, answer, code in (
        ("iss-with-slash", faulty.claim("iss", lambda iss: iss + "/"), "iss"),
        ("iss-of-another-host", faulty.claim("iss", "https://elsewhere.example"), "iss"),
        ("iss-missing", faulty.claim("iss", None), "iss"),
        ("aud-of-another-client", faulty.claim("aud", "another"), "aud"),
        ("aud-with-a-stranger", faulty.claim("aud", lambda aud: [aud, "stranger"]), "aud-more"),
        ("azp-of-another-client", faulty.claim("azp", "another"), "azp"),
        ("sub-missing", faulty.claim("sub", None), "sub"),
        ("sub-too-long", faulty.claim("sub", "s" * 256), "sub"),
        ("sub-a-number", faulty.claim("sub", 42), "sub"),
        ("exp-missing", faulty.claim("exp", None), "exp"),
        ("exp-as-text", faulty.claim("exp", str), "exp"),
        ("exp-passed", faulty.claim("exp", lambda exp: exp - 86400), "exp"),
        ("exp-in-milliseconds", faulty.claim("exp", lambda exp: exp * 1000), "exp"),
        ("iat-missing", faulty.claim("iat", None), "iat"),
        ("iat-frozen", faulty.claim("iat", 1_700_000_000), "iat"),
        ("iat-ahead", faulty.claim("iat", lambda iat: iat + 3600), "iat"),
        ("nonce-missing", faulty.claim("nonce", None), "nonce"),
        ("nonce-cut", faulty.claim("nonce", lambda nonce: str(nonce)[:4]), "nonce"),
        ("auth-time-in-milliseconds", faulty.claim("auth_time", lambda at: at * 1000), "auth-time"),
        ("acr-empty", faulty.claim("acr", ""), "acr-type"),
        ("kid-missing", faulty.head("kid", None), "id-token-kid"),
        ("kid-unknown", faulty.head("kid", "nobody"), "signature-key-unknown"),
        ("x5t-of-another-certificate", faulty.head("x5t#S256", "nothing"), "signature-x5t"),
        ("at-hash-wrong", faulty.claim("at_hash", lambda _: "AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
        ("at-hash-whole", faulty.claim("at_hash", lambda given: str(given) * 2), "at_hash"),
        ("name-beside-an-access-token", faulty.claim("name", "Alice"), "claim-unrequested"),
        ("vendor-claims", faulty.claim("tid", "tenant"), "claim-unrequested"),
        ("claim-null", faulty.claim("nickname", faulty.NULL), "claim-null"),
        ("updated-at-as-text", faulty.claim("updated_at", "2026-01-01"), "claim-type"),
        ("signature-of-other-octets", faulty.whole(_broken), "signature-invalid"),
        ("signed-by-nobody", faulty.whole(lambda _, given: faulty.unsigned(given)), "signature-alg"),
        ("signed-with-the-secret", faulty.whole(_hs256), "signature-alg"),
    ):
        yield Fault(name, flows.server, CODE, code, answer=answer)


def _broken(header: dict[str, Any], given: dict[str, Any]) -> str:
    head = codec.encode_base64url(codec.encode_json(header))
    return f"{head}.{codec.encode_base64url(codec.encode_json(given))}." + "A" * 342


def _hs256(_: dict[str, Any], given: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, given, jwk.OctKey.import_key(SECRET))


def front_channel_tokens() -> Iterator[Fault]:
    """What can be wrong in an ID token beside a code or an access token, or alone."""
    yield Fault("c-hash-wrong", flows.server, CODE_ID_TOKEN, "c_hash", answer=_only_with("c_hash", "c_hash", "AAAA"))
    yield Fault(
        "c-hash-missing", flows.server, CODE_ID_TOKEN, "c_hash-missing", answer=_only_with("c_hash", "c_hash", None)
    )
    yield Fault("at-hash-missing", flows.server, IMPLICIT, "at_hash-missing", answer=faulty.claim("at_hash", None))
    yield Fault("s-hash-wrong", flows.server, HYBRID, "s_hash", answer=faulty.claim("s_hash", "AAAA"))
    yield Fault("hybrid-other-person", flows.server, HYBRID, "hybrid-sub", answer=_only_with("c_hash", "sub", "other"))
    yield Fault(
        "claims-kept-from-id-token",
        claims.scope_profile,
        ID_TOKEN,
        "scope-claim-missing",
        answer=faulty.claim("name", None),
    )
    yield Fault("answer-in-query", flows.server, IMPLICIT, "callback-mode", answer=_moved)
    yield Fault("code-in-fragment", flows.server, CODE, "callback-mode", answer=_moved)
    yield Fault(
        "access-token-unasked",
        flows.server,
        ID_TOKEN,
        "callback-unexpected",
        answer=faulty.added("access_token", "ig_at_0123456789abcdefghijklmnop"),
    )
    yield Fault(
        "implicit-token-type-missing",
        flows.server,
        IMPLICIT,
        "callback-missing",
        answer=faulty.callbacks("token_type", None),
    )
    yield Fault(
        "implicit-without-nonce",
        flows.ensure_request_without_nonce_fails,
        ID_TOKEN,
        "error-code",
        request=faulty.nonce_made_up,
    )
    yield Fault(
        "auth-time-left-out",
        requests.max_age_10000,
        IMPLICIT,
        "auth-time-missing",
        answer=faulty.claim("auth_time", None),
    )


def _only_with(mark: str, name: str, value: Any) -> OnAnswer:
    def change(_: dict[str, Any], given: dict[str, Any]) -> None:
        if (mark in given and "at_hash" not in given) or (mark in given and mark == "c_hash" and name == "sub"):
            given.pop(name, None)
            given.update({} if value is None else {name: value})

    def answer(_: Fault, op: Provider, __: Call, came: Answer) -> Answer:
        return faulty.with_tokens(op, came, change) if came.location.startswith(RP) else came

    return answer


def _moved(_: Fault, __: Provider, ___: Call, came: Answer) -> Answer:
    if not came.location.startswith(RP):
        return came
    swapped = came.location.translate(str.maketrans("?#", "#?"))
    return faulty.with_header(came, "location", swapped)
