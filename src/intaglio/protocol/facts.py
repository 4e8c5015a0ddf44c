"""Facts: all that may be known when a token is issued. A dialect turns them into claims."""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.protocol.circumstances import NONE, Circumstances
from intaglio.protocol.claimsrequest import ClaimRequest
from intaglio.protocol.instances import Instance


class Elsewhere(msgspec.Struct, frozen=True):
    """Claims of a person that another party vouches for, by the name of their source (OpenID Connect Core 5.6.2).

    Aggregated ones travel along as `jwt`; distributed ones are fetched at `endpoint`, with `access_token` if there is
    one.
    """

    name: str
    claims: tuple[str, ...]
    jwt: str = ""
    endpoint: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return f"Elsewhere({self.name})"


class Person(msgspec.Struct, frozen=True):
    """The user a token is about: UUID, sign-in name, standard claims by name, and claims that come from elsewhere.

    `settings` are attributes of the user that the dialect alone understands.
    """

    user_id: str
    username: str
    claims: dict[str, Any] = {}
    updated_at: int = 0
    created_at: int = 0
    elsewhere: tuple[Elsewhere, ...] = ()
    settings: dict[str, Any] = {}


class Workload(msgspec.Struct, frozen=True):
    """The service account a token is about.

    `tells_email` puts the address into the token; `party_by_email` names the authorized party by it instead of by the
    number; `tells_organization` says which organization the account belongs to. `machine` is the one it
    runs on where the token describes it, with its `licenses`.
    """

    email: str
    unique_id: str
    project_id: str
    tells_email: bool = True
    party_by_email: bool = False
    tells_organization: bool = False
    machine: Instance | None = None
    licenses: bool = False


class Membership(msgspec.Struct, frozen=True):
    """A group that the person is in. `assigned` tells whether it has a role in the application."""

    group_id: str
    name: str
    kind: str
    assigned: bool = False


class Facts(msgspec.Struct, frozen=True):
    """What is true of one token to be issued. Instants are epoch seconds, lifetimes seconds, empty text is absent.

    `delivered_with_access_token` tells whether the client can fetch the scopes' claims elsewhere (OpenID Connect
    Core 5.4); `refreshed` whether the token comes of a refresh (Core 12.2). `subject` is whom the
    client is told that it is about; empty, it is the dialect's own for the person. `requested` are claims that the
    request wants in the ID token by name (Core 5.5). `custom` are claims that rules made; the one who signs adds them.
    `variant` is the dialect's name for the endpoint's version. `groups` are ids of the person's groups, `roles` what
    they are in the application; `memberships` say more of the groups, where the client has settings of the dialect's.
    `token_id` is this token's own UUID where the dialect names tokens. `through_browser` tells that it does not come
    from the token endpoint. `tenant_domains` are the tenant's own. `client_settings` and `tenant_settings` are those
    that the dialect alone understands. `hears_of_logout` says that the client wants to be told when a session ends;
    `foreign` that it is another tenant's application, so that nobody here has seen to its settings.
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
    c_hash: str = ""
    s_hash: str = ""
    subject: str = ""
    requested: dict[str, ClaimRequest] = {}
    custom: dict[str, Any] = {}
    circumstances: Circumstances = NONE
    variant: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    token_id: str = ""
    through_browser: bool = False
    client_settings: dict[str, Any] = {}
    tenant_settings: dict[str, Any] = {}
    tenant_domains: tuple[str, ...] = ()
    memberships: tuple[Membership, ...] = ()
    hears_of_logout: bool = False
    foreign: bool = False


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
