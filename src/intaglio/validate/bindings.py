"""The judges that dialects need besides the standard's: they bind claims to the issuer, to the key and to each other.

They know no vendor: which claim it is and what it must look like is in a rule's settings.
"""

from __future__ import annotations

import re
from functools import lru_cache

from intaglio.errors import Refused
from intaglio.tokens import claims as claim_types
from intaglio.validate.facts import Facts, Settings

FORMS = {
    "guid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII),
    "text": re.compile(r"[ -~]{1,255}"),
    "origin": re.compile(r"(?:https?://)?[^/?#\s]+"),
    "origin with a slash": re.compile(r"https?://[^/?#\s]+/"),
    "address with a path": re.compile(r"https?://[^/?#\s]+(?:/[^/?#\s]+)+"),
}
"""What a claim may have to look like, as a whole."""
MAXIMUM_ISSUER = 2048
EMAIL = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,255}")
"""One @ in visible ASCII: what is before a second one has passed for an address (GHSA-c5c4-8r6x-56w3)."""


def claim_form(facts: Facts, settings: Settings) -> str | None:
    """Demand that a claim is a string of a form; codes begin with the setting `code`."""
    value = facts.claims.get(settings["claim"])
    if value is None and settings["claim"] not in facts.claims:
        return f"{settings['code']}-missing"
    fits = isinstance(value, str) and FORMS[settings["form"]].fullmatch(value)
    return None if fits else f"{settings['code']}-malformed"


def claim_by_issuer(facts: Facts, settings: Settings) -> str | None:
    """Demand that a claim has the value that belongs to the first ending the token's issuer has."""
    value, base, iss = facts.claims.get(settings["claim"]), settings["code"], facts.claims.get("iss")
    if value is None and settings["claim"] not in facts.claims:
        return f"{base}-missing"
    if not isinstance(value, str):
        return f"{base}-malformed"
    for ending, wanted in settings["endings"]:
        if isinstance(iss, str) and iss.endswith(ending):
            return None if value == wanted else f"{base}-mismatch"
    return f"{base}-mismatch"


def segments(facts: Facts) -> tuple[str, ...]:
    """Return the segments of the path of the token's issuer; none if there is no such path."""
    iss = facts.claims.get("iss")
    return _path(iss) if isinstance(iss, str) and len(iss) <= MAXIMUM_ISSUER else ()


@lru_cache(maxsize=64)
def _path(iss: str) -> tuple[str, ...]:
    _, found, rest = iss.partition("://")
    # An issuer has neither query nor fragment; one that has is not taken apart.
    if not found or "?" in rest or "#" in rest:
        return ()
    return tuple(each for each in rest.split("/")[1:] if each)


def segment(facts: Facts, settings: Settings) -> str | None:
    """Return the segment of the issuer's path that `from_start` or `from_end` counts to (from 1); None if too short."""
    path = segments(facts)
    place = settings["from_start"] - 1 if "from_start" in settings else len(path) - settings["from_end"]
    return path[place] if 0 <= place < len(path) else None


def claim_in_issuer(facts: Facts, settings: Settings) -> str | None:
    """Demand that a claim is the segment of the issuer's path that the settings count to, where the path has one.

    With the setting `formed` another rule says that the claim is there and what it must look like.
    """
    value, base = facts.claims.get(settings["claim"]), settings["code"]
    if not isinstance(value, str) or not value:
        if settings.get("formed"):
            return None
        return f"{base}-malformed" if settings["claim"] in facts.claims else f"{base}-missing"
    # With a host of its own for each tenant or workspace the path is shorter and says nothing about them.
    return None if segment(facts, settings) in (None, value) else f"{base}-mismatch"


def key_issuer(facts: Facts, settings: Settings) -> str | None:
    """Demand that the key's own issuer, with the tenant in its place, is the token's: it signs for its owner only."""
    key = facts.key
    if key is None or key.issuer is None:
        return None
    rules, tenant = facts.expectation.rules, facts.claims.get(facts.expectation.rules.tenant_claim)
    owner = key.issuer
    if rules.placeholder and isinstance(tenant, str) and tenant:
        owner = owner.replace(rules.placeholder, tenant)
    # Storm-0558: a key of one kind of tenant was accepted for all others.
    return None if owner == facts.claims.get("iss") else "key-issuer-mismatch"


def organization(facts: Facts, settings: Settings) -> str | None:
    """Demand the organization that is expected: its identifier, or its name in lower case."""
    wanted = facts.expectation.organization
    if wanted is None:
        return None
    by_id = wanted.startswith(settings["id_prefix"])
    claim = settings["id_claim" if by_id else "name_claim"]
    value = facts.claims.get(claim)
    if value is None and claim not in facts.claims:
        return "organization-missing"
    if not isinstance(value, str):
        return "organization-malformed"
    return None if value == (wanted if by_id else wanted.lower()) else "organization-mismatch"


def email(facts: Facts, settings: Settings) -> str | None:
    """Demand that an e-mail address is one, that its mark is a true boolean, and the address that is expected."""
    value, verified, wanted = facts.claims.get("email"), facts.claims.get("email_verified"), facts.expectation.emails
    if value is None and "email" not in facts.claims:
        return "email-missing" if wanted else None
    if not isinstance(value, str) or not EMAIL.fullmatch(value):
        return "email-malformed"
    # OpenID Connect Core 5.1: a boolean; "true" and 1 have passed for it.
    if not isinstance(verified, bool):
        return "email-malformed" if "email_verified" in facts.claims or wanted else None
    if wanted is None:
        return None
    if value not in wanted:
        return "email-mismatch"
    return None if verified else "email-unverified"


def lifetime(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token that lives longer than the setting `most` allows, in seconds from iat to exp."""
    try:
        issued_at, expires_at = claim_types.instant(facts.claims, "iat"), claim_types.instant(facts.claims, "exp")
    except Refused:
        return None  # the rules for these claims say so
    if issued_at is None or expires_at is None:
        return None
    return None if expires_at - issued_at <= settings["most"] else "lifetime-too-long"


def no_claims(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token with one of the claims that this dialect's ID tokens never have."""
    return settings["code"] if any(name in facts.claims for name in settings["claims"]) else None
