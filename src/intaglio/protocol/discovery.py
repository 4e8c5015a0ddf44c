"""What a provider says about itself, and its keys."""

from __future__ import annotations

import msgspec

from intaglio.protocol.facts import PublishedKey


class DiscoveryQuery(msgspec.Struct, frozen=True):
    """Ask for the provider's metadata (OpenID Connect Discovery 1.0 section 4).

    `own` are parameters that only the dialect understands, for its writers.
    """

    own: tuple[tuple[str, str], ...] = ()


class DiscoveryAnswer(msgspec.Struct, frozen=True):
    """The facts of which a dialect makes its metadata document.

    `sign_up` tells whether people may make accounts, `registration` whether clients may register themselves,
    `session_management` whether they may watch the session by a frame. `scopes` are those of the tenant's groups of
    scopes, where the dialect knows any. `inside` is where programs are to find their endpoints, empty for `base`.
    """

    issuer: str
    base: str
    signing_algs: tuple[str, ...]
    sign_up: bool = False
    registration: bool = False
    session_management: bool = False
    scopes: tuple[str, ...] = ()
    inside: str = ""

    @property
    def programs(self) -> str:
        """Where the endpoints start that programs call and browsers need not reach."""
        return self.inside or self.base


class Known(msgspec.Struct, frozen=True):
    """A question whose answer the dialect knows without asking anybody: it is answered with the question itself."""

    name: str
    value: str = ""


class KeysQuery(msgspec.Struct, frozen=True):
    """Ask for the published keys; `form` is the dialect's name for the document's shape."""

    form: str = "jwks"


class KeysAnswer(msgspec.Struct, frozen=True):
    """The published keys, and how many seconds they may be kept; `encryption` are JWKs that others encrypt to.

    `signing` are the ids of those that sign now, one of each algorithm.
    """

    keys: tuple[PublishedKey, ...]
    max_age: int
    form: str
    encryption: tuple[dict[str, str], ...] = ()
    signing: frozenset[str] = frozenset()
