"""Facts: all that may be known when a token is issued. A dialect turns them into claims."""

from __future__ import annotations

from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    """The user a token is about: UUID, sign-in name, and standard claims by name."""

    user_id: str
    username: str
    claims: dict[str, Any] = {}
    updated_at: int = 0
    created_at: int = 0


class Workload(msgspec.Struct, frozen=True):
    """The service account a token is about."""

    email: str
    unique_id: str
    project_id: str


class Facts(msgspec.Struct, frozen=True):
    """What is true of one token to be issued. Instants are epoch seconds, lifetimes seconds, empty text is absent.

    `delivered_with_access_token` tells whether the client can fetch the scopes' claims elsewhere (OpenID Connect
    Core 5.4); `refreshed` whether the token comes of a refresh (Core 12.2).
    """

    issuer: str
    tenant_id: str
    tenant_slug: str
    owner: str
    audience: str
    now: int
    lifetime: int
    alg: str
    person: Person | None = None
    workload: Workload | None = None
    scope: tuple[str, ...] = ()
    nonce: str = ""
    auth_time: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
    session_id: str = ""
    at_hash: str = ""
    delivered_with_access_token: bool = True
    refreshed: bool = False
    format: str = ""


class PublishedKey(msgspec.Struct, frozen=True):
    """A public signing key in every form from which a dialect makes its own.

    `members` are the JWK's key members (kty, n, e …); `thumbprint` is RFC 7638's; `x5c` the certificate in base64;
    `x5t` and `x5t_s256` its thumbprints in base64url; `serial` its serial number; `pem` the certificate as PEM text.
    """

    key_id: str
    alg: str
    members: dict[str, str]
    thumbprint: str
    x5c: str
    x5t: str
    x5t_s256: str
    serial: int
    pem: str
