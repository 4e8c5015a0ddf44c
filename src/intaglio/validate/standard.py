"""The standard's rules in their order, each with its citation and its words: OpenID Connect Core 3.1.3.7."""

from __future__ import annotations

from intaglio.validate.ruleset import Rule, RuleSet

TYPE = Rule(
    name="type",
    judge="token_type",
    spec="RFC 8725 section 3.11",
    expected="an ID token: typ absent or JWT, and no logout event",
    received="{kind}",
)
ISSUER = Rule(
    name="issuer",
    judge="issuer",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 2",
    expected="{issuers}",
    received="{claim.iss}",
)
SUBJECT = Rule(
    name="subject",
    judge="subject",
    spec="OpenID Connect Core 1.0 section 2, sub",
    expected="1 to 255 visible ASCII characters",
    received="{claim.sub}",
)
AUDIENCE = Rule(
    name="audience",
    judge="audience",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 3",
    expected="{audiences}",
    received="{claim.aud}",
    idle=(("unchecked", "any audience is accepted: anybody's token passes"),),
)
AUTHORIZED_PARTY = Rule(
    name="authorized party",
    judge="azp",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 4 and 5",
    expected="{parties}",
    received="{claim.azp}",
    idle=(("absent azp", "the token names one audience and no authorized party"),),
)
EXPIRY = Rule(
    name="expiry",
    judge="expiry",
    spec="RFC 7519 section 4.1.4",
    expected="later than {now}, less {leeway} s of leeway",
    received="{instant.exp}",
)
NOT_BEFORE = Rule(
    name="not before",
    judge="not_before",
    spec="RFC 7519 section 4.1.5",
    expected="not after {now}, plus {leeway} s of leeway",
    received="{instant.nbf}",
    idle=(("absent nbf", "the token does not say from when it counts"),),
)
ISSUED_AT = Rule(
    name="issued at",
    judge="issued_at",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 10",
    expected="not after {now}, plus {leeway} s of leeway",
    received="{instant.iat}",
)
NONCE = Rule(
    name="nonce",
    judge="nonce",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 11",
    expected="{nonce}",
    received="{claim.nonce}",
    idle=(("unasked nonce", "no nonce was expected"),),
)
ACCESS_TOKEN_HASH = Rule(
    name="access token hash",
    judge="half_hash",
    spec="OpenID Connect Core 1.0 section 3.1.3.8",
    expected="{access_token_hash}",
    received="{claim.at_hash}",
    idle=(
        ("unasked access_token", "no access token was given to compare with"),
        ("absent at_hash", "the token carries no at_hash, which it need not"),
    ),
    settings={
        "claim": "at_hash",
        "of": "access_token",
        "code": "at-hash",
        "required": False,
        "demanded_by": "require_at_hash",
    },
)
CODE_HASH = Rule(
    name="code hash",
    judge="half_hash",
    spec="OpenID Connect Core 1.0 section 3.3.2.10",
    expected="{code_hash}",
    received="{claim.c_hash}",
    idle=(("unasked code", "no code was given to compare with"),),
    settings={"claim": "c_hash", "of": "code", "code": "c-hash", "required": True, "demanded_by": ""},
)
STATE_HASH = Rule(
    name="state hash",
    judge="half_hash",
    spec="Financial-grade API 1.0 part 2, section 5.2.3.1",
    expected="{state_hash}",
    received="{claim.s_hash}",
    idle=(("unasked state", "no state was given to compare with"),),
    settings={"claim": "s_hash", "of": "state", "code": "s-hash", "required": True, "demanded_by": ""},
)
TIME_OF_SIGN_IN = Rule(
    name="time of sign-in",
    judge="auth_time",
    spec="OpenID Connect Core 1.0 section 3.1.3.7, 13",
    expected="at most {max_age} s before {now}",
    received="{instant.auth_time}",
    idle=(("unasked max_age", "no max_age was asked for"),),
)
OTHER_CLAIMS = Rule(
    name="other claims",
    judge="claim_shapes",
    spec="OpenID Connect Core 1.0 section 2",
    expected="acr, sid, jti as strings, amr as a list of strings",
    received="{shapes}",
)

STANDARD = RuleSet(
    name="standard",
    title="OpenID Connect",
    rules=(
        TYPE,
        ISSUER,
        SUBJECT,
        AUDIENCE,
        AUTHORIZED_PARTY,
        EXPIRY,
        NOT_BEFORE,
        ISSUED_AT,
        NONCE,
        ACCESS_TOKEN_HASH,
        CODE_HASH,
        STATE_HASH,
        TIME_OF_SIGN_IN,
        OTHER_CLAIMS,
    ),
)
"""OpenID Connect as written."""
