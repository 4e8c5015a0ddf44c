"""A request that somebody wants to make of a service, as the gate sees it, and what may travel on of it.

RFC 9110 sections 7.2 (Host) and 7.6.1 (fields of one connection), RFC 6265 section 5.4 (Cookie).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from intaglio.wire.message import Headers

OF_CONNECTION = frozenset(
    """connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding
    upgrade expect http2-settings""".split()
)
"""Fields that belong to one connection and never travel on."""
CLAIMED = frozenset(
    """forwarded x-real-ip x-client-ip true-client-ip x-cluster-client-ip x-rewrite-url x-host x-http-host-override
    x-http-method x-http-method-override x-method-override""".split()
)
"""Fields by which a client could say that it came from, or asked for, something else than it did."""
CLAIMED_FAMILIES = ("x-forwarded-", "x-original-")
"""How the names of more such fields begin; some say who was signed in."""
PAGES = "/_intaglio/gate/"
"""Where the gate's own pages are, in front of a service."""
_PLAIN_NAME = re.compile(r"[a-z0-9-]+", re.ASCII)


class Asked(msgspec.Struct, frozen=True):
    """A request for a service. `host` is in lower case, `path` and `query` raw; `pages`: a redirect may be answered."""

    method: str
    host: str
    path: str
    query: str
    headers: Headers
    peer: str
    pages: bool = True

    def every(self, name: str) -> list[str]:
        """Return every value of a header (name in lower case)."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """Return the value of a header that came exactly once; empty otherwise."""
        found = self.every(name)
        return found[0] if len(found) == 1 else ""

    @property
    def target(self) -> str:
        """Path and query as they stood in the request."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def is_visit(self) -> bool:
        """Whether a browser goes to a page: the one case in which a redirect to sign in makes sense."""
        navigates = self.one("sec-fetch-mode") in ("", "navigate")
        return self.method in ("GET", "HEAD") and navigates and "text/html" in self.one("accept")

    def __repr__(self) -> str:
        return f"Asked({self.method} {self.path})"


def is_plain_name(name: str) -> bool:
    """Tell whether a header's name (lower case) reads the same to everybody.

    CGI and WSGI write one sign for hyphens, underscores and often for all others (RFC 3875 section 4.1.18), so that
    X_Goog_… and X.Goog.… would pass for X-Goog-… behind the gate.
    """
    return _PLAIN_NAME.fullmatch(name) is not None


def travelling(headers: Headers, owned: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Return the headers that may travel on, without those that the gate owns."""
    # RFC 9110 7.6.1: what Connection names is for the next hop alone.
    named = {word.strip().lower() for key, value in headers if key == "connection" for word in value.split(",")}
    # SECURITY: but not Host, in whose place the upstream's own address would be sent, which may be another site of the
    # same server (test_d6_41_connection_does_not_take_the_host_away).
    barred = OF_CONNECTION | CLAIMED | (named - {"host"})
    return [(key, value) for key, value in headers if key not in barred and not _is_withheld(key, owned)]


def _is_withheld(name: str, owned: Callable[[str], bool]) -> bool:
    return name.startswith(CLAIMED_FAMILIES) or not is_plain_name(name) or owned(name)


def without_cookies(value: str, barred: Iterable[str]) -> str:
    """Return a Cookie header without the cookies whose names begin with one of the prefixes."""
    prefixes = tuple(barred)
    kept = [part for part in value.split(";") if not part.strip().startswith(prefixes)]
    return ";".join(kept).strip()


def is_ambiguous(path: str) -> bool:
    """Tell whether a path means one thing to the gate and may mean another to the service.

    RFC 3986 sections 5.2.4 and 6.2.2: dot segments, empty segments, encoded separators, matrix parameters.
    """
    lowered = path.lower()
    if not path.startswith("/") or not path.isascii() or not path.isprintable():
        return True
    if any(part in lowered for part in ("//", "%2f", "%5c", "%2e", "%00", "%25", "%3b", "\\", ";", "#", "?")):
        return True
    return any(segment in (".", "..") for segment in path.split("/"))
