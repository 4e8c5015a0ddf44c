"""From what an act told, or why it did not, to an answer.

RFC 9110 sections 8.8.3 (ETag), 13.1.2 (If-None-Match) and 15 (status codes), RFC 8288 (Link), RFC 9457 (problem
details), RFC 6750 section 3 (WWW-Authenticate).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote

import msgspec

from intaglio.errors import Denied, IntaglioError, Misconfigured, ProtocolFault, Unavailable
from intaglio.protocol.administration import API
from intaglio.protocol.faults import BearerFault, MethodNotAllowed, NotFound
from intaglio.server.admin.acts import coding
from intaglio.server.admin.acts.act import Asked, Nothing, Told
from intaglio.server.adminapi.reading import MediaType
from intaglio.server.adminapi.routing import Found
from intaglio.server.http.framework import TooLarge, TooSlow
from intaglio.server.limits.rates import TooMany
from intaglio.wire import params
from intaglio.wire.message import NO_STORE, Headers, Request, Response

ABSENT = {
    "tenant-unknown": "tenant",
    "client-unknown": "client_id",
    "user-unknown": "user",
    "key-unknown": "key_id",
    "secret-unknown": "secret_id",
    "administrator-unknown": "name",
}
"""Refusals that say that what a word of the path names is not there."""
CONFLICTS = ("-exists", "-taken", "-changed", "-occupied", "-busy")
BY_KIND: tuple[tuple[type[IntaglioError], int], ...] = (
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (TooSlow, 408),
    (TooLarge, 413),
    (MediaType, 415),
    (TooMany, 429),
    (ProtocolFault, 400),
    (Denied, 403),
    (Misconfigured, 422),
    (Unavailable, 503),
)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was refused (RFC 9457); `code` never changes its meaning, `ref` leads to the log's line."""

    type: str
    title: str
    status: int
    code: str
    expected: str = ""
    received: str = ""
    hint: str = ""
    ref: str = ""


def told(record: Told, asked: Asked, found: Found, request: Request) -> Response:
    """Return what an act told as the answer to a request."""
    if isinstance(record, Nothing):
        return Response(204, NO_STORE)
    body = coding.encode(record)
    headers: Headers = (("content-type", "application/json"), *NO_STORE)
    if found.act.method == "GET":
        tag = _tag(record, body)
        headers = (*headers, ("etag", tag), *_next(record, asked, found))
        if _is_known(request, tag):
            return Response(304, headers[1:])
    elif getattr(record, "etag", ""):
        headers = (*headers, ("etag", _tag(record, body)))
    if found.act.created:
        words = {**msgspec.structs.asdict(asked), **msgspec.structs.asdict(record)}
        place = "/".join(
            quote(str(words[part[1:-1]]), safe="") if part.startswith("{") else part
            for part in found.act.created.split("/")
        )
        headers = (*headers, ("location", API + place))
    return Response(found.act.status, headers, body)


def _tag(record: Told, body: bytes) -> str:
    """Return the strong tag of an answer: the record's version where it has one, and a hash of the octets."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:12]).decode()
    return f'"{getattr(record, "etag", "") or "list"}.{digest}"'


def _is_known(request: Request, tag: str) -> bool:
    # RFC 9110 13.1.2: weak comparison.
    known = [
        one.strip().removeprefix("W/") for value in request.header_values("if-none-match") for one in value.split(",")
    ]
    return "*" in known or tag in known


def _next(record: Told, asked: Asked, found: Found) -> Headers:
    after = getattr(record, "next", "")
    if not after:
        return ()
    given = {name: getattr(asked, name) for name in asked.__struct_fields__ if name not in found.act.words}
    query = params.write([(name, str(value)) for name, value in {**given, "after": after}.items() if value != ""])
    return (("link", f'<?{query}>; rel="next"'),)


# --- refusals


def status(fault: IntaglioError, words: tuple[str, ...]) -> int:
    """Return the status of a refusal; `words` are those of the path."""
    if isinstance(fault, BearerFault):
        return {"insufficient_scope": 403, "invalid_request": 400}.get(fault.code, 401)
    if isinstance(fault, Misconfigured):
        if fault.code == "record-changed":
            return 412
        if ABSENT.get(fault.code) in words:
            return 404
        if fault.code == "last-owner" or fault.code.endswith(CONFLICTS):
            return 409
    return next((number for kind, number in BY_KIND if isinstance(fault, kind)), 500)


def broken(fault: IntaglioError, ref: str) -> Response:
    """Return the answer where something went wrong here."""
    problem = Problem(type=f"urn:intaglio:error:{fault.code}", title=fault.public, status=500, code=fault.code, ref=ref)
    return Response(500, (("content-type", "application/problem+json"), *NO_STORE), msgspec.json.encode(problem))


def refused(fault: IntaglioError, ref: str, words: tuple[str, ...] = ()) -> Response:
    """Return the answer to a request that was refused."""
    number = status(fault, words)
    # What is wrong inside is the log's to tell.
    detail: dict[str, Any] = fault.detail if number < 500 else {}
    code = fault.code or "token-missing"
    problem = Problem(
        type=f"urn:intaglio:error:{code}",
        title=fault.public,
        status=number,
        code=code,
        expected=_text(detail, "expected"),
        received="" if isinstance(fault, BearerFault) else _text(detail, "received"),
        hint=fault.hint,
        ref=ref,
    )
    headers: Headers = (("content-type", "application/problem+json"), *NO_STORE, *_besides(fault, number))
    return Response(number, headers, msgspec.json.encode(problem))


def _text(detail: dict[str, Any], name: str) -> str:
    return str(detail.get(name, ""))[:500].encode("utf-8", "replace").decode()


def _besides(fault: IntaglioError, number: int) -> Headers:
    if isinstance(fault, BearerFault):
        return (("www-authenticate", _challenge(fault)),)
    if isinstance(fault, MethodNotAllowed):
        # RFC 9110 15.5.6: which methods there are.
        return (("allow", ", ".join(fault.allowed)),)
    if isinstance(fault, TooMany):
        return fault.fields
    return (("retry-after", "1"),) if number == 503 else ()


def _challenge(fault: BearerFault) -> str:
    parts = ['realm="intaglio"']
    if fault.code:
        parts += [f'error="{fault.code}"', f'error_description="{fault.public}"']
    if fault.scope:
        parts.append(f'scope="{fault.scope}"')
    return "Bearer " + ", ".join(parts)
