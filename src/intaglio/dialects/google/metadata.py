"""The metadata server: the tree that describes the machine, and the attached account's tokens.

Wire facts were checked with the official clients of five languages; the audience comes in three encodings.
"""

from __future__ import annotations

import hashlib
import re
from html import escape
from urllib.parse import unquote, unquote_plus

from intaglio import codec
from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.standard import errors as standard
from intaglio.errors import IntaglioError, ProtocolFault
from intaglio.protocol import faults
from intaglio.protocol.identity import (
    Answered,
    Form,
    IdentityQuery,
    Minted,
    TokenAnswer,
    TokenQuery,
    TreeAnswer,
    TreeQuery,
)
from intaglio.protocol.instances import ETAG_DIGITS
from intaglio.wire.message import NO_STORE, Request, Response

HEADERS = (
    ("metadata-flavor", "Google"),
    ("server", "Metadata Server for VM"),
    ("x-xss-protection", "0"),
    ("x-frame-options", "SAMEORIGIN"),
)
"""What each answer carries, errors too: clients refuse answers without the flavor."""

ROOT = "/computeMetadata"
TREE = ROOT + "/v1"

MAX_AUDIENCE = 2048
MAX_SCOPES, MAX_SCOPE = 50, 200
MAX_WAIT = 3600
"""Seconds for which somebody may wait for a change; clients ask again."""
MAX_ETAG = 64

JUDGED = ("host", "metadata-flavor")
HOSTS = frozenset({"metadata", "metadata.google.internal", "localhost"})
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
NO_AUDIENCE = "non-empty audience parameter required"
_STATUS = {"invalid_request": 400, "access_denied": 403}


# --- who may ask


def _flavored(request: Request, ctx: Context) -> None:
    given = dict(request.headers)
    # SECURITY: of two fields of one name, who stands between may have looked at the other one.
    if len(given) < len(request.headers) and any(len(request.header_values(name)) > 1 for name in JUDGED):
        raise ProtocolFault("access_denied", "A header that decides came twice.")
    # SECURITY: a page in a browser and a confused proxy cannot send this header, or they add the others.
    if given.get("metadata-flavor") != "Google":
        raise ProtocolFault("access_denied", "Missing Metadata-Flavor:Google header.")
    if not coding.PASSED_ON.isdisjoint(given):
        raise ProtocolFault("access_denied", "Requests through a proxy or from a browser are refused.")
    # SECURITY: a page whose name was bound anew to this address would be of one origin with us, and could send the
    # header above; but its Host is its own (test_metadata_refuses_a_rebound_name).
    if not coding.is_own_host(given.get("host", ""), ctx.base, HOSTS):
        raise ProtocolFault("access_denied", "This server is not reached by that name.")


# --- questions


def _parameter(query: str, name: str) -> str:
    """Return one parameter of a raw query; raises `invalid_request` for octets that are not UTF-8.

    `://`, `?` and `=` may stand in it bare, for some clients send it so.
    """
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key == name:
            try:
                # VENDOR: one client writes a blank as `+` and encodes the rest; sent bare, the sign means itself.
                return unquote_plus(value, errors="strict") if "%" in value else value
            except UnicodeDecodeError as exc:
                raise faults.invalid_request(f"The {name} is not UTF-8.") from exc
    return ""


def _is_true(query: str, *names: str) -> bool:
    return any(_parameter(query, name).lower() == "true" for name in names)


def read_ping(request: Request, ctx: Context) -> Answered:
    """Read the ping by which clients find out whether a metadata server is there; it needs no header."""
    return Answered("computeMetadata/\n")


def read_fixed(request: Request, ctx: Context) -> Answered:
    """Read a request for a text that the route states."""
    _flavored(request, ctx)
    return Answered(ctx.fixed["text"])


def read_identity(request: Request, ctx: Context) -> IdentityQuery:
    """Read a request for an ID token; raises `invalid_request` without an audience."""
    _flavored(request, ctx)
    audience = _parameter(request.query, "audience")
    if not audience:
        raise faults.invalid_request(NO_AUDIENCE, expected="audience", received="nothing")
    if len(audience) > MAX_AUDIENCE or not audience.isprintable():
        raise faults.invalid_request("The audience is too long or holds control characters.")
    if "&" not in request.query:
        return IdentityQuery(ctx.words["account"], audience)
    wanted = _parameter(request.query, "format") or "standard"
    if wanted not in ("standard", "full"):
        raise faults.invalid_request(
            "format must be standard or full.", expected="standard, full", received=wanted[:20]
        )
    # VENDOR: one client's older versions say `license`.
    return IdentityQuery(ctx.words["account"], audience, wanted, _is_true(request.query, "licenses", "license"))


