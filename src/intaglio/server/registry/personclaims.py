"""Claims of a person as an operator, an application or another provider tells them. OpenID Connect Core 5.1."""

from __future__ import annotations

import re
from typing import Any

from intaglio.server.registry import fields

TEXT_CLAIMS = frozenset(
    """name given_name family_name middle_name nickname preferred_username profile picture website email gender
    birthdate zoneinfo locale phone_number""".split()
)
FLAG_CLAIMS = frozenset({"email_verified", "phone_number_verified"})
ADDRESS_PARTS = frozenset({"formatted", "street_address", "locality", "region", "postal_code", "country"})
"""Parts of the claim `address` (Core 5.1.1)."""

# SECURITY: control characters are in no address (RFC 5322 3.4.1), and with U+0000 engines disagree about what is alike
# (test_an_address_has_no_control_characters).
_EMAIL = re.compile(r"[^\s\x00-\x1f\x7f-\x9f@]{1,64}@[^\s\x00-\x1f\x7f-\x9f@]{1,255}")
_BIRTHDATE = re.compile(r"\d{4}(?:-\d{2}-\d{2})?")


def check(name: str, value: Any) -> Any:
    """Return a claim of a person; raises `Misconfigured` (`claim-invalid`)."""
    if name in FLAG_CLAIMS:
        good, expected = isinstance(value, bool), "true or false"
    elif name == "address":
        good = isinstance(value, dict) and value.keys() <= ADDRESS_PARTS and all(map(_is_text, value.values()))
        expected = f"an object of texts with members of {', '.join(sorted(ADDRESS_PARTS))}"
    elif name in TEXT_CLAIMS:
        good, expected = _is_text(value), "text of 1 to 1000 characters"
    else:
        known = sorted(TEXT_CLAIMS | FLAG_CLAIMS | {"address"})
        raise fields.refuse("claim-invalid", "There is no such claim.", f"one of {', '.join(known)}", name)
    if name == "email" and good:
        good, expected = bool(_EMAIL.fullmatch(value)), "an e-mail address"
    # OpenID Connect Core 5.1: YYYY-MM-DD, YYYY for the year alone, year 0000 where it is withheld.
    if name == "birthdate" and good:
        good, expected = bool(_BIRTHDATE.fullmatch(value)), "YYYY-MM-DD or YYYY"
    if not good:
        raise fields.refuse("claim-invalid", f"The claim {name} cannot be used.", expected, type(value).__name__)
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 1000
