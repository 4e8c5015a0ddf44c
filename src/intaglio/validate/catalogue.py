"""Every judge by its name, and the hint that belongs to each code."""

from __future__ import annotations

from intaglio.validate import bindings, judges
from intaglio.validate.facts import Judge

JUDGES: dict[str, Judge] = {
    judge.__name__: judge
    for judge in (
        judges.token_type,
        judges.issuer,
        judges.subject,
        judges.audience,
        judges.azp,
        judges.expiry,
        judges.not_before,
        judges.issued_at,
        judges.nonce,
        judges.half_hash,
        judges.auth_time,
        judges.claim_shapes,
        bindings.claim_form,
        bindings.claim_by_issuer,
        bindings.claim_in_issuer,
        bindings.key_issuer,
        bindings.organization,
        bindings.email,
        bindings.lifetime,
        bindings.no_claims,
    )
}
"""Every judge by the name that a rule gives."""

HINTS: dict[str, str] = {
    "token-malformed": "Pass the ID token alone, whole and unaltered.",
    "token-encrypted": "Give the validator the key that the token is encrypted to.",
    "token-not-encrypted": "The issuer must encrypt this client's ID tokens; see the client's registration there.",
    "token-json-serialized": "An ID token is in compact form; ask the issuer for that, or pass id_token alone.",
    "token-saml": "Pass the ID token of an OpenID Connect sign-in.",
    "token-opaque": "This may be an access token or a refresh token, which nobody but their issuer reads.",
    "header-unsupported": "The issuer uses an extension that ID tokens do not have.",
    "forbidden-algorithm": "Allow the issuer's algorithm, or register another for this client.",
    "decryption-key-unknown": "The token is encrypted to another key, or its key was withdrawn.",
    "decryption-failed": "The token was altered, or was encrypted to another key.",
    "key-unknown": "The token is of another issuer, or its key was withdrawn.",
    "keys-unavailable": "The issuer's keys could not be fetched; see whether its discovery document answers.",
    "signature-invalid": "The token was altered, or was signed with another key.",
    "token-type-mismatch": "This is another kind of token; pass the ID token.",
    "issuer-mismatch": "Compare letter for letter; a slash at the end counts.",
    "issuer-form-malformed": "This dialect's issuers look different; see whether the dialect is the right one.",
    "audience-mismatch": "The token is for another client; set the audience to its client_id.",
    "audience-foreign": "Name the other audience in `also` if it may see this token.",
    "azp-missing": "The token must name its authorized party.",
    "azp-mismatch": "The token was issued to another client.",
    "token-expired": "Get a new token; see whether both clocks are right.",
    "token-not-yet-valid": "See whether both clocks are right.",
    "issued-in-the-future": "See whether both clocks are right.",
    "lifetime-too-long": "This issuer's tokens never live so long; see who made it.",
    "nonce-missing": "The sign-in sent a nonce and the token must return it; refreshed tokens do not.",
    "nonce-mismatch": "The token belongs to another sign-in.",
    "at-hash-missing": "This flow must return at_hash.",
    "at-hash-mismatch": "The access token is not the one that came with this ID token.",
    "c-hash-missing": "A token that comes with a code must return c_hash.",
    "c-hash-mismatch": "The code is not the one that came with this ID token.",
    "s-hash-missing": "This flow must return s_hash.",
    "s-hash-mismatch": "The state is not the one that came with this ID token.",
    "auth-time-missing": "Send max_age with the sign-in, so that the token tells the time of sign-in.",
    "auth-time-too-old": "Ask the person to sign in again.",
    "organization-missing": "The sign-in was not for an organization; send the organization with it.",
    "organization-mismatch": "The person signed in to another organization.",
    "email-missing": "Ask for the e-mail address to be included.",
    "email-mismatch": "The token is of another account.",
    "email-unverified": "The issuer has not confirmed the address; do not act on it.",
    "tenant-missing": "Tokens of this dialect name their tenant; see whether the dialect is the right one.",
    "tenant-mismatch": "The token's tenant is not the one of its issuer.",
    "workspace-missing": "Tokens of this dialect name their workspace; see whether the dialect is the right one.",
    "workspace-mismatch": "The token's workspace is not the one of its issuer.",
    "version-missing": "Tokens of this dialect name their version; see whether the dialect is the right one.",
    "version-mismatch": "The token's version does not fit its issuer; use the keys and the issuer of one version.",
    "key-issuer-mismatch": "The key belongs to another tenant than the token.",
    "token-of-session": "This is not an ID token, though it looks like one.",
}
"""What to do next, by code; a code that is not here has no better advice than its expectation."""
