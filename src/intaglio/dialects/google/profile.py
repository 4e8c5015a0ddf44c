"""The Google dialect: a host (in development a port) names the tenant; workloads get ID tokens here."""

from __future__ import annotations

from intaglio.dialects.dialect import Addressed, Dialect, Profile, Site
from intaglio.dialects.google import (
    certificates,
    claims,
    errors,
    iam,
    iamcredentials,
    metadatapaths,
    pools,
    principals,
    receiving,
    signin,
    sts,
    tokeninfo,
)
from intaglio.dialects.routes import Route, Surface
from intaglio.dialects.standard import authorize, device, discovery, logout, userinfo
from intaglio.dialects.standard import errors as standard_errors
from intaglio.dialects.standard.profile import METADATA
from intaglio.names import Issuer
from intaglio.protocol.authorize import RESPONSE_TYPES

API = Surface("api", standard_errors.write)
OAUTH = Surface("oauth", signin.write_fault)
PAGE = Surface("page", standard_errors.write_page)
GOOGLE_API = errors.GOOGLE_API

APIS = ("/v1/projects/", "/v1/locations/", "/v1/accounts", "/service_accounts/", "/robot/")
"""Where the paths of the APIs begin."""


def locate(path: str) -> Addressed:
    """Leave the path whole: the host names the tenant."""
    return Addressed(None, path)


def issuer(site: Site) -> Issuer:
    """Return the issuer: the base address itself."""
    return Issuer(site.base_url)


def _keys(path: str, form: str) -> Route:
    keys = certificates.write_keys
    return Route(("GET",), path, discovery.read_keys, keys, API, fixed={"form": form}, cors="public", safe=True)


def _assertion_keys(path: str, form: str) -> Route:
    read, write = receiving.read_keys, receiving.write_keys
    return Route(("GET",), path, read, write, API, fixed={"form": form}, cors="public", safe=True)


def _userinfo(path: str, form: str) -> Route:
    read, write, methods = userinfo.read, signin.write_userinfo, ("GET", "POST")
    return Route(methods, path, read, write, API, fixed={"form": form}, cors="client")


SIGN_IN = (
    *(
        Route(("GET", "POST"), path, signin.read_authorize, authorize.write, PAGE)
        for path in ("/o/oauth2/v2/auth", "/o/oauth2/auth")
    ),
    *(
        Route(("POST",), path, signin.read_token, signin.write_token, OAUTH, cors="client")
        for path in ("/token", "/oauth2/v4/token", "/o/oauth2/token")
    ),
    Route(("POST",), "/device/code", signin.read_device, signin.write_device, OAUTH, cors="client"),
    Route(("GET",), "/device", device.read_visit, None, PAGE),
    Route(("GET",), "/account", logout.read_account, None, PAGE),
    _userinfo("/v1/userinfo", "v3"),
    _userinfo("/oauth2/v3/userinfo", "v3"),
    _userinfo("/oauth2/v2/userinfo", "v2"),
)
"""Where people sign in, and what their applications ask."""


def _face(path: str) -> Surface:
    if metadatapaths.answers(path):
        return metadatapaths.SERVER
    return GOOGLE_API if path.startswith(APIS) else API


DIALECT = Dialect(
    name="google",
    # VENDOR: the official clients keep the first refresh token for ever, so it is never rotated.
    profile=Profile(id_token_lifetime=3600, refresh_policy="never", response_types=RESPONSE_TYPES),
    routes=(
        *metadatapaths.ROUTES,
        Route(("GET",), METADATA, discovery.read_discovery, signin.write_discovery, API, cors="public", safe=True),
        *SIGN_IN,
        _keys("/oauth2/v1/certs", "certificates"),
        _keys("/oauth2/v3/certs", "jwks"),
        *iamcredentials.ROUTES,
        *tokeninfo.ROUTES,
        *sts.ROUTES,
        *pools.ROUTES,
        _assertion_keys("/iap/verify/public_key", "pem"),
        _assertion_keys("/iap/verify/public_key-jwk", "jwks"),
        *iam.ROUTES,
    ),
    surface=API,
    face=_face,
    locate=locate,
    issuer=issuer,
    endpoints=issuer,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=claims.userinfo,
    kid=certificates.kid,
    publishes=certificates.publishes,
    read_authorize=signin.query,
    write_authorize=authorize.write,
    page_fault=standard_errors.write_page,
    vocabulary=principals.VOCABULARY,
    scope_words=signin.SCOPES,
    receiving=receiving.RECEIVING,
    reserved_claims=claims.RESERVED,
)
