"""The judges of the standard's rules: each looks at one thing and returns the code of what is wrong, or None.

OpenID Connect Core 3.1.3.7 (order and content), RFC 7519 section 4.1, RFC 8725 section 3 (types, issuer, audience).
"""

from __future__ import annotations

from intaglio.errors import Refused
from intaglio.tokens import claims as claim_types
from intaglio.tokens import hashes, peek
from intaglio.validate.facts import Facts, Settings

ALLOWED_TYPES = frozenset({"jwt", "id_token+jwt"})


def token_type(facts: Facts, settings: Settings) -> str | None:
    """Refuse tokens of another kind: access tokens, logout tokens, security events, proofs."""
    typ = facts.header.get("typ", "JWT")
    if typ != "JWT":
        if not isinstance(typ, str):
            return "token-type-malformed"
        # RFC 8725 3.11, 3.12; RFC 7515 4.1.9: "application/" may be left out and case does not count.
        if typ.lower().removeprefix("application/") not in ALLOWED_TYPES:
            return "token-type-mismatch"
    # OpenID Connect Back-Channel Logout 2.4: no ID token has this event.
    events = facts.claims.get("events", {})
    if not isinstance(events, dict) or peek.LOGOUT_EVENT in events:
        return "token-type-mismatch"
    return None


def issuer(facts: Facts, settings: Settings) -> str | None:
    """Refuse an issuer that is not, octet for octet, an expected one."""
    value = facts.claims.get("iss")
    if value.__class__ is not str:
        return "issuer-malformed" if "iss" in facts.claims else "issuer-missing"
    # OpenID Connect Core 3.1.3.7 step 2: exactly; no prefix, no case folding, no trailing slash.
    if value in facts.expectation.issuers or is_of_tenant(value, facts):
        return None
    return "issuer-mismatch"


def is_of_tenant(issuer: str, facts: Facts) -> bool:
    """Return whether an issuer is one of the templates with the token's own tenant in its place."""
    expectation = facts.expectation
    if not expectation.templates:
        return False
    # The issuer's tenant must be the token's (CVE-2025-55241); what it has to look like, another rule says.
    tenant, place = facts.claims.get(expectation.rules.tenant_claim), expectation.rules.placeholder
    if not isinstance(tenant, str) or not tenant:
        return False
    return any(issuer == template.replace(place, tenant) for template in expectation.templates)


def _shape(name: str, refusal: Refused) -> str:
    return f"{name}-missing" if refusal.code == "claim-missing" else f"{name}-malformed"


def subject(facts: Facts, settings: Settings) -> str | None:
    """Refuse a subject that is missing, empty, over 255 characters, or not visible ASCII."""
    try:
        claim_types.subject(facts.claims)
    except Refused as refusal:
        return _shape("subject", refusal)
    return None


