"""Authorization requests that a client pushes before it sends the browser (RFC 9126)."""

from __future__ import annotations

import msgspec

from intaglio.protocol.authorize import AuthorizeQuery
from intaglio.protocol.exchange import Presented

PREFIX = "urn:ietf:params:oauth:request_uri:"
"""RFC 9126 2.2: what a reference to a pushed request begins with."""


class PushQuery(msgspec.Struct, frozen=True):
    """Keep an authorization request of the client that presents itself."""

    presented: Presented
    wanted: AuthorizeQuery


class Pushed(msgspec.Struct, frozen=True):
    """Where a pushed request is to be found, once, for so many seconds (RFC 9126 section 2.2)."""

    request_uri: str
    expires_in: int

    def __repr__(self) -> str:
        return "Pushed(…)"
