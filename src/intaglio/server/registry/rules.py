"""The rules of a client as a whole: which of its fields go together.

OpenID Connect Dynamic Client Registration 1.0 section 2 for names and meanings, RFC 7591 section 2, OpenID Connect
Core 3 (response types), 8.1 (pairwise subjects), RFC 9700 for what is refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from intaglio import ids
from intaglio.names import ClientId, TenantId
from intaglio.protocol import requestobject
from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES
from intaglio.server.model.administrators import SCOPE as ADMINISTRATION
from intaglio.server.model.clients import Client
from intaglio.server.registry import fields, keysets, settings
from intaglio.server.registry.wanted import Wanted
from intaglio.tokens import algorithms, jwe

SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
OBJECT_ALGORITHMS = ("", "none", *requestobject.SIGNING_ALGS)
LONGEST_AGE = 10 * 366 * 86_400
LONGEST_GRACE = 86_400
ORGANIZATIONS = ("deny", "allow", "require")
SIGN_IN_AUDIENCES = ("tenant", "organizations", "personal", "everyone")


def check(
    wanted: Wanted, tenant_id: TenantId, now: int, *, development: bool = False, incomplete: bool = False
) -> Client:
    """Return the record of a client that was asked for, without secret; raises `Misconfigured` for a field.

    What has to be fetched for it is not looked at: `remote.confirm` does. `development` lets a web client with the
    implicit grant lead back to this machine. An `incomplete` one may still lack its redirect URIs, and is of no use
    until it has them.
    """
    methods = _auth_methods(wanted)
    public = methods == ("none",)
    native = fields.one_of("application_type", wanted.application_type, fields.APPLICATION_TYPES) == "native"
    grants = _grant_types(wanted, public=public, incomplete=incomplete)
    response_types = _response_types(wanted, grants)
    redirect_uris = _redirect_uris("redirect_uris", wanted.redirect_uris, native=native)
    if "implicit" in grants and not native and not development:
        _refuse_loopback(redirect_uris)
    given = {name: getattr(wanted, name) for name in Wanted.__struct_fields__}
    given |= {
        "tenant_id": tenant_id,
        "client_id": ClientId(fields.client_id(wanted.client_id or ids.new_uuid())),
        "client_name": fields.display_name("client_name", wanted.client_name),
        "created_at": now,
        "token_endpoint_auth_methods": methods,
        "redirect_uris": redirect_uris,
        "post_logout_redirect_uris": _redirect_uris(
            "post_logout_redirect_uris", wanted.post_logout_redirect_uris, native=native
        ),
        "grant_types": grants,
        "response_types": response_types,
        "scope": _scope(wanted, grants),
        # RFC 9700 section 2.1.1: public clients must use PKCE, whatever was asked for.
        "require_pkce": wanted.require_pkce or public,
        **_choices(wanted),
        **_addresses(wanted, redirect_uris),
        **keysets.check(wanted),
        "sector_identifier": _sector(wanted, redirect_uris),
    }
    return Client(**given)


def needs_secret(client: Client) -> bool:
    """Tell whether the client proves itself, or signs, with a secret."""
    return bool(SECRET_METHODS & set(client.token_endpoint_auth_methods)) or needs_sealed_secret(client)


def needs_sealed_secret(client: Client) -> bool:
    """Tell whether the client's secret is needed again, as the key of HS256 (OpenID Connect Core 9 and 10.1)."""
    methods = client.token_endpoint_auth_methods
    return "client_secret_jwt" in methods or client.request_object_signing_alg in algorithms.KEYED


def keep(before: Client, checked: Client) -> Client:
    """Return a checked client with what nobody asks for that way: its birth, its secrets, its state."""
    asked = {*Wanted.__struct_fields__, "tenant_id", "sector_identifier"}
    kept = {name: getattr(before, name) for name in Client.__struct_fields__ if name not in asked}
    return msgspec.structs.replace(checked, **kept)


def lacks_secret(client: Client, now: int) -> bool:
    """Tell whether a client needs a secret, or a sealed one, and has none."""
    live = [one for one in client.secrets if one.expires_at is None or now < one.expires_at]
    if needs_sealed_secret(client):
        return not any(one.sealed for one in live)
    return needs_secret(client) and not live


# --- how it proves itself, and what it may ask for


def _auth_methods(wanted: Wanted) -> tuple[str, ...]:
    methods = fields.all_of("token_endpoint_auth_method", wanted.token_endpoint_auth_methods, fields.AUTH_METHODS)
    if not methods or ("none" in methods and len(methods) > 1):
        expected = "'none' alone, or one or more methods that need a secret or a key"
        received = ", ".join(methods) or "none of them"
        raise fields.refuse("auth-methods-invalid", "These methods do not go together.", expected, received)
    return methods


