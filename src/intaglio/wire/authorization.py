"""The Authorization header: Bearer and Basic.

RFC 6750 section 2.1 (Bearer), RFC 7617 and RFC 6749 section 2.3.1 (Basic, each half form-encoded).
"""

from __future__ import annotations

import base64
import binascii
import re

from intaglio.wire import params

_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
MAX_LENGTH = 16 * 1024


def scheme(value: str) -> str:
    """Return the scheme of an Authorization header in lower case."""
    return value.split(" ", 1)[0].lower()


def bearer(value: str) -> str | None:
    """Return the token of a Bearer header, or None if it is not one token of the allowed characters."""
    if len(value) > MAX_LENGTH or scheme(value) != "bearer":
        return None
    token = value[7:].strip(" ")
    return token if _BEARER.fullmatch(token) else None


def basic(value: str) -> tuple[str, str] | None:
    """Return client_id and secret of a Basic header, or None if it cannot be read."""
    if len(value) > MAX_LENGTH or scheme(value) != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value[6:].strip(" "), validate=True).decode("utf-8").partition(":")
        if not colon:
            return None
        # RFC 6749 2.3.1: both halves are form-encoded before they are joined.
        return params.decode(name), params.decode(secret)
    # ValueError is what b64decode says to characters outside ASCII; UnicodeDecodeError and ParamsError are of its kind.
    except (binascii.Error, ValueError):
        return None
