"""What must be true of claims about a person (OpenID Connect Core 5.1 and 5.4)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.conformance.op.checks.findings import Finding, fail, warn

SCOPES: dict[str, tuple[str, ...]] = {
    "profile": (
        "name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate"
        " zoneinfo locale updated_at"
    ).split(),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
OWN_CLAIMS = frozenset("iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash nbf jti sid s_hash txn".split())
BOOLEAN_CLAIMS = frozenset({"email_verified", "phone_number_verified"})
STRING_CLAIMS = frozenset(
    "name family_name given_name middle_name nickname preferred_username profile picture website gender zoneinfo locale"
    " email phone_number".split()
)
_BIRTHDATE = re.compile(r"(\d{4})(?:-(\d{2})-(\d{2}))?")


def is_number(value: Any) -> bool:
    """Tell whether a claim is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def unrequested(claims: Mapping[str, Any], scope: Iterable[str], *, access_token: bool) -> list[Finding]:
    """Check that an ID token says nothing that nobody asked for (Core 5.4)."""
    allowed = set(OWN_CLAIMS)
    for word in scope if not access_token else ():
        allowed |= set(SCOPES.get(word, ()))
    return [warn("claim-unrequested", name) for name in claims if name not in allowed]


def standard_claims(claims: Mapping[str, Any]) -> list[Finding]:
    """Check the types of the standard claims that are there (Core 5.1)."""
    found = []
    for name, value in claims.items():
        if value is None:
            found.append(fail("claim-null", name))
        elif not _TYPED.get(name, _anything)(value):
            found.append(fail("claim-type", name))
    return found


def _anything(value: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value != "null"


def _is_birthdate(value: Any) -> bool:
    match = _BIRTHDATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    year, month, day = match.groups()
    if year != "0000" and not 1850 <= int(year) <= dt.datetime.now(dt.UTC).year:
        return False
    try:
        dt.date(2000 if year == "0000" else int(year), int(month or 1), int(day or 1))
    except ValueError:
        return False
    return True


def _is_address(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(one, str) and one for one in value.values())


_TYPED: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(STRING_CLAIMS, _is_text),
    **dict.fromkeys(BOOLEAN_CLAIMS, lambda value: isinstance(value, bool)),
    "updated_at": is_number,
    "birthdate": _is_birthdate,
    "address": _is_address,
}
