"""The report, step by step: form, encryption, algorithm, key, signature, then the rules of the dialect.

RFC 7515 section 5.2, RFC 7516 section 5.2, RFC 7519 sections 5.2 and 7.2, OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, encryptionkeys, jwe, jwk, jws, peek
from intaglio.tokens import claims as claim_types
from intaglio.validate import catalogue, words
from intaglio.validate.facts import Facts
from intaglio.validate.policy import SECRET_ALGORITHM, Expectation, Occasion
from intaglio.validate.report import Check, Clocks, Outcome, ValidationReport
from intaglio.validate.ruleset import Rule

SPECS = {
    "form": "RFC 7515 section 7.1",
    "encryption": "RFC 7516 section 5.2",
    "algorithm": "RFC 8725 section 3.1",
    "key": "RFC 7515 section 4.1.4",
    "signature": "RFC 7515 section 5.2",
}
"""The steps before the rules, in order, and their citations."""
SENTENCES = {
    "form": "three parts of canonical base64url, JSON without duplicates",
    "read": "three parts, JSON without duplicates",
    "opened": "five parts, and in them three, JSON without duplicates",
    "unread": "the token cannot be read",
    "plain": "the token is not encrypted, which it need not be",
    "encrypted": "a token encrypted to our key",
    "not encrypted": "a token that is only signed",
    "key": "a published key for the algorithm",
    "secret key": "the client's secret",
    "no kid": "no kid",
    "signature": "a signature by the issuer's key",
    "secret signature": "a code made with the client's secret",
    "signed": "a good {alg} signature",
    "unsigned": "a signature that does not match",
    "keyless": "no key to check it with",
    "not allowed": "the algorithm is not allowed",
    # Said by the inspector page alone, which runs these steps in a browser.
    "uncheckable here": "this browser cannot check {alg} signatures",
    "unopenable here": "this browser cannot decrypt {alg}",
    "content": "cty is not JWT: an encrypted ID token holds a signed one",
    "jwe": "an encrypted token (JWE)",
    "json-serialization": "a token in JSON serialization",
    "saml": "a SAML message",
    "opaque": "a text that is no token in compact form",
}
"""What the steps say."""
MAXIMUM_HEADER = 16 * 1024
KIND_CODES = {
    "jwe": "token-encrypted",
    "json-serialization": "token-json-serialized",
    "saml": "token-saml",
    "opaque": "token-opaque",
}


class _Opened(msgspec.Struct, frozen=True):
    parts: jws.Segments
    claims: dict[str, Any]
    encryption: Check


def looks_encrypted(text: str | bytes) -> bool:
    """Return whether a text has five parts and a header that names an encryption (RFC 7516 section 9)."""
    # The bound comes before any work on the text.
    if len(text) > jwe.MAXIMUM_OCTETS or _dots(text) != 4:
        return False
    header = _first_part(text)
    return header is not None and "enc" in header


def _dots(text: str | bytes) -> int:
    return text.count(".") if isinstance(text, str) else text.count(b".")


def _first_part(text: str | bytes) -> dict[str, Any] | None:
    raw = text[:MAXIMUM_HEADER].encode("utf-8", "surrogatepass") if isinstance(text, str) else text[:MAXIMUM_HEADER]
    try:
        return codec.decode_json_object(codec.decode_base64url(raw.partition(b".")[0]))
    except codec.CodecError:
        return None


def decryption(expectation: Expectation) -> encryptionkeys.DecryptionKeys:
    """Return the keys to open tokens with; raises `Refused` with code `token-encrypted` if there are none."""
    if expectation.decryption is None:
        raise Refused("token-encrypted", detail={"received": SENTENCES["jwe"]})
    return expectation.decryption


def refuse_other_content(header: dict[str, Any]) -> None:
    """Raise `Refused` with code `header-unsupported` unless an encrypted token says that it holds a token."""
    cty = header.get("cty")
    # RFC 7519 5.2: must be there for a nested token; a JWE alone proves nothing about who wrote it.
    if not isinstance(cty, str) or cty.upper() != "JWT":
        raise Refused("header-unsupported", detail={"rule": SENTENCES["content"]})


def _told(value: object) -> str:
    return words.shown(", ".join(map(str, value)) if isinstance(value, list) else value)


def _failed(name: str, refusal: Refused, expected: str = "") -> Check:
    told = refusal.detail
    received = told.get("received", told.get("rule", ""))
    return Check(
        name=name,
        outcome="fail",
        code=refusal.code,
        expected=_told(told["expected"]) if told.get("expected") else expected,
        received=SENTENCES["no kid"] if received is None else words.shown(received),
        hint=refusal.hint or catalogue.HINTS.get(refusal.code, ""),
        spec=SPECS[name],
    )


def _skipped(name: str, why: str) -> Check:
    return Check(name=name, outcome="skipped", hint=SENTENCES[why], spec=SPECS[name])


def _passed(name: str, expected: str, received: str) -> Check:
    return Check(name=name, outcome="pass", expected=expected, received=received, spec=SPECS[name])


def _judged(rule: Rule, facts: Facts) -> Check:
    code = catalogue.JUDGES[rule.judge](facts, rule.settings)
    if code is None:
        for condition, sentence in rule.idle:
            if words.holds(condition, facts, rule):
                return Check(name=rule.name, outcome="skipped", hint=sentence, spec=rule.spec)
    outcome: Outcome = "pass" if code is None else "fail"
    return Check(
        name=rule.name,
        outcome=outcome,
        code=code or "",
        expected=words.render(rule.expected, facts, rule),
        received=words.render(rule.received, facts, rule),
        hint=catalogue.HINTS.get(code or "", ""),
        spec=rule.spec,
    )


def _algorithm(opened: _Opened, expectation: Expectation) -> Check:
    try:
        alg = jws.allow(opened.parts.header, expectation.allowed_algorithms, algorithms.EVERY)
    except Refused as refusal:
        return _failed("algorithm", refusal)
    return _passed("algorithm", ", ".join(expectation.algorithms), alg)


def _keyed(opened: _Opened, expectation: Expectation) -> tuple[Check, Check, None]:
    parts, told = opened.parts, SENTENCES["secret key"]
    key, expected = _passed("key", told, told), SENTENCES["secret signature"]
    if expectation.secret is not None and jws.is_keyed_by(expectation.secret, parts.signature, parts.signing_input):
        return key, _passed("signature", expected, SENTENCES["signed"].replace("{alg}", SECRET_ALGORITHM)), None
    invalid = Refused("signature-invalid", detail={"received": SENTENCES["unsigned"]})
    return key, _failed("signature", invalid, expected), None


def _signature(
    opened: _Opened, expectation: Expectation, keys: jwk.KeySet | None, why: str
) -> tuple[Check, Check, jwk.VerificationKey | None]:
    header, parts = opened.parts.header, opened.parts
    if header["alg"] == SECRET_ALGORITHM:
        return _keyed(opened, expectation)
    if keys is None:
        unavailable = Refused("keys-unavailable", detail={"received": why})
        return _failed("key", unavailable, SENTENCES["key"]), _skipped("signature", "keyless"), None
    try:
        found = jws.candidates(header, keys)
    except Refused as refusal:
        return _failed("key", refusal, SENTENCES["key"]), _skipped("signature", "keyless"), None
    kid = words.shown(header.get("kid", SENTENCES["no kid"]))
    key, expected = _passed("key", SENTENCES["key"], kid), SENTENCES["signature"]
    for each in found:
        if jws.is_signed_by(each, header["alg"], parts.signature, parts.signing_input):
            return key, _passed("signature", expected, SENTENCES["signed"].replace("{alg}", header["alg"])), each
    invalid = Refused("signature-invalid", detail={"received": SENTENCES["unsigned"]})
    return key, _failed("signature", invalid, expected), None


def _opened(text: str | bytes, encryption: Check) -> _Opened:
    parts = jws.read(text)
    try:
        return _Opened(parts, codec.decode_json_object(parts.payload), encryption)
    except codec.CodecError as fault:
        raise Refused("token-malformed", detail={"part": "payload", "rule": str(fault)}) from None  # rule says it all


def _open(text: str | bytes, expectation: Expectation) -> _Opened:
    """Return the token's parts; raises `Refused`, whose detail names the step if it is not the form."""
    if not looks_encrypted(text):
        refusal = Refused("token-not-encrypted", detail={"received": SENTENCES["not encrypted"]})
        required = _failed("encryption", refusal, SENTENCES["encrypted"])
        return _opened(text, required if expectation.require_encrypted else _skipped("encryption", "plain"))
    keys = decryption(expectation)
    try:
        inner = jwe.decrypt(text, keys)
        refuse_other_content(inner.header)
    except Refused as refusal:
        step = "form" if refusal.code == "token-malformed" else "encryption"
        raise Refused(refusal.code, detail={**refusal.detail, "step": step}, hint=refusal.hint) from None  # the same
    passed = _passed("encryption", SENTENCES["encrypted"], f"{inner.alg}, {inner.enc}")
    return _opened(inner.plaintext, passed)


