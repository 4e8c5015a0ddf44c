"""What is taken over of what another provider tells of a person.

OpenID Connect Core 5.1 (claims), 5.7 (claims that tell people apart); CEL language definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from intaglio.errors import Misconfigured
from intaglio.server.access import expressions
from intaglio.server.access.expressions import ExpressionFailed
from intaglio.server.registry import fields, personclaims

CLAIMS = "claims"
"""Where expressions find what the provider tells."""
EXPRESSION_LIMIT = 2048
ADDRESSES = frozenset({"picture", "profile", "website"})
# SECURITY: Core 5.7: a name that other people have here is taken over only where an operator says so, and a confirmed
# number as well (test_only_harmless_claims_are_taken_over).
USUAL = (personclaims.TEXT_CLAIMS | {"email_verified", "address"}) - {"preferred_username"}
KNOWN = personclaims.TEXT_CLAIMS | personclaims.FLAG_CLAIMS | {"address"}

_MEMBER = re.compile(r"claims\.([A-Za-z_][A-Za-z0-9_]*)")


def check(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return a mapping of claims here to expressions; raises `Misconfigured` (`claim-invalid`, `expression-invalid`).

    An expression sees `claims`: those of the ID token, and of UserInfo where it was asked.
    """
    for name, text in mapping.items():
        if name not in KNOWN:
            raise fields.refuse("claim-invalid", "There is no such claim.", f"one of {', '.join(sorted(KNOWN))}", name)
        try:
            _compiled(text)
        except Misconfigured as fault:
            fault.detail["mapping"] = name
            raise
    return dict(mapping)


def _compiled(text: str) -> expressions.Expression:
    return expressions.compile(text, limit=EXPRESSION_LIMIT, variables=frozenset({CLAIMS}))


def of(mapping: Mapping[str, str], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of a person here; what is no claim of its kind, or cannot be made, is left out."""
    found = {name: _value(text, told) for name, text in mapping.items()} if mapping else {n: told.get(n) for n in USUAL}
    return {name: value for name, value in sorted(found.items()) if value is not None and _suits(name, value)}


def _value(text: str, told: Mapping[str, Any]) -> Any:
    plain = _MEMBER.fullmatch(text)
    if plain is not None:
        # Most mappings name one claim: that needs no interpreter.
        return told.get(plain[1])
    try:
        return _compiled(text).evaluate({CLAIMS: told})
    except ExpressionFailed:
        return None


def _suits(name: str, value: Any) -> bool:
    if isinstance(value, str) and not value.isprintable():
        return False
    # SECURITY: an application shows or opens these; another scheme than these two would be its undoing.
    if name in ADDRESSES and not str(value).startswith(("https://", "http://")):
        return False
    try:
        personclaims.check(name, value)
    except Misconfigured:
        return False
    return True