def _grant_types(wanted: Wanted, *, public: bool, incomplete: bool) -> tuple[str, ...]:
    grants = fields.all_of("grant_type", wanted.grant_types, fields.GRANT_TYPES)
    if not grants:
        raise fields.refuse("grant-types-invalid", "A client needs a grant type.", "at least one", "none")
    # RFC 6749 section 4.4: the client credentials grant is for confidential clients only.
    if public and "client_credentials" in grants:
        expected = "a method that needs a secret or a key"
        raise fields.refuse("grant-types-invalid", "A public client has no credentials.", expected, "none")
    if "refresh_token" in grants and not {"authorization_code", fields.DEVICE} & set(grants):
        expected = "authorization_code beside refresh_token"
        raise fields.refuse("grant-types-invalid", "Nothing could be refreshed.", expected, ", ".join(grants))
    if {"authorization_code", "implicit"} & set(grants) and not wanted.redirect_uris and not incomplete:
        hint = "Give one with --redirect-uri."
        raise fields.refuse("redirect-uri-missing", "The client has no redirect URI.", "at least one", "none", hint)
    return grants


def _response_types(wanted: Wanted, grants: tuple[str, ...]) -> tuple[str, ...]:
    if wanted.response_types is None:
        implied = {"authorization_code": "code", "implicit": "id_token"}
        return tuple(implied[grant] for grant in grants if grant in implied)
    # OAuth 2.0 Multiple Response Types 3: the order of the words means nothing.
    ordered = [" ".join(sorted(value.split(" "))) for value in few_types(wanted)]
    found = fields.all_of("response_type", ordered, RESPONSE_TYPES)
    needed = grants_of(found)
    missing = [grant for grant in needed if grant not in grants]
    # OpenID Connect Registration 2: response types and grant types say the same.
    if missing:
        expected = f"grant_types with {' and '.join(missing)}"
        raise fields.refuse("response-types-invalid", "A response type needs its grant type.", expected, grants)
    if "authorization_code" in grants and "authorization_code" not in needed:
        expected = "a response_type with code beside the grant_type authorization_code"
        raise fields.refuse("response-types-invalid", "A grant type needs its response type.", expected, found)
    return found


def few_types(wanted: Wanted) -> tuple[str, ...]:
    """Return the response types as they came, if they are few; raises `Misconfigured` (`too-many`)."""
    return fields.few("response_types", wanted.response_types or ())


