"""Claims that an operator's rules add to tokens: which names they may have, and how they get into a token.

OpenID Connect Core 2 and 5.1 (claims), 5.4 (scopes), RFC 7519 section 4.3 (private claims), RFC 8725 section 3.12
(what tells kinds of tokens apart must not be forged).
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Collection, Mapping
from typing import Any

from intaglio.protocol.scopes import ISSUERS_OWN, SCOPE_OF

PROTOCOL = ISSUERS_OWN | frozenset(
    "act may_act client_id scope authorization_details active typ token_type cty alg enc zip crit kid jku jwk x5u x5c"
    " x5t x5t#S256 htm htu ath toe txn vot vtm entity_id trust_chain".split()
)
"""What the protocols and the issuer itself say: no rule sets these, in any dialect."""


CONFIRMED = {"email": "email_verified", "phone_number": "phone_number_verified"}
"""Claims that say of another one that somebody confirmed it."""


@functools.lru_cache(maxsize=4096)
def is_reserved(name: str, reserved: frozenset[str]) -> bool:
    """Tell whether a dialect keeps a name for itself; `*` in the dialect's list stands for any text."""
    return name in reserved or any("*" in one and fnmatch.fnmatchcase(name, one) for one in reserved)


def withheld(name: str, scope: Collection[str], requested: Collection[str], reserved: frozenset[str]) -> str:
    """Return why a claim of this name is not added, empty if it is.

    A standard claim about the person takes its scope, or the request that names it (OpenID Connect Core 5.4 and 5.5).
    """
    if name in PROTOCOL:
        return "it belongs to the protocol"
    if is_reserved(name, reserved):
        return "the dialect keeps this name for itself"
    needed = SCOPE_OF.get(name, "")
    if needed and needed not in scope and name not in requested:
        return f"it takes the scope {needed}"
    return ""


def merged(claims: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
    """Return a token's claims with those that rules made.

    What the dialect itself said stays, but for standard claims about the person. An address that a rule made is not
    confirmed, unless a rule says that as well.
    """
    # SECURITY: whatever was let through before, a rule does not replace what the issuer says
    # (test_no_rule_replaces_what_the_dialect_says).
    found = dict(claims)
    found.update(
        (name, value)
        for name, value in custom.items()
        if name not in PROTOCOL and (name not in found or name in SCOPE_OF)
    )
    # SECURITY: who confirmed an address did not confirm the one that a rule put in its place
    # (test_a_rules_address_is_not_the_confirmed_one).
    for address, confirmed in CONFIRMED.items():
        if confirmed in claims and confirmed not in custom and found.get(address) != claims.get(address):
            found[confirmed] = False
    return found
