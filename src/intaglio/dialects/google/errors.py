"""Faults as Google's dialect writes them: short pages of the metadata server, JSON of the APIs.

google.rpc.Status and google.rpc.ErrorInfo (the shape of the APIs' errors), RFC 6750 section 3 (WWW-Authenticate).
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.dialects.routes import Surface
from intaglio.errors import IntaglioError
from intaglio.protocol.faults import BearerFault, Forbidden, MethodNotAllowed, TokenKindFault
from intaglio.wire.message import NO_STORE, Response

STATUS = {
    "invalid_request": (400, "INVALID_ARGUMENT"),
    "failed_precondition": (400, "FAILED_PRECONDITION"),
    "access_denied": (403, "PERMISSION_DENIED"),
    "not_found": (404, "NOT_FOUND"),
    "method_not_allowed": (404, "NOT_FOUND"),
    "already_exists": (409, "ALREADY_EXISTS"),
    "aborted": (409, "ABORTED"),
    "too_large": (413, "INVALID_ARGUMENT"),
    "too_many_requests": (429, "RESOURCE_EXHAUSTED"),
    "temporarily_unavailable": (503, "UNAVAILABLE"),
    "server_error": (500, "INTERNAL"),
}
"""HTTP status and name of the status by error code; an invalid argument for every other."""

_EXPECTED = "Expected OAuth 2 access token, login cookie or other valid authentication credential."
MISSING = f"Request is missing required authentication credential. {_EXPECTED}"
INVALID = f"Request had invalid authentication credentials. {_EXPECTED}"
NARROW = "Request had insufficient authentication scopes."
NO_METHOD = "Method not found."

_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_REQUEST = "type.googleapis.com/google.rpc.RequestInfo"
_EVERYWHERE, _IAM = "googleapis.com", "iam.googleapis.com"


class _Face(msgspec.Struct, frozen=True):
    """What is told of a fault: status, message, and the reason with its domain and facts if there is one."""

    code: int
    status: str
    message: str
    reason: str = ""
    domain: str = _EVERYWHERE
    facts: dict[str, str] = {}


def write_api(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault of an API as google.rpc.Status in JSON: `code`, `message`, `status` and `details`.

    `details` names the reason where there is one, and always the reference of the request.
    """
    face = _face(fault)
    error: dict[str, Any] = {"code": face.code, "message": face.message, "status": face.status}
    info = {"@type": _INFO, "reason": face.reason, "domain": face.domain, "metadata": face.facts}
    error["details"] = [*([info] if face.reason else []), {"@type": _REQUEST, "requestId": ctx.ref}]
    headers = [("content-type", "application/json; charset=UTF-8"), *NO_STORE]
    if isinstance(fault, BearerFault):
        headers.append(("www-authenticate", challenge(fault, ctx.issuer)))
    if isinstance(fault.detail.get("retry_after"), int):
        headers.append(("retry-after", str(fault.detail["retry_after"])))
    return Response(face.code, tuple(headers), codec.encode_json({"error": error}))


def challenge(fault: BearerFault, issuer: str) -> str:
    """Return the WWW-Authenticate value of a fault; without any token presented it tells no error code."""
    told = [f'error="{fault.code}"'] if fault.code else []
    told += [f'scope="{fault.scope}"'] if fault.scope else []
    return "Bearer " + ", ".join([f'realm="{issuer}/"', *told])


def _face(fault: IntaglioError) -> _Face:
    if isinstance(fault, BearerFault):
        return _unauthenticated(fault)
    if isinstance(fault, Forbidden):
        return _forbidden(fault)
    if isinstance(fault, MethodNotAllowed):
        return _Face(404, "NOT_FOUND", NO_METHOD)
    code, status = STATUS.get(fault.code, (400, "INVALID_ARGUMENT"))
    return _Face(code, status, fault.public)


def _unauthenticated(fault: BearerFault) -> _Face:
    if fault.code == "insufficient_scope":
        return _Face(403, "PERMISSION_DENIED", NARROW, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    if isinstance(fault, TokenKindFault):
        return _Face(401, "UNAUTHENTICATED", f"{INVALID} {fault.public}", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    if not fault.code:
        return _Face(401, "UNAUTHENTICATED", MISSING, "CREDENTIALS_MISSING")
    return _Face(401, "UNAUTHENTICATED", INVALID)


def _forbidden(fault: Forbidden) -> _Face:
    if not fault.permission:
        return _Face(403, "PERMISSION_DENIED", fault.public)
    message = f"Permission '{fault.permission}' denied on resource (or it may not exist)."
    return _Face(403, "PERMISSION_DENIED", message, "IAM_PERMISSION_DENIED", _IAM, {"permission": fault.permission})


GOOGLE_API = Surface("google-api", write_api)
"""The face of the APIs."""
