"""Provider metadata of both versions (Microsoft's page "OpenID Connect", OpenID Connect Discovery 1.0 section 3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from intaglio.dialects import coding
from intaglio.dialects.coding import Context
from intaglio.dialects.microsoft import authority
from intaglio.dialects.standard import discovery
from intaglio.protocol.discovery import DiscoveryAnswer, DiscoveryQuery
from intaglio.wire import url
from intaglio.wire.message import Request, Response

AUTH_METHODS = ["client_secret_post", "private_key_jwt", "client_secret_basic"]
RESPONSE_MODES = ["query", "fragment", "form_post"]
V2_TYPES = ["code", "id_token", "code id_token", "id_token token"]
V1_TYPES = ["code", "id_token", "code id_token", "token id_token"]
V2_CLAIMS = "sub iss aud exp iat auth_time nonce preferred_username name tid ver at_hash c_hash email".split()
V1_CLAIMS = "sub iss aud exp iat auth_time amr nonce email given_name family_name nickname".split()


def read(request: Request, ctx: Context) -> DiscoveryQuery:
    """Read a request for the metadata; an application may ask for those that name its own key document."""
    found = coding.query_params(request)
    return DiscoveryQuery(tuple((name, found.get(name)[:80]) for name in ("appid",) if found.get(name)))


def write(answer: DiscoveryAnswer, ctx: Context) -> Response:
    """Write the metadata of the version that was asked."""
    body = _v1(answer, ctx) if ctx.variant == authority.V1 else _v2(answer, ctx)
    client_id = dict(ctx.asked.own).get("appid", "")
    if client_id:
        body["jwks_uri"] = url.with_query(body["jwks_uri"], [("appid", client_id)])
    return discovery.document(body, 300)


def _v2(answer: DiscoveryAnswer, ctx: Context) -> dict[str, Any]:
    base, inside = answer.base, answer.programs
    return {
        "token_endpoint": inside + "/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "jwks_uri": inside + "/discovery/v2.0/keys",
        "response_modes_supported": RESPONSE_MODES,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(answer.signing_algs),
        "response_types_supported": V2_TYPES,
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": answer.issuer,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": authority.authority(inside) + "/oidc/userinfo",
        "authorization_endpoint": base + "/oauth2/v2.0/authorize",
        "device_authorization_endpoint": inside + "/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": base + "/oauth2/v2.0/logout",
        "claims_supported": V2_CLAIMS,
        **_place(answer, ctx),
    }


def _v1(answer: DiscoveryAnswer, ctx: Context) -> dict[str, Any]:
    base, inside = answer.base, answer.programs
    frame = {"check_session_iframe": base + "/oauth2/checksession"} if answer.session_management else {}
    return {
        "token_endpoint": inside + "/oauth2/token",
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "jwks_uri": authority.authority(inside) + "/common/discovery/keys",
        "response_modes_supported": RESPONSE_MODES,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(answer.signing_algs),
        "response_types_supported": V1_TYPES,
        "scopes_supported": ["openid"],
        "issuer": answer.issuer,
        "microsoft_multi_refresh_token": True,
        "authorization_endpoint": base + "/oauth2/authorize",
        "device_authorization_endpoint": inside + "/oauth2/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": base + "/oauth2/logout",
        "claims_supported": V1_CLAIMS,
        **frame,
        "userinfo_endpoint": inside + "/openid/userinfo",
        **_place(answer, ctx),
    }


def _place(answer: DiscoveryAnswer, ctx: Context) -> dict[str, Any]:
    """Return what both documents end with: the region of a tenant, and which cloud this is: our own."""
    return {
        "code_challenge_methods_supported": ["S256"],
        "tenant_region_scope": "WW" if ctx.tenant_id else None,
        "cloud_instance_name": urlsplit(answer.base).hostname or "",
    }
