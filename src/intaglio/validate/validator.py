"""The front door: a text and what is expected of it, keys and the time; a token to believe, or a refusal.

OpenID Connect Core 3.1.3.7, RFC 7519 sections 5.2 and 7.2, RFC 8725.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens import algorithms, jwe, jwk, jws
from intaglio.tokens import claims as claim_types
from intaglio.tokens.claims import IDToken
from intaglio.tokens.raw import RawToken
from intaglio.validate import catalogue, steps, usual
from intaglio.validate.facts import Facts, Judge, Settings
from intaglio.validate.policy import NO_OCCASION, SECRET_ALGORITHM, Expectation, Occasion
from intaglio.validate.report import Check, TokenRefused, ValidationReport

_KEYLESS: tuple[jwk.VerificationKey | None, ...] = (None,)
_Judges: TypeAlias = tuple[tuple[Judge, Settings], ...]
_Compiled: TypeAlias = tuple[usual.Plan, _Judges, _Judges]


def _compiled(expectation: Expectation) -> _Compiled:
    """Return the shortcut's plan, the judges of every rule, and those of the rules that the shortcut leaves out."""
    kept: _Compiled | None = expectation.__dict__.get("compiled")
    if kept is None:
        rules = expectation.rules.rules
        every = tuple((catalogue.JUDGES[rule.judge], rule.settings) for rule in rules)
        beyond = tuple(pair for pair, rule in zip(every, rules, strict=True) if rule not in usual.COVERED)
        kept = expectation.__dict__["compiled"] = (usual.plan(expectation), every, beyond)
    return kept


def _believed(facts: Facts) -> IDToken | None:
    """Return the claims if every rule holds, else None."""
    plan, every, beyond = _compiled(facts.expectation)
    token = claim_types.usual(facts.claims)
    shortcut = token is not None and usual.holds(token, facts, plan)
    for judge, settings in beyond if shortcut else every:
        if judge(facts, settings) is not None:
            return None
    return token or claim_types.read(facts.claims)


def validate(
    token: str | bytes | RawToken,
    expectation: Expectation,
    keys: jwk.KeySet,
    now: int,
    occasion: Occasion = NO_OCCASION,
) -> IDToken:
    """Return the claims of a token that every check believes; `now` is in epoch seconds.

    Raises `TokenRefused` with the code of the first check that failed and the whole report in `.report`.
    """
    text = token.reveal() if isinstance(token, RawToken) else token
    try:
        signed = text if expectation.decryption is None else _decrypted(text, expectation)
        header, payload, signature, message = jws.take_apart(signed)
        alg = jws.allow(header, expectation.allowed_algorithms, algorithms.EVERY)
        claims = codec.decode_json_object(payload)
        # The rules come first: what they refuse need cost no signature check, and what they believe is given to
        # nobody before the signature was found good.
        for key in jws.candidates(header, keys) if alg != SECRET_ALGORITHM else _KEYLESS:
            believed = _believed(Facts(claims, header, expectation, occasion, now, key))
            if believed is not None and (
                _is_keyed(expectation, signature, message)
                if key is None
                else jws.is_signed_by(key, alg, signature, message)
            ):
                return believed
    except (Refused, codec.CodecError):
        pass  # the report below finds the same fault again and says it in full
    report = steps.check(text, expectation, keys, now, occasion)
    report.believed()
    # Fails closed: the fast path refused what the report believes, which can only be a fault of ours.
    raise TokenRefused(report, Check(name="internal", outcome="fail", code="internal"))


def _is_keyed(expectation: Expectation, signature: bytes, message: bytes) -> bool:
    return expectation.secret is not None and jws.is_keyed_by(expectation.secret, signature, message)


def _decrypted(text: str | bytes, expectation: Expectation) -> Any:
    if not steps.looks_encrypted(text):
        if expectation.require_encrypted:
            raise Refused("token-not-encrypted")
        return text
    opened = jwe.decrypt(text, steps.decryption(expectation))
    steps.refuse_other_content(opened.header)
    return opened.plaintext


def check(
    token: str | bytes | RawToken,
    expectation: Expectation,
    keys: jwk.KeySet | None,
    now: int,
    occasion: Occasion = NO_OCCASION,
    *,
    skew: int | None = None,
    why: str = "no keys",
) -> ValidationReport:
    """Return the report on a token: every check in order, those after a failure too; never raises for a bad token.

    Checks that cannot run are `skipped` with the reason. `keys` is None where they could not be had, which fails, and
    `why` is what the report then says was received. `skew` is how many seconds the issuer's clock was ahead of ours
    when it last answered, if that is known.
    """
    text = token.reveal() if isinstance(token, RawToken) else token
    return steps.check(text, expectation, keys, now, occasion, skew=skew, why=why)
