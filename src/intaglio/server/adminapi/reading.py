"""From a request to what an act is asked; strictly, so that nothing that was meant is passed over.

RFC 8259 with every member once, RFC 9110 sections 8.3 (Content-Type) and 13.1.1 (If-Match).
"""

from __future__ import annotations

import difflib
import re
from typing import Any

import msgspec

from intaglio import codec
from intaglio.errors import ProtocolFault
from intaglio.server.admin.acts import coding
from intaglio.server.admin.acts.act import Asked
from intaglio.server.adminapi.routing import Found
from intaglio.server.registry import versions
from intaglio.wire import params
from intaglio.wire.message import Request

_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`(?: - at `(.+)`)?")
_OTHER = re.compile(r"Expected `(.+?)`, got `(.+?)`( - at `.+`)?")
BY_QUERY = frozenset({"GET", "DELETE"})


class Unreadable(ProtocolFault):
    """The request is not one of this act."""

    code = "request-invalid"
    public = "The request cannot be read."


class MediaType(ProtocolFault):
    """The body is of another kind than JSON."""

    code = "media-type-unknown"
    public = "The body has to be JSON."


def _unreadable(expected: str, received: str = "", hint: str = "") -> Unreadable:
    return Unreadable(detail={"expected": expected, "received": received[:200]}, hint=hint)


def _wrong(words: str, known: list[str]) -> Unreadable:
    """Return the refusal of what a record does not take: what was expected, what came, and what was probably meant."""
    if found := _UNKNOWN.fullmatch(words):
        close = difflib.get_close_matches(found[1], known, n=1) if found[2] is None else []
        where = f" of {found[2]}" if found[2] else ""
        return _unreadable(f"a known member{where}", found[1], f"Did you mean {close[0]}?" if close else "")
    if found := _OTHER.fullmatch(words):
        return _unreadable(found[1] + (found[3] or ""), found[2])
    return _unreadable(words)


def asked(request: Request, found: Found) -> Asked:
    """Return what an act is asked by a request; raises `Unreadable`, `MediaType`."""
    by_query = found.act.method in BY_QUERY
    members = _query(request) if by_query else _body(request)
    apart = {*found.act.words, "etag"}
    if twice := sorted(apart & members.keys()):
        raise _unreadable(f"no member {twice[0]}: it stands in the address or in If-Match", twice[0])
    if not by_query and request.query:
        raise _unreadable("no query: what is asked stands in the body", "a query")
    members = {**members, **found.words, **_seen(request, found)}
    try:
        return coding.convert(members, found.act.asked, strict=not by_query)
    except msgspec.ValidationError as exc:
        known = [name for name in found.act.asked.__struct_fields__ if name not in apart]
        raise _wrong(str(exc), known) from None  # the cause may hold a secret of the body


def _query(request: Request) -> dict[str, Any]:
    if request.body:
        raise _unreadable("no body", "a body")
    try:
        pairs = params.pairs(request.query)
    except params.ParamsError as exc:
        raise _unreadable("a query of names and values") from exc
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _unreadable("each name once in the query")
    return dict(members)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    if request.media_type() != "application/json":
        raise MediaType(detail={"expected": "application/json", "received": request.media_type()[:80]})
    try:
        return codec.decode_json_object(request.body)
    except codec.CodecError:
        raise _unreadable("one JSON object, every member once") from None  # the cause may hold a secret of the body


def _seen(request: Request, found: Found) -> dict[str, str]:
    """Return the version that somebody has seen, of If-Match."""
    headers = request.header_values("if-match")
    if not headers:
        return {}
    if "etag" not in found.act.asked.__struct_fields__:
        raise _unreadable("no If-Match: this act knows no versions", "If-Match")
    if headers == [versions.ANY]:
        return {"etag": versions.ANY}
    tag = _TAG.fullmatch(headers[0].strip()) if len(headers) == 1 else None
    if tag is None or not tag[1]:
        raise _unreadable("If-Match with one strong entity tag, as ETag had it", headers[0])
    # Behind the full stop stands what tells apart two answers about the same version.
    version = tag[1].partition(".")[0]
    # SECURITY: quoted, the star is a tag like any other, and no leave to overwrite whatever there is
    # (test_a_star_in_quotation_marks_is_a_version_that_nobody_has).
    return {"etag": version if version not in ("", versions.ANY) else "none"}
