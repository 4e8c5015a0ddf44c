"""Clients: register one with every field checked, find one, list them page by page.

OpenID Connect Dynamic Client Registration 1.0 section 2 for names and meanings; RFC 9700 for what is refused.
"""

from __future__ import annotations

import msgspec

from intaglio import ids
from intaglio.clock import Clock
from intaglio.errors import Misconfigured
from intaglio.names import ClientId, TenantId
from intaglio.server.admin import fields
from intaglio.server.admin import lifetimes as effective
from intaglio.server.credentials.clientsecrets import ClientSecrets
from intaglio.server.model import clients
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Conflict, Store
from intaglio.server.model.tenants import Lifetimes

SHORTEST_SECRET = 16
"""Characters of a secret that an operator brings along; those made here have 43."""


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; empty fields are filled in. A `client_secret` may be brought along by confidential clients."""

    client_name: str
    client_id: str = ""
    client_secret: ids.Secret | None = None
    application_type: str = "web"
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    scope: tuple[str, ...] = ("openid",)
    allowed_origins: tuple[str, ...] = ()
    id_token_signed_response_alg: str = "RS256"
    require_pkce: bool = True
    refresh_policy: str = ""
    consent: str = "ask"
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = {}
    client_uri: str = ""


class Registered(msgspec.Struct, frozen=True):
    """A client with its secret, which is told this once and kept as a hash only; None for public clients."""

    client: Client
    client_secret: ids.Secret | None


def check(wanted: NewClient, tenant_id: TenantId, now: int) -> Client:
    """Return the record of a client that was asked for, without secret; raises `Misconfigured` for a field."""
    methods = _auth_methods(wanted)
    public = methods == ("none",)
    native = fields.one_of("application_type", wanted.application_type, fields.APPLICATION_TYPES) == "native"
    grants = _grant_types(wanted, public=public)
    return Client(
        tenant_id=tenant_id,
        client_id=ClientId(fields.client_id(wanted.client_id or ids.new_uuid())),
        client_name=fields.display_name("client_name", wanted.client_name),
        created_at=now,
        application_type=wanted.application_type,
        token_endpoint_auth_methods=methods,
        redirect_uris=_redirect_uris(wanted.redirect_uris, native=native),
        post_logout_redirect_uris=_redirect_uris(wanted.post_logout_redirect_uris, native=native),
        grant_types=grants,
        response_types=("code",) if "authorization_code" in grants else (),
        scope=_scope(wanted, grants),
        allowed_origins=tuple(dict.fromkeys(fields.origin(value) for value in wanted.allowed_origins)),
        id_token_signed_response_alg=fields.one_of(
            "id_token_signed_response_alg", wanted.id_token_signed_response_alg, fields.ALGORITHMS
        ),
        # RFC 9700 section 2.1.1: public clients must use PKCE, whatever was asked for.
        require_pkce=wanted.require_pkce or public,
        refresh_policy=fields.one_of("refresh_policy", wanted.refresh_policy, fields.REFRESH_POLICIES),
        consent=fields.one_of("consent", wanted.consent, fields.CONSENTS),
        lifetimes=fields.lifetimes(wanted.lifetimes),
        grant_lifetimes=effective.of_grants(wanted.grant_lifetimes),
        client_uri=fields.web_page("client_uri", wanted.client_uri),
    )


def _auth_methods(wanted: NewClient) -> tuple[str, ...]:
    methods = tuple(dict.fromkeys(wanted.token_endpoint_auth_methods))
    for method in methods:
        fields.one_of("token_endpoint_auth_method", method, fields.AUTH_METHODS)
    if not methods or ("none" in methods and len(methods) > 1):
        expected = "'none' alone, or one or more methods that need a secret"
        received = ", ".join(methods) or "none of them"
        raise fields.refuse("auth-methods-invalid", "These methods do not go together.", expected, received)
    if methods == ("none",) and wanted.client_secret is not None:
        expected, hint = "no secret for a public client", "Leave the secret out, or give another method than 'none'."
        raise fields.refuse("secret-unused", "A public client has no secret.", expected, "a secret", hint)
    return methods


def _grant_types(wanted: NewClient, *, public: bool) -> tuple[str, ...]:
    grants = tuple(dict.fromkeys(wanted.grant_types))
    for grant in grants:
        fields.one_of("grant_type", grant, fields.GRANT_TYPES)
    if not grants:
        raise fields.refuse("grant-types-invalid", "A client needs a grant type.", "at least one", "none")
    # RFC 6749 section 4.4: the client credentials grant is for confidential clients only.
    if public and "client_credentials" in grants:
        expected = "a method that needs a secret"
        raise fields.refuse("grant-types-invalid", "A public client has no credentials.", expected, "none")
    if "refresh_token" in grants and "authorization_code" not in grants:
        expected = "authorization_code beside refresh_token"
        raise fields.refuse("grant-types-invalid", "Nothing could be refreshed.", expected, ", ".join(grants))
    if "authorization_code" in grants and not wanted.redirect_uris:
        hint = "Give one with --redirect-uri."
        raise fields.refuse("redirect-uri-missing", "The client has no redirect URI.", "at least one", "none", hint)
    return grants


def _redirect_uris(values: tuple[str, ...], *, native: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fields.redirect_uri(value, native=native) for value in values))


def _scope(wanted: NewClient, grants: tuple[str, ...]) -> tuple[str, ...]:
    scope = fields.scopes(wanted.scope)
    # OpenID Connect Core 11: offline_access asks for a refresh token, which this client could not use.
    if "offline_access" in scope and "refresh_token" not in grants:
        expected = "the grant type refresh_token beside the scope offline_access"
        raise fields.refuse("scope-invalid", "A scope cannot be used.", expected, ", ".join(grants))
    return scope


async def create(
    store: Store, clock: Clock, secrets: ClientSecrets, tenant_id: TenantId, wanted: NewClient
) -> Registered:
    """Register a client and return it with its secret, which cannot be shown again.

    Raises `Misconfigured` with the code of the field, or `client-exists`.
    """
    now = clock.now()
    client = check(wanted, tenant_id, now)
    secret = None if client.is_public else _secret(wanted)
    if secret is not None:
        client = msgspec.structs.replace(client, secrets=(secrets.keep(secret.reveal(), now),))
    try:
        await store.write(clients.insert, client)
    except Conflict as exc:
        raise Misconfigured(
            "client-exists",
            "A client with this client_id is there already.",
            detail={"expected": "a client_id that is free", "received": client.client_id},
            hint="Choose another client_id, or leave it out.",
        ) from exc
    return Registered(client, secret)


def _secret(wanted: NewClient) -> ids.Secret:
    if wanted.client_secret is None:
        return ids.Secret(ids.opaque())
    fields.secret(wanted.client_secret.reveal(), shortest=SHORTEST_SECRET)
    return wanted.client_secret


async def show(store: Store, tenant_id: TenantId, client_id: str) -> Client:
    """Find a client by its client_id; raises `Misconfigured` (`client-unknown`)."""
    client = await store.read(clients.by_id, tenant_id, client_id)
    if client is None:
        raise fields.refuse(
            "client-unknown",
            "There is no such client in this tenant.",
            "the client_id of a client",
            client_id,
            "List them with: intaglio client list",
        )
    return client


async def page(store: Store, tenant_id: TenantId, *, after: str = "", limit: int = 50) -> list[Client]:
    """List at most `limit` clients behind the client_id `after`."""
    return await store.read(clients.page, tenant_id, after, limit)
