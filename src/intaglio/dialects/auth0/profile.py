"""The Auth0 dialect: a host of its own for each tenant, every endpoint at its root."""

from __future__ import annotations

from intaglio.dialects.auth0 import claims, errors, signin
from intaglio.dialects.dialect import Addressed, Dialect, Profile, Site
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import authorize, discovery, logout, oauth, userinfo
from intaglio.dialects.standard.profile import METADATA
from intaglio.names import Issuer

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


DIALECT = Dialect(
    name="auth0",
    profile=Profile(
        id_token_lifetime=36000,
        access_token_lifetime=86400,
        signing_algs=("RS256", "PS256"),
        refresh_policy="keep",
        at_hash=False,
        token_path="/oauth/token",
    ),
    routes=(
        Route(("GET",), METADATA, discovery.read_discovery, signin.write_discovery, API, cors="public", safe=True),
        Route(
            ("GET",),
            "/.well-known/jwks.json",
            discovery.read_keys,
            signin.write_keys,
            API,
            cors="public",
            safe=True,
        ),
        Route(("GET", "POST"), "/authorize", authorize.read, authorize.write, PAGE),
        Route(("POST",), "/oauth/token", signin.read_token, oauth.write_token, API, cors="client"),
        Route(("POST",), "/oauth/revoke", oauth.read_revoke, oauth.write_revoked, API, cors="client"),
        Route(("GET", "POST"), "/userinfo", userinfo.read, signin.write_userinfo, API, cors="client"),
        Route(("GET", "POST"), "/oidc/logout", logout.read, None, PAGE),
        Route(("GET",), "/v2/logout", signin.read_logout, None, PAGE),
    ),
    surface=API,
    locate=locate,
    issuer=issuer,
    endpoints=endpoints,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=claims.userinfo,
    kid=signin.kid,
    publishes=signin.publishes,
    read_authorize=authorize.query,
    write_authorize=authorize.write,
    page_fault=errors.write_page,
)
