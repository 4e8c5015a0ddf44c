"""Mode endpoints: routes, schemes and audiences as the API's description has them; and mode plain."""

from __future__ import annotations

import base64
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.dialects.google import gateway
from intaglio.errors import Misconfigured
from intaglio.protocol.gate import Operation
from intaglio.server.gate import asked as fields
from intaglio.server.gate import plain
from intaglio.server.gate.routes import Routes
from tests import gates
from tests.capability import capability
from tests.gates import Gate

HERE = "https://api.example/v1"
KEYS = "http://localhost:8081/oauth2/v3/certs"
SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "host": "api.example",
    "basePath": "/v1",
    "paths": {
        "/open": {"get": {"security": []}},
        "/orders": {"get": {}, "post": {"security": [{"admin": []}]}},
        "/orders/{id}": {"get": {"security": [{"admin": []}, {"users": []}]}},
        "/orders/latest": {"get": {"security": [{"admin": []}]}},
    },
    "security": [{"users": []}],
    "securityDefinitions": {
        "users": {"type": "oauth2", "x-google-issuer": gates.ISSUER, "x-google-jwks_uri": KEYS},
        "admin": {
            "type": "oauth2",
            "x-google-issuer": gates.ISSUER,
            "x-google-jwks_uri": KEYS,
            "x-google-audiences": "admin-a, admin-b",
        },
    },
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate in front of an API."""
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "openapi.json").write_text(json.dumps(SWAGGER), encoding="utf-8")
    ward = {"mode": "endpoints", "name": "api", "upstream": "http://127.0.0.1:9", "openapi": "openapi.json"}
    with gates.gate(ward, folder=folder) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "audience", "status"),
    [
        ("GET", "/open", None, 200),
        ("GET", "/orders", "https://api.example", 200),
        ("GET", "/orders", "admin-a", 403),
        ("GET", "/orders", None, 401),
        ("POST", "/orders", "admin-b", 200),
        ("POST", "/orders", "https://api.example", 403),
        ("GET", "/orders/7", "https://api.example", 200),
        ("GET", "/orders/7", "admin-a", 200),
        ("GET", "/orders/7", "else", 403),
        ("GET", "/orders/latest", "https://api.example", 403),
        ("GET", "/orders/", "https://api.example", 404),
        ("DELETE", "/orders", "admin-a", 405),
        ("GET", "/hidden", "admin-a", 404),
    ],
)
@capability("gate-endpoints", witness="requests in process")
def test_routes(opened: Gate, method: str, path: str, audience: str | None, status: int) -> None:
    """Each route takes the tokens that its schemes name, for their audiences."""
    headers = [gates.bearer(opened.of_account(audience))] if audience else []
    answer = opened.knock(HERE + path, method=method, headers=headers)
    assert answer.status == status
    if status == 200:
        assert opened.seen.target == f"/v1{path}"
    else:
        assert answer.json()["code"] == status
        assert opened.untouched


@pytest.mark.parametrize(
    "path",
    [
        "/open/../orders",
        "/open/..%2forders",
        "/open//orders",
        "/open/%2e%2e/orders",
        "/open;x=/orders",
        "/open%00",
        "/./open",
        "/orders%2f7",
        "/open\\..\\orders",
        "/op%65n/%252e",
        "/orders/l%61test",
        "/orders/LATEST",
        "/%6frders/7",
        "/op%65n",
    ],
)
def test_paths_in_disguise(opened: Gate, path: str) -> None:
    """What can be read in two ways is not passed on, with or without a token."""
    answer = opened.knock(HERE + path, headers=[gates.bearer(opened.of_account("admin-a"))])
    assert answer.status == 400
    assert opened.untouched


def test_methods_in_disguise(opened: Gate) -> None:
    """Who may GET does not DELETE by a header."""
    names = ("x-http-method-override", "x-method-override", "x-http-method")
    lies = [(name, "DELETE") for name in names]
    opened.knock(f"{HERE}/open", headers=lies)
    assert [name for name, _ in opened.seen.headers if name in names] == []


def test_claims_are_passed_on(opened: Gate) -> None:
    """Both headers hold the verified claims; a client's own never arrive, on open routes neither."""
    forged = [(name, "eyJzdWIiOiJyb290In0") for name in ("x-apigateway-api-userinfo", "x-endpoint-api-userinfo")]
    token = opened.of_account("admin-a")
    assert opened.knock(f"{HERE}/orders/7", headers=[gates.bearer(token), *forged]).status == 200
    seen = opened.seen
    for name, _ in forged:
        told = json.loads(base64.urlsafe_b64decode(str(seen.one(name)) + "=="))
        assert (told["aud"], told["email"]) == ("admin-a", "target@demo-project.iam.intaglio.test")
    assert opened.knock(f"{HERE}/open", headers=forged).status == 200
    seen = opened.seen
    assert [seen.one(name) for name, _ in forged] == [None, None]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("x", "Jwt verification fails"),
        ("iss", "Jwt issuer is not configured"),
        ("exp", "Jwt is expired"),
        ("signature", "Jwt verification fails"),
    ],
)
def test_what_is_said_of_a_bad_token(opened: Gate, bad: str, message: str) -> None:
    """401 in the gateway's form, with a challenge."""
    made = {
        "x": lambda: "x.y.z",
        "iss": lambda: opened.of_account("https://api.example", iss="https://evil.example"),
        "exp": lambda: opened.of_account("https://api.example", exp=1),
        "signature": lambda: opened.of_account("https://api.example")[:-6] + "AAAAAA",
    }
    answer = opened.knock(f"{HERE}/orders", headers=[gates.bearer(made[bad]())])
    assert answer.json() == {"message": message, "code": 401}
    assert answer.header("www-authenticate") == 'Bearer realm="api.example", error="invalid_token"'


