"""Connections: other OpenID providers at which people of a tenant may sign in."""

from __future__ import annotations

import msgspec

from intaglio.names import TenantId
from intaglio.server.model.plan import Ask, Plan, decode, encode, single


class Connection(msgspec.Struct, frozen=True):
    """One provider, as this tenant knows it; `name` is what requests call it.

    `strategy` is the kind of provider it is (`oidc` where nothing is known of it), `rules` the rule set by which its
    ID tokens are believed. `sealed_secret` and `sealed_jwks` (private keys for its encrypted ID tokens, JSON text) are
    under the master key. `mapping` makes claims here of its claims (CEL); empty, the standard claims are taken over.
    `trusts_email` takes its word for it that an address is confirmed; it is taken for those of `domains` anyway.
    `link_by_email` does, and lets such an address find a user with the same confirmed address; `creates_users` makes
    one where there is none. `domains` are those of people who are sent there at once; `clients` the only clients that
    may use it, empty for all of them. `parameters` go along to its authorization endpoint. `logs_out` ends the session
    there too; `refreshes` is `each_login`, `first_login` or `never`: when claims here follow claims there.
    """

    tenant_id: TenantId
    connection_id: str
    name: str
    created_at: int
    issuer: str
    client_id: str
    display_name: str = ""
    strategy: str = "oidc"
    rules: str = "standard"
    sealed_secret: str = ""
    sealed_jwks: str = ""
    scope: tuple[str, ...] = ("openid", "profile", "email")
    mapping: dict[str, str] = {}
    trusts_email: bool = False
    link_by_email: bool = False
    creates_users: bool = True
    domains: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    parameters: dict[str, str] = {}
    logs_out: bool = False
    refreshes: str = "each_login"
    disabled_at: int | None = None

    def __repr__(self) -> str:
        return f"Connection({self.name})"


@single
def insert(connection: Connection) -> Plan[None]:
    """Keep a new connection; `Conflict` if the tenant has one of that identifier or name."""
    yield Ask(
        "connection_insert",
        {
            "tenant_id": connection.tenant_id,
            "connection_id": connection.connection_id,
            "name": connection.name,
            "record": encode(connection),
        },
    )


@single
def replace(connection: Connection) -> Plan[bool]:
    """Replace a connection's record (not its name); False if there is none."""
    values = {"tenant_id": connection.tenant_id, "connection_id": connection.connection_id}
    return bool((yield Ask("connection_replace", {**values, "record": encode(connection)})))


@single
def delete(tenant_id: str, connection_id: str) -> Plan[bool]:
    """Remove a connection; False if there is none. Who people are there stays known."""
    return bool((yield Ask("connection_delete", {"tenant_id": tenant_id, "connection_id": connection_id})))


@single
def of_tenant(tenant_id: str) -> Plan[list[Connection]]:
    """Return a tenant's connections, by name."""
    rows = yield Ask("connections_of_tenant", {"tenant_id": tenant_id})
    return [decode(row[0], Connection) for row in rows]
