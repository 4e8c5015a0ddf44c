"""The numbers of errors, with the standard code and the text that go with each, by the reason of the fault.

Microsoft's page "Authentication and authorization error codes". SDKs branch on `error` and `suberror` alone; people
look the numbers up.
"""

from __future__ import annotations

import msgspec

SECRET_HINT = (
    "Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret"
    " added to app '{client_id}'."
)
NOT_FOUND = (
    "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the"
    " application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
    " You may have sent your authentication request to the wrong tenant."
)
NO_TENANT = (
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct"
    " cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the"
    " tenant."
)
NO_CONSENT = (
    "The user or administrator has not consented to use the application with ID '{client_id}'. Send an interactive"
    " authorization request for this user and resource."
)
NO_RECORD = "No matching federated identity record found for presented assertion {what} '{value}'."
REDEEMED = (
    "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh"
    " token."
)


class Entry(msgspec.Struct, frozen=True):
    """One error: its number, its text with values of the request in braces, and `error` where the fault's own differs.

    `status` is the HTTP status where the error's usual one is another.
    """

    number: int
    text: str
    error: str = ""
    suberror: str = ""
    status: int = 0


MALFORMED = Entry(9002313, "Request is malformed or invalid. {public}")
_BAD_GRANT = "The provided value for the input parameter '{what}' is not valid."

BY_REASON: dict[str, Entry] = {
    "administrator-needed": Entry(90094, "Only an administrator may consent to the permissions of '{client_id}'."),
    "assertion-audience": Entry(50027, "The JWT token is invalid: its audience is not this token endpoint."),
    "assertion-expired": Entry(700024, "Client assertion is not within its valid time range."),
    "assertion-invalid": Entry(700027, "The certificate or key with which the client assertion was signed is unknown."),
    "assertion-parties": Entry(50048, "Subject and issuer claims in the client assertion do not match."),
    "assertion-replayed": Entry(50027, "The JWT token is invalid: it was used before."),
    "assertion-self-issued": Entry(700229, "A token of this issuer is no federated assertion."),
    "assertion-unknown-audience": Entry(700212, NO_RECORD),
    "assertion-unknown-issuer": Entry(700211, NO_RECORD),
    "assertion-unknown-subject": Entry(700213, NO_RECORD),
    "challenge-malformed": Entry(501491, "Invalid size or method of the Code_Challenge parameter."),
    "challenge-missing": Entry(9002325, "Proof Key for Code Exchange is required for this application."),
    "challenge-needed-by-page": Entry(
        9002325, "Proof Key for Code Exchange is required for cross-origin authorization code redemption."
    ),
    "client-disabled": Entry(7000112, "Application with identifier '{client_id}' is disabled.", "unauthorized_client"),
    "client-missing": Entry(
        900144, "The request body must contain the following parameter: 'client_id'.", "invalid_request"
    ),
    "client-not-shared": Entry(
        50194,
        "Application '{client_id}' is not configured as a multi-tenant application. Usage of the /common endpoint is"
        " not supported for it. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
        "invalid_request",
    ),
    "client-unknown": Entry(700016, NOT_FOUND, "unauthorized_client"),
    "code-expired": Entry(70008, "The provided authorization code or refresh token has expired due to inactivity."),
    "code-other-client": Entry(70000, _BAD_GRANT),
    "code-other-tenant": Entry(700005, "The provided authorization code is for another tenant."),
    "code-unknown": Entry(70000, _BAD_GRANT),
    "code-used": Entry(54005, REDEEMED),
    "consent-required": Entry(65001, NO_CONSENT, suberror="consent_required"),
    "declined": Entry(65004, "User declined to consent to access the app."),
    "device-other-client": Entry(70018, "The device code is not valid.", "bad_verification_code"),
    "device-unknown": Entry(70018, "The device code is not valid.", "bad_verification_code"),
    "device-used": Entry(70018, "The device code was used before.", "bad_verification_code"),
    "grant-needs-tenant": Entry(
        9001023, "The grant type is not supported over the /common or /consumers endpoints. Use a tenant's own."
    ),
    "grant-not-allowed": Entry(70001, "The application '{client_id}' may not use the grant type '{grant_type}'."),
    "grant-unsupported": Entry(70003, "The app requested an unsupported grant type '{grant_type}'."),
    "instance-unknown": Entry(50049, "Unknown or invalid instance '{host}'.", "invalid_instance"),
    "login-required": Entry(50058, "A silent sign-in request was sent but no user is signed in."),
    "method-not-allowed": Entry(70002, "The client's credentials could not be validated."),
    "nonce-missing": Entry(900144, "The request body must contain the following parameter: 'nonce'."),
    "openid-missing": Entry(
        70005, "response_type 'id_token' requires the OpenID 'openid' scope.", "unsupported_response_type"
    ),
    "origin-needed": Entry(
        9002327,
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ),
    "origin-unwanted": Entry(
        9002326,
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request"
        " origin: '{origin}'.",
    ),
    "parameter-missing": Entry(900144, "The request body must contain the following parameter: '{name}'."),
    "parameter-repeated": Entry(9000411, "The request is not properly formatted. A parameter is duplicated."),
    "redirect-mismatch": Entry(
        500112, "The reply address does not match the one that was provided when requesting the authorization code."
    ),
    "redirect-missing": Entry(900971, "No reply address provided."),
    "redirect-unregistered": Entry(
        50011,
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the"
        " application '{client_id}'.",
        "invalid_request",
    ),
    "refresh-expired": Entry(700082, "The refresh token has expired due to inactivity."),
    "refresh-other-client": Entry(70000, _BAD_GRANT),
    "refresh-reused": Entry(50173, "The provided grant has expired due to it being revoked. The user must sign in."),
    "refresh-revoked": Entry(50173, "The provided grant has expired due to it being revoked. The user must sign in."),
    "refresh-unknown": Entry(70000, _BAD_GRANT),
    "resource-unsupported": Entry(901002, "The 'resource' request parameter is not supported."),
    "response-mode-forbidden": Entry(
        70007, "The value of 'response_mode' is not supported when requesting a token.", "invalid_request"
    ),
    "response-type-disabled": Entry(
        700054, "response_type '{response_type}' is not enabled for the application.", "unsupported_response_type"
    ),
    "response-type-unsupported": Entry(
        70005,
        "The provided value for the input parameter 'response_type' is not valid.",
        "unsupported_response_type",
    ),
    "scope-not-default": Entry(
        1002012,
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with"
        " /.default suffixed to the resource identifier (application ID URI).",
    ),
    "scope-not-granted": Entry(65001, NO_CONSENT, "invalid_grant", "consent_required"),
    "scope-unknown": Entry(
        70011,
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
        "invalid_scope",
    ),
    "secret-expired": Entry(
        7000222, "The provided client secret keys for app '{client_id}' are expired. Create new keys for the app."
    ),
    "secret-missing": Entry(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        "invalid_client",
    ),
    "secret-unwanted": Entry(
        700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
    ),
    "secret-wrong": Entry(7000215, "Invalid client secret provided. " + SECRET_HINT),
    "session-ended": Entry(50132, "The session is not valid any more: it has ended or was revoked."),
    "tenant-unknown": Entry(90002, NO_TENANT, "invalid_request", status=400),
    "user-disabled": Entry(50057, "The user account is disabled."),
    "user-unassigned": Entry(
        50105,
        "The signed in user is not assigned to a role for the application '{client_id}'.",
    ),
    "verifier-missing": Entry(
        501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
    ),
    "verifier-unasked": Entry(
        501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
    ),
    "verifier-wrong": Entry(
        501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
    ),
}
"""What is told of a fault with a reason."""

