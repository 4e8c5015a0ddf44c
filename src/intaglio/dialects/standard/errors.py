"""Faults on the wire, as OAuth 2.0 and OpenID Connect write them.

RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3, RFC 9110 section 15.
"""

from __future__ import annotations

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.errors import IntaglioError, Unavailable
from intaglio.protocol import faults
from intaglio.protocol.pages import ErrorPage
from intaglio.wire.message import NO_STORE, Response

STATUS = {
    "invalid_client": 401,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "too_many_requests": 429,
    "temporarily_unavailable": 503,
    "server_error": 500,
}
"""HTTP status by error code; 400 for every other."""

NEXT_STEP = "Go back to the application and start again. If it happens once more, give its operator the reference."


def status(fault: IntaglioError) -> int:
    """Return the HTTP status of a fault."""
    return 503 if isinstance(fault, Unavailable) else STATUS.get(fault.code, 400)


def challenge(fault: IntaglioError, issuer: str) -> str:
    """Return the WWW-Authenticate value that goes with a 401 or 403, empty if none does."""
    if isinstance(fault, faults.ClientUnknown):
        return f'Basic realm="{issuer}", charset="UTF-8"'
    if not isinstance(fault, faults.BearerFault):
        return ""
    # RFC 6750 3.1: without any token presented, no error code is told.
    told = [f'error="{fault.code}"', f'error_description="{fault.public}"'] if fault.code else []
    told += [f'scope="{fault.scope}"'] if fault.scope else []
    return "Bearer " + ", ".join([f'realm="{issuer}"', *told])


def write(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault as JSON: `error`, `error_description` and the reference `ref`."""
    body = {"error": fault.code or "invalid_token", "error_description": fault.public, "ref": ctx.ref}
    headers = [("content-type", "application/json"), *NO_STORE]
    found = challenge(fault, ctx.issuer)
    if found:
        headers.append(("www-authenticate", found))
    if isinstance(fault, faults.MethodNotAllowed):
        headers.append(("allow", ", ".join(fault.allowed)))
    if isinstance(fault.detail.get("retry_after"), int):
        headers.append(("retry-after", str(fault.detail["retry_after"])))
    code = 401 if isinstance(fault, faults.BearerFault) and not fault.code else status(fault)
    return Response(code, tuple(headers), codec.encode_json(body))


def write_page(fault: IntaglioError, ctx: Context) -> ErrorPage:
    """Write a fault as a page for the person: where redirecting would be unsafe, and for unknown addresses."""
    return ErrorPage(
        status=status(fault),
        code=fault.code,
        sentence=fault.public,
        ref=ctx.ref,
        next_step=fault.hint or NEXT_STEP,
        expected=str(fault.detail.get("expected", "")),
        received=str(fault.detail.get("received", "")),
    )
