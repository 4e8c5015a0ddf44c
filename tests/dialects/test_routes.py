"""The route tables: every route is reached by its own path, and each is asked by a test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects import registry
from intaglio.dialects.coding import Context
from intaglio.dialects.dialect import Dialect, Site
from intaglio.dialects.routes import Route, Surface, Table
from intaglio.dialects.standard import errors
from intaglio.wire.message import Request, Response
from tests import harness

SURFACE = Surface("x", errors.write)
DIALECTS = list(registry.DIALECTS.values())


def _route(methods: tuple[str, ...], path: str, *, safe: bool = False) -> Route:
    return Route(methods, path, lambda request, ctx: None, lambda answer, ctx: Response(200), SURFACE, safe=safe)


TABLE = Table(
    [
        _route(("GET",), "/a", safe=True),
        _route(("POST",), "/a"),
        _route(("GET",), "/b"),
        _route(("GET",), "/t/{x}/end", safe=True),
        _route(("GET",), "/t/{x}/"),
        _route(("GET",), "/t/fixed/end"),
    ]
)


@pytest.mark.parametrize(
    "path", ["", "/", "/A", "/a/", "//a", "/a/.", "/a/../a", "/%61", "/a;x", "/t//end", "/t/x/end/", "/t/%ff/end"]
)
def test_what_is_no_route(path: str) -> None:
    """Paths are compared as they are: no case, no dots, no decoding, no empty variable."""
    found = TABLE.find("GET", path)
    assert (found.route, found.allowed) == (None, ())


def test_a_variable_is_decoded_alone() -> None:
    """An encoded slash stays inside its variable, so it cannot lead to another route."""
    assert TABLE.find("GET", "/t/a%2Fend/end").words == {"x": "a/end"}
    assert TABLE.find("GET", "/t/..%2f/end").words == {"x": "../"}


def test_a_literal_path_comes_before_a_template() -> None:
    """One look-up finds a literal path."""
    found = TABLE.find("GET", "/t/fixed/end")
    assert found.route is not None
    assert found.route.path == "/t/fixed/end"


def test_head_is_answered_where_get_is_safe() -> None:
    """A GET that changes something has no HEAD."""
    assert TABLE.find("HEAD", "/a").route is not None
    assert TABLE.find("HEAD", "/t/x/end").route is not None
    assert TABLE.find("HEAD", "/b").route is None


def test_allowed_methods_are_told() -> None:
    """RFC 9110 15.5.6: what the path has."""
    assert TABLE.find("DELETE", "/a").allowed == ("GET", "POST", "HEAD", "OPTIONS")
    assert TABLE.find("DELETE", "/b").allowed == ("GET", "OPTIONS")


@given(st.sampled_from(["GET", "HEAD", "POST", "X"]), st.text(st.sampled_from("/at{}x%2Fbend."), max_size=20))
def test_any_path_finds_something_or_nothing(method: str, path: str) -> None:
    """No path makes the table fail."""
    found = TABLE.find(method, path)
    assert found.route is None or not found.allowed


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_route_is_reached(dialect: Dialect) -> None:
    """No route of a dialect hides another one."""
    table = Table(dialect.routes)
    for route in dialect.routes:
        path = route.path.replace("{account}", "default")
        for method in route.methods:
            assert table.find(method, path).route is route


# The tree of the metadata server has a row for each depth, with and without a slash at the end.
TREE = ["/" + "/".join(f"{{name{n}}}" for n in range(depth)) + end for depth in range(1, 9) for end in ("", "/")]
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/{account}/"

# What each route is asked, and the status that a request without any parameter gets. A route that is not listed here
# has no test, and fails the walk below.
POOLS = "/v1/projects/{project}/locations/global/workloadIdentityPools"
POOL = (POOLS + "/{pool}", POOLS + "/{pool}/providers/{provider}")
WORKFORCE = "/v1/locations/global/workforcePools/{pool}"
IN_PROJECT = "/v1/projects/{project}/serviceAccounts"
ONE_ACCOUNT = IN_PROJECT + "/{account}"
WITH_POLICY = (
    "/v1/projects/{project}",
    IN_PROJECT + "/{name}",
    "/v1/projects/{project}/locations/{location}/services/{name}",
)
APIS = ("/v1/projects/", "/v1/locations/", "/v1/accounts", "/service_accounts/", "/robot/")
"""How the paths begin whose faults are those of Google's APIs."""
TOKENINFO = ("/tokeninfo", "/oauth2/v1/tokeninfo", "/oauth2/v2/tokeninfo", "/oauth2/v3/tokeninfo")
ACCOUNT_KEYS = ("/service_accounts/v1/metadata/", "/robot/v1/metadata/")
MICROSOFT = ("/oauth2", "/oauth2/v2.0")
ASKED: dict[str, dict[tuple[str, str], int]] = {
    "standard": {
        ("GET", "/.well-known/openid-configuration"): 200,
        ("GET", "/.well-known/oauth-authorization-server"): 200,
        ("GET", "/jwks"): 200,
        ("GET", "/authorize"): 400,
        ("POST", "/authorize"): 400,
        ("POST", "/par"): 401,
        ("POST", "/token"): 400,
        ("GET", "/userinfo"): 401,
        ("POST", "/userinfo"): 401,
        ("POST", "/revoke"): 400,
        ("POST", "/introspect"): 400,
        ("GET", "/logout"): 200,
        ("POST", "/logout"): 200,
        ("GET", "/session"): 404,
        ("GET", "/account"): 200,
        ("GET", "/device"): 200,
        ("POST", "/device_authorization"): 401,
        ("POST", "/register"): 400,
        ("GET", "/register/{client_id}"): 401,
        ("PUT", "/register/{client_id}"): 400,
        ("DELETE", "/register/{client_id}"): 401,
    },
    "auth0": {
        ("GET", "/.well-known/openid-configuration"): 200,
        ("GET", "/.well-known/jwks.json"): 200,
        ("GET", "/authorize"): 400,
        ("POST", "/authorize"): 400,
        ("POST", "/oauth/token"): 400,
        ("POST", "/oauth/revoke"): 400,
        ("GET", "/userinfo"): 401,
        ("POST", "/userinfo"): 401,
        ("GET", "/oidc/logout"): 200,
        ("POST", "/oidc/logout"): 200,
        ("GET", "/v2/logout"): 200,
        ("GET", "/.well-known/oauth-authorization-server"): 200,
        ("POST", "/oauth/par"): 401,
        ("POST", "/oauth/introspect"): 400,
        ("POST", "/oauth/device/code"): 401,
        ("GET", "/activate"): 200,
        ("POST", "/oidc/register"): 400,
        **{(method, "/api/v2/clients"): 401 for method in ("GET", "POST")},
        **{(method, "/api/v2/clients/{client_id}"): 401 for method in ("GET", "PATCH", "DELETE")},
        ("POST", "/api/v2/clients/{client_id}/rotate-secret"): 401,
    },
    "cloudentity": {
        ("GET", "/.well-known/openid-configuration"): 200,
        ("GET", "/.well-known/jwks.json"): 200,
        ("GET", "/oauth2/authorize"): 400,
        ("POST", "/oauth2/authorize"): 400,
        ("POST", "/par"): 401,
        ("POST", "/oauth2/token"): 400,
        ("POST", "/oauth2/revoke"): 400,
        ("POST", "/oauth2/introspect"): 400,
        ("POST", "/oauth2/register"): 400,
        ("GET", "/oauth2/register/{client_id}"): 401,
        ("PUT", "/oauth2/register/{client_id}"): 400,
        ("DELETE", "/oauth2/register/{client_id}"): 401,
        ("POST", "/device/authorization"): 401,
        ("GET", "/device"): 200,
        ("GET", "/userinfo"): 401,
        ("POST", "/userinfo"): 401,
        ("GET", "/oidc/logout"): 200,
        ("POST", "/oidc/logout"): 200,
        ("GET", "/account"): 200,
    },
    "microsoft": {
        ("GET", "/.well-known/openid-configuration"): 200,
        ("GET", "/v2.0/.well-known/openid-configuration"): 200,
        ("GET", "/discovery/keys"): 200,
        ("GET", "/discovery/v2.0/keys"): 200,
        ("GET", "/discovery/instance"): 400,
        ("GET", "/userrealm/{name}"): 200,
        ("GET", "/error"): 404,
        # It is no tenant's: behind a tenant's word there is nothing.
        ("GET", "/metadata/identity/oauth2/token"): 404,
        ("GET", "/oauth2/nativeclient"): 200,
        ("GET", "/oauth2/deviceauth"): 200,
        **{(method, f"{path}/authorize"): 400 for path in MICROSOFT for method in ("GET", "POST")},
        **{("POST", path + leaf): 400 for path in MICROSOFT for leaf in ("/token", "/devicecode")},
        **{(method, f"{path}/logout"): 200 for path in MICROSOFT for method in ("GET", "POST")},
        ("GET", "/oauth2/devicecode"): 400,
        ("GET", "/adminconsent"): 400,
        ("GET", "/v2.0/adminconsent"): 400,
        **{(method, f"/{path}/userinfo"): 401 for path in ("oidc", "openid") for method in ("GET", "POST")},
        **{(method, "/users/{user_id}/getMemberObjects"): 401 for method in ("GET", "POST")},
    },
    "google": {
        ("GET", "/.well-known/openid-configuration"): 200,
        ("GET", "/o/oauth2/v2/auth"): 400,
        ("POST", "/o/oauth2/v2/auth"): 400,
        ("GET", "/o/oauth2/auth"): 400,
        ("POST", "/o/oauth2/auth"): 400,
        ("POST", "/token"): 400,
        ("POST", "/oauth2/v4/token"): 400,
        ("POST", "/o/oauth2/token"): 400,
        ("POST", "/device/code"): 401,
        ("GET", "/device"): 200,
        ("GET", "/account"): 200,
        ("GET", "/v1/userinfo"): 401,
        ("POST", "/v1/userinfo"): 401,
        ("GET", "/oauth2/v3/userinfo"): 401,
        ("POST", "/oauth2/v3/userinfo"): 401,
        ("GET", "/oauth2/v2/userinfo"): 401,
        ("POST", "/oauth2/v2/userinfo"): 401,
        ("GET", "/oauth2/v1/certs"): 200,
        ("GET", "/oauth2/v3/certs"): 200,
        ("GET", "/iap/verify/public_key"): 200,
        ("GET", "/iap/verify/public_key-jwk"): 200,
        ("GET", "/"): 200,
        ("GET", "/computeMetadata/"): 403,
        ("GET", "/computeMetadata"): 403,
        ("GET", "/computeMetadata/v1"): 403,
        ("GET", "/computeMetadata/v1/"): 403,
        **{("GET", "/computeMetadata/v1" + path): 403 for path in TREE},
        **{(method, ACCOUNT + leaf): 403 for method in ("GET", "POST") for leaf in ("identity", "token")},
        ("POST", "/v1/token"): 400,
        **{(method, POOLS): status for method, status in (("GET", 401), ("POST", 400))},
        **{(method, POOLS + "/{pool}/providers"): status for method, status in (("GET", 401), ("POST", 400))},
        **{(method, path): 401 for path in POOL for method in ("GET", "PATCH", "DELETE")},
        **{("POST", path + ":undelete"): 401 for path in POOL},
        **{("GET", path + "/allowedLocations"): 200 for path in (POOL[0], WORKFORCE, ONE_ACCOUNT)},
        **{(method, path): 400 for method in ("GET", "POST") for path in TOKENINFO},
        **{("POST", path): 400 for path in ("/revoke", "/o/oauth2/revoke")},
        **{("GET", path + form + "/{email}"): 404 for path in ACCOUNT_KEYS for form in ("x509", "raw", "jwk")},
        **{("POST", f"{ONE_ACCOUNT}:{verb}"): 400 for verb in ("generateIdToken", "generateAccessToken")},
        **{("POST", f"{ONE_ACCOUNT}:{verb}"): 400 for verb in ("signBlob", "signJwt")},
        **{("POST", f"{ONE_ACCOUNT}:{verb}"): 401 for verb in ("disable", "enable", "undelete")},
        ("GET", "/v1/accounts:impersonable"): 401,
        ("GET", "/v1/projects/{project}"): 401,
        **{(method, IN_PROJECT): 401 for method in ("GET", "POST")},
        **{(method, ONE_ACCOUNT): 401 for method in ("GET", "PUT", "DELETE")},
        ("PATCH", ONE_ACCOUNT): 400,
        **{(method, ONE_ACCOUNT + "/keys"): 401 for method in ("GET", "POST")},
        ("POST", ONE_ACCOUNT + "/keys:upload"): 401,
        **{(method, ONE_ACCOUNT + "/keys/{key}"): 401 for method in ("GET", "DELETE")},
        **{("POST", ONE_ACCOUNT + "/keys/{key}:" + verb): 401 for verb in ("disable", "enable")},
        **{(method, path + ":getIamPolicy"): 401 for path in WITH_POLICY for method in ("GET", "POST")},
        **{("POST", path + ":" + verb): 401 for path in WITH_POLICY for verb in ("setIamPolicy", "testIamPermissions")},
    },
}
BASES = {
    "standard": "http://localhost:8080/default",
    "auth0": "http://localhost:8083",
    "google": "http://localhost:8081",
    "microsoft": "http://localhost:8082/00000000-0000-4000-8000-000000000001",
    "cloudentity": "http://localhost:8084/default/default",
}


