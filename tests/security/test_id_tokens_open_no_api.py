"""An ID token opens no API: every route of every dialect that takes a bearer token refuses one, and says what it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from intaglio.dialects import registry
from intaglio.dialects.dialect import Dialect, Site
from intaglio.dialects.routes import Route
from intaglio.server.devmode import seeds
from tests import harness
from tests.capability import capability

PORTS = dict(zip(registry.DIALECTS, itertools.count(8080), strict=False))
BODIES: tuple[dict[str, object], ...] = (
    {},
    {"audience": "a"},
    {"scope": ["https://www.googleapis.com/auth/cloud-platform"]},
    {"payload": "eA=="},
    {"payload": "{}"},
    {"policy": {"bindings": []}},
    {"permissions": ["a.b.c"]},
    {"redirect_uris": ["https://app.example.com/cb"]},
    {"accountId": "abcdef"},
    {"publicKeyData": "eA=="},
    {"displayName": "x"},
    {"oidc": {"issuerUri": "https://idp.example.com"}, "attributeMapping": {"google.subject": "assertion.sub"}},
    {"serviceAccount": {"displayName": "x"}, "updateMask": "displayName"},
)
"""What some route may want before it looks at who asks."""
EXPECTED = {
    "standard": {"/userinfo", "/register", "/register/{client_id}"},
    "google": {"/oauth2/v3/userinfo", "/v1/projects/{project}", "/v1/accounts:impersonable"},
    "microsoft": {"/oidc/userinfo", "/openid/userinfo", "/users/{user_id}/getMemberObjects"},
    "auth0": {"/userinfo", "/api/v2/clients", "/api/v2/clients/{client_id}"},
    "cloudentity": {"/userinfo", "/oauth2/register", "/oauth2/register/{client_id}"},
}
"""Some that are known to take one, so that the search cannot find nothing."""


@pytest.fixture(scope="module")
def opened() -> Iterator[harness.Site]:
    """One site for all of them; its tenant takes registrations with an initial access token."""
    with harness.site() as site:
        site.change_tenant(registration="token")
        yield site


@pytest.fixture(scope="module")
def id_token(opened: harness.Site) -> str:
    """An ID token of the standard dialect; no dialect may take it for more than it is."""
    return str(harness.App(opened).tokens()["id_token"])


def _send(site: harness.Site, where: str, method: str, token: str, payload: dict[str, object]) -> harness.Answer:
    headers = [("authorization", f"Bearer {token}")]
    body = b""
    if method not in ("GET", "DELETE"):
        headers.append(("content-type", "application/json"))
        body = json.dumps(payload).encode()
    return site.request(method, where, headers=headers, body=body)


def _refuses_bearers(answer: harness.Answer) -> bool:
    challenges = answer.every("www-authenticate")
    return answer.status == 401 and (not challenges or challenges[0].startswith("Bearer"))


def _where(dialect: Dialect, route: Route) -> str:
    site = Site(f"http://localhost:{PORTS[dialect.name]}", "default", seeds.TENANT_ID, "default")
    path = route.path
    for name, value in (("{project}", seeds.PROJECT), ("{account}", seeds.ACCOUNT), ("{client_id}", "web")):
        path = path.replace(name, value)
    while "{" in path:
        path = path[: path.index("{")] + "x" + path[path.index("}") + 1 :]
    return dialect.endpoints(site).rstrip("/") + path


def _protected(site: harness.Site, dialect: Dialect) -> Iterator[tuple[str, str, str, dict[str, object]]]:
    """Yield path, address, method and body of each route that refuses a bearer token that nobody knows."""
    for route in dialect.routes:
        for method in route.methods:
            for payload in BODIES if method not in ("GET", "DELETE") else BODIES[:1]:
                answer = _send(site, _where(dialect, route), method, "ig_at_unknown", payload)
                if _refuses_bearers(answer):
                    yield route.path, _where(dialect, route), method, payload
                    break


@capability("id-token-no-api", witness="the answers of every route")
@pytest.mark.parametrize("name", list(registry.DIALECTS))
def test_an_id_token_opens_no_route(opened: harness.Site, id_token: str, name: str) -> None:
    """401, a Bearer challenge, and words that say that this is an ID token; encrypted ones and forgeries as well."""
    found = list(_protected(opened, registry.DIALECTS[name]))
    paths = {path for path, *_ in found}
    assert EXPECTED[name] <= paths
    forged = id_token[:-6] + "AAAAAA"
    sealed = "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIiwiY3R5IjoiSldUIn0.a2V5.aXY.dGV4dA.dGFn"
    for path, where, method, payload in found:
        for token in (id_token, forged, sealed):
            answer = _send(opened, where, method, token, payload)
            assert answer.status == 401, (path, method, answer.text)
            assert "ID token" in answer.text, (path, method, answer.text)
            challenge = answer.header("www-authenticate") or ""
            assert challenge.startswith("Bearer "), (path, method, challenge)
            assert 'error="invalid_token"' in challenge, (path, method, challenge)
            assert token not in answer.text


def test_no_management_route_was_missed(opened: harness.Site) -> None:
    """Whatever is below a project of the google dialect takes a bearer token, and was found above."""
    dialect = registry.DIALECTS["google"]
    found = {(path, method) for path, _, method, _ in _protected(opened, dialect)}
    known = {(route.path, method) for route in dialect.routes for method in route.methods}
    left = {one for one in known - found if one[0].startswith("/v1/projects") or "userinfo" in one[0]}
    # Which regions an identity may be used from is told to everybody who knows its name.
    assert {path for path, _ in left if not path.endswith("/allowedLocations")} == set()


@capability("id-token-inactive", witness="the introspection endpoints' answers")
@pytest.mark.parametrize("name", ["standard", "cloudentity"])
def test_introspection_calls_an_id_token_inactive(opened: harness.Site, id_token: str, name: str) -> None:
    """`active: false`, and nothing else, whether the hint calls it an access token or not."""
    dialect = registry.DIALECTS[name]
    where = dialect.endpoints(Site(f"http://localhost:{PORTS[name]}", "default", seeds.TENANT_ID, "default"))
    path = "/introspect" if name == "standard" else "/oauth2/introspect"
    headers = harness.App(opened).headers()
    for form in ({"token": id_token}, {"token": id_token, "token_type_hint": "access_token"}):
        answer = opened.post(where + path, form, headers=headers)
        assert (answer.status, answer.json()) == (200, {"active": False})


def test_userinfo_says_it_in_the_challenge(opened: harness.Site, id_token: str) -> None:
    """RFC 6750 3.1: `error` and `error_description`; a token in a posted form is recognised too."""
    said = (401, 'error="invalid_token", error_description="This is an ID token')
    by_header = opened.get("~/userinfo", headers={"authorization": f"Bearer {id_token}"})
    by_form = opened.post("~/userinfo", {"access_token": id_token})
    for answer in (by_header, by_form):
        assert (answer.status, said[1] in (answer.header("www-authenticate") or "")) == (401, True)
    unknown = opened.get("~/userinfo", headers={"authorization": "Bearer ig_at_unknown"})
    assert "ID token" not in unknown.text
