"""Whether a refreshed ID token continues the one before it. OpenID Connect Core 12.2."""

from __future__ import annotations

from intaglio.errors import Refused
from intaglio.tokens.claims import IDToken
from intaglio.validate.report import Check, ValidationReport

_SPEC = "OpenID Connect Core 1.0 section 12.2"


def _check(name: str, code: str, expected: object, received: object, *, holds: bool) -> Check:
    return Check(
        name=name,
        outcome="pass" if holds else "fail",
        code="" if holds else code,
        expected=str(expected),
        received=str(received),
        hint="" if holds else "The token is of another sign-in; sign in again.",
        spec=_SPEC,
    )


def _compared(before: IDToken, after: IDToken) -> tuple[Check, ...]:
    same_time = after.auth_time is None or before.auth_time is None or after.auth_time == before.auth_time
    return (
        _check("same issuer", "refresh-issuer-mismatch", before.iss, after.iss, holds=after.iss == before.iss),
        _check("same subject", "refresh-subject-mismatch", before.sub, after.sub, holds=after.sub == before.sub),
        _check(
            "same audience",
            "refresh-audience-mismatch",
            ", ".join(before.aud),
            ", ".join(after.aud),
            holds=set(before.aud) <= set(after.aud),
        ),
        _check("same sign-in", "refresh-auth-time-mismatch", before.auth_time, after.auth_time, holds=same_time),
        _check("same party", "refresh-azp-mismatch", before.azp, after.azp, holds=after.azp == before.azp),
        # The nonce should be absent; one that is there must be the original.
        _check("nonce", "refresh-nonce-mismatch", "none", "another", holds=after.nonce in (None, before.nonce)),
    )


def continued(previous: IDToken, report: ValidationReport) -> ValidationReport:
    """Return the report on a refreshed token with the comparison to the previous one added."""
    try:
        token = report.believed()
    except Refused:
        return report
    checks = _compared(previous, token)
    return ValidationReport(
        (*report.checks, *checks), token, clocks=report.clocks, dialect=report.dialect, kind=report.kind
    )