def grants_of(response_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return the grant types that response types need (OpenID Connect Registration 1.0 section 2, `grant_types`)."""
    words = {word for value in response_types for word in value.split(" ")}
    return (*("authorization_code",) * ("code" in words), *("implicit",) * bool(words - {"code"}))


def _scope(wanted: Wanted, grants: tuple[str, ...]) -> tuple[str, ...]:
    scope = fields.scopes(wanted.scope)
    # OpenID Connect Core 11: offline_access asks for a refresh token, which this client could not use.
    if "offline_access" in scope and "refresh_token" not in grants:
        expected = "the grant type refresh_token beside the scope offline_access"
        raise fields.refuse("scope-invalid", "A scope cannot be used.", expected, ", ".join(grants))
    if ADMINISTRATION in scope:
        _check_administrative(wanted, grants)
    return scope


def _check_administrative(wanted: Wanted, grants: tuple[str, ...]) -> None:
    """Check that a client with which people administer has nothing by which others could come to their tokens.

    SECURITY: tokens of administrators pass no browser's address bar, nobody hands them out without being asked, and no
    other tenant's people get them (test_a_client_of_administrators_is_narrow).
    """
    expected = ""
    if "implicit" in grants:
        expected = "no implicit grant"
    elif wanted.consent != "ask":
        expected = "the consent ask"
    elif wanted.sign_in_audience != "tenant":
        expected = "the sign_in_audience tenant"
    if expected:
        public = f"The scope {ADMINISTRATION} does not go with this."
        raise fields.refuse("scope-invalid", public, f"{expected} beside the scope {ADMINISTRATION}", "another")


def _choices(wanted: Wanted) -> dict[str, object]:
    if wanted.default_max_age is not None and not 0 <= wanted.default_max_age <= LONGEST_AGE:
        expected = f"0 to {LONGEST_AGE} seconds"
        raise fields.refuse("value-unknown", "default_max_age cannot be used.", expected, wanted.default_max_age)
    if wanted.refresh_grace is not None and not 0 <= wanted.refresh_grace <= LONGEST_GRACE:
        expected = f"0 to {LONGEST_GRACE} seconds"
        raise fields.refuse("value-unknown", "refresh_grace cannot be used.", expected, wanted.refresh_grace)
    return {
        "response_modes": fields.all_of("response_mode", wanted.response_modes, RESPONSE_MODES),
        "id_token_signed_response_alg": fields.one_of(
            "id_token_signed_response_alg", wanted.id_token_signed_response_alg, ("", *fields.ALGORITHMS)
        ),
        "userinfo_signed_response_alg": fields.one_of(
            "userinfo_signed_response_alg", wanted.userinfo_signed_response_alg, ("", *fields.ALGORITHMS)
        ),
        "request_object_signing_alg": fields.one_of(
            "request_object_signing_alg", wanted.request_object_signing_alg, OBJECT_ALGORITHMS
        ),
        **_object_encryption(wanted),
        "refresh_policy": fields.one_of("refresh_policy", wanted.refresh_policy, fields.REFRESH_POLICIES),
        "consent": fields.one_of("consent", wanted.consent, fields.CONSENTS),
        "organization_usage": fields.one_of("organization_usage", wanted.organization_usage, ORGANIZATIONS),
        "sign_in_audience": fields.one_of("sign_in_audience", wanted.sign_in_audience, SIGN_IN_AUDIENCES),
        "dialects": settings.check("client", wanted.dialects),
        "audiences": fields.words("audience", wanted.audiences),
        "lifetimes": fields.lifetimes(wanted.lifetimes),
        "grant_lifetimes": fields.grant_lifetimes(wanted.grant_lifetimes),
        "allowed_origins": fields.few("allowed_origins", map(fields.origin, wanted.allowed_origins)),
        "default_acr_values": fields.words("default_acr_values", wanted.default_acr_values),
        "contacts": fields.few("contacts", [fields.display_name("contacts", one) for one in wanted.contacts]),
    }


def _object_encryption(wanted: Wanted) -> dict[str, object]:
    algs, encs = ("", *requestobject.ENCRYPTION_ALGS), ("", *jwe.ENCRYPTIONS)
    alg = fields.one_of("request_object_encryption_alg", wanted.request_object_encryption_alg, algs)
    enc = fields.one_of("request_object_encryption_enc", wanted.request_object_encryption_enc, encs)
    # OpenID Connect Registration 2: enc goes with alg, and has a default.
    if enc and not alg:
        expected = "request_object_encryption_alg beside request_object_encryption_enc"
        raise fields.refuse("value-unknown", "An algorithm is missing.", expected, "none")
    enc = enc or (requestobject.DEFAULT_ENCRYPTION if alg else "")
    return {"request_object_encryption_alg": alg, "request_object_encryption_enc": enc}


# --- addresses


def _redirect_uris(field: str, values: tuple[str, ...], *, native: bool) -> tuple[str, ...]:
    return fields.few(field, [fields.redirect_uri(value, native=native) for value in values])


def _refuse_loopback(redirect_uris: tuple[str, ...]) -> None:
    # OpenID Connect Registration 2 (application_type): web clients with the implicit grant use https, not localhost.
    for uri in redirect_uris:
        url = urlsplit(uri)
        if url.scheme != "https" or fields.is_loopback(url.hostname or ""):
            expected = "https to another machine, for a web client with the implicit grant"
            hint = "Register a program of this machine as native."
            raise fields.refuse("redirect-uri-invalid", "A redirect URI cannot be used.", expected, uri, hint)


def _addresses(wanted: Wanted, redirect_uris: tuple[str, ...]) -> dict[str, object]:
    names = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "backchannel_logout_uri")
    found: dict[str, object] = {name: fields.web_page(name, getattr(wanted, name)) for name in names}
    front = fields.web_page("frontchannel_logout_uri", wanted.frontchannel_logout_uri)
    # OpenID Connect Front-Channel Logout 2: scheme, host and port of a redirect URI; nobody frames a stranger's page.
    if front and _origin(front) not in {_origin(uri) for uri in redirect_uris}:
        expected = "scheme, host and port of a redirect URI"
        raise fields.refuse("uri-invalid", "frontchannel_logout_uri cannot be used.", expected, front)
    requests = [fields.https("request_uris", value, fragment=True) for value in wanted.request_uris]
    return found | {"frontchannel_logout_uri": front, "request_uris": fields.few("request_uris", requests)}


def _origin(uri: str) -> tuple[str, str]:
    url = urlsplit(uri)
    return url.scheme, url.netloc


def _sector(wanted: Wanted, redirect_uris: tuple[str, ...]) -> str:
    """Return the host that pairwise subjects are for (OpenID Connect Core 8.1), empty for public ones."""
    pairwise = fields.one_of("subject_type", wanted.subject_type, fields.SUBJECT_TYPES) == "pairwise"
    if wanted.sector_identifier_uri:
        fields.https("sector_identifier_uri", wanted.sector_identifier_uri)
        return urlsplit(wanted.sector_identifier_uri).hostname or ""
    hosts = {urlsplit(uri).hostname or "" for uri in redirect_uris}
    if pairwise and len(hosts) > 1:
        expected = "a sector_identifier_uri, or redirect URIs of one host"
        raise fields.refuse("sector-missing", "Pairwise subjects need one sector.", expected, ", ".join(sorted(hosts)))
    return hosts.pop() if pairwise and hosts else ""
