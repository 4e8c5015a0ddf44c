"""The standard dialect: OpenID Connect as written, one path prefix a tenant."""

from __future__ import annotations

from intaglio.dialects.dialect import Addressed, Dialect, Profile, Site
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import (
    authorize,
    claims,
    device,
    discovery,
    errors,
    logout,
    oauth,
    pushed,
    registration,
    userinfo,
)
from intaglio.names import Issuer
from intaglio.protocol.authorize import RESPONSE_TYPES

METADATA = "/.well-known/openid-configuration"
RFC_8414 = "/.well-known/oauth-authorization-server"

API = Surface("api", errors.write)
PAGE = Surface("page", errors.write_page)


def locate(path: str) -> Addressed:
    """Split `/{slug}/rest`; the metadata of RFC 8414 section 3.1 has the slug behind its well-known words."""
    if path.startswith(RFC_8414 + "/"):
        return Addressed(path[len(RFC_8414) + 1 :], RFC_8414)
    slug, slash, rest = path[1:].partition("/")
    return Addressed(slug, slash + rest)


def issuer(site: Site) -> Issuer:
    """Return the issuer: the base address and the tenant's slug."""
    return Issuer(f"{site.base_url}/{site.slug}")


DISCOVERY_ROUTES = tuple(
    Route(("GET",), path, discovery.read_discovery, discovery.write_discovery, API, cors="public", safe=True)
    for path in (METADATA, RFC_8414)
)

DIALECT = Dialect(
    name="standard",
    profile=Profile(
        signing_algs=("RS256", "PS256", "ES256", "EdDSA"), response_types=RESPONSE_TYPES, pushed_path=pushed.PATH
    ),
    routes=(
        *DISCOVERY_ROUTES,
        Route(("GET",), "/jwks", discovery.read_keys, discovery.write_keys, API, cors="public", safe=True),
        Route(("GET", "POST"), "/authorize", authorize.read, authorize.write, PAGE),
        Route(("POST",), pushed.PATH, pushed.reader(authorize.query), pushed.write, API, cors="client"),
        Route(("POST",), "/token", oauth.read_token, oauth.write_token, API, cors="client"),
        Route(
            ("POST",), "/device_authorization", device.read_authorization, device.write_authorized, API, cors="client"
        ),
        Route(("GET",), "/device", device.read_visit, None, PAGE),
        Route(("GET", "POST"), "/userinfo", userinfo.read, userinfo.write, API, cors="client"),
        Route(("POST",), "/revoke", oauth.read_revoke, oauth.write_revoked, API, cors="client"),
        Route(("POST",), registration.PATH, registration.read_register, registration.write, API),
        Route(
            ("GET", "PUT", "DELETE"),
            registration.PATH + "/{client_id}",
            registration.read_manage,
            registration.write_managed,
            API,
        ),
        Route(("POST",), "/introspect", oauth.read_introspect, oauth.write_introspection, API),
        Route(("GET", "POST"), "/logout", logout.read, None, PAGE),
        Route(("GET",), "/session", logout.read_frame, None, PAGE, safe=True),
        Route(("GET",), "/account", logout.read_account, None, PAGE),
    ),
    surface=API,
    locate=locate,
    issuer=issuer,
    endpoints=issuer,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=claims.userinfo,
    kid=discovery.kid,
    publishes=discovery.publishes,
    read_authorize=authorize.query,
    write_authorize=authorize.write,
    page_fault=errors.write_page,
)
