"""Clients: the programs that ask for ID tokens (OpenID Connect Dynamic Client Registration 1.0 section 2 for names)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from intaglio.names import ClientId, TenantId
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.plan import TRIES, Ask, Conflict, Plan, Row, decode, encode, single
from intaglio.server.model.tenants import Lifetimes


class ClientSecret(msgspec.Struct, frozen=True):
    """A client secret as a keyed hash; None for `expires_at` means that it does not expire.

    `sealed` is the secret itself under the master key, kept only where it is needed again: as the key of
    `client_secret_jwt`, HS256 or symmetric encryption.
    """

    digest: bytes
    created_at: int
    expires_at: int | None = None
    sealed: str = ""


class Client(msgspec.Struct, frozen=True):
    """A registered client of one tenant; the names are those of OpenID Connect Registration 1.0, section 2.

    `id_token_signed_response_alg` is empty for the dialect's own. `response_modes` are those it may ask for. `jwks` is
    its key set by value, as JSON text. `encrypt_id_token` demands encryption: empty, `front_channel` or `always`.
    `sector_identifier` is the host that pairwise subjects are for.
    `registration_digest` is of the token that manages a dynamically registered client.
    `refresh_policy` is `rotate`, `keep` or empty for the dialect's own; `consent` is `ask` or `implicit`;
    `grant_lifetimes` are lifetimes of one grant type. `refresh_grace` is how long a rotated refresh token still leads
    to its successor, in seconds, None for the dialect's own.
    `sign_in_audience` says whose people may sign in: those of its own `tenant`, of any `organizations`, `personal`
    ones, or `everyone`; another tenant that uses it keeps a record of it with `home_tenant_id`, where it is registered.
    `consented_scope` is what an administrator consented to for everybody in the tenant.
    `roles` are roles in the application, by value, with the ids of the users and groups that have them; with
    `assignment_required` nobody else may sign in. `organization_usage` is `deny`, `allow` or `require`.
    `lifetime_policy` is the id of one of its tenant's. `dialects` are settings that one dialect alone understands.
    `audiences` are the APIs that its access tokens may be for, where a request names one. What was issued before
    `tokens_from` is not believed any more where nothing else says that it ended.
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
    id_token_signed_response_alg: str = ""
    require_pkce: bool = True
    refresh_policy: str = ""
    consent: str = "ask"
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = {}
    client_uri: str = ""
    disabled_at: int | None = None
    development: bool = False
    response_modes: tuple[str, ...] = ("query", "fragment", "form_post")
    jwks: str = ""
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    encrypt_id_token: str = ""
    userinfo_signed_response_alg: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    request_object_signing_alg: str = ""
    request_object_encryption_alg: str = ""
    request_object_encryption_enc: str = ""
    request_uris: tuple[str, ...] = ()
    subject_type: str = "public"
    sector_identifier_uri: str = ""
    sector_identifier: str = ""
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False
    registration_digest: bytes = b""
    refresh_grace: int | None = None
    require_pushed_authorization_requests: bool = False
    sign_in_audience: str = "tenant"
    home_tenant_id: str = ""
    consented_scope: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = {}
    assignment_required: bool = False
    organization_usage: str = "deny"
    claim_rules: tuple[ClaimRule, ...] = ()
    lifetime_policy: str = ""
    dialects: dict[str, dict[str, Any]] = {}
    audiences: tuple[str, ...] = ()
    tokens_from: int = 0

    @property
    def is_public(self) -> bool:
        """Whether the client has no credential (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_methods == ("none",)

    @property
    def hears_of_logout(self) -> bool:
        """Whether the client wants to be told when a session ends in which it got tokens."""
        return bool(self.backchannel_logout_uri or self.frontchannel_logout_uri)


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


def exchange(before: Client, after: Client) -> Plan[bool]:
    """Replace a client's record unless it is another one by now than `before`; False if it is, or is gone."""
    rows = yield Ask("client_by_id", {"tenant_id": before.tenant_id, "client_id": before.client_id})
    if not rows or decode(rows[0][0], Client) != before:
        return False
    # Compared as it is stored, once more and by the statement itself: another transaction may have come between.
    values = {name: value for name, value in _values(after).items() if name != "created_at"}
    return bool((yield Ask("client_exchange", values | {"before": bytes(rows[0][0])})))


@single
def delete(tenant_id: str, client_id: str) -> Plan[bool]:
    """Remove a client, and with it what people consented to; False if there is none.

    Its grants are ended by `registry.endings`.
    """
    return bool((yield Ask("client_delete", {"tenant_id": tenant_id, "client_id": client_id})))


@single
def by_id(tenant_id: str, client_id: str) -> Plan[Client | None]:
    """Find a client of a tenant."""
    rows: list[Row] = yield Ask("client_by_id", {"tenant_id": tenant_id, "client_id": client_id})
    return decode(rows[0][0], Client) if rows else None


@single
def anywhere(client_id: str) -> Plan[list[Client]]:
    """Return the clients of that identifier in any tenant, at most sixteen."""
    rows = yield Ask("clients_anywhere", {"client_id": client_id})
    return [decode(row[0], Client) for row in rows]


def is_taken(client: Client) -> Plan[bool]:
    """Tell whether another tenant's client stands in the way of one: of its identifier, and either of them shared."""
    # SECURITY: where tenants share applications their identifiers mean one, and tokens say no more than that
    # (test_nobody_registers_the_identifier_of_a_shared_application).
    found = yield from anywhere(client.client_id)
    others = [one for one in found if client.tenant_id not in (one.tenant_id, one.home_tenant_id)]
    every = (client, *others) if others else ()
    return any(one.home_tenant_id or one.sign_in_audience != "tenant" for one in every)


def revise(tenant_id: str, client_id: str, change: Callable[[Client], Client]) -> Plan[Client | None]:
    """Change a client's record as it is at the moment, and return it; None if there is none.

    SECURITY: what somebody else writes in that very moment is not overruled by what was read before: a client who is
    disabled stays so; in the suite of the stores nine come at once. Raises `Conflict` where others never stop writing.
    """
    for _ in range(TRIES):
        before = yield from by_id(tenant_id, client_id)
        if before is None:
            return None
        after = change(before)
        if (yield from exchange(before, after)):
            return after
    raise Conflict


@single
def page(tenant_id: str, after: str, limit: int) -> Plan[list[Client]]:
    """List at most `limit` clients of a tenant whose id sorts behind `after`, by id."""
    rows = yield Ask("client_page", {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [decode(row[0], Client) for row in rows]


def own(tenant_id: str, after: str, skip: int, limit: int) -> Plan[tuple[list[Client], int]]:
    """List at most `limit` clients behind an id, by id, `skip` left out; return them and how many there are in all.

    Applications of other tenants are not among them.
    """
    values: dict[str, str | int | bytes | None] = {"tenant_id": tenant_id, "after": after, "skip": skip, "limit": limit}
    rows = yield Ask("own_client_page", values)
    total = yield Ask("own_client_count", {"tenant_id": tenant_id})
    return [decode(row[0], Client) for row in rows], int(total[0][0])
