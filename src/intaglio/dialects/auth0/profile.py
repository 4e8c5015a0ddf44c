"""The Auth0 dialect: a host of its own for each tenant, every endpoint at its root."""

from __future__ import annotations

from intaglio.dialects.auth0 import (
    authorize,
    claims,
    discovery,
    errors,
    logout,
    management,
    registration,
    reserved,
    settings,
    token,
    userinfo,
)
from intaglio.dialects.dialect import Addressed, Dialect, Profile, Site
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import device as standard_device
from intaglio.dialects.standard import discovery as standard_discovery
from intaglio.dialects.standard import oauth, pushed
from intaglio.dialects.standard import registration as standard_registration
from intaglio.dialects.standard import userinfo as standard_userinfo
from intaglio.dialects.standard.profile import METADATA, RFC_8414
from intaglio.names import Issuer
from intaglio.protocol.authorize import RESPONSE_MODES, RESPONSE_TYPES, WEB_MESSAGE

API = Surface("api", errors.write)
PAGE = Surface("page", errors.write_page)


def locate(path: str) -> Addressed:
    """Leave the path whole: the host names the tenant."""
    return Addressed(None, path)


def issuer(site: Site) -> Issuer:
    """Return the issuer: the host's address with a slash behind it, as every SDK builds it."""
    return Issuer(site.base_url + "/")


def endpoints(site: Site) -> str:
    """Return where the endpoints start: at the host's root."""
    return site.base_url


CLIENTS = management.PREFIX + "/clients"
CLIENT = CLIENTS + "/{client_id}"
ADMINISTRATION = Surface("management", management.write_fault, pages=False)
MANAGED = (
    Route(("GET",), CLIENTS, management.read_list, management.write_list, ADMINISTRATION),
    Route(("POST",), CLIENTS, management.read_create, management.write, ADMINISTRATION),
    Route(("GET",), CLIENT, management.read_show, management.write, ADMINISTRATION),
    Route(("PATCH",), CLIENT, management.read_change, management.write, ADMINISTRATION),
    Route(("DELETE",), CLIENT, management.read_remove, management.write, ADMINISTRATION),
    Route(("POST",), CLIENT + "/rotate-secret", management.read_rotate, management.write, ADMINISTRATION),
)


def face(path: str) -> Surface:
    """Return the surface of a path that has no route."""
    return ADMINISTRATION if path.startswith(management.PREFIX + "/") else API


PUBLISHED = (
    *(
        Route(
            ("GET",), path, standard_discovery.read_discovery, discovery.write_discovery, API, cors="public", safe=True
        )
        for path in (METADATA, RFC_8414)
    ),
    Route(
        ("GET",),
        "/.well-known/jwks.json",
        standard_discovery.read_keys,
        discovery.write_keys,
        API,
        cors="public",
        safe=True,
    ),
)

DIALECT = Dialect(
    name="auth0",
    profile=Profile(
        id_token_lifetime=36000,
        access_token_lifetime=86400,
        signing_algs=("RS256", "PS256"),
        response_types=RESPONSE_TYPES,
        response_modes=(*RESPONSE_MODES, WEB_MESSAGE),
        refresh_policy="keep",
        refresh_grace=0,
        at_hash=False,
        token_path="/oauth/token",
        device_path="/activate",
        upstream_callback="/login/callback",
        device_lifetime=900,
        names_audiences=True,
        organizations=True,
        tenant_hosts=True,
        pushed_path=discovery.PUSHED,
        registration_path="/oidc/register",
    ),
    routes=(
        *PUBLISHED,
        Route(("GET", "POST"), "/authorize", authorize.read, authorize.write, PAGE),
        Route(("POST",), discovery.PUSHED, pushed.reader(authorize.query), pushed.write, API, cors="client"),
        Route(("POST",), "/oauth/token", token.read, oauth.write_token, API, cors="client"),
        Route(("POST",), "/oauth/revoke", token.read_revoke, oauth.write_revoked, API, cors="client"),
        Route(("POST",), discovery.INTROSPECTION, oauth.read_introspect, oauth.write_introspection, API),
        Route(("POST",), "/oauth/device/code", token.read_device, standard_device.write_authorized, API, cors="client"),
        Route(("GET",), "/activate", standard_device.read_visit, None, PAGE),
        Route(("GET", "POST"), "/userinfo", standard_userinfo.read, userinfo.write, API, cors="client"),
        Route(("POST",), "/oidc/register", standard_registration.read_register, registration.write, API),
        Route(("GET", "POST"), "/oidc/logout", logout.read, None, PAGE),
        Route(("GET",), "/v2/logout", logout.read_older, None, PAGE),
        *MANAGED,
    ),
    surface=API,
    locate=locate,
    issuer=issuer,
    endpoints=endpoints,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=claims.userinfo,
    kid=discovery.kid,
    publishes=discovery.publishes,
    read_authorize=authorize.query,
    write_authorize=authorize.write,
    page_fault=errors.write_page,
    reserved_claims=reserved.CLAIMS,
    read_settings=settings.read,
    face=face,
)
