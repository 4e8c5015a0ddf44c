"""Faults as Microsoft writes them: a standard code, a number with a text, and identifiers to find the request by.

Microsoft's pages "Authorization code flow" (error response) and "Authentication and authorization error codes";
RFC 6749 sections 4.1.2.1 and 5.2.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import aadsts, authority
from intaglio.dialects.microsoft.aadsts import Entry
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol.authorize import AuthorizeAnswer, Problem
from intaglio.protocol.device import DeviceDenied
from intaglio.protocol.faults import BearerFault, Forbidden, MethodNotAllowed
from intaglio.protocol.pages import ErrorPage
from intaglio.wire import message
from intaglio.wire.message import Request, Response

CORRELATION = "client-request-id"
"""What a client names its request by, in a header or among the parameters."""
MAX_VALUE = 200


class _Told(dict[str, str]):
    """Values for a text; what is not known is told as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def write(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault of an endpoint as JSON, with its number; of a bearer token as the standard has it."""
    if isinstance(fault, BearerFault):
        return standard.write(fault, ctx)
    if isinstance(fault, Forbidden):
        return msgspec.structs.replace(standard.write(fault, ctx), status=403)
    found, told = _entry(fault), _told(fault, ctx)
    body = _body(found, found.error or fault.code, told, ctx)
    written = standard.write(fault, ctx)
    status = _status(found, fault)
    left_out = ("content-type",) if status == 401 else ("content-type", "www-authenticate")
    kept = tuple((name, value) for name, value in written.headers if name not in left_out)
    named = (("x-ms-request-id", body["trace_id"]), ("client-request-id", body["correlation_id"]))
    return message.json_response(status, codec.encode_json(body), (*kept, *named))


def write_metadata(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault of the metadata's addresses; an unknown tenant is `invalid_tenant` there."""
    if getattr(fault, "reason", "") != "tenant-unknown":
        return write(fault, ctx)
    body = _body(_entry(fault), "invalid_tenant", _told(fault, ctx), ctx)
    return message.json_response(400, codec.encode_json(body))


def write_page(fault: IntaglioError, ctx: Context) -> ErrorPage:
    """Write a fault as a page for the person, with its number."""
    page, found, told = standard.write_page(fault, ctx), _entry(fault), _told(fault, ctx)
    if found is aadsts.MALFORMED:
        return page
    return ErrorPage(
        status=_status(found, fault),
        code=found.error or page.code,
        sentence=f"AADSTS{found.number}: {_text(found, told)}",
        ref=page.ref,
        next_step=page.next_step,
        expected=page.expected,
        received=page.received,
    )


def fields(answer: AuthorizeAnswer, ctx: Context) -> tuple[tuple[str, str], ...]:
    """Return an authorization error's fields: number and text in the description, and where to look the number up."""
    problem = answer.problem
    if problem is None:
        return answer.fields
    found = aadsts.entry(problem.reason, problem.error)
    body = _body(found, found.error or problem.error, _told_of(problem, ctx), ctx)
    told = {"error": body["error"], "error_description": body["error_description"]}
    kept = tuple((name, told.get(name, value)) for name, value in answer.fields)
    return (*kept, *((name, body[name]) for name in ("error_uri", "suberror") if name in body))


def _entry(fault: IntaglioError) -> Entry:
    if isinstance(fault, DeviceDenied):
        return aadsts.DECLINED
    return aadsts.entry(fault.reason if isinstance(fault, ProtocolFault) else "", fault.code)


def _status(found: Entry, fault: IntaglioError) -> int:
    if found.status:
        return found.status
    # RFC 6749 5.2: 401 for a client that did not prove itself; whatever else the client is told is its request's fault.
    return 401 if (found.error or fault.code) == "invalid_client" else _of(found, fault)


def _of(found: Entry, fault: IntaglioError) -> int:
    usual = standard.status(fault)
    return 400 if usual == 401 else usual


def _told(fault: IntaglioError, ctx: Context) -> _Told:
    told = _Told(tenant=ctx.tenant_id, public=fault.public)
    if isinstance(fault, ProtocolFault):
        told |= _bounded(fault.told)
        told["what"] = told["what"] or aadsts.WHAT.get(fault.reason.partition("-")[0], "assertion")
    if isinstance(fault, MethodNotAllowed):
        told["allowed"] = " or ".join(fault.allowed)
    return told


def _told_of(problem: Problem, ctx: Context) -> _Told:
    client_id = str(getattr(ctx.asked, "client_id", ""))[:MAX_VALUE]
    told = _Told(tenant=ctx.tenant_id, public=problem.description, client_id=client_id)
    told |= _bounded(problem.told)
    return told


def _bounded(values: Mapping[str, str]) -> _Told:
    # What came with the request comes back in one line and no longer than this.
    return _Told((name, " ".join(value.split())[:MAX_VALUE]) for name, value in values.items())


def _text(found: Entry, told: _Told) -> str:
    return found.text.format_map(told).strip()


def _body(found: Entry, error: str, told: _Told, ctx: Context) -> dict[str, Any]:
    trace, correlation = trace_id(ctx), correlation_id(ctx)
    moment = datetime.fromtimestamp(ctx.now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"AADSTS{found.number}: {_text(found, told)}"
    body: dict[str, Any] = {
        "error": error,
        "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}",
        "error_codes": [found.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        # Before it is known whose address it is there is none to look the number up at.
        "error_uri": f"{authority.authority(ctx.base)}/error?code={found.number}" if ctx.base else "",
        "suberror": found.suberror,
    }
    return {name: value for name, value in body.items() if value}


def trace_id(ctx: Context) -> str:
    """Return the GUID that begins with the digits of the request's reference, by which the log has it."""
    digits = ctx.ref.removeprefix("ref_")
    more = hashlib.sha256(b"intaglio/microsoft/trace/" + ctx.ref.encode()).hexdigest()
    return str(uuid.UUID((digits + more)[:32] if _is_hex(digits) else more[:32]))


def correlation_of(request: Request) -> str:
    """Return what a client named a request by, in a header or in its address; empty for nothing."""
    return request.header(CORRELATION) or coding.query_params(request).get(CORRELATION)


def correlation_id(ctx: Context) -> str:
    """Return the GUID by which the client named its request, else the trace's own."""
    own = dict(getattr(ctx.asked, "own", ()))
    try:
        return str(uuid.UUID(own.get(CORRELATION, "")))
    except ValueError:
        return trace_id(ctx)


def _is_hex(text: str) -> bool:
    return bool(text) and all(letter in "0123456789abcdef" for letter in text)