def test_no_route_is_without_a_test() -> None:
    """Each row of each dialect's table is asked here; a new row has to be added."""
    rows = {d.name: {(m, route.path) for route in d.routes for m in route.methods} for d in DIALECTS}
    assert rows == {name: set(asked) for name, asked in ASKED.items()}


def test_every_route_answers_a_bare_request(site: harness.Site) -> None:
    """Through the whole server, each route answers as itself."""
    for name, asked in ASKED.items():
        for (method, path), status in asked.items():
            form: dict[str, str] | None = {} if method == "POST" else None
            answer = site.request(method, BASES[name] + path.replace("{account}", "default"), form=form)
            assert (name, method, path, answer.status) == (name, method, path, status)


def test_every_route_refuses_what_it_has_not(site: harness.Site) -> None:
    """405 with Allow for another method, the same methods for OPTIONS, and HEAD as GET without a body."""
    for name, asked in ASKED.items():
        for path in {path for _, path in asked}:
            methods = {method for method, known in asked if known == path}
            where = BASES[name] + path.replace("{account}", "default")
            other = next(method for method in ("PATCH", "PUT", "LOCK") if method not in methods)
            for accept in ("*/*", "text/html"):
                refused = site.request(other, where, headers={"accept": accept})
                # The APIs of the Google dialect say "Method not found".
                is_api = path.startswith(APIS) and accept == "*/*"
                assert refused.status == (404 if is_api else 405), where
                assert methods | {"OPTIONS"} <= set((refused.header("allow") or "").split(", "))
            told = site.request("OPTIONS", where)
            assert (told.status, told.header("allow")) == (204, refused.header("allow"))
            head = site.request("HEAD", where)
            if "HEAD" in (told.header("allow") or ""):
                get = site.get(where)
                assert (head.status, head.body) == (get.status, b"")
                assert head.header("content-length") == str(len(get.body))
            else:
                assert (head.status, head.body) == (404 if path.startswith(APIS) else 405, b"")