def _look(text: str | bytes) -> tuple[str, Refused | None]:
    """Return what kind of text it is, and the refusal that says so if it is no token at all."""
    encrypted = looks_encrypted(text)
    if len(text) > jws.MAXIMUM_OCTETS and not encrypted:
        return "opaque", None
    kind = peek.peek(text if isinstance(text, str) else text.decode("utf-8", "replace")).kind
    if kind == "jwe" and not encrypted:
        kind = "opaque"
    # What is empty, or has parts or the header of a token and then goes wrong, is a bad token.
    if kind == "opaque" and (not text.strip() or _dots(text) > 1 or _first_part(text) is not None):
        return kind, None
    code = KIND_CODES.get(kind)
    return kind, None if code is None else Refused(code, detail={"received": SENTENCES[kind]})


def _unopened(
    fault: Refused, text: str | bytes, expectation: Expectation, now: int, skew: int | None
) -> ValidationReport:
    step = str(fault.detail.get("step", "form"))
    kind, other = _look(text)
    if step == "form" and fault.code == "token-malformed" and other is not None and kind != "jwe":
        fault = other
    checks = []
    for name in SPECS:
        if name == step:
            checks.append(_failed(name, fault, SENTENCES["encrypted" if step == "encryption" else "form"]))
        elif name == "form":
            checks.append(_passed(name, SENTENCES["form"], SENTENCES["jwe"]))
        else:
            checks.append(_skipped(name, "unread"))
    rules = [
        Check(name=rule.name, outcome="skipped", hint=SENTENCES["unread"], spec=rule.spec)
        for rule in expectation.rules.rules
    ]
    clocks = Clocks(now, skew=skew)
    return ValidationReport((*checks, *rules), clocks=clocks, dialect=expectation.rules.name, kind=kind)


