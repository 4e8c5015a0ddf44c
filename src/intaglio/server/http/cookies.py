"""Cookies: host-only, one name an issuer.

RFC 6265bis. Ports and paths of one host share one jar, so the issuer is in the name: two tenants and several dialects
in one browser do not meet.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Literal

from intaglio.wire.message import Request

Kind = Literal["session", "browser", "demo", "state", "tenant"]
_VALUE = re.compile(r"[A-Za-z0-9_\-]{20,128}", re.ASCII)
MAX_HEADER = 32 * 1024


@lru_cache(maxsize=4096)
def name(kind: Kind, issuer: str, *, secure: bool) -> str:
    """Return the cookie's name for an issuer; over https its prefix pins it to the host (RFC 6265bis section 4.1.3)."""
    mark = hashlib.sha256(issuer.encode()).hexdigest()[:16]
    return f"{'__Host-' if secure else ''}intaglio-{kind}-{mark}"


def read(request: Request, wanted: str) -> str:
    """Return a cookie's value, empty if it is absent, came twice with different values, or is not one of ours."""
    found = set()
    for header in request.header_values("cookie"):
        if wanted not in header or len(header) > MAX_HEADER:
            continue
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == wanted:
                found.add(value)
    value = found.pop() if len(found) == 1 else ""
    return value if _VALUE.fullmatch(value) else ""


def write(cookie: str, value: str, *, max_age: int, secure: bool) -> tuple[str, str]:
    """Return the Set-Cookie header that keeps a value for `max_age` seconds; 0 forgets it."""
    flags = "; Secure" if secure else ""
    return "set-cookie", f"{cookie}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{flags}"


def write_readable(cookie: str, value: str, *, max_age: int, secure: bool) -> tuple[str, str]:
    """Return the Set-Cookie header of a value that the issuer's own frame reads inside pages of others.

    It opens nothing: it is a hash that tells one session from the next (OpenID Connect Session Management 1.0, 3.2).
    """
    # RFC 6265bis 5.6.7: without SameSite=None a frame in a page of another site sees no cookie; it demands Secure.
    flags = "; SameSite=None; Secure" if secure else "; SameSite=Lax"
    return "set-cookie", f"{cookie}={value}; Path=/; Max-Age={max_age}{flags}"