@pytest.mark.parametrize(
    ("dialect", "path", "tenant", "rest"),
    [
        ("standard", "/default/token", "default", "/token"),
        ("standard", "/default", "default", ""),
        ("standard", "/", "", ""),
        ("standard", "//token", "", "/token"),
        (
            "standard",
            "/.well-known/oauth-authorization-server/default",
            "default",
            "/.well-known/oauth-authorization-server",
        ),
        ("auth0", "/default/token", None, "/default/token"),
        ("cloudentity", "/acme/shop/oauth2/token", "shop", "/oauth2/token"),
        ("cloudentity", "/acme/shop", "shop", ""),
        ("cloudentity", "/acme", "", ""),
        ("cloudentity", "//shop/userinfo", "shop", "/userinfo"),
        ("google", "/oauth2/v3/certs", None, "/oauth2/v3/certs"),
        ("microsoft", "/COMMON/v2.0//x", "common", "/v2.0/x"),
        ("microsoft", "/Consumers/oauth2/authorize", "9188040d-6c67-4c5b-b112-36a304b66dad", "/oauth2/authorize"),
        ("microsoft", "/Dev.Example/UserRealm/A@b", "dev.example", "/userrealm/A@b"),
        ("microsoft", "/oidc/userinfo", "common", "/oidc/userinfo"),
    ],
)
def test_locate(dialect: str, path: str, tenant: str | None, rest: str) -> None:
    """A path is split into the words that name a tenant, and the rest."""
    found = registry.DIALECTS[dialect].locate(path)
    assert (found.tenant, found.rest) == (tenant, rest)