def _issued_at(claims: dict[str, Any]) -> int | None:
    try:
        return claim_types.instant(claims, "iat")
    except Refused:
        return None


def check(
    text: str | bytes,
    expectation: Expectation,
    keys: jwk.KeySet | None,
    now: int,
    occasion: Occasion,
    *,
    skew: int | None = None,
    why: str = "no keys",
) -> ValidationReport:
    """Return the report that `validator.check` promises."""
    try:
        opened = _open(text, expectation)
    except Refused as refusal:
        return _unopened(refusal, text, expectation, now, skew)
    form = _passed("form", SENTENCES["form"], SENTENCES["opened" if looks_encrypted(text) else "read"])
    algorithm = _algorithm(opened, expectation)
    if algorithm.outcome == "pass":
        key, signature, signer = _signature(opened, expectation, keys, why)
    else:
        key, signature, signer = _skipped("key", "not allowed"), _skipped("signature", "not allowed"), None
    facts = Facts(opened.claims, opened.parts.header, expectation, occasion, now, signer)
    judged = tuple(_judged(rule, facts) for rule in expectation.rules.rules)
    checks = (form, opened.encryption, algorithm, key, signature, *judged)
    # The signature must have passed, not merely not failed: a check that was skipped believes nothing.
    sound = signature.outcome == "pass" and all(each.outcome != "fail" for each in checks)
    return ValidationReport(
        checks,
        claim_types.read(opened.claims) if sound else None,
        clocks=Clocks(now, _issued_at(opened.claims), skew),
        dialect=expectation.rules.name,
        kind=peek.kind(opened.parts.header, opened.claims),
    )
