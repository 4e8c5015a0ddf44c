"""The questions of other proxies: what each of them sends when it asks whether a request may pass.

nginx's auth_request, Envoy's ext_authz over HTTP, Traefik's ForwardAuth. The service comes from the address that the
proxy was configured with; of what the client sent, nothing but the token counts for who it is.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from intaglio.server.gate import signin
from intaglio.server.gate.asked import Asked, is_plain_name
from intaglio.server.gate.outcome import Passed, Refused
from intaglio.wire.message import NO_STORE, Request, Response

MAX_URI = 16 * 1024
HANDLED = frozenset({200, 401, 403})
"""The statuses that nginx understands in an answer to its question."""
REMOVE = "x-envoy-auth-headers-to-remove"


class Question(msgspec.Struct, frozen=True):
    """A proxy's question: which service, and what was asked of it; None where the question makes no sense."""

    kind: str
    service: str
    asked: Asked | None


def read(request: Request) -> Question | None:
    """Return the question in a request; None for an address that is none."""
    _, kind, rest = (*request.path.split("/", 2), "", "")[:3]
    service, slash, behind = rest.partition("/")
    reader = _READERS.get(kind)
    if reader is None or not service or (slash and kind != "envoy"):
        return None
    return Question(kind, service, reader(request, slash + behind))


def _only(request: Request, name: str) -> str:
    found = request.header_values(name)
    return found[0] if len(found) == 1 else ""


def _nginx(request: Request, behind: str) -> Asked | None:
    method, uri = _only(request, "x-original-method"), _only(request, "x-original-uri")
    host = _only(request, "x-original-host")
    return _asked(request, method, host, uri, pages=False)


def _sign_in(request: Request, behind: str) -> Asked | None:
    found = _nginx(request, behind)
    return None if found is None else msgspec.structs.replace(found, pages=True)


def _traefik(request: Request, behind: str) -> Asked | None:
    method, uri = _only(request, "x-forwarded-method"), _only(request, "x-forwarded-uri")
    return _asked(request, method, _only(request, "x-forwarded-host"), uri, pages=True)


def _envoy(request: Request, behind: str) -> Asked | None:
    uri = f"{behind}?{request.query}" if request.query else behind
    return _asked(request, request.method, _only(request, "host"), uri, pages=True)


_READERS: dict[str, Callable[[Request, str], Asked | None]] = {
    "nginx": _nginx,
    "sign-in": _sign_in,
    "traefik": _traefik,
    "envoy": _envoy,
}


def _asked(request: Request, method: str, host: str, uri: str, *, pages: bool) -> Asked | None:
    if not method.isalpha() or not method.isupper() or not host or not uri.startswith("/") or len(uri) > MAX_URI:
        return None
    path, _, query = uri.partition("?")
    return Asked(method, host.lower(), path, query, request.headers, request.peer, pages)


def allowed(kind: str, asked: Asked, passed: Passed, owns: Callable[[str], bool]) -> Response:
    """Return the answer that lets a request pass: every header that the service is to get, as it is to get it."""
    if kind == "sign-in":
        # This answer goes to the browser: what is for the service alone is not in it. It may ask again.
        return Response(303, (("location", signin.safe_target(asked.target)), *NO_STORE))
    headers = tuple((name, value) for name, value in passed.told if value)
    if kind == "envoy":
        written = {name for name, _ in headers}
        gone = {name for name, _ in asked.headers if owns(name) or not is_plain_name(name)}
        # What is left out of what is told would else arrive as the client sent it.
        gone = (gone | {name for name, _ in passed.told}) - written
        headers = (*headers, (REMOVE, ",".join(sorted(gone)))) if gone else headers
    return Response(200, (*headers, *NO_STORE))


def refused(kind: str, refusal: Refused) -> Response:
    """Return the answer that lets no request pass, in a status that the proxy understands."""
    response = refusal.response
    if kind == "nginx" and response.status not in HANDLED:
        return msgspec.structs.replace(response, status=401 if response.status < 400 else 403)
    return response
