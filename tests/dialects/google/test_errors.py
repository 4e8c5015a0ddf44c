"""Faults of the APIs: google.rpc.Status in JSON, with the reason that clients look for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intaglio.dialects.coding import Context
from intaglio.dialects.google import errors
from intaglio.errors import IntaglioError, ProtocolFault, Unavailable
from intaglio.protocol.faults import BearerFault, Forbidden, MethodNotAllowed, NotFound, TokenKindFault
from intaglio.wire.message import Response

CONTEXT = Context(1_800_000_000, "ref_1", issuer="https://accounts.example.com")


def written(fault: IntaglioError) -> tuple[Response, dict[str, Any]]:
    """Return the answer of a fault, and its error."""
    answer = errors.write_api(fault, CONTEXT)
    return answer, json.loads(answer.body)["error"]


def forbidden(permission: str) -> Forbidden:
    """Return a fault that names what the caller lacks."""
    fault = Forbidden()
    fault.permission = permission
    return fault


@pytest.mark.parametrize(
    ("fault", "code", "status", "reason"),
    [
        (ProtocolFault("invalid_request", "Wrong."), 400, "INVALID_ARGUMENT", ""),
        (ProtocolFault("failed_precondition", "Not now."), 400, "FAILED_PRECONDITION", ""),
        (BearerFault(""), 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
        (BearerFault(), 401, "UNAUTHENTICATED", ""),
        (TokenKindFault(), 401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        (BearerFault("insufficient_scope"), 403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (forbidden("a.b.c"), 403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
        (forbidden(""), 403, "PERMISSION_DENIED", ""),
        (NotFound(), 404, "NOT_FOUND", ""),
        (MethodNotAllowed(), 404, "NOT_FOUND", ""),
        (ProtocolFault("already_exists", "There."), 409, "ALREADY_EXISTS", ""),
        (ProtocolFault("aborted", "Another was faster."), 409, "ABORTED", ""),
        (ProtocolFault("too_many_requests", "Slower."), 429, "RESOURCE_EXHAUSTED", ""),
        (ProtocolFault("temporarily_unavailable", "Later."), 503, "UNAVAILABLE", ""),
        (ProtocolFault("server_error", "Wrong here."), 500, "INTERNAL", ""),
        (ProtocolFault("something_else", "Wrong."), 400, "INVALID_ARGUMENT", ""),
    ],
)
def test_each_fault_has_its_face(fault: IntaglioError, code: int, status: str, reason: str) -> None:
    """Status of HTTP, of the API, and the reason; the reference of the request always."""
    answer, error = written(fault)
    assert (answer.status, error["code"], error["status"]) == (code, code, status)
    assert [one["reason"] for one in error["details"] if "reason" in one] == ([reason] if reason else [])
    assert error["details"][-1]["requestId"] == "ref_1"
    headers = dict(answer.headers)
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert headers["cache-control"] == "no-store"
    assert ("www-authenticate" in headers) == isinstance(fault, BearerFault)


def test_the_detail_stays_here() -> None:
    """What is for the operator goes to nobody else; a failure of ours tells nothing."""
    _, error = written(
        ProtocolFault("invalid_request", "Wrong.", detail={"expected": "secret-1", "received": "secret-2"})
    )
    assert "secret" not in json.dumps(error)
    answer, _ = written(Unavailable("x", "y", detail={"retry_after": 7}))
    assert dict(answer.headers)["retry-after"] == "7"


def test_a_challenge_names_the_realm_and_the_scope() -> None:
    """RFC 6750 section 3."""
    fault = BearerFault("insufficient_scope")
    fault.scope = "a b"
    assert errors.challenge(fault, "https://x") == 'Bearer realm="https://x/", error="insufficient_scope", scope="a b"'
    assert errors.challenge(BearerFault(""), "https://x") == 'Bearer realm="https://x/"'