def test_issuers_and_endpoints() -> None:
    """The issuer's exact text is a dialect's own, its slash too."""
    site = Site("http://h:1", "shop", "id", "acme")
    made = {d.name: (d.issuer(site), d.endpoints(site)) for d in DIALECTS}
    assert made == {
        "standard": ("http://h:1/shop", "http://h:1/shop"),
        "auth0": ("http://h:1/", "http://h:1"),
        "google": ("http://h:1", "http://h:1"),
        "microsoft": ("http://h:1/id/v2.0", "http://h:1/id"),
        "cloudentity": ("http://h:1/acme/shop", "http://h:1/acme/shop"),
    }


def test_each_surface_writes_faults_with_a_reference() -> None:
    """Whatever the face of a group of routes, the reference is in its faults."""
    from intaglio.errors import ProtocolFault

    for dialect in DIALECTS:
        for surface in {route.surface.name: route.surface for route in dialect.routes}.values():
            written = surface.write_fault(ProtocolFault(), Context(now=1, ref="ref_1a2b3c"))
            text = written.body.decode() if isinstance(written, Response) else written.ref
            # One dialect has a GUID there, which begins with the reference's digits.
            assert "ref_1a2b3c" in text or '"trace_id":"1a2b3c' in text


def test_readers_take_no_token_from_a_query() -> None:
    """RFC 9700 4.3.2: an access token in the query is none."""
    from intaglio.dialects.standard import userinfo

    query = userinfo.read(Request("GET", "/userinfo", "access_token=abc"), Context(now=1, ref=""))
    assert query.access_token is None
