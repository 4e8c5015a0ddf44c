"""The Microsoft dialect: a GUID, a domain or a fixed word names the tenant, and one key ring serves the authority."""

from __future__ import annotations

from intaglio.dialects.dialect import Dialect, Profile
from intaglio.dialects.microsoft import (
    adminconsent,
    authorities,
    authority,
    claims,
    credentials,
    device,
    discovery,
    errors,
    implicit,
    keys,
    managedidentity,
    members,
    policies,
    reserved,
    settings,
    signin,
    token,
    userinfo,
)
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import device as standard_device
from intaglio.dialects.standard import discovery as standard_discovery
from intaglio.dialects.standard import logout
from intaglio.dialects.standard import userinfo as standard_userinfo
from intaglio.protocol.authorize import RESPONSE_TYPES

API = Surface("api", errors.write)
PAGE = Surface("page", errors.write_page)
PUBLIC = Surface("metadata", errors.write_metadata)
ADMIN_CONSENT = ("/adminconsent", "/v2.0/adminconsent")
METADATA = "/.well-known/openid-configuration"


def _discovery(path: str) -> Route:
    return Route(("GET",), path, discovery.read, discovery.write, PUBLIC, cors="public", safe=True)


def _keys(path: str) -> Route:
    return Route(("GET",), path, standard_discovery.read_keys, keys.write, PUBLIC, cors="public", safe=True)


def _version(path: str, device_methods: tuple[str, ...]) -> tuple[Route, ...]:
    return (
        Route(("GET", "POST"), path + "/authorize", signin.read, signin.write, PAGE),
        Route(("POST",), path + "/token", token.read, token.write, API, cors="client"),
        Route(device_methods, path + "/devicecode", device.read, device.write, API, cors="client"),
        Route(("GET", "POST"), path + "/logout", logout.read, None, PAGE),
    )


def _userinfo(path: str) -> Route:
    return Route(("GET", "POST"), path, standard_userinfo.read, userinfo.write, API, cors="client")


COMMON = (
    Route(
        ("GET",),
        managedidentity.PATH,
        managedidentity.read,
        managedidentity.write,
        Surface("machine", managedidentity.write_fault, pages=False),
    ),
    Route(
        ("GET",),
        "/discovery/instance",
        authorities.read_instance,
        authorities.write_instance,
        PUBLIC,
        cors="public",
        safe=True,
    ),
    Route(("GET",), authority.REALM + "{name}", authorities.read_realm, authorities.write_realm, API, safe=True),
    Route(("GET",), "/oauth2/nativeclient", authorities.read_native, authorities.write_native, PAGE, safe=True),
    Route(("GET",), "/error", authorities.read_error, authorities.write_error, PAGE, safe=True),
)
"""What is asked of the authority, whatever the tenant."""

DIALECT = Dialect(
    name="microsoft",
    profile=Profile(
        id_token_lifetime=3600,
        access_token_lifetime=4500,
        refresh_token_lifetime=90 * 86400,
        code_lifetime=600,
        session_lifetime=86400,
        signing_algs=("RS256",),
        refresh_policy="never",
        at_hash=False,
        response_types=RESPONSE_TYPES,
        token_path="/oauth2/v2.0/token",
        shares_ring=True,
        personal_tenant_id=authority.PERSONAL,
        pairwise=True,
        names_tokens=True,
        personal_id_token_lifetime=86400,
        lifetime_policies=True,
        device_path=authority.DEVICE,
        device_lifetime=900,
        slows_down=False,
        tells_issuer=False,
        relaxed_redirects=True,
        logout_by_address=True,
    ),
    routes=(
        _discovery("/v2.0" + METADATA),
        _discovery(METADATA),
        _keys("/discovery/v2.0/keys"),
        _keys("/discovery/keys"),
        *COMMON,
        *(Route(("GET",), path, adminconsent.read, signin.write, PAGE) for path in ADMIN_CONSENT),
        *_version("/oauth2/v2.0", ("POST",)),
        *_version("/oauth2", ("GET", "POST")),
        Route(("GET",), authority.DEVICE, standard_device.read_visit, None, PAGE),
        _userinfo("/oidc/userinfo"),
        _userinfo("/openid/userinfo"),
        Route(("GET", "POST"), members.PATH, members.read, members.write, API),
    ),
    surface=API,
    locate=authority.locate,
    issuer=authority.issuer,
    endpoints=authority.endpoints,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=userinfo.claims,
    kid=keys.kid,
    publishes=keys.publishes,
    read_authorize=signin.query,
    write_authorize=signin.write,
    page_fault=errors.write_page,
    key_header=keys.header,
    enables=implicit.enables,
    terms=token.terms,
    session_name=authority.session_guid,
    administers=adminconsent.administers,
    claim_scopes=claims.SCOPES,
    read_policy=policies.read,
    trusted_issuers=credentials.trusted_issuers,
    assertion_audiences=credentials.audiences,
    read_settings=settings.read,
    reserved_claims=reserved.CLAIMS,
)
