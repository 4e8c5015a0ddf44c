"""The metadata server: its directory, the attached service account, and the identity endpoint.

Wire facts were checked with the official clients of five languages; the audience comes in three encodings.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import unquote_plus, urlsplit

from intaglio import codec
from intaglio.dialects.coding import Context
from intaglio.errors import ProtocolFault
from intaglio.protocol import faults
from intaglio.protocol.identity import AccountAnswer, AccountQuery, Answered, IdentityQuery, Minted
from intaglio.wire.message import Request, Response

HEADERS = (
    ("metadata-flavor", "Google"),
    ("server", "Metadata Server for VM"),
    ("x-xss-protection", "0"),
    ("x-frame-options", "SAMEORIGIN"),
)
"""What each answer carries, errors too: clients refuse answers without the flavor."""

MAX_AUDIENCE = 2048
SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "openid", "email")


HOSTS = ("metadata", "metadata.google.internal", "localhost")


def _is_own_host(request: Request, base: str) -> bool:
    try:
        host = urlsplit("//" + (request.header("host") or "")).hostname or ""
        if host in HOSTS or host == urlsplit(base).hostname:
            return True
        ip_address(host)
    except ValueError:
        return False
    return True


def _flavored(request: Request, ctx: Context) -> None:
    # SECURITY: a page in a browser and a confused proxy cannot send this header, or they add the others.
    if request.header("metadata-flavor") != "Google":
        raise ProtocolFault("access_denied", "Missing Metadata-Flavor:Google header.")
    if request.header("x-forwarded-for") is not None or request.header("origin") is not None:
        raise ProtocolFault("access_denied", "Requests through a proxy or from a browser are refused.")
    # SECURITY: a page whose name was bound anew to this address would be of one origin with us, and could send the
    # header above; but its Host is its own (test_metadata_refuses_a_rebound_name).
    if not _is_own_host(request, ctx.base):
        raise ProtocolFault("access_denied", "This server is not reached by that name.")


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


def read_ping(request: Request, ctx: Context) -> Answered:
    """Read the ping by which clients find out whether a metadata server is there; it needs no header."""
    return Answered("computeMetadata/\n")


def read_fixed(request: Request, ctx: Context) -> Answered:
    """Read a request for a text that the route states."""
    _flavored(request, ctx)
    return Answered(ctx.fixed["text"])


def read_account(request: Request, ctx: Context) -> AccountQuery:
    """Read a request about the attached service account."""
    _flavored(request, ctx)
    recursive = _parameter(request.query, "recursive").lower() == "true"
    return AccountQuery(ctx.words.get("account", "default"), ctx.fixed.get("field", ""), recursive)


def read_identity(request: Request, ctx: Context) -> IdentityQuery:
    """Read a request for an ID token; raises `invalid_request` without an audience.

    `format=full` is answered as `standard`: there is no virtual machine here to describe.
    """
    _flavored(request, ctx)
    audience = _parameter(request.query, "audience")
    if not audience:
        raise faults.invalid_request("non-empty audience parameter required", expected="audience", received="nothing")
    if len(audience) > MAX_AUDIENCE or not audience.isprintable():
        raise faults.invalid_request("The audience is too long or holds control characters.")
    wanted = _parameter(request.query, "format") or "standard"
    if wanted not in ("standard", "full"):
        raise faults.invalid_request(
            "format must be standard or full.", expected="standard, full", received=wanted[:20]
        )
    return IdentityQuery(ctx.words["account"], audience, wanted)


def write_answered(answer: Answered, ctx: Context) -> Response:
    """Write a short text."""
    return Response(200, (("content-type", answer.content_type),), answer.text.encode())


def write_account(answer: AccountAnswer, ctx: Context) -> Response:
    """Write the account's directory, one field of it, or all of it as JSON."""
    whole = {"aliases": ["default"], "email": answer.email, "scopes": list(SCOPES)}
    if answer.recursive:
        return Response(200, (("content-type", "application/json"),), codec.encode_json(whole))
    texts = {
        "": "aliases\nemail\nidentity\nscopes\n",
        "email": answer.email,
        "aliases": "default\n",
        "scopes": "".join(scope + "\n" for scope in SCOPES),
        "list": f"default/\n{answer.email}/\n",
        "project-id": answer.project_id,
    }
    return Response(200, (("content-type", "application/text"),), texts[answer.field].encode())


def write_identity(answer: Minted, ctx: Context) -> Response:
    """Write the bare token. The content type has no charset: one client refuses any other spelling."""
    return Response(200, (("content-type", "text/html"), ("cache-control", "no-store")), answer.id_token.encode())
