"""What callers of the APIs need: scopes, and the audiences by which a text that they signed means this server.

Google's page on OAuth scopes; its pages on service accounts' assertions and self-signed JWTs.
"""

from __future__ import annotations

import re
from functools import lru_cache

from intaglio.dialects import coding
from intaglio.dialects.dialect import Calling
from intaglio.dialects.google import hosts
from intaglio.protocol.impersonation import Credential
from intaglio.wire.message import Request

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
IAM = "https://www.googleapis.com/auth/iam"

_SHORT = frozenset({"openid", "email", "profile"})
_SCOPE = re.compile(r"https://www\.googleapis\.com/auth/[a-z][a-z0-9._\-]{1,80}(?:/[a-z0-9._\-]{1,40})?")

TOKEN_ADDRESSES = (
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
)
"""Audiences that clients write into an assertion wherever they send it."""


def knows_scope(word: str) -> bool:
    """Tell whether a word has the form of a scope here."""
    return word in _SHORT or _SCOPE.fullmatch(word) is not None


@lru_cache(maxsize=256)
def own_audiences(base: str) -> frozenset[str]:
    """Return the audiences by which a self-signed JWT means an API of the base address's universe."""
    origins = {hosts.api(base, name) for name in hosts.APIS}
    origins |= {f"https://{name}.{hosts.universe(base)}" for name in hosts.APIS}
    return frozenset(origins | {origin + "/" for origin in origins})


@lru_cache(maxsize=256)
def assertion_audiences(base: str) -> frozenset[str]:
    """Return the audiences by which an assertion means the token endpoint of a base address."""
    own = {hosts.api(base, "oauth2") + "/token", hosts.api(base, "www") + "/oauth2/v4/token", base + "/o/oauth2/token"}
    return frozenset(own | set(TOKEN_ADDRESSES))


CALLING = Calling(
    scopes=frozenset({CLOUD, IAM}),
    whole_scope=CLOUD,
    email_scopes=frozenset({"email", "https://www.googleapis.com/auth/userinfo.email"}),
    knows_scope=knows_scope,
    own_audiences=own_audiences,
    assertion_audiences=assertion_audiences,
)


def credential(request: Request) -> Credential:
    """Return what a request proves its caller by; a token in the query is not looked at."""
    token, faulty = coding.bearer(request)
    return Credential(token, faulty)