def audience(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token that does not name us, and one that names somebody whom we do not trust."""
    try:
        named = claim_types.audiences(facts.claims)
    except Refused as refusal:
        return _shape("audience", refusal)
    expectation = facts.expectation
    if expectation.any_audience:
        return None
    # OpenID Connect Core 3.1.3.7 step 3: we must be in it …
    if expectation.audiences.isdisjoint(named):
        return "audience-mismatch"
    # … and it must hold no audience that is not trusted: that one could replay the token to us.
    return None if expectation.trusted_audiences.issuperset(named) else "audience-foreign"


def azp(facts: Facts, settings: Settings) -> str | None:
    """Demand a trusted authorized party beside several audiences, and the one that is expected where one is.

    With the setting `required` the claim must be there; with `own` a party beside several audiences must be us.
    """
    claims, expectation = facts.claims, facts.expectation
    value, several = claims.get("azp"), isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if value is None and "azp" not in claims:
        # OpenID Connect Core 3.1.3.7 step 4.
        return "azp-missing" if several or settings.get("required") else None
    if not isinstance(value, str) or not value:
        return "azp-malformed"
    if expectation.authorized_parties is not None:
        # OpenID Connect Core 3.1.3.7 step 5.
        return None if value in expectation.authorized_parties else "azp-mismatch"
    if not several or expectation.any_audience:
        return None
    trusted = expectation.audiences if settings.get("own") else expectation.trusted_audiences
    return None if value in trusted else "azp-mismatch"


def expiry(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token whose last instant, with the leeway, has come."""
    try:
        expires_at = claim_types.instant(facts.claims, "exp")
    except Refused:
        return "expiry-malformed"
    if expires_at is None:
        return "expiry-missing"
    # RFC 7519 4.1.4: the current time must be before it.
    return None if facts.now < expires_at + facts.expectation.leeway else "token-expired"


def not_before(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token before its first instant, less the leeway."""
    try:
        begins_at = claim_types.instant(facts.claims, "nbf")
    except Refused:
        return "not-before-malformed"
    # RFC 7519 4.1.5.
    return None if begins_at is None or facts.now + facts.expectation.leeway >= begins_at else "token-not-yet-valid"


def issued_at(facts: Facts, settings: Settings) -> str | None:
    """Refuse a token that says it was issued later than now plus the leeway."""
    try:
        at = claim_types.instant(facts.claims, "iat")
    except Refused:
        return "issued-at-malformed"
    # OpenID Connect Core 2: required.
    if at is None:
        return "issued-at-missing"
    # OpenID Connect Core 3.1.3.7 step 10.
    return None if at <= facts.now + facts.expectation.leeway else "issued-in-the-future"


def nonce(facts: Facts, settings: Settings) -> str | None:
    """Demand the nonce that was sent, where one was."""
    value = facts.claims.get("nonce")
    if value is None and "nonce" not in facts.claims:
        return None if facts.occasion.nonce is None else "nonce-missing"
    if not isinstance(value, str):
        return "nonce-malformed"
    # OpenID Connect Core 3.1.3.7 step 11: a case-sensitive string.
    return None if facts.occasion.nonce in (None, value) else "nonce-mismatch"


def half_hash(facts: Facts, settings: Settings) -> str | None:
    """Compare what came along (the occasion's attribute `of`) with its hash in `claim`; codes begin with `code`.

    The claim must be there if the setting `required` says so and the value was given, or if the occasion's attribute
    `demanded_by` is true.
    """
    claim, base, given = settings["claim"], settings["code"], getattr(facts.occasion, settings["of"])
    value = facts.claims.get(claim)
    if value is None and claim not in facts.claims:
        demanded = settings["required"] or getattr(facts.occasion, settings["demanded_by"], False)
        return f"{base}-missing" if demanded and given is not None else None
    if not isinstance(value, str):
        return f"{base}-malformed"
    if given is None:
        return None
    try:
        # OpenID Connect Core 3.1.3.6, 3.1.3.8; an unknown algorithm fails closed (CVE-2026-28498).
        return None if value == hashes.half_hash(facts.header["alg"], given) else f"{base}-mismatch"
    except Refused:
        return f"{base}-mismatch"


def auth_time(facts: Facts, settings: Settings) -> str | None:
    """Demand a sign-in that is recent enough, where `max_age` was asked for."""
    try:
        at = claim_types.instant(facts.claims, "auth_time")
    except Refused:
        return "auth-time-malformed"
    if facts.occasion.max_age is None:
        return None
    if at is None:
        # OpenID Connect Core 2: required when max_age was asked for.
        return "auth-time-missing"
    # OpenID Connect Core 3.1.3.7 step 13.
    return None if facts.now <= at + facts.occasion.max_age + facts.expectation.leeway else "auth-time-too-old"


def claim_shapes(facts: Facts, settings: Settings) -> str | None:
    """Refuse other claims of the specification with a wrong type."""
    try:
        for name in ("acr", "sid", "jti"):
            if name in facts.claims:
                claim_types.text(facts.claims, name)
        if "amr" in facts.claims:
            claim_types.methods(facts.claims)
    except Refused:
        return "claim-malformed"
    return None
