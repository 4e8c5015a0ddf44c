"""The Google dialect: a host (in development a port) names the tenant; workloads get ID tokens here."""

from __future__ import annotations

from intaglio.dialects.dialect import Addressed, Dialect, Profile
from intaglio.dialects.google import certificates, claims, errors, metadata, principals
from intaglio.dialects.routes import Reader, Route, Surface, Writer
from intaglio.dialects.standard import authorize, discovery
from intaglio.dialects.standard import claims as standard_claims
from intaglio.dialects.standard import errors as standard_errors
from intaglio.dialects.standard.profile import METADATA
from intaglio.names import Issuer

API = Surface("api", standard_errors.write)
SERVER = Surface("metadata", errors.write_metadata, metadata.HEADERS)

TREE = "/computeMetadata/v1"
ACCOUNTS = TREE + "/instance/service-accounts"
ACCOUNT = ACCOUNTS + "/{account}"


def locate(path: str) -> Addressed:
    """Leave the path whole: the host names the tenant."""
    return Addressed(None, path)


def issuer(base_url: str, slug: str, tenant_id: str) -> Issuer:
    """Return the issuer: the base address itself."""
    return Issuer(base_url)


def _tree(path: str, read: Reader, write: Writer, **fixed: str) -> Route:
    return Route(("GET",), path, read, write, SERVER, fixed=fixed, safe=True)


def _text(path: str, text: str) -> Route:
    return _tree(path, metadata.read_fixed, metadata.write_answered, text=text)


def _account(path: str, field: str) -> Route:
    return _tree(path, metadata.read_account, metadata.write_account, field=field)


def _keys(path: str, form: str) -> Route:
    keys = certificates.write_keys
    return Route(("GET",), path, discovery.read_keys, keys, API, fixed={"form": form}, cors="public", safe=True)


DIALECT = Dialect(
    name="google",
    profile=Profile(id_token_lifetime=3600, refresh_policy="keep"),
    routes=(
        Route(
            ("GET",), METADATA, discovery.read_discovery, certificates.write_discovery, API, cors="public", safe=True
        ),
        _keys("/oauth2/v1/certs", "certificates"),
        _keys("/oauth2/v3/certs", "jwks"),
        _tree("/", metadata.read_ping, metadata.write_answered),
        _text("/computeMetadata/", "v1/\n"),
        _text(TREE + "/", "instance/\nproject/\n"),
        _text(TREE + "/instance", "service-accounts/\n"),
        _text(TREE + "/instance/", "service-accounts/\n"),
        _text(TREE + "/universe/universe-domain", "googleapis.com"),
        _text(TREE + "/universe/universe_domain", "googleapis.com"),
        _account(TREE + "/project/project-id", "project-id"),
        _account(ACCOUNTS + "/", "list"),
        _account(ACCOUNT + "/", ""),
        _account(ACCOUNT + "/email", "email"),
        _account(ACCOUNT + "/aliases", "aliases"),
        _account(ACCOUNT + "/scopes", "scopes"),
        _tree(ACCOUNT + "/identity", metadata.read_identity, metadata.write_identity),
    ),
    surface=SERVER,
    locate=locate,
    issuer=issuer,
    endpoints=issuer,
    subject=claims.subject,
    id_token=claims.id_token,
    userinfo=standard_claims.userinfo,
    kid=certificates.kid,
    publishes=certificates.publishes,
    read_authorize=authorize.query,
    write_authorize=authorize.write,
    page_fault=standard_errors.write_page,
    vocabulary=principals.VOCABULARY,
)
