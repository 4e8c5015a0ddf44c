"""Faults as a workspace writes them: OAuth 2.0's errors with a hint, a cause and the trace of the request.

Cloudentity's interface of its authorization server (errors); RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.
"""

from __future__ import annotations

import msgspec

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import authorize
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol.authorize import AuthorizeAnswer
from intaglio.protocol.pages import ErrorPage, FormPostPage
from intaglio.wire.message import Response

NOT_ENABLED = "unsupported_response_type"
"""What a response type is answered with that the client has not enabled."""

# SECURITY: one cause for every way in which a code, a token or a credential is not good, so that nobody who holds
# one learns what became of it (test_one_cause_for_everything_that_is_not_good).
_GRANT = (
    "grant_invalid",
    "Ask for another authorization; redeem a code once, with its redirect_uri and code_verifier.",
)
_CLIENT = ("client_authentication_failed", "Check the client_id, its secret or key, and how they are sent.")
_CAUSES = {
    **dict.fromkeys(("code", "refresh", "session", "device", "redirect-mismatch", "verifier"), _GRANT),
    **dict.fromkeys(("client", "secret", "assertion", "method"), _CLIENT),
    "response-type": ("response_type_not_allowed", "Enable the response type in the application's settings."),
    "grant": ("grant_type_not_allowed", "Enable the grant type in the application's settings."),
    "scope": ("scope_not_allowed", "Assign the scope to the application in one of the workspace's services."),
    "openid": ("scope_missing", "Assign the scope openid to the application, and ask for it."),
    "challenge": ("pkce_required", "Send a code_challenge made with S256."),
    "nonce": ("nonce_missing", "Send a nonce: the ID token comes through the browser."),
    "encryption": ("encryption_impossible", "Give the application a key and algorithms for encrypting ID tokens."),
    "pushed-required": ("pushed_request_required", "Push the request first, then send its request_uri."),
    "pushed-unknown": ("pushed_request_unknown", "Push the request again: a request_uri is good for one use."),
    "parameter": ("parameter_invalid", "Look at the parameters of the request."),
}
"""What is told of a reason: the cause and the hint, by the whole reason or by its first word."""


def explained(reason: str) -> tuple[str, str]:
    """Return the cause and the hint of a reason, both empty where nothing more is told."""
    return _CAUSES.get(reason) or _CAUSES.get(reason.partition("-")[0], ("", ""))


def write(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault as JSON: the error's members, and `error_hint`, `cause`, `trace_id` and `status_code`."""
    plain = standard.write(fault, ctx)
    cause, hint = explained(fault.reason if isinstance(fault, ProtocolFault) else "")
    body = {
        "error": fault.code or "invalid_token",
        "error_description": fault.public,
        "error_hint": hint,
        "cause": cause,
        "trace_id": ctx.ref,
        "status_code": plain.status,
    }
    headers = (*plain.headers, ("x-trace-id", ctx.ref))
    return Response(plain.status, headers, codec.encode_json({name: value for name, value in body.items() if value}))


def write_page(fault: IntaglioError, ctx: Context) -> ErrorPage:
    """Write a fault as a page."""
    return standard.write_page(fault, ctx)


def write_authorize(answer: AuthorizeAnswer, ctx: Context) -> Response | FormPostPage:
    """Send the fields to the client; with an error go its hint, its cause and the trace."""
    wrong = answer.problem
    if wrong is None:
        return authorize.write(answer, ctx)
    error = NOT_ENABLED if wrong.reason == "response-type-disabled" else wrong.error
    fields = [(name, error if name == "error" else value) for name, value in answer.fields]
    cause, hint = explained(wrong.reason)
    told = [("error_hint", hint), ("error_cause", cause), ("trace_id", ctx.ref)]
    fields += [(name, value) for name, value in told if value]
    return authorize.write(msgspec.structs.replace(answer, fields=tuple(fields)), ctx)