BY_CODE: dict[str, Entry] = {
    "access_denied": Entry(65004, "{public}"),
    "authorization_pending": Entry(70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    "expired_token": Entry(70020, "The verification code has expired."),
    "interaction_required": Entry(16000, "The user has to act before the application can go on."),
    "invalid_client": Entry(70002, "The client's credentials could not be validated."),
    "invalid_grant": Entry(70000, _BAD_GRANT),
    "invalid_scope": Entry(70011, "The provided value for the input parameter 'scope' is not valid."),
    "login_required": Entry(50058, "A silent sign-in request was sent but no user is signed in."),
    "method_not_allowed": Entry(
        900561, "The endpoint does not accept requests of this method; it accepts {allowed}.", "invalid_request"
    ),
    "temporarily_unavailable": Entry(90033, "A transient error has occurred. Please try again."),
    "too_many_requests": Entry(90055, "There are too many incoming requests.", "temporarily_unavailable", status=429),
    "server_error": Entry(50000, "An error occurred while issuing a token or in the sign-in service."),
}
"""What is told of a fault that has no reason of its own."""

DECLINED = Entry(65004, "User declined to let the device in.", "authorization_declined")
"""What a device is told whose person declined."""
WHAT = {"code": "code", "refresh": "refresh_token", "device": "device_code"}
"""What a grant's parameter is called, by how its reasons begin."""


def entry(reason: str, code: str) -> Entry:
    """Return the entry of a reason, else of a standard code, else that of a malformed request."""
    return BY_REASON.get(reason) or BY_CODE.get(code) or MALFORMED


def meaning(number: int) -> str:
    """Return what a number means, as its text is without values of a request; empty for a number that is not used."""
    known = {one.number: one.text for one in (*BY_CODE.values(), MALFORMED, *reversed(BY_REASON.values()))}
    return known.get(number, "").replace(" {public}", "")
