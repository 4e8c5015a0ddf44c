"""What is not as it should be: failures, and warnings where a provider may be so and should not; both count."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["failure", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """What is not as it should be: a stable code, and what was seen."""

    severity: Severity
    code: str
    seen: str = ""

    def __str__(self) -> str:
        return f"{self.severity} {self.code}" + (f" ({self.seen})" if self.seen else "")


def fail(code: str, seen: object = "") -> Finding:
    """Return a failure."""
    return Finding("failure", code, str(seen)[:300])


def warn(code: str, seen: object = "") -> Finding:
    """Return a warning."""
    return Finding("warning", code, str(seen)[:300])
