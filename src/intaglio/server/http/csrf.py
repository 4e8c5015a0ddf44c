"""Forms that only our own pages can send.

A form's token is a keyed hash of the browser's secret and of what the form is for; besides, a browser that names
another origin is refused (RFC 9700 section 4.7, OWASP cross-site request forgery prevention).
"""

from __future__ import annotations

import hashlib
import hmac

from intaglio import codec
from intaglio.protocol.faults import UnsafeToRedirect
from intaglio.wire.message import Request


class Forms:
    """Makes and checks form tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, secret: str, purpose: str) -> str:
        """Return the token of a form for one browser and one purpose."""
        return codec.encode_base64url(hmac.digest(self._key, f"{purpose}\0{secret}".encode(), hashlib.sha256))

    def check(self, request: Request, presented: str, secret: str, purpose: str, own: str = "") -> None:
        """Let the form pass, or raise `UnsafeToRedirect` (`invalid_request`).

        `own` is the origin of the listener's base address: behind a proxy, the Host header may be another.
        """
        origin, host = request.header("origin"), request.header("host")
        foreign = origin is not None and origin not in (f"http://{host}", f"https://{host}", own)
        right = hmac.compare_digest(self.token(secret, purpose).encode(), presented.encode("utf-8", "replace"))
        if foreign or not secret or not right:
            raise UnsafeToRedirect(
                "invalid_request",
                "This form did not come from its own page, or the page is too old.",
                hint="Go back to the application and start again.",
                detail={"expected": f"a form of {host}", "received": f"a form of {origin or 'an unknown origin'}"},
            )
