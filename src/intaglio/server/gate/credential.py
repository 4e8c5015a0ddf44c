"""Where a request carries its token. RFC 6750 section 2.1, RFC 9110 section 11.7.1 (Proxy-Authorization)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from intaglio.server.gate.asked import Asked
from intaglio.wire import authorization


class Carried(msgspec.Struct, frozen=True):
    """A token and the header that it came in; None for the token if that header cannot be read as one."""

    header: str
    token: str | None

    def __repr__(self) -> str:
        return f"Carried({self.header})"


def find(asked: Asked, names: Sequence[str]) -> Carried | None:
    """Return what the first of the headers carries that is there at all; the others are not looked at."""
    for name in names:
        found = asked.every(name)
        if not found:
            continue
        # SECURITY: of two headers of one name, whoever comes behind may read the other one (test_double_headers).
        token = authorization.bearer(found[0]) if len(found) == 1 else None
        return Carried(name, token)
    return None


def with_signature_removed(token: str, removed: str) -> str:
    """Return a token whose signature is replaced: its claims can be read, and nobody believes it elsewhere."""
    return f"{token.rpartition('.')[0]}.{removed}"
