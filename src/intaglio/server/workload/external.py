"""Believing another issuer's token: its keys, its claims, its age; and which face each refusal has.

OpenID Connect Core 3.1.3.7, RFC 7519 sections 4.1 and 7.2, RFC 8725, RFC 8693 section 2.2.2.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.errors import ProtocolFault, Unavailable
from intaglio.protocol.principals import Origin
from intaglio.server.workload.pools import LEEWAY, Known
from intaglio.tokens import jws
from intaglio.tokens.claims import IDToken
from intaglio.tokens.jwk import KeySet
from intaglio.validate import validator
from intaglio.validate.report import Check, TokenRefused, ValidationReport
from intaglio.wire.flow import Driver

UNVERIFIED = "Unable to verify the ID Token signature."
UNCONNECTED = "Error connecting to the given credential's issuer."
MALFORMED = "The subject token is not a signed ID Token."
SHOWN = 120
"""Characters of a value that an answer repeats."""


class Evidence(msgspec.Struct, frozen=True):
    """What another issuer vouches for: what expressions see, where it came from, since and until when it is good."""

    assertion: dict[str, Any]
    origin: Origin
    issued_at: int
    expires_at: int


async def believe(text: str, known: Known, now: int, outgoing: Driver | None) -> Evidence:
    """Return what a provider's token says; raises `ProtocolFault` (`invalid_grant`, `invalid_request`)."""
    assert known.expectation is not None
    keys = await _keys(text, known, now, outgoing)
    try:
        token = validator.validate(text, known.expectation, keys, now)
    except TokenRefused as refusal:
        raise fault(refusal.report) from refusal
    if now - token.iat > known.provider.max_age + LEEWAY:
        raise stale(str(token.iat), f"issued at most {known.provider.max_age} s before {now}")
    return Evidence(token.claims, Origin(token.iss, token.sub, _jti(token)), token.iat, token.exp)


async def _keys(text: str, known: Known, now: int, outgoing: Driver | None) -> KeySet:
    assert known.expectation is not None
    assert known.keys is not None
    kid = jws.peek_kid(text)
    found = known.keys.ready(now, kid)
    if found is not None:
        return found
    # D5 48 of the security list: nobody is asked for the sake of a token that would be refused whatever the answer.
    report = validator.check(text, known.expectation, None, now)
    if any(check.outcome == "fail" and check.name != "key" for check in report.checks):
        raise fault(report)
    if outgoing is None:
        raise _unconnected(known, Unavailable("destination-refused", "No call may leave here."))
    try:
        return await known.keys.aobtain(now, kid, outgoing.run)
    except Unavailable as silent:
        raise _unconnected(known, silent) from silent


def _unconnected(known: Known, silent: Unavailable) -> ProtocolFault:
    # SECURITY: one face for a key that is unknown, an issuer that is silent and an address that may not be called: it
    # maps no network (test_d6_ssrf_through_an_issuer_tells_nothing).
    detail = {"expected": f"keys of {known.provider.issuer}", "received": silent.code, **silent.detail}
    return ProtocolFault("invalid_grant", UNCONNECTED, detail=detail)


def stale(instant: str, expected: str) -> ProtocolFault:
    """Return the fault for a token that is too old, too young, or does not say how old it is."""
    public = f"ID Token issued at {instant} is stale to sign-in."
    return ProtocolFault("invalid_grant", public, detail={"expected": expected, "received": instant})


def fault(report: ValidationReport) -> ProtocolFault:
    """Return the fault of a report: what was received is told, what was expected goes to the log."""
    failed = {check.name: check for check in report.checks if check.outcome == "fail"}
    worst = next((failed[name] for name in ORDER if name in failed), Check(name="internal", outcome="fail"))
    code = "invalid_request" if worst.name in ("form", "encryption") else "invalid_grant"
    detail = {"check": worst.name, "code": worst.code, "expected": worst.expected, "received": worst.received}
    return ProtocolFault(code, _public(worst), detail=detail)


ORDER = (
    "form",
    "encryption",
    "algorithm",
    "type",
    "issuer",
    "audience",
    "authorized party",
    "expiry",
    "not before",
    "issued at",
    "subject",
    "other claims",
    "key",
    "signature",
)
"""What is told first: what its sender can see and correct, then what needs the issuer."""


def _public(check: Check) -> str:
    received = "null" if check.code.endswith("-missing") else shown(check.received)
    # Of an instant the number is told; the report has it in words as well.
    aged = f"ID Token issued at {received.partition(' ')[0]} is stale to sign-in."
    texts = {
        "form": MALFORMED,
        "encryption": MALFORMED,
        "type": "The subject token is a token of another kind than an ID Token.",
        "issuer": f"The issuer in ID Token {received} does not match the expected one.",
        "audience": f"The audience in ID Token [{received}] does not match the expected audience.",
        "authorized party": f"The authorized party in ID Token [{received}] does not match the expected audience.",
        "expiry": aged,
        "not before": aged,
        "issued at": aged,
        "subject": "The subject in ID Token is missing or malformed.",
        "other claims": "A claim in ID Token is malformed.",
        "key": UNCONNECTED,
    }
    return texts.get(check.name, UNVERIFIED)


def shown(text: str) -> str:
    """Return a stranger's value as a description may hold it (RFC 6749 section 5.2: ASCII without quotes)."""
    return "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else "?" for c in text[:SHOWN])


def _jti(token: IDToken) -> str:
    return (token.jti or "")[:255]
