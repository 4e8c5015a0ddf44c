"""The part of the Management API that is about applications: readers and writers.

Auth0's pages "Management API v2: Clients" and "Update ID Token Lifetime"; RFC 6750.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.auth0 import applications
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol.clientadmin import (
    Caller,
    ClientAct,
    ClientCreate,
    ClientFields,
    ClientRemoved,
    ClientsList,
    ClientsTold,
    ClientTold,
)
from intaglio.protocol.faults import BearerFault, invalid_request
from intaglio.wire import message
from intaglio.wire.message import Request, Response
from intaglio.wire.params import Params

T = TypeVar("T")
PREFIX = "/api/v2"
AUDIENCE = "api/v2/"
"""What stands behind the issuer in the audience of its access tokens."""
USUAL_PAGE = 50
LARGEST_PAGE = 100

USUAL_CODES = {400: "invalid_body", 403: "insufficient_scope", 429: "too_many_requests"}
"""What an error of a status is called where nothing more is known of it."""
CODES = {
    "invalid_client_metadata": (400, "invalid_body"),
    "conflict": (409, ""),
    "invalid_query_string": (400, "invalid_query_string"),
}


def _caller(request: Request, ctx: Context, *scope: str, fault: ProtocolFault | None = None) -> Caller:
    token, problem = coding.bearer(request)
    return Caller(token, problem, ctx.issuer + AUDIENCE, scope, fault)


def _read(read: Callable[[], T], usual: T) -> tuple[T, ProtocolFault | None]:
    """Return what a request says, or what is wrong with it, which only those are told who may ask."""
    try:
        return read(), None
    except ProtocolFault as fault:
        return usual, fault


def read_list(request: Request, ctx: Context) -> ClientsList:
    """Read a request for a list: by pages that are counted from 0, or from one application to the next."""
    found = coding.query_params(request)
    (size, skip), fault = _read(lambda: _place(found), (USUAL_PAGE, 0))
    names = ("fields", "include_fields", "include_totals", "take", "from", "page", "per_page")
    own = tuple((name, found.get(name)) for name in names if found.get(name))
    caller = _caller(request, ctx, "read:clients", "read:client_keys", fault=fault)
    return ClientsList(caller, size, skip, found.get("from")[:255] if found.get("take") else "", own)


def _place(found: Params) -> tuple[int, int]:
    name = "take" if found.get("take") else "per_page"
    size = _number(found, name, USUAL_PAGE)
    if not 1 <= size <= LARGEST_PAGE:
        raise _query(name, f"1 to {LARGEST_PAGE}")
    return size, 0 if found.get("take") else _number(found, "page", 0) * size


def _number(found: Params, name: str, usual: int) -> int:
    text = found.get(name)
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise _query(name, "a number")
    return int(text)


def _query(name: str, expected: str) -> ProtocolFault:
    fault = invalid_request(f"Query validation error: '{name}' must be {expected}", expected=expected)
    fault.code = "invalid_query_string"
    return fault


def read_create(request: Request, ctx: Context) -> ClientCreate:
    """Read a request for a new application."""
    given, fault = _read(lambda: applications.created(_members(request)), ClientFields())
    return ClientCreate(_caller(request, ctx, "create:clients", fault=fault), given)


def _members(request: Request) -> dict[str, Any]:
    if request.media_type() != "application/json":
        raise applications.refuse("the body", "application/json")
    try:
        return codec.decode_json_object(request.body)
    except codec.CodecError as exc:
        raise applications.refuse("the body", "a JSON object") from exc


def read_show(request: Request, ctx: Context) -> ClientAct:
    """Read a request for one application."""
    found = coding.query_params(request)
    own = tuple((name, found.get(name)) for name in ("fields", "include_fields") if found.get(name))
    caller = _caller(request, ctx, "read:clients", "read:client_keys")
    return ClientAct("show", caller, ctx.words["client_id"], own=own)


def read_change(request: Request, ctx: Context) -> ClientAct:
    """Read a change of an application: what is not named stays."""
    given, fault = _read(lambda: applications.fields(_members(request)), ClientFields())
    caller = msgspec.structs.replace(
        _caller(request, ctx, "update:clients", fault=fault), secrets=("update:client_keys",)
    )
    return ClientAct("change", caller, ctx.words["client_id"], given)


def read_remove(request: Request, ctx: Context) -> ClientAct:
    """Read a request that an application be removed."""
    return ClientAct("remove", _caller(request, ctx, "delete:clients"), ctx.words["client_id"])


def read_rotate(request: Request, ctx: Context) -> ClientAct:
    """Read a request for a new secret in place of the others."""
    return ClientAct("new_secret", _caller(request, ctx, "update:client_keys"), ctx.words["client_id"])


def write(answer: ClientTold | ClientRemoved, ctx: Context) -> Response:
    """Write an application, or nothing of one that is gone."""
    if isinstance(answer, ClientRemoved):
        return Response(204, message.NO_STORE)
    body = _chosen(applications.told(answer), dict(getattr(ctx.asked, "own", ())))
    return message.json_response(201 if answer.created else 200, codec.encode_json(body))


def write_list(answer: ClientsTold, ctx: Context) -> Response:
    """Write a page of applications: bare, with totals, or with the place where the next one begins."""
    asked = dict(ctx.asked.own)
    found = [_chosen(applications.told(client), asked) for client in answer.clients]
    body: Any = found
    if "take" in asked:
        full = len(answer.clients) == ctx.asked.limit
        body = {"clients": found} | ({"next": answer.clients[-1].client_id} if full else {})
    elif asked.get("include_totals") == "true":
        start, limit = ctx.asked.skip, ctx.asked.limit
        body = {"start": start, "limit": limit, "length": len(found), "total": answer.total, "clients": found}
    return message.json_response(200, codec.encode_json(body))


def _chosen(members: dict[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    names = {name for name in asked.get("fields", "").split(",") if name}
    if not names:
        return members
    wanted = asked.get("include_fields") != "false"
    return {name: value for name, value in members.items() if (name in names) == wanted}


def write_fault(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault as this API does, with the challenge that the standard has for bearer tokens."""
    plain = standard.write(fault, ctx)
    status, code = CODES.get(fault.code, (plain.status, USUAL_CODES.get(plain.status, "")))
    if getattr(fault, "reason", "") == "client-unknown":
        code, text = "inexistent_client", "The client does not exist"
    elif isinstance(fault, BearerFault) and not fault.code:
        text = "Missing authentication"
    else:
        text = fault.public
    body = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": text}
    body |= ({"errorCode": code} if code else {}) | {"ref": ctx.ref}
    return Response(status, plain.headers, codec.encode_json(body))
