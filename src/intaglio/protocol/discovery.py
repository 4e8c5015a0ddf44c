"""What a provider says about itself, and its keys."""

from __future__ import annotations

import msgspec

from intaglio.protocol.facts import PublishedKey


class DiscoveryQuery(msgspec.Struct, frozen=True):
    """Ask for the provider's metadata (OpenID Connect Discovery 1.0 section 4)."""


class DiscoveryAnswer(msgspec.Struct, frozen=True):
    """The facts of which a dialect makes its metadata document."""

    issuer: str
    base: str
    signing_algs: tuple[str, ...]


class KeysQuery(msgspec.Struct, frozen=True):
    """Ask for the published keys; `form` is the dialect's name for the document's shape."""

    form: str = "jwks"


class KeysAnswer(msgspec.Struct, frozen=True):
    """The published keys, and how many seconds they may be kept."""

    keys: tuple[PublishedKey, ...]
    max_age: int
    form: str
