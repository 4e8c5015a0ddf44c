"""The Cloudentity dialect: the path names a tenant and one of its workspaces, which is an issuer.

A tenant of theirs is an owner here, and a workspace of theirs a tenant.
"""

from __future__ import annotations

from intaglio.dialects.cloudentity import claims, discovery, errors, introspection, settings, userinfo
from intaglio.dialects.dialect import Addressed, Dialect, Profile, Site
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import authorize, device, logout, oauth, pushed, registration
from intaglio.dialects.standard import discovery as standard
from intaglio.dialects.standard import userinfo as standard_userinfo
from intaglio.dialects.standard.profile import METADATA
from intaglio.names import Issuer
from intaglio.protocol.authorize import RESPONSE_TYPES

API = Surface("api", errors.write)
PAGE = Surface("page", errors.write_page)
REGISTER = "/oauth2/register"


def locate(path: str) -> Addressed:
    """Split `/{tenant}/{workspace}/rest`."""
    owner, _, within = path[1:].partition("/")
    slug, slash, rest = within.partition("/")
    return Addressed(slug, slash + rest, owner=owner)


def issuer(site: Site) -> Issuer:
    """Return the issuer: base address, tenant and workspace, and no slash at the end."""
    return Issuer(f"{site.base_url}/{site.owner}/{site.slug}")


DOCUMENTS = (
    Route(("GET",), METADATA, standard.read_discovery, discovery.write_discovery, API, cors="public", safe=True),
    Route(("GET",), "/.well-known/jwks.json", standard.read_keys, discovery.write_keys, API, cors="public", safe=True),
)

DIALECT = Dialect(
    name="cloudentity",
    profile=Profile(
        id_token_lifetime=3600,
        access_token_lifetime=3600,
        refresh_token_lifetime=720 * 3600,
        code_lifetime=600,
        device_lifetime=1800,
        signing_algs=discovery.SIGNING_ALGS,
        at_hash=False,
        names_tokens=True,
        response_types=RESPONSE_TYPES,
        token_path="/oauth2/token",
        registration_path=REGISTER,
        refuses_scopes=True,
        pushed_path=pushed.PATH,
    ),
    routes=(
        *DOCUMENTS,
        Route(("GET", "POST"), "/oauth2/authorize", authorize.read, errors.write_authorize, PAGE),
        Route(("POST",), pushed.PATH, pushed.reader(authorize.query), pushed.write, API, cors="client"),
        Route(("POST",), "/oauth2/token", oauth.read_token, oauth.write_token, API, cors="client"),
        Route(("POST",), "/oauth2/revoke", oauth.read_revoke, oauth.write_revoked, API, cors="client"),
        Route(("POST",), "/oauth2/introspect", introspection.read, introspection.write, API),
        Route(("POST",), REGISTER, registration.read_register, registration.write, API),
        Route(
            ("GET", "PUT", "DELETE"),
            REGISTER + "/{client_id}",
            registration.read_manage,
            registration.write_managed,
            API,
        ),
        Route(
            ("POST",), "/device/authorization", device.read_authorization, device.write_authorized, API, cors="client"
        ),
        Route(("GET",), "/device", device.read_visit, None, PAGE),
        Route(("GET", "POST"), "/userinfo", standard_userinfo.read, userinfo.write, API, cors="client"),
        Route(("GET", "POST"), "/oidc/logout", logout.read, None, PAGE),
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
    write_authorize=errors.write_authorize,
    page_fault=errors.write_page,
    reserved_claims=claims.RESERVED,
    scope_groups=settings.groups,
    read_settings=settings.read,
)
