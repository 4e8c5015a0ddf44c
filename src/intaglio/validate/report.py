"""What came of validating a token: every check in order, both clocks, and the claims only if all checks held.

OpenID Connect Core 3.1.3.7 (ID token validation); the reasons are a closed set.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import msgspec

from intaglio import codec
from intaglio.errors import Refused
from intaglio.tokens.claims import IDToken

Reason = Literal[
    "missing", "malformed", "mismatch", "expired", "not-yet", "unknown-key", "forbidden-algorithm", "replayed"
]
Outcome = Literal["pass", "fail", "skipped"]

_REASONS: dict[str, Reason] = {
    "token-malformed": "malformed",
    "token-encrypted": "malformed",
    "token-json-serialized": "malformed",
    "token-saml": "malformed",
    "token-opaque": "malformed",
    "decryption-key-unknown": "unknown-key",
    "header-unsupported": "malformed",
    "forbidden-algorithm": "forbidden-algorithm",
    "key-unknown": "unknown-key",
    "keys-unavailable": "unknown-key",
    "token-expired": "expired",
    "auth-time-too-old": "expired",
    "token-not-yet-valid": "not-yet",
    "issued-in-the-future": "not-yet",
    "token-replayed": "replayed",
}
_MARKS = {"pass": "ok  ", "fail": "FAIL", "skipped": "-   "}


def reason(code: str) -> Reason:
    """Return the reason, one of the closed set, that a refusal's code belongs to."""
    if code in _REASONS:
        return _REASONS[code]
    suffix = code.rpartition("-")[2]
    return suffix if suffix in ("missing", "malformed") else "mismatch"  # type: ignore[return-value]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: `code` is empty unless it failed; `expected` and `received` are for operators, `hint` for anyone."""

    name: str
    outcome: Outcome
    code: str = ""
    expected: str = ""
    received: str = ""
    hint: str = ""
    spec: str = ""


class Clocks(msgspec.Struct, frozen=True):
    """Both clocks: ours, what the token says of the issuer's, and how far that one was ahead when it last answered.

    Epoch seconds; `skew` (seconds) comes from the Date of the issuer's answer with its keys, None if none was had.
    """

    yours: int
    issued_at: int | None = None
    skew: int | None = None

    def sentence(self) -> str:
        """Return in words how the two differ."""
        if self.skew:
            return f"yours is {abs(self.skew)} s {'behind' if self.skew > 0 else 'ahead of'} the issuer's"
        if self.skew is None and self.issued_at is not None and self.issued_at > self.yours:
            return f"yours is at least {self.issued_at - self.yours} s behind the issuer's"
        return "they agree" if self.skew == 0 else "nothing says that they differ"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able members."""
        return {**msgspec.structs.asdict(self), "sentence": self.sentence()}


class TokenRefused(Refused):
    """A token was not believed; `report` tells which checks failed and `reason` is one of the closed set."""

    def __init__(self, report: ValidationReport, failure: Check) -> None:
        super().__init__(
            failure.code,
            detail={"check": failure.name, "expected": failure.expected, "received": failure.received},
            hint=failure.hint,
        )
        self.report: ValidationReport = report
        self.reason: Reason = reason(failure.code)


class ValidationReport:
    """The checks in the order in which they ran; it has no truth value, ask `believed()`.

    `dialect` names the rules that were used, `kind` what the token looks like (`tokens.peek`).
    """

    __slots__ = ("_token", "checks", "clocks", "dialect", "kind")

    def __init__(
        self,
        checks: tuple[Check, ...],
        token: IDToken | None = None,
        *,
        clocks: Clocks | None = None,
        dialect: str = "standard",
        kind: str = "id-token",
    ) -> None:
        """Keep the checks, and the claims if every check held."""
        self.checks = checks
        self.clocks = clocks
        self.dialect = dialect
        self.kind = kind
        self._token = token

    def __bool__(self) -> NoReturn:
        raise TypeError("a report has no truth value; call believed()")

    def failures(self) -> tuple[Check, ...]:
        """Return the checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "fail")

    def only_failure(self) -> str | None:
        """Return the code of the failure if there is exactly one, else None."""
        failures = self.failures()
        return failures[0].code if len(failures) == 1 else None

    def believed(self) -> IDToken:
        """Return the claims; raises `TokenRefused` with the code of the first check that failed."""
        failures = self.failures()
        if failures:
            raise TokenRefused(self, failures[0])
        if self._token is None:
            # Fails closed: no failure and no claims can only be a fault of ours.
            raise TokenRefused(self, Check(name="internal", outcome="fail", code="internal"))
        return self._token

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able members: `believed`, `dialect`, `kind`, `clocks` and `checks`; no claims."""
        return {
            "believed": self._token is not None and not self.failures(),
            "dialect": self.dialect,
            "kind": self.kind,
            "clocks": None if self.clocks is None else self.clocks.to_dict(),
            "checks": [msgspec.structs.asdict(check) for check in self.checks],
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON text."""
        return codec.encode_json(self.to_dict()).decode()

    def to_text(self) -> str:
        """Return the report as lines for a person."""
        lines = [line for check in self.checks for line in _lines(check)]
        if self.clocks is not None:
            lines.append(f"clocks: {self.clocks.sentence()}")
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        return f"ValidationReport({len(self.checks)} checks, failed: {[check.code for check in self.failures()]})"


def _lines(check: Check) -> list[str]:
    if check.outcome == "skipped":
        return [f"{_MARKS['skipped']} {check.name}: {check.hint}"]
    lines = [f"{_MARKS[check.outcome]} {check.name}" + (f" [{check.code}]" if check.code else "")]
    if check.outcome == "fail":
        told = (("expected", check.expected), ("received", check.received), ("hint", check.hint), ("spec", check.spec))
        lines += [f"       {label}: {value}" for label, value in told if value]
    return lines
