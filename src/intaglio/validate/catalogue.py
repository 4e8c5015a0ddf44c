"""The rules in their order, each with its citation and its words; and the hint that belongs to each code.

OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from intaglio.errors import Refused
from intaglio.tokens import hashes
from intaglio.validate import rules
from intaglio.validate.rules import Facts, Rule

_SHOWN_CHARACTERS = 200


def shown(value: object) -> str:
    """Return a claim's value as text for operators, bounded and on one line."""
    text = value if isinstance(value, str) else repr(value)
    line = "".join(character if character.isprintable() else "\ufffd" for character in text[:_SHOWN_CHARACTERS])
    return line + ("…" if len(text) > _SHOWN_CHARACTERS else "")


def instant(at: object) -> str:
    """Return an instant as its number and its date in UTC."""
    try:
        return f"{at} ({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ})"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return shown(at)


def _claim(name: str, form: Callable[[object], str] = shown) -> Callable[[Facts], str]:
    return lambda facts: form(facts.claims[name]) if name in facts.claims else "nothing"


def _one_of(names: frozenset[str]) -> str:
    return shown(" or ".join(sorted(names)))


def _expected_hash(facts: Facts) -> str:
    if facts.expectation.access_token is None:
        return "a hash of the access token"
    try:
        return hashes.half_hash(str(facts.header.get("alg")), facts.expectation.access_token)
    except Refused:
        return "a hash by a supported algorithm"


def _no_access_token(facts: Facts) -> str | None:
    if facts.expectation.access_token is None:
        return "no access token was given to compare with"
    absent = "at_hash" not in facts.claims and not facts.expectation.require_at_hash
    return "the token carries no at_hash, which it need not" if absent else None


def _parties(facts: Facts) -> str:
    wanted = facts.expectation.authorized_parties
    return _one_of(facts.expectation.trusted_audiences if wanted is None else frozenset(wanted))


RULES: tuple[Rule, ...] = (
    Rule(
        name="type",
        spec="RFC 8725 section 3.11",
        judge=rules.token_type,
        expected=lambda _: "an ID token: typ absent or JWT, and no logout event",
        received=lambda facts: (
            shown(facts.header.get("typ", "no typ")) + (", with events" if "events" in facts.claims else "")
        ),
    ),
    Rule(
        name="issuer",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 2",
        judge=rules.issuer,
        expected=lambda facts: _one_of(facts.expectation.issuers),
        received=_claim("iss"),
    ),
    Rule(
        name="subject",
        spec="OpenID Connect Core 1.0 section 2, sub",
        judge=rules.subject,
        expected=lambda _: "1 to 255 visible ASCII characters",
        received=_claim("sub"),
    ),
    Rule(
        name="audience",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 3",
        judge=rules.audience,
        expected=lambda facts: _one_of(facts.expectation.audiences),
        received=_claim("aud"),
    ),
    Rule(
        name="authorized party",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 4 and 5",
        judge=rules.azp,
        expected=_parties,
        received=_claim("azp"),
        idle=lambda facts: (
            None
            if "azp" in facts.claims or rules.azp(facts)
            else "the token names one audience and no authorized party"
        ),
    ),
    Rule(
        name="expiry",
        spec="RFC 7519 section 4.1.4",
        judge=rules.expiry,
        expected=lambda facts: f"later than {instant(facts.now)}, less {facts.expectation.leeway} s of leeway",
        received=_claim("exp", instant),
    ),
    Rule(
        name="not before",
        spec="RFC 7519 section 4.1.5",
        judge=rules.not_before,
        expected=lambda facts: f"not after {instant(facts.now)}, plus {facts.expectation.leeway} s of leeway",
        received=_claim("nbf", instant),
        idle=lambda facts: None if "nbf" in facts.claims else "the token does not say from when it counts",
    ),
    Rule(
        name="issued at",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 10",
        judge=rules.issued_at,
        expected=lambda facts: f"not after {instant(facts.now)}, plus {facts.expectation.leeway} s of leeway",
        received=_claim("iat", instant),
    ),
    Rule(
        name="nonce",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 11",
        judge=rules.nonce,
        expected=lambda facts: shown(facts.expectation.nonce or "a string"),
        received=_claim("nonce"),
        idle=lambda facts: "no nonce was expected" if facts.expectation.nonce is None else None,
    ),
    Rule(
        name="access token hash",
        spec="OpenID Connect Core 1.0 section 3.1.3.8",
        judge=rules.at_hash,
        expected=_expected_hash,
        received=_claim("at_hash"),
        idle=_no_access_token,
    ),
    Rule(
        name="time of sign-in",
        spec="OpenID Connect Core 1.0 section 3.1.3.7, 13",
        judge=rules.auth_time,
        expected=lambda facts: f"at most {facts.expectation.max_age} s before {instant(facts.now)}",
        received=_claim("auth_time", instant),
        idle=lambda facts: "no max_age was asked for" if facts.expectation.max_age is None else None,
    ),
    Rule(
        name="other claims",
        spec="OpenID Connect Core 1.0 section 2",
        judge=rules.claim_shapes,
        expected=lambda _: "acr, sid, jti, c_hash, s_hash as strings, amr as a list of strings",
        received=lambda facts: "as expected" if rules.claim_shapes(facts) is None else "another type",
    ),
)

HINTS: dict[str, str] = {
    "token-malformed": "Pass the ID token alone, whole and unaltered.",
    "header-unsupported": "The issuer uses an extension that ID tokens do not have.",
    "forbidden-algorithm": "Allow the issuer's algorithm, or register another for this client.",
    "key-unknown": "The token is of another issuer, or its key was withdrawn.",
    "keys-unavailable": "The issuer's keys could not be fetched; see whether its discovery document answers.",
    "signature-invalid": "The token was altered, or was signed with another key.",
    "token-type-mismatch": "This is another kind of token; pass the ID token.",
    "issuer-mismatch": "Compare letter for letter; a slash at the end counts.",
    "audience-mismatch": "The token is for another client; set the audience to its client_id.",
    "audience-foreign": "Name the other audience in `also` if it may see this token.",
    "azp-missing": "A token for several audiences must name its authorized party.",
    "azp-mismatch": "The token was issued to another client.",
    "token-expired": "Get a new token; see whether both clocks are right.",
    "token-not-yet-valid": "See whether both clocks are right.",
    "issued-in-the-future": "See whether both clocks are right.",
    "nonce-missing": "The sign-in sent a nonce and the token must return it; refreshed tokens do not.",
    "nonce-mismatch": "The token belongs to another sign-in.",
    "at-hash-missing": "This flow must return at_hash.",
    "at-hash-mismatch": "The access token is not the one that came with this ID token.",
    "auth-time-missing": "Send max_age with the sign-in, so that the token tells the time of sign-in.",
    "auth-time-too-old": "Ask the person to sign in again.",
}
