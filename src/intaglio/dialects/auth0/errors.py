"""Faults as Auth0 writes them: the codes of OAuth 2.0 with some statuses and the texts of its own.

Auth0's pages "Authentication API: Standard Error Responses" and "Device Authorization Flow".
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol.authorize import AuthorizeAnswer
from intaglio.protocol.faults import MethodNotAllowed
from intaglio.protocol.pages import ErrorPage
from intaglio.wire.message import Response

CODE = "Invalid authorization code"
VERIFIER = "Failed to verify code verifier"
REFRESH = "Unknown or invalid refresh token."
DEVICE = "Invalid or expired device code."

TEXTS = {
    **dict.fromkeys(("code-unknown", "code-used", "code-expired", "code-other-client", "redirect-mismatch"), CODE),
    **dict.fromkeys(("verifier-missing", "verifier-wrong", "verifier-unasked"), VERIFIER),
    **dict.fromkeys(("refresh-unknown", "refresh-expired", "refresh-revoked", "refresh-reused"), REFRESH),
    "refresh-other-client": REFRESH,
    "session-ended": CODE,
    **dict.fromkeys(("device-unknown", "device-used", "device-other-client"), DEVICE),
    "user-disabled": "user is blocked",
    "client-unknown": "Unknown client: {client_id}",
    "client-disabled": "Unknown client: {client_id}",
    "grant-not-allowed": "Grant type '{grant_type}' not allowed for the client.",
    "parameter-missing": "Missing required parameter: {name}",
    "audience-not-granted": 'Client is not authorized to access "{audience}".',
    "login-required": "Login required",
    "consent-required": "Consent required",
    "interaction-required": "Interaction required",
    "declined": "User did not authorize the request",
    "organization-required": "parameter organization is required for this client",
    "organization-forbidden": "parameter organization is not allowed for this client",
    "organization-unknown": "the specified organization does not exist: {organization}",
    "organization-not-member": "user is not part of the {organization} organization",
    "connection-unknown": "the connection was not found: {connection}",
    "redirect-unregistered": (
        "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."
    ),
}
"""Texts by reason; some of them are matched on by the SDKs, letter by letter."""

CODES = {
    "authorization_pending": (403, "User has yet to authorize device code."),
    "slow_down": (429, "You are polling faster than the specified interval of 5 seconds."),
    "expired_token": (403, "Invalid or expired device code."),
    "access_denied": (403, "User cancelled the confirmation prompt."),
    "invalid_grant": (403, CODE),
    "invalid_client": (401, ""),
    "unauthorized_client": (403, ""),
    "unsupported_grant_type": (403, ""),
}
"""Status and usual text by code, where they are not the standard's."""

WIRE = {"invalid_target": "access_denied"}
"""Codes that are called otherwise here."""


_UNTOLD = re.compile(r"[^ !#-\[\]-~]")


def _text(reason: str, told: Any, usual: str) -> str:
    template = TEXTS.get(reason)
    if template is None:
        return usual
    # SECURITY: RFC 6749 4.1.2.1: what came with the request comes back in these characters alone, so that no sentence
    # is read backwards or runs on (test_a_text_that_comes_back_is_plain).
    plain = {name: _UNTOLD.sub("?", str(value)) for name, value in told.items()}
    try:
        return template.format_map(plain)
    except KeyError:
        return usual


def write(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault as JSON. A code or token that is not good is a 403 here, not a 400."""
    response = standard.write(fault, ctx)
    if not isinstance(fault, ProtocolFault) or isinstance(fault, MethodNotAllowed):
        return response
    status, usual = CODES.get(fault.code, (response.status, ""))
    code = WIRE.get(fault.code, fault.code)
    status = 403 if code != fault.code else status
    text = _text(fault.reason, fault.told, usual or fault.public)
    body = {"error": code or "invalid_token", "error_description": text, "ref": ctx.ref}
    return msgspec.structs.replace(response, status=status, body=codec.encode_json(body))


def write_page(fault: IntaglioError, ctx: Context) -> ErrorPage:
    """Write a fault as a page."""
    page = standard.write_page(fault, ctx)
    if not isinstance(fault, ProtocolFault):
        return page
    return msgspec.structs.replace(page, sentence=_text(fault.reason, fault.told, page.sentence))


def told(answer: AuthorizeAnswer) -> tuple[tuple[str, str], ...]:
    """Return the fields of an answer, an error's code and text in this dialect's words."""
    problem = answer.problem
    if problem is None:
        return answer.fields
    text = _text(problem.reason, problem.told, "")
    words = {"error": WIRE.get(problem.error, problem.error)} | ({"error_description": text} if text else {})
    return tuple((name, words.get(name, value)) for name, value in answer.fields)
