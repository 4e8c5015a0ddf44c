"""The front door: a text and what is expected of it, keys and the time; a token to believe, or a refusal.

OpenID Connect Core 3.1.3.7, RFC 7519 section 7.2, RFC 8725.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import claims as claim_types
from intaglio.tokens import jwk, jws
from intaglio.tokens.claims import IDToken
from intaglio.tokens.raw import RawToken
from intaglio.validate import catalogue, rules
from intaglio.validate.policy import Expectation
from intaglio.validate.rules import Facts, Rule
from intaglio.validate.verdict import Check, Outcome, TokenRefused, Verdict

# Two rules only look at shapes that `claims.read` demands as well; the fast path leaves them to it.
_JUDGES = tuple(rule.judge for rule in catalogue.RULES if rule.judge not in (rules.subject, rules.claim_shapes))
_FORM_SPEC, _ALGORITHM_SPEC = "RFC 7515 section 7.1", "RFC 8725 section 3.1"
_KEY_SPEC, _SIGNATURE_SPEC = "RFC 7515 section 4.1.4", "RFC 7515 section 5.2"


def _text(token: str | bytes | RawToken) -> str | bytes:
    return token.reveal() if isinstance(token, RawToken) else token


def validate(token: str | bytes | RawToken, expectation: Expectation, keys: jwk.KeySet, now: int) -> IDToken:
    """Return the claims of a token that every check believes.

    Raises `TokenRefused` with the code of the first check that failed and the whole report in `.verdict`.
    """
    text = _text(token)
    try:
        verified = jws.verify(text, keys, algorithms=expectation.allowed_algorithms)
        facts = Facts(codec.decode_json_object(verified.payload), verified.header, expectation, now)
        for judge in _JUDGES:
            if judge(facts) is not None:
                break
        else:
            return claim_types.read(facts.claims)
    except (Refused, codec.CodecError):
        pass  # the report below finds the same fault again and says it in full
    verdict = check(text, expectation, keys, now)
    verdict.believed()
    # Fails closed: the fast path refused what the report believes, which can only be a fault of ours.
    raise TokenRefused(verdict, Check(name="internal", outcome="fail", code="internal"))


class _Opened(msgspec.Struct, frozen=True):
    parts: jws.Segments
    claims: dict[str, Any]


def _open(text: str | bytes) -> _Opened:
    parts = jws.read(text)
    try:
        return _Opened(parts, codec.decode_json_object(parts.payload))
    except codec.CodecError as fault:
        raise Refused("token-malformed", detail={"part": "payload", "rule": str(fault)}) from None  # rule says it all


def _told(value: object) -> str:
    return catalogue.shown(", ".join(map(str, value)) if isinstance(value, list) else value)


def _failed(name: str, spec: str, refusal: Refused, expected: str = "") -> Check:
    told = refusal.detail
    received = told.get("received", told.get("rule", ""))
    return Check(
        name=name,
        outcome="fail",
        code=refusal.code,
        expected=_told(told["expected"]) if told.get("expected") else expected,
        received="no kid" if received is None else catalogue.shown(received),
        hint=refusal.hint or catalogue.HINTS.get(refusal.code, ""),
        spec=spec,
    )


def _skipped(name: str, why: str, spec: str) -> Check:
    return Check(name=name, outcome="skipped", hint=why, spec=spec)


def _passed(name: str, expected: str, received: str, spec: str) -> Check:
    return Check(name=name, outcome="pass", expected=expected, received=received, spec=spec)


def _apply(rule: Rule, facts: Facts) -> Check:
    code = rule.judge(facts)
    idle = rule.idle(facts) if code is None else None
    if idle is not None:
        return _skipped(rule.name, idle, rule.spec)
    outcome: Outcome = "pass" if code is None else "fail"
    return Check(
        name=rule.name,
        outcome=outcome,
        code=code or "",
        expected=rule.expected(facts),
        received=catalogue.shown(rule.received(facts)),
        hint=catalogue.HINTS.get(code or "", ""),
        spec=rule.spec,
    )


def _algorithm(opened: _Opened, expectation: Expectation) -> Check:
    try:
        alg = jws.allow(opened.parts.header, expectation.allowed_algorithms)
    except Refused as refusal:
        return _failed("algorithm", _ALGORITHM_SPEC, refusal)
    return _passed("algorithm", ", ".join(expectation.algorithms), alg, _ALGORITHM_SPEC)


def _signature(opened: _Opened, keys: jwk.KeySet | None) -> tuple[Check, Check]:
    header, why = opened.parts.header, "no key to check it with"
    if keys is None:
        unavailable = Refused("keys-unavailable")
        return _failed("key", _KEY_SPEC, unavailable), _skipped("signature", why, _SIGNATURE_SPEC)
    try:
        found = jws.candidates(header, keys)
    except Refused as refusal:
        return _failed("key", _KEY_SPEC, refusal), _skipped("signature", why, _SIGNATURE_SPEC)
    kid = catalogue.shown(header.get("kid", "no kid"))
    key = _passed("key", "a published key for the algorithm", kid, _KEY_SPEC)
    parts, expected = opened.parts, "a signature by the issuer's key"
    if any(jws.is_signed_by(each, header["alg"], parts.signature, parts.signing_input) for each in found):
        return key, _passed("signature", expected, f"a good {header['alg']} signature", _SIGNATURE_SPEC)
    invalid = Refused("signature-invalid", detail={"received": "a signature that does not match"})
    return key, _failed("signature", _SIGNATURE_SPEC, invalid, expected)


def _unopened(fault: Refused) -> Verdict:
    why = "the token cannot be read"
    names = [("algorithm", _ALGORITHM_SPEC), ("key", _KEY_SPEC), ("signature", _SIGNATURE_SPEC)]
    names += [(rule.name, rule.spec) for rule in catalogue.RULES]
    form = _failed("form", _FORM_SPEC, fault, "three parts of canonical base64url, JSON without duplicates")
    return Verdict((form, *(_skipped(name, why, spec) for name, spec in names)))


def check(token: str | bytes | RawToken, expectation: Expectation, keys: jwk.KeySet | None, now: int) -> Verdict:
    """Return the report on a token: every check in order, those after a failure too; never raises for a bad token.

    Checks that cannot run are `skipped` with the reason. `keys` is None where they could not be had, which fails.
    """
    try:
        opened = _open(_text(token))
    except Refused as refusal:
        return _unopened(refusal)
    form = _passed("form", "a compact token", "three parts, JSON without duplicates", _FORM_SPEC)
    algorithm = _algorithm(opened, expectation)
    if algorithm.outcome == "pass":
        key, signature = _signature(opened, keys)
    else:
        why = "the algorithm is not allowed"
        key, signature = _skipped("key", why, _KEY_SPEC), _skipped("signature", why, _SIGNATURE_SPEC)
    facts = Facts(opened.claims, opened.parts.header, expectation, now)
    checks = (form, algorithm, key, signature, *(_apply(rule, facts) for rule in catalogue.RULES))
    # The signature must have passed, not merely not failed: a check that was skipped believes nothing.
    sound = signature.outcome == "pass" and all(each.outcome != "fail" for each in checks)
    return Verdict(checks, claim_types.read(opened.claims) if sound else None)
