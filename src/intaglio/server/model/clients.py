"""Clients: the programs that ask for ID tokens (OpenID Connect Dynamic Client Registration 1.0 section 2 for names)."""

from __future__ import annotations

import msgspec

from intaglio.names import ClientId, TenantId
from intaglio.server.model.plan import Ask, Plan, Row, decode, encode, single
from intaglio.server.model.tenants import Lifetimes


class ClientSecret(msgspec.Struct, frozen=True):
    """A client secret as a keyed hash; None for `expires_at` means that it does not expire."""

    digest: bytes
    created_at: int
    expires_at: int | None = None


class Client(msgspec.Struct, frozen=True):
    """A registered client of one tenant.

    `refresh_policy` is `rotate`, `keep` or empty for the dialect's own; `consent` is `ask` or `implicit`;
    `grant_lifetimes` are lifetimes of one grant type.
    """

    tenant_id: TenantId
    client_id: ClientId
    client_name: str
    created_at: int
    application_type: str = "web"
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
    secrets: tuple[ClientSecret, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: tuple[str, ...] = ("openid",)
    allowed_origins: tuple[str, ...] = ()
    id_token_signed_response_alg: str = "RS256"
    require_pkce: bool = True
    refresh_policy: str = ""
    consent: str = "ask"
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = {}
    client_uri: str = ""
    disabled_at: int | None = None
    development: bool = False

    @property
    def is_public(self) -> bool:
        """Whether the client has no credential (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_methods == ("none",)


def _values(client: Client) -> dict[str, str | int | bytes | None]:
    return {
        "tenant_id": client.tenant_id,
        "client_id": client.client_id,
        "created_at": client.created_at,
        "record": encode(client),
    }


@single
def insert(client: Client) -> Plan[None]:
    """Keep a new client; `Conflict` if the tenant has that client_id already."""
    yield Ask("client_insert", _values(client))


@single
def replace(client: Client) -> Plan[bool]:
    """Replace a client's record; False if there is none."""
    return bool((yield Ask("client_replace", {k: v for k, v in _values(client).items() if k != "created_at"})))


@single
def by_id(tenant_id: str, client_id: str) -> Plan[Client | None]:
    """Find a client of a tenant."""
    rows: list[Row] = yield Ask("client_by_id", {"tenant_id": tenant_id, "client_id": client_id})
    return decode(rows[0][0], Client) if rows else None


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Client]]:
    """List at most `limit` clients of a tenant whose id sorts behind `after`, by id."""
    rows = yield Ask("client_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Client) for row in rows]
