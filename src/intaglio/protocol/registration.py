"""Clients that register themselves, and manage what they registered.

RFC 7591 sections 2 and 3, RFC 7592 section 2, RFC 9126 section 6, OpenID Connect Dynamic Client Registration 1.0
sections 2 and 3.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from intaglio.ids import Secret


class ClientMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """A client's metadata by its standard names; None is left out.

    Nothing else can be registered: a name that is not here is not read, whatever it is in a record.
    """

    redirect_uris: tuple[str, ...] | None = None
    response_types: tuple[str, ...] | None = None
    grant_types: tuple[str, ...] | None = None
    application_type: str | None = None
    contacts: tuple[str, ...] | None = None
    client_name: str | None = None
    logo_uri: str | None = None
    client_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    scope: str | None = None
    jwks_uri: str | None = None
    jwks: dict[str, Any] | None = None
    sector_identifier_uri: str | None = None
    subject_type: str | None = None
    id_token_signed_response_alg: str | None = None
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    request_object_signing_alg: str | None = None
    request_object_encryption_alg: str | None = None
    request_object_encryption_enc: str | None = None
    token_endpoint_auth_method: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    default_max_age: int | None = None
    require_auth_time: bool | None = None
    default_acr_values: tuple[str, ...] | None = None
    initiate_login_uri: str | None = None
    request_uris: tuple[str, ...] | None = None
    post_logout_redirect_uris: tuple[str, ...] | None = None
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool | None = None
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool | None = None
    require_pushed_authorization_requests: bool | None = None


class RegisterQuery(msgspec.Struct, frozen=True):
    """Register a client; the token is an initial access token, None if none was sent."""

    metadata: ClientMetadata
    access_token: Secret | None


class ManageQuery(msgspec.Struct, frozen=True):
    """Read, replace or delete a registration, by the token that came with it (RFC 7592 section 2).

    `client_secret` is the one that a replacement repeats, if it does.
    """

    action: Literal["read", "replace", "delete"]
    client_id: str
    access_token: Secret | None
    metadata: ClientMetadata = ClientMetadata()
    client_secret: Secret | None = None


class ClientAnswer(msgspec.Struct, frozen=True):
    """A registration as it is now. `client_secret` is told when it was made, and never again."""

    client_id: str
    client_id_issued_at: int
    metadata: ClientMetadata
    registration_client_uri: str
    registration_access_token: Secret
    client_secret: Secret | None = None
    client_secret_expires_at: int = 0
    created: bool = False


class ClientGone(msgspec.Struct, frozen=True):
    """The registration was deleted."""
