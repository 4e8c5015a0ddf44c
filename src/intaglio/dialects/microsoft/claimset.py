"""What the claims of both versions have in common: times, order, and that nothing is there which is empty.

Microsoft's page "ID tokens" (both samples) and "ID token claims reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intaglio.dialects.microsoft import optional
from intaglio.dialects.microsoft.optional import Wanted
from intaglio.protocol.facts import Facts

EARLY = 300
"""Seconds by which tokens say that they were issued earlier, for clocks that are slow."""


def times(facts: Facts, *order: str) -> dict[str, int]:
    """Return `iat`, `nbf` and `exp` in that order: a token lives its lifetime from now on."""
    # VENDOR: both instants are told five minutes early, so that exp is lifetime and five minutes after iat.
    early = facts.now - EARLY
    told = {"iat": early, "nbf": early, "exp": facts.now + facts.lifetime}
    return {name: told[name] for name in order}


def always(facts: Facts) -> dict[str, Any]:
    """Return what tokens of both versions hold where there is something to tell."""
    return {
        "sub": facts.subject,
        "tid": facts.tenant_id,
        "nonce": facts.nonce,
        # Only beside what comes through the browser: SDKs do not look for them elsewhere.
        "at_hash": facts.at_hash if facts.through_browser else "",
        "c_hash": facts.c_hash if facts.through_browser else "",
    }


def wanted(facts: Facts, names: Mapping[str, Wanted]) -> dict[str, Any]:
    """Return the optional claims of these names that have a value, and the directory's extensions."""
    found = {name: optional.value(facts, one) for name, one in names.items()}
    return {name: value for name, value in found.items() if value is not None} | optional.extensions(facts)


def ordered(facts: Facts, others: Mapping[str, Any]) -> dict[str, Any]:
    """Return all claims in the order of v1.0's sample: these five, then the alphabet's."""
    first = {"aud": facts.audience, "iss": facts.issuer, **times(facts, "iat", "nbf", "exp")}
    return present(first | dict(sorted(others.items())))


def present(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that have a value: 0 and false are values, an empty text or list is none."""
    found = {name: value for name, value in claims.items() if value not in (None, "", [])}
    if "email" not in found:
        # Whose domain it is says nothing without the address.
        found.pop("xms_edov", None)
    return found