def changed(**members: Any) -> dict[str, Any]:
    """Return the description with other members."""
    return SWAGGER | members


@pytest.mark.parametrize(
    "document",
    [
        {},
        changed(swagger="1.2"),
        changed(paths={}),
        changed(paths=[]),
        changed(paths={"open": {"get": {}}}),
        changed(security=[{"nobody": []}]),
        changed(security=[{"users": [], "admin": []}]),
        changed(security={"users": []}),
        changed(securityDefinitions={"users": {"type": "apiKey", "in": "query", "name": "key"}}),
        changed(host="", securityDefinitions={"users": {"x-google-issuer": "https://i.example"}}),
        changed(securityDefinitions={"users": {"x-google-issuer": ""}}),
        changed(securityDefinitions={"users": {"x-google-issuer": "https://i.example", "x-google-jwt-locations": []}}),
    ],
)
def test_a_scheme_that_cannot_be_checked(document: dict[str, Any]) -> None:
    """The gate does not start with a description of which it could not keep a part."""
    with pytest.raises(Misconfigured) as caught:
        gateway.read(document)
    assert caught.value.code == "openapi-unusable"


def test_openapi_three() -> None:
    """Version 3 with x-google-auth: the server's path stands before each path, its host is the audience."""
    document = {
        "openapi": "3.0.3",
        "servers": [{"url": "https://api.example/v2"}],
        "paths": {"/a": {"get": {"security": [{"s": []}]}, "parameters": []}, "/b": {"post": {"security": [{}]}}},
        "components": {
            "securitySchemes": {
                "s": {"x-google-auth": {"issuer": "https://i.example", "jwksUri": "https://i.example/jwks"}}
            }
        },
    }
    first, second = gateway.read(document)
    assert (first.method, first.path, first.schemes[0].audiences) == ("GET", "/v2/a", ("https://api.example",))
    assert (second.method, second.path, second.schemes) == ("POST", "/v2/b", ())


@given(st.text(max_size=40), st.sampled_from(["GET", "POST", "get", ""]))
def test_any_path(path: str, method: str) -> None:
    """Never raises, and finds an operation only for a path that reads one way."""
    routes = Routes((Operation("GET", "/a/{x}", ()), Operation("GET", "/a/b", ())))
    found = routes.find(method, path)
    assert (found.operation is None) == bool(found.code)
    if found.operation is not None:
        assert not fields.is_ambiguous(path)
        assert path.startswith("/a/")


# --- plain

PLAIN: dict[str, Any] = {
    "mode": "plain",
    "name": "reports",
    "upstream": "http://127.0.0.1:9",
    "issuer": gates.ISSUER,
    "audience": ["reports"],
    "claims": {"sub": "X-Who", "email": "X-Mail", "name": "X-Name", "groups": "X-Groups", "absent": "X-Absent"},
    "require": {"email_verified": True},
}


@pytest.fixture(scope="module")
def plainly() -> Iterator[Gate]:
    """A gate for any issuer."""
    with gates.gate(PLAIN) as made:
        yield made


@capability("gate-plain", witness="requests in process")
def test_claims_in_headers(plainly: Gate) -> None:
    """In the headers of one's choice, as visible ASCII; the client's own never arrive and the token stays."""
    token = plainly.of_account("reports", name="Zoë\r\nX-Evil: 1", groups=["a", "b"])
    lies = [("x-absent", "root"), ("x-who", "root"), ("x_who", "root")]
    assert plainly.knock("https://any.example/", headers=[gates.bearer(token), *lies]).status == 200
    seen = plainly.seen
    assert seen.one("x-who") == "100000000000000000002"
    assert seen.one("x-name") == "Zo%C3%AB%0D%0AX-Evil: 1"
    assert seen.one("x-groups") == '["a","b"]'
    assert [seen.one(name) for name in ("x-absent", "x_who", "authorization", "x-evil")] == [None] * 4


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (lambda g: g.of_account("reports", email_verified=False), 403),
        (lambda g: g.of_account("reports", email_verified="true"), 403),
        (lambda g: g.of_account("reports", email_verified=1), 403),
        (lambda g: g.of_account("reports", email_verified=None), 403),
        (lambda g: g.of_account("other"), 401),
        (lambda g: g.of_account("reports", iss="https://other.example"), 401),
        (lambda g: "x", 401),
    ],
)
def test_who_does_not_pass(plainly: Gate, token: Any, status: int) -> None:
    """Another audience or issuer, and a claim that is not what is demanded, in value and type."""
    assert plainly.knock("https://any.example/", headers=[gates.bearer(token(plainly))]).status == status
    assert plainly.knock("https://any.example/").header("www-authenticate") == "Bearer"
    assert plainly.untouched


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=30), st.lists, max_leaves=5))
def test_any_claim_as_header(value: Any) -> None:
    """Whatever a claim is, the header is visible ASCII and one line."""
    text = plain.as_header(value)
    assert text.isascii()
    assert text.isprintable()
    assert plain.as_header(None) == ""


def test_a_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    """The gate does not start."""
    ward = {"mode": "endpoints", "name": "api", "upstream": "http://127.0.0.1:9", "openapi": "none.json"}
    with pytest.raises(Misconfigured) as caught, gates.gate(ward, folder=tmp_path):
        raise AssertionError
    assert caught.value.code == "gate-invalid"
