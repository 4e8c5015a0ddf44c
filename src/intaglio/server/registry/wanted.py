"""What is asked for when a client is registered.

OpenID Connect Dynamic Client Registration 1.0 section 2 for names and meanings.
"""

from __future__ import annotations

from typing import Any

import msgspec

from intaglio.protocol.authorize import RESPONSE_MODES
from intaglio.server.model.clients import Client
from intaglio.server.model.tenants import Lifetimes


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, by the names of `Client`; empty fields are filled in.

    `response_types` None are those that the grant types imply.
    """

    client_name: str
    client_id: str = ""
    application_type: str = "web"
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] | None = None
    response_modes: tuple[str, ...] = RESPONSE_MODES
    scope: tuple[str, ...] = ("openid",)
    allowed_origins: tuple[str, ...] = ()
    id_token_signed_response_alg: str = ""
    require_pkce: bool = True
    refresh_policy: str = ""
    consent: str = "ask"
    lifetimes: Lifetimes = Lifetimes()
    grant_lifetimes: dict[str, Lifetimes] = {}
    client_uri: str = ""
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
    require_pushed_authorization_requests: bool = False
    refresh_grace: int | None = None
    organization_usage: str = "deny"
    dialects: dict[str, dict[str, Any]] = {}
    audiences: tuple[str, ...] = ()
    sign_in_audience: str = "tenant"
    assignment_required: bool = False


OPERATORS_OWN = (
    "refresh_grace",
    "organization_usage",
    "dialects",
    "audiences",
    "sign_in_audience",
    "assignment_required",
)
"""What no registration over the network may give or take away."""


def wanted_of(client: Client) -> Wanted:
    """Return what would have to be asked for to get this client."""
    return Wanted(**{name: getattr(client, name) for name in Wanted.__struct_fields__})
