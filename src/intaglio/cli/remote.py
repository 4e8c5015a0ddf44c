"""Acts over an issuer's administration API: the same records as on the database, and the same errors.

RFC 9110 sections 9.3 and 13.1.1 (If-Match), RFC 6750 section 2.1 (bearer tokens), RFC 9457 (problem details).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from intaglio import codec
from intaglio.cli import outgoing
from intaglio.cli.faults import NotAuthenticated
from intaglio.errors import Denied, IntaglioError, Misconfigured, Unavailable
from intaglio.ids import Secret
from intaglio.net.guard import Limits
from intaglio.server.admin.acts import coding
from intaglio.server.admin.acts.act import Act
from intaglio.wire.flow import Call, Flow, Reply

PREFIX = "/_intaglio/admin/v1"
LIMITS = Limits(octets=64 * 1024 * 1024, seconds=60.0)
"""A page of a thousand, and all that is known of one person, have to find room."""
JSON = ("content-type", "application/json")


def perform(server: str, bearer: Secret, act: Act, fields: Mapping[str, Any], ca_file: str = "") -> dict[str, Any]:
    """Have a server perform an act, and return what it tells.

    Raises `Misconfigured` with the server's code, `NotAuthenticated`, `Denied`, `Unavailable`.
    """
    driver = outgoing.driver([server], ca_file, limits=LIMITS)
    try:
        return driver.run(asked(server, bearer, act, fields))
    finally:
        driver.close()


def asked(server: str, bearer: Secret, act: Act, fields: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    """Ask for an act; raises as `perform`."""
    left = dict(fields)
    place = "/".join(
        _step(word[1:-1], left.pop(word[1:-1])) if word[:1] == "{" else word for word in act.path.split("/")
    )
    url = server.removesuffix(PREFIX) + PREFIX + place
    headers = [("authorization", f"Bearer {bearer.reveal()}"), ("accept", "application/json, application/problem+json")]
    if etag := left.pop("etag", ""):
        # RFC 9110 13.1.1: the star, which stands for whichever version there is, has no quotes.
        headers.append(("if-match", etag if etag == "*" else f'"{etag}"'))
    body = b""
    if act.method in ("POST", "PATCH"):
        body = msgspec.json.encode(left, enc_hook=coding.plain)
        headers.append(JSON)
    elif query := {name: _word(value) for name, value in left.items() if value is not None}:
        url += "?" + urlencode(query)
    reply = yield Call(act.method, url, tuple(headers), body)
    if reply.status >= 300:
        raise _fault(reply, server)
    if reply.status == 204:
        return {}
    return _members(reply)


def _step(name: str, value: object) -> str:
    """Return a word as it stands in a path; raises `Misconfigured` (`value-unknown`)."""
    # SECURITY: RFC 3986 5.2.4: whoever tidies paths on the way takes `..` for a step up, percent-encoded or not, and
    # the call for one about something larger (test_no_word_of_a_command_climbs_in_the_path).
    if str(value) in ("", ".", ".."):
        detail = {"expected": f"{name} that can stand in a path", "received": repr(str(value))}
        hint = "Name a user by UUID, or work on the database."
        raise Misconfigured("value-unknown", "This cannot be named over the network.", detail=detail, hint=hint)
    return quote(str(value), safe="")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _members(reply: Reply) -> dict[str, Any]:
    try:
        return codec.decode_json_object(reply.body)
    except codec.CodecError:
        raise _no_api(reply) from None  # the cause may quote a secret that was told once


def _no_api(reply: Reply) -> IntaglioError:
    return Unavailable(
        "administration-silent",
        "There is no administration API.",
        detail={
            "expected": "an answer in JSON",
            "received": f"status {reply.status} from {reply.url.partition('?')[0]}",
        },
        hint="Look at the address; it is open once there is an administrator: intaglio admin bootstrap",
    )


def _fault(reply: Reply, server: str) -> IntaglioError:
    """Return the error that the server told, as it would have been raised on the database."""
    if (reply.header("content-type") or "").partition(";")[0].strip() != "application/problem+json":
        return _no_api(reply)
    told = _members(reply)
    detail = {name: told[name] for name in ("faults", "expected", "received", "ref") if told.get(name)}
    code, public, hint = (_text(told.get(name)) for name in ("code", "title", "hint"))
    if reply.status == 401 and not hint:
        hint = f"intaglio login --issuer {server}/operators --scope 'openid intaglio.admin'"
    public = public or f"The server answered with status {reply.status}."
    return _kind(reply.status)(code or "unexpected", public, detail=detail, hint=hint)


def _kind(status: int) -> type[IntaglioError]:
    if status in (401, 403):
        return NotAuthenticated if status == 401 else Denied
    if status in (429, 502, 503, 504):
        return Unavailable
    return IntaglioError if status >= 500 else Misconfigured


def _text(value: object) -> str:
    """Return a stranger's text without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in value) if isinstance(value, str) else ""
