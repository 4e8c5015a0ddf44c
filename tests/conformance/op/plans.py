"""The OpenID Foundation's certification plans for providers: which module runs in which variants, in their order.

Modules that a plan runs with dynamic registration only, or only where a code is given, stand in tables of their own.
`BEYOND` are modules of ours that no plan has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tests.conformance.op.modules import beyond, claims, config, dynamic, flows, logout, requests
from tests.conformance.op.running import Module, Variant

STATIC, DYNAMIC = "static_client", "dynamic_client"
REGISTRATIONS = (STATIC, DYNAMIC)
RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")

DYNAMIC_ONLY: frozenset[Module] = frozenset(
    {
        flows.idtoken_signature,
        flows.idtoken_unsigned,
        dynamic.request_uri_unsigned_or_unsupported,
    }
)
NEEDS_CODE: frozenset[Module] = frozenset(
    {
        dynamic.registration_jwks_uri,
        dynamic.refresh_token_rp_key_rotation,
        dynamic.ensure_client_assertion_with_iss_aud_succeeds,
        flows.refresh_token,
    }
)
OWN_GROUND: frozenset[Module] = frozenset({dynamic.server_rotate_keys, logout.rp_initiated_logout_expired_hint})
"""Modules that change the provider for everybody, so that they get one of their own."""


ABSENT: frozenset[Module] = frozenset((flows.idtoken_unsigned, dynamic.request_uri_unsigned))
"""Modules of what the provider does not offer by design: tokens, and objects of anybody, that nobody signed."""


class Case(msgspec.Struct, frozen=True):
    """One module in one variant, as a plan has it."""

    plan: str
    module: Module
    variant: Variant

    def __str__(self) -> str:
        variant = str(self.variant)
        return self.module.__name__ + (f"-{variant}" if variant else "")


_SCOPES: tuple[Module, ...] = (
    claims.scope_profile,
    claims.scope_email,
    claims.scope_address,
    claims.scope_phone,
    claims.scope_all,
)
_USERINFO: tuple[Module, ...] = (claims.userinfo_get, claims.userinfo_post_header, claims.userinfo_post_body)
_REQUESTS: tuple[Module, ...] = (
    requests.display_page,
    requests.display_popup,
    requests.prompt_login,
    requests.prompt_none_not_logged_in,
    requests.prompt_none_logged_in,
    requests.max_age_1,
    requests.max_age_10000,
    requests.ensure_request_with_unknown_parameter_succeeds,
    requests.id_token_hint,
    requests.login_hint,
    requests.ui_locales,
    requests.claims_locales,
    requests.ensure_request_with_acr_values_succeeds,
)
_CODES: tuple[Module, ...] = (flows.codereuse, flows.codereuse_30seconds)
_OBJECTS: tuple[Module, ...] = (
    dynamic.request_uri_unsigned_or_unsupported,
    dynamic.unsigned_request_object,
    claims.claims_essential,
    dynamic.ensure_request_object_with_redirect_uri,
)

_BASIC: tuple[Module, ...] = (
    flows.server,
    requests.response_type_missing,
    flows.idtoken_signature,
    flows.idtoken_unsigned,
    *_USERINFO,
    flows.ensure_request_without_nonce_succeeds_for_code_flow,
    *_SCOPES,
    flows.alternate_happy_flow,
    *_REQUESTS,
    *_CODES,
    requests.ensure_registered_redirect_uri,
    flows.ensure_post_request_succeeds,
    flows.server_client_secret_post,
    *_OBJECTS,
    flows.refresh_token,
    flows.ensure_request_with_valid_pkce_succeeds,
)
_IMPLICIT: tuple[Module, ...] = (
    flows.server,
    flows.idtoken_signature,
    flows.ensure_request_without_nonce_fails,
    *_SCOPES,
    flows.alternate_happy_flow,
    *_REQUESTS,
    requests.ensure_registered_redirect_uri,
    *_OBJECTS,
)
_IMPLICIT_ONCE: tuple[Module, ...] = (*_USERINFO, requests.response_type_missing)
_HYBRID_ONCE: frozenset[Module] = frozenset(
    {
        requests.response_type_missing,
        flows.alternate_happy_flow,
        flows.ensure_request_with_valid_pkce_succeeds,
    }
)
_DYNAMIC: tuple[Module, ...] = (
    flows.idtoken_rs256,
    flows.idtoken_unsigned,
    claims.userinfo_rs256,
    dynamic.ensure_redirect_uri_in_authorization_request,
    dynamic.redirect_uri_query_ok,
    dynamic.redirect_uri_query_mismatch,
    dynamic.redirect_uri_query_added,
    dynamic.redirect_uri_regfrag,
    config.discovery_endpoint_verification,
    flows.server,
    dynamic.registration_logo_uri,
    dynamic.registration_policy_uri,
    dynamic.registration_tos_uri,
    dynamic.registration_jwks_uri,
    dynamic.registration_sector_uri,
    dynamic.registration_sector_bad,
    dynamic.server_rotate_keys,
    dynamic.refresh_token_rp_key_rotation,
    dynamic.request_uri_unsigned,
    dynamic.request_uri_signed_rs256,
    dynamic.ensure_request_object_with_redirect_uri,
    flows.refresh_token,
    dynamic.ensure_client_assertion_with_iss_aud_succeeds,
)
_LOGOUT: tuple[Module, ...] = (
    config.rp_initiated_logout_discovery,
    logout.rp_initiated_logout,
    logout.rp_initiated_logout_bad_post_logout_redirect_uri,
    logout.rp_initiated_logout_query_added,
    logout.rp_initiated_logout_modified_id_token_hint,
    logout.rp_initiated_logout_bad_id_token_hint,
    logout.rp_initiated_logout_no_id_token_hint,
    logout.rp_initiated_logout_no_params,
    logout.rp_initiated_logout_no_post_logout_redirect_uri,
    logout.rp_initiated_logout_no_state,
    logout.rp_initiated_logout_only_state,
)


def _fits(module: Module, variant: Variant) -> bool:
    if module in DYNAMIC_ONLY and variant.registration == STATIC:
        return False
    if module is flows.idtoken_unsigned and variant.response_type not in ("code", "code token"):
        return False
    if module is claims.userinfo_rs256 and variant.response_type == "id_token":
        return False
    return module not in NEEDS_CODE or "code" in variant.response_type.split()


def _cases(plan: str, modules: Iterable[Module], variant: Variant) -> Iterator[Case]:
    for module in modules:
        own = variant
        if module is flows.server_client_secret_post:
            own = msgspec.structs.replace(variant, client_auth="client_secret_post")
        if _fits(module, own):
            yield Case(plan, module, own)


def _basic(plan: str, mode: str) -> Iterator[Case]:
    for registration in REGISTRATIONS:
        yield from _cases(plan, _BASIC, Variant("code", mode, registration=registration))


def _implicit(plan: str, mode: str) -> Iterator[Case]:
    for registration in REGISTRATIONS:
        for response_type in ("id_token", "id_token token"):
            yield from _cases(plan, _IMPLICIT, Variant(response_type, mode, registration=registration))
        yield from _cases(plan, _IMPLICIT_ONCE, Variant("id_token token", mode, registration=registration))


def _hybrid_modules(response_type: str) -> Iterator[Module]:
    for module in _BASIC:
        if module in (flows.idtoken_unsigned, flows.ensure_post_request_succeeds):
            continue
        if response_type != "code id_token" and module in _HYBRID_ONCE:
            continue
        nonce = module is flows.ensure_request_without_nonce_succeeds_for_code_flow
        # Core 3.3.2.1: the nonce is needed where an ID token comes by the front channel.
        yield flows.ensure_request_without_nonce_fails if nonce and "id_token" in response_type.split() else module


def _hybrid(plan: str, mode: str) -> Iterator[Case]:
    for registration in REGISTRATIONS:
        for response_type in ("code id_token", "code token", "code id_token token"):
            variant = Variant(response_type, mode, registration=registration)
            yield from _cases(plan, _hybrid_modules(response_type), variant)


def _each(plan: str, modules: Iterable[Module], registrations: Iterable[str], **members: str) -> Iterator[Case]:
    for registration in registrations:
        for response_type in RESPONSE_TYPES:
            yield from _cases(plan, modules, Variant(response_type, registration=registration, **members))


CONFIG = [Case("config", config.discovery_endpoint_verification, Variant())]
BASIC = list(_basic("basic", "default"))
IMPLICIT = list(_implicit("implicit", "default"))
HYBRID = list(_hybrid("hybrid", "default"))
FORM_POST_BASIC = list(_basic("formpost-basic", "form_post"))
FORM_POST_IMPLICIT = list(_implicit("formpost-implicit", "form_post"))
FORM_POST_HYBRID = list(_hybrid("formpost-hybrid", "form_post"))
DYNAMIC_PLAN = list(_each("dynamic", _DYNAMIC, (DYNAMIC,), client_auth="private_key_jwt"))
THIRD_PARTY = list(
    _each("thirdparty", (dynamic.third_party_init_login, dynamic.third_party_init_login_nohttps), (DYNAMIC,))
)
RP_LOGOUT = list(_each("rp-logout", _LOGOUT, REGISTRATIONS))
FRONT_CHANNEL = list(
    _each("frontchannel", (config.frontchannel_discovery, logout.frontchannel_rp_initiated_logout), REGISTRATIONS)
)
BACK_CHANNEL = list(
    _each("backchannel", (config.backchannel_discovery, logout.backchannel_rp_initiated_logout), REGISTRATIONS)
)
SESSION = list(
    _each(
        "session", (config.session_management_discovery, logout.session_management_rp_initiated_logout), REGISTRATIONS
    )
)

_OURS: tuple[Module, ...] = (
    beyond.pkce_wrong_verifier_fails,
    beyond.pkce_missing_verifier_fails,
    beyond.pkce_plain_fails,
    beyond.code_of_another_client_fails,
    beyond.code_with_another_redirect_uri_fails,
    beyond.wrong_secret_fails,
    beyond.unknown_grant_type_fails,
    beyond.userinfo_without_token_fails,
    claims.claims_id_token,
    requests.ensure_duplicate_parameter_fails,
    flows.server_private_browser,
    dynamic.request_object_forged,
    logout.rp_initiated_logout_expired_hint,
)
BEYOND = [
    *_cases("beyond", _OURS, Variant()),
    *_cases("beyond", (beyond.id_token_algorithms, beyond.encrypted_id_token), Variant(registration=DYNAMIC)),
    *(Case("beyond", beyond.encrypted_id_token, Variant(one, "form_post")) for one in RESPONSE_TYPES[1:]),
    *(Case("beyond", beyond.response_type_in_another_order, Variant(one)) for one in RESPONSE_TYPES[2:]),
    *(Case("beyond", beyond.state_of_any_letters, Variant(one)) for one in ("code", "id_token")),
    *(Case("beyond", beyond.state_of_any_letters, Variant(one, "form_post")) for one in ("code", "id_token")),
    *_cases("beyond", (dynamic.unsigned_request_object_registered,), Variant(registration=DYNAMIC)),
    *_cases("beyond", (dynamic.request_uri_unsigned_registered,), Variant(registration=DYNAMIC)),
    *_cases("beyond", (flows.server,), Variant(client_auth="client_secret_jwt")),
    *_cases("beyond", (flows.server,), Variant(client_auth="private_key_jwt")),
    *(Case("beyond", requests.ensure_response_mode_query_fails_for_tokens, Variant(one)) for one in RESPONSE_TYPES[1:]),
]