def read_token(request: Request, ctx: Context) -> TokenQuery:
    """Read a request for an access token; its scopes are separated by commas. Other parameters do not count."""
    _flavored(request, ctx)
    asked = dict.fromkeys(word for word in _parameter(request.query, "scopes").split(",") if word)
    if len(asked) > MAX_SCOPES or not all(len(word) <= MAX_SCOPE and _SCOPE.fullmatch(word) for word in asked):
        raise faults.invalid_request("The scopes are too many, or are no scopes.")
    return TokenQuery(ctx.words["account"], tuple(asked))


def read_tree(request: Request, ctx: Context) -> TreeQuery:
    """Read a question about the machine; raises `invalid_request` for a parameter that is none."""
    _flavored(request, ctx)
    query, names = request.query, request.path.removeprefix(TREE).removeprefix("/").split("/")
    seconds, form = _parameter(query, "timeout_sec"), _parameter(query, "alt")
    if form not in ("", "text", "json"):
        raise faults.invalid_request("alt must be text or json.", expected="text, json", received=form[:20])
    if seconds and not (seconds.isascii() and seconds.isdigit()):
        raise faults.invalid_request("timeout_sec must be a whole number.", received=seconds[:20])
    return TreeQuery(
        path=tuple(unquote(name) for name in names if name),
        address=_with_slash(request),
        directory=request.path.endswith("/"),
        recursive=_is_true(query, "recursive"),
        form=_form(form),
        wait=_is_true(query, "wait_for_change"),
        last_etag=_parameter(query, "last_etag")[:MAX_ETAG],
        wait_seconds=min(int(seconds[:9]), MAX_WAIT) if seconds else MAX_WAIT,
    )


def _form(text: str) -> Form:
    return "json" if text == "json" else "text" if text == "text" else ""


def _with_slash(request: Request) -> str:
    # The Host is one of our own names by now, or an address.
    scheme = "https" if request.secure else "http"
    return f"{scheme}://{request.header('host')}{request.path}/" + (f"?{request.query}" if request.query else "")


def read_moved(request: Request, ctx: Context) -> TreeAnswer:
    """Read a request for a directory above the tree, without its slash."""
    _flavored(request, ctx)
    return TreeAnswer("", moved=_with_slash(request))


# --- answers


def _tag(body: bytes) -> tuple[str, str]:
    return ("etag", hashlib.sha256(body).hexdigest()[:ETAG_DIGITS])


def write_answered(answer: Answered, ctx: Context) -> Response:
    """Write a short text."""
    body = answer.text.encode()
    return Response(200, (("content-type", answer.content_type), _tag(body)), body)


def write_tree(answer: TreeAnswer, ctx: Context) -> Response:
    """Write a value or a directory, or where the directory is."""
    if answer.moved:
        return Response(301, (("location", answer.moved), ("content-type", "text/html"), _tag(b"")))
    kind = "application/json" if answer.form == "json" else "application/text"
    return Response(200, (("content-type", kind), ("etag", answer.etag)), answer.text.encode())


def write_identity(answer: Minted, ctx: Context) -> Response:
    """Write the bare token. The content type has no charset: one client refuses any other spelling."""
    body = answer.id_token.encode()
    return Response(200, (("content-type", "text/html"), ("cache-control", "no-store"), _tag(body)), body)


def write_token(answer: TokenAnswer, ctx: Context) -> Response:
    """Write the access token as an answer of a token endpoint."""
    told = {"access_token": answer.access_token, "expires_in": answer.expires_in, "token_type": "Bearer"}
    body = codec.encode_json(told)
    return Response(200, (("content-type", "application/json"), *NO_STORE, _tag(body)), body)


def write_fault(fault: IntaglioError, ctx: Context) -> Response:
    """Write a fault: a short page that clients do not parse, or the one sentence that some look for."""
    status = _STATUS.get(fault.code, standard.status(fault))
    if fault.public == NO_AUDIENCE:
        body, kind = NO_AUDIENCE.encode(), "text/html"
    else:
        page = f"<!DOCTYPE html><title>{status}</title><p>{escape(fault.public)}</p><p>{escape(ctx.ref)}</p>\n"
        body, kind = page.encode(), "text/html; charset=UTF-8"
    return Response(status, (("content-type", kind), *NO_STORE, _tag(body)), body)
