"""Definitions of token lifetime policies: JSON text with a time span, from ten minutes to a day.

Microsoft's pages "Configurable token lifetimes" and "tokenLifetimePolicy resource type".
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from intaglio import codec
from intaglio.errors import Misconfigured

SHORTEST, LONGEST = 600, 86_400
"""Seconds that a policy may give a token."""
KIND = "TokenLifetimePolicy"
LIFETIME = "AccessTokenLifetime"
"""It governs ID tokens as well, whatever its name says."""
RETIRED = frozenset(
    "MaxInactiveTime MaxAgeSingleFactor MaxAgeMultiFactor MaxAgeSessionSingleFactor MaxAgeSessionMultiFactor".split()
)
"""Properties that are accepted and say nothing any more."""
EXAMPLE = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"}}'
_SPAN = re.compile(r"(?:([0-9]{1,3})\.)?([0-9]{1,4}):([0-9]{1,5}):([0-9]{1,6})")


def read(definition: str) -> int:
    """Return the seconds of a definition; raises `Misconfigured` (`policy-invalid`)."""
    try:
        members = codec.decode_json_object(definition.encode("utf-8", "surrogatepass"))
    except codec.CodecError as exc:
        raise _fault("a JSON object", str(exc)) from exc
    policy = members.get(KIND)
    if set(members) != {KIND} or not isinstance(policy, dict):
        _refuse(f"one member, {KIND}", ", ".join(members)[:200])
    _check_members(policy)
    return span(policy[LIFETIME])


def _check_members(policy: dict[str, Any]) -> None:
    if type(policy.get("Version")) is not int or policy["Version"] != 1:
        _refuse("Version 1", str(policy.get("Version"))[:80])
    unknown = set(policy) - {"Version", LIFETIME} - RETIRED
    if unknown:
        _refuse(f"Version, {LIFETIME} or a retired property", ", ".join(sorted(unknown))[:200])
    if not isinstance(policy.get(LIFETIME), str):
        _refuse(f"{LIFETIME} as text", "none" if LIFETIME not in policy else "another type")


def span(text: str) -> int:
    """Return the seconds of a time span, `D.HH:MM:SS`; raises `Misconfigured` (`policy-invalid`).

    The days may be left out, and there may be more minutes than an hour has.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        _refuse("a time span such as 8:00:00 or 1.00:00:00", text[:80])
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = days * 86_400 + hours * 3600 + minutes * 60 + seconds
    if not SHORTEST <= total <= LONGEST:
        _refuse("from 0:10:00 to 1.00:00:00", text[:80])
    return total


def ignored(definition: str) -> tuple[str, ...]:
    """Return the properties of a definition that was read before which say nothing any more."""
    policy = codec.decode_json_object(definition.encode())[KIND]
    return tuple(sorted(RETIRED & set(policy)))


def _refuse(expected: str, received: str) -> NoReturn:
    raise _fault(expected, received)


def _fault(expected: str, received: str) -> Misconfigured:
    return Misconfigured(
        "policy-invalid",
        "The definition of the lifetime policy cannot be used.",
        detail={"expected": expected, "received": received},
        hint=f"A definition looks like this: {EXAMPLE}",
    )
