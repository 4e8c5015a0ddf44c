"""What came in and what goes out, as values.

RFC 9110 (semantics). Header names are lower case throughout.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Headers = tuple[tuple[str, str], ...]


class Noted(msgspec.Struct):
    """What is noted of a request on its way, for its operator: the route's pattern and whose it is, never what it says.

    The one record that changes: whoever answers a request writes into it, whoever tells of the request reads it.
    """

    route: str = ""
    tenant: str = ""
    code: str = ""
    reason: str = ""
    issued: str = ""
    sign_in: str = ""


class Request(msgspec.Struct, frozen=True):
    """A request as it arrived. `path` and `query` are raw, percent-encoded text; `headers` keep their order.

    `ref` is what it is called in every log, `noted` what is told of it there.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    peer: str = ""
    secure: bool = False
    ref: str = ""
    noted: Noted | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def header_values(self, name: str) -> list[str]:
        """Return every header of that (lower-case) name."""
        return [value for key, value in self.headers if key == name]

    def media_type(self) -> str:
        """Return the body's media type in lower case without parameters; empty if none is declared."""
        return (self.header("content-type") or "").split(";", 1)[0].strip().lower()

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


class Response(msgspec.Struct, frozen=True):
    """An answer, complete but for what the server adds to every one (Content-Length, security headers, Date)."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} octets)"


NO_STORE: Headers = (("cache-control", "no-store"), ("pragma", "no-cache"))
"""What every answer with a token or an error of the token endpoint carries (RFC 6749 sections 5.1 and 5.2)."""


def json_response(status: int, body: bytes, extra: Iterable[tuple[str, str]] = NO_STORE) -> Response:
    """Return an answer with a JSON body."""
    return Response(status, (("content-type", "application/json"), *extra), body)


def redirect(location: str) -> Response:
    """Return a 303 to `location`: the browser follows with GET whatever the method was (RFC 9700 section 4.12)."""
    return Response(303, (("location", location), *NO_STORE))
