"""What acts on clients are asked and tell; the names are those of OpenID Connect Registration 1.0 section 2."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from intaglio.ids import Secret
from intaglio.server.admin.acts.act import PAGE, After, Asked, Limit, Seen, Told
from intaglio.server.admin.acts.spans import Spans
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.tenants import Lifetimes


class ClientFields(Asked, frozen=True, kw_only=True):
    """What may be said of a client; what is left out stays, or has its usual value in a new one.

    Of `dialects` each setting is changed by itself, null takes one away; a list takes the place of the one before.
    """

    application_type: str | UnsetType = UNSET
    token_endpoint_auth_methods: tuple[str, ...] | UnsetType = UNSET
    redirect_uris: tuple[str, ...] | UnsetType = UNSET
    post_logout_redirect_uris: tuple[str, ...] | UnsetType = UNSET
    grant_types: tuple[str, ...] | UnsetType = UNSET
    response_types: tuple[str, ...] | UnsetType = UNSET
    response_modes: tuple[str, ...] | UnsetType = UNSET
    scope: tuple[str, ...] | UnsetType = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    id_token_signed_response_alg: str | UnsetType = UNSET
    require_pkce: bool | UnsetType = UNSET
    refresh_policy: str | UnsetType = UNSET
    consent: str | UnsetType = UNSET
    lifetimes: Spans | UnsetType = UNSET
    grant_lifetimes: dict[str, Spans] | UnsetType = UNSET
    client_uri: str | UnsetType = UNSET
    jwks: dict[str, Any] | UnsetType = UNSET
    jwks_uri: str | UnsetType = UNSET
    token_endpoint_auth_signing_alg: str | UnsetType = UNSET
    id_token_encrypted_response_alg: str | UnsetType = UNSET
    id_token_encrypted_response_enc: str | UnsetType = UNSET
    encrypt_id_token: str | UnsetType = UNSET
    userinfo_signed_response_alg: str | UnsetType = UNSET
    userinfo_encrypted_response_alg: str | UnsetType = UNSET
    userinfo_encrypted_response_enc: str | UnsetType = UNSET
    request_object_signing_alg: str | UnsetType = UNSET
    request_object_encryption_alg: str | UnsetType = UNSET
    request_object_encryption_enc: str | UnsetType = UNSET
    request_uris: tuple[str, ...] | UnsetType = UNSET
    subject_type: str | UnsetType = UNSET
    sector_identifier_uri: str | UnsetType = UNSET
    default_max_age: int | UnsetType | None = UNSET
    require_auth_time: bool | UnsetType = UNSET
    default_acr_values: tuple[str, ...] | UnsetType = UNSET
    initiate_login_uri: str | UnsetType = UNSET
    logo_uri: str | UnsetType = UNSET
    policy_uri: str | UnsetType = UNSET
    tos_uri: str | UnsetType = UNSET
    contacts: tuple[str, ...] | UnsetType = UNSET
    backchannel_logout_uri: str | UnsetType = UNSET
    backchannel_logout_session_required: bool | UnsetType = UNSET
    frontchannel_logout_uri: str | UnsetType = UNSET
    frontchannel_logout_session_required: bool | UnsetType = UNSET
    require_pushed_authorization_requests: bool | UnsetType = UNSET
    refresh_grace: int | UnsetType | None = UNSET
    organization_usage: str | UnsetType = UNSET
    dialects: dict[str, dict[str, Any]] | UnsetType = UNSET
    audiences: tuple[str, ...] | UnsetType = UNSET
    sign_in_audience: str | UnsetType = UNSET
    assignment_required: bool | UnsetType = UNSET


class ClientCreate(ClientFields, frozen=True, kw_only=True):
    """A new client; without `client_id` one is made. A `client_secret` may be brought along by one that needs one."""

    tenant: str
    client_name: str
    client_id: str = ""
    client_secret: Secret | None = None
    secret_expires_at: int | None = None


class ClientUpdate(ClientFields, frozen=True, kw_only=True):
    """Changes of a client. With `withdraw_consent` people are asked again whom an administrator consented for."""

    tenant: str
    client_id: str
    client_name: str | UnsetType = UNSET
    withdraw_consent: bool = False
    etag: Seen = ""


class ClientNamed(Asked, frozen=True, kw_only=True):
    """A client of a tenant."""

    tenant: str
    client_id: str


class ClientTouched(ClientNamed, frozen=True, kw_only=True):
    """A client that something is done to."""

    etag: Seen = ""


class ClientList(Asked, frozen=True, kw_only=True):
    """Clients of a tenant by client_id, page by page."""

    tenant: str
    after: After = ""
    limit: Limit = PAGE


class SecretCreate(ClientNamed, frozen=True, kw_only=True):
    """One more secret, for `lifetime` seconds or for ever; without `client_secret` one is made."""

    client_secret: Secret | None = None
    lifetime: int | None = None


class SecretNamed(ClientNamed, frozen=True, kw_only=True):
    """A secret of a client by its name."""

    secret_id: str


class ClientSecretTold(Told, frozen=True, kw_only=True):
    """A secret as it is told: its name, when it was made, when it ends, and whether it can sign."""

    secret_id: str
    created_at: int
    expires_at: int | None = None
    signs: bool = False


class ClientTold(Told, frozen=True, kw_only=True):
    """A client. `client_secret` is there in the one answer that made it; `lifetimes_in_force` where one is shown."""

    tenant_id: str
    client_id: str
    client_name: str
    created_at: int
    application_type: str = "web"
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
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
    grant_lifetimes: dict[str, Lifetimes] = msgspec.field(default_factory=dict)
    client_uri: str = ""
    disabled_at: int | None = None
    development: bool = False
    response_modes: tuple[str, ...] = ("query", "fragment", "form_post")
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
    refresh_grace: int | None = None
    require_pushed_authorization_requests: bool = False
    sign_in_audience: str = "tenant"
    home_tenant_id: str = ""
    consented_scope: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    assignment_required: bool = False
    organization_usage: str = "deny"
    lifetime_policy: str = ""
    dialects: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    audiences: tuple[str, ...] = ()
    jwks: dict[str, Any] = msgspec.field(default_factory=dict)
    claim_rules: tuple[ClaimRule, ...] = ()
    secrets: tuple[ClientSecretTold, ...] = ()
    registers_itself: bool = False
    lifetimes_in_force: dict[str, Any] = msgspec.field(default_factory=dict)
    client_secret: Secret | None = None
    etag: str = ""


class ClientsTold(Told, frozen=True, kw_only=True):
    """A page of clients; `next` is empty on the last one."""

    items: tuple[ClientTold, ...]
    next: str = ""
