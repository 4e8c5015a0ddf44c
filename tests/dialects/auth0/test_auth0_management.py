"""Auth0's Management API, as far as it is about applications: who may, what they may, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.server.model import audit
from tests import harness
from tests.capability import capability

ROOT = "http://localhost:8083"
API = ROOT + "/api/v2/"
CLIENTS = ROOT + "/api/v2/clients"
SCOPES = ("read:clients", "create:clients", "update:clients", "delete:clients", "update:client_keys")


@pytest.fixture
def manager(site: harness.Site) -> Manager:
    """Return a program with every scope."""
    return Manager(site, *SCOPES)


class Manager:
    """A program that administers applications."""

    def __init__(self, site: harness.Site, *scope: str, audience: str = API, token: str = "") -> None:
        self.site = site
        if not token:
            site.change_client("machine", audiences=(API, "https://other.example/"), scope=SCOPES)
            form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
            form |= {"audience": audience, "scope": " ".join(scope)}
            answer = site.post(ROOT + "/oauth/token", form)
            assert answer.status == 200, answer.text
            token = answer.json()["access_token"]
        self.headers = {"authorization": f"Bearer {token}"}

    def call(self, method: str, path: str = "", payload: Any = None) -> harness.Answer:
        """Call the API."""
        given = {} if payload is None else {"payload": payload}
        return self.site.request(method, CLIENTS + path, headers=self.headers, **given)


def make(manager: Manager, **members: Any) -> dict[str, Any]:
    """Register an application."""
    usual = {"name": "Mine", "callbacks": ["http://127.0.0.1:9999/cb"]}
    answer = manager.call("POST", payload=usual | members)
    assert answer.status == 201, answer.text
    return dict(answer.json())


@capability("auth0-lifetime-update", witness="the ID tokens before and after")
def test_the_lifetime_of_id_tokens_is_changed(site: harness.Site, manager: Manager) -> None:
    """As the page on updating it says: the next sign-in gets a token that lives as long as was asked."""
    app = harness.auth0_app(site)
    before = harness.payload(app.tokens()["id_token"])
    assert before["exp"] - before["iat"] == 36000
    changed = manager.call("PATCH", "/web", {"jwt_configuration": {"lifetime_in_seconds": 600}})
    assert (changed.status, changed.json()["jwt_configuration"]["lifetime_in_seconds"]) == (200, 600)
    tokens = app.tokens()
    after = harness.payload(tokens["id_token"])
    assert after["exp"] - after["iat"] == 600
    refreshed = harness.payload(app.refresh(tokens["refresh_token"]).json()["id_token"])
    assert refreshed["exp"] - refreshed["iat"] == 600
    assert manager.call("GET", "/web").json()["jwt_configuration"]["lifetime_in_seconds"] == 600


@pytest.mark.parametrize("seconds", [0, -1, 9, 86401, 10**12, "600", 600.5, True, [600]])
def test_a_lifetime_that_cannot_be(manager: Manager, seconds: Any) -> None:
    """10 seconds to a day, as a whole number; the old one stays."""
    answer = manager.call("PATCH", "/web", {"jwt_configuration": {"lifetime_in_seconds": seconds}})
    assert (answer.status, answer.json()["errorCode"]) == (400, "invalid_body")
    assert manager.call("GET", "/web").json()["jwt_configuration"]["lifetime_in_seconds"] == 36000


@capability("auth0-management", witness="the answers")
@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "read:clients"),
        ("POST", "", "create:clients"),
        ("GET", "/web", "read:clients"),
        ("PATCH", "/web", "update:clients"),
        ("DELETE", "/web", "delete:clients"),
        ("POST", "/web/rotate-secret", "update:client_keys"),
    ],
)
def test_each_call_needs_its_scope(site: harness.Site, method: str, path: str, scope: str) -> None:
    """403 without it, whatever else the token may do; nothing has changed then."""
    before = site.client("web")
    answer = Manager(site, *(set(SCOPES) - {scope})).call(method, path, {"name": "x"} if method != "GET" else None)
    assert (answer.status, answer.json()["errorCode"]) == (403, "insufficient_scope")
    assert scope in answer.json()["message"]
    assert site.client("web") == before


def test_a_token_for_something_else_opens_nothing(site: harness.Site, manager: Manager) -> None:
    """No token, a wrong one, a person's, one for another API, one of another issuer, an ID token: 401."""
    site.change_client("web", scope=(*site.client("web").scope, *SCOPES), audiences=(API,))
    person = harness.auth0_app(site).tokens(scope="openid offline_access " + " ".join(SCOPES), audience=API)
    standard = harness.App(site, "machine", "machine-secret").token({"grant_type": "client_credentials"}).json()
    others = [
        "x" * 43,
        person["access_token"],
        person["refresh_token"],
        standard["access_token"],
        next(iter(Manager(site, *SCOPES, audience="https://other.example/").headers.values())).split()[1],
        next(iter(Manager(site, *SCOPES, audience="").headers.values())).split()[1],
    ]
    for token in others:
        answer = Manager(site, token=token).call("POST", payload={})
        assert (answer.status, answer.json()["error"]) == (401, "Unauthorized"), token
    id_token = Manager(site, token=person["id_token"]).call("GET")
    assert id_token.status == 401
    assert "This is an ID token" in id_token.json()["message"]
    assert "invalid_token" in (id_token.header("www-authenticate") or "")
    bare = site.get(CLIENTS)
    body = bare.json()
    assert body.pop("ref").startswith("ref_")
    assert (bare.status, body) == (
        401,
        {"statusCode": 401, "error": "Unauthorized", "message": "Missing authentication"},
    )
    manager.site.change_client("machine", disabled_at=1)
    site.clock.advance(1)
    assert manager.call("GET").status == 401


def test_an_application_is_registered_and_used(site: harness.Site, manager: Manager) -> None:
    """201 with an identifier and a secret of its forms; people sign in with it, and are not asked for consent."""
    made = make(manager)
    assert len(made["client_id"]) == 32
    assert made["client_id"].isalnum()
    assert len(made["client_secret"]) == 64
    assert made["grant_types"] == ["authorization_code", "refresh_token", "client_credentials"]
    shown = manager.call("GET", "/" + made["client_id"]).json()
    assert shown == {name: value for name, value in made.items() if name != "client_secret"}
    form = {"grant_type": "authorization_code", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    app = harness.App(site, made["client_id"], made["client_secret"], issuer=ROOT + "/", token="/oauth/token")
    page = app.authorize(harness.Browser(site))
    browser = harness.Browser(site)
    page = browser.follow(app.authorize(browser))
    code = browser.sign_in(page).params["code"]
    form |= {"code": code, "redirect_uri": app.redirect_uri, "code_verifier": harness.VERIFIER}
    tokens = site.post(ROOT + "/oauth/token", form)
    assert tokens.status == 200, tokens.text
    assert harness.payload(tokens.json()["id_token"])["aud"] == made["client_id"]


def test_what_has_no_meaning_here_is_told_as_it_came(manager: Manager) -> None:
    """Tools compare what they sent with what they read; null takes such a member away."""
    given = {
        "app_type": "spa",
        "description": "An app",
        "client_metadata": {"tier": "gold"},
        "jwt_configuration": {"lifetime_in_seconds": 900, "alg": "PS256", "secret_encoded": False, "scopes": {"a": {}}},
        "refresh_token": {"rotation_type": "rotating", "leeway": 5, "idle_token_lifetime": 100},
        "grant_types": ["authorization_code", "implicit", "refresh_token", "password"],
        "web_origins": ["http://localhost:3000"],
        "allowed_logout_urls": ["http://localhost:3000/"],
        "organization_usage": "require",
        "sso_disabled": True,
    }
    made = make(manager, **given)
    for name, value in given.items():
        found = made[name]
        assert (value.items() <= found.items()) if isinstance(value, dict) else (found == value), name
    assert made["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in made
    client = manager.site.client(made["client_id"])
    assert client.response_types == (
        "code",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
    )
    assert (client.refresh_policy, client.refresh_grace, client.lifetimes.id_token) == ("rotate", 5, 900)
    assert client.require_pkce
    path = "/" + made["client_id"]
    changed = manager.call("PATCH", path, {"description": None, "client_metadata": {"tier": "iron"}}).json()
    assert "description" not in changed
    assert changed["client_metadata"] == {"tier": "iron"}
    assert changed["jwt_configuration"]["scopes"] == {"a": {}}
    narrowed = manager.call("PATCH", path, {"grant_types": ["authorization_code"]}).json()
    assert narrowed["grant_types"] == ["authorization_code"]
    assert "offline_access" not in manager.site.client(made["client_id"]).scope


@pytest.mark.parametrize(
    "members",
    [
        {"name": ""},
        {"name": 5},
        {"callbacks": "https://app.example/cb"},
        {"callbacks": ["https://*.example/cb"]},
        {"callbacks": ["javascript:alert(1)"]},
        {"callbacks": ["http://app.example/cb"]},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        {"jwt_configuration": {"alg": "HS256"}},
        {"jwt_configuration": {"alg": "none"}},
        {"jwt_configuration": []},
        {"refresh_token": {"rotation_type": "sometimes"}},
        {"refresh_token": {"leeway": -1}},
        {"app_type": "desktop"},
        {"grant_types": []},
        {"client_id": "chosen"},
        {"client_secret": "a-secret-of-my-own-choice"},
        {"client_metadata": {"x": "y" * 20_000}},
        {"oidc_logout": {"backchannel_logout_urls": ["https://a.example/", "https://b.example/"]}},
    ],
)
def test_what_the_registry_refuses_is_refused_here(site: harness.Site, manager: Manager, members: Any) -> None:
    """The rules are those of the command line; nothing is made."""
    before = manager.call("GET", "?include_totals=true").json()["total"]
    answer = manager.call("POST", payload={"name": "Mine", "callbacks": ["https://app.example/cb"]} | members)
    assert (answer.status, answer.json()["errorCode"]) == (400, "invalid_body"), answer.text
    assert manager.call("GET", "?include_totals=true").json()["total"] == before


def test_an_application_that_is_not_there(manager: Manager) -> None:
    """404 with the code that tools look for; a second deletion changes nothing."""
    for method in ("GET", "PATCH"):
        answer = manager.call(method, "/nobody", {} if method == "PATCH" else None)
        assert (answer.status, {name: value for name, value in answer.json().items() if name != "ref"}) == (
            404,
            {
                "statusCode": 404,
                "error": "Not Found",
                "message": "The client does not exist",
                "errorCode": "inexistent_client",
            },
        )
    made = make(manager)
    assert [manager.call("DELETE", "/" + made["client_id"]).status for _ in range(2)] == [204, 204]
    assert manager.call("GET", "/" + made["client_id"]).status == 404
    assert manager.site.get(ROOT + "/api/v2/nothing").json()["statusCode"] == 404


def test_a_secret_takes_the_place_of_the_others(site: harness.Site, manager: Manager) -> None:
    """The old one is dead at once, the new one told once."""
    made = manager.call("POST", "/machine/rotate-secret", {}).json()
    form = {"grant_type": "client_credentials", "client_id": "machine"}
    assert site.post(ROOT + "/oauth/token", form | {"client_secret": "machine-secret"}).status == 401
    assert site.post(ROOT + "/oauth/token", form | {"client_secret": made["client_secret"]}).status == 200
    assert "client_secret" not in manager.call("GET", "/machine").json()


def test_lists_come_by_pages(manager: Manager) -> None:
    """Counted from 0, bare or with totals, or from one application to the next; past the end there is nothing."""
    every = [one["client_id"] for one in manager.call("GET").json()]
    assert every == sorted(every)
    first = manager.call("GET", "?per_page=3&page=1&include_totals=true").json()
    assert (first["start"], first["limit"], first["length"], first["total"]) == (3, 3, 3, len(every))
    assert [one["client_id"] for one in first["clients"]] == every[3:6]
    assert manager.call("GET", "?per_page=3&page=99").json() == []
    taken = manager.call("GET", "?take=4").json()
    rest = manager.call("GET", f"?take=90&from={taken['next']}").json()
    assert [one["client_id"] for one in (*taken["clients"], *rest["clients"])] == every
    assert "next" not in rest
    named = manager.call("GET", "?fields=client_id,name&include_fields=true&per_page=1").json()
    assert [set(one) for one in named] == [{"client_id", "name"}]
    for wrong in ("?per_page=0", "?per_page=101", "?page=x", "?take=1000"):
        answer = manager.call("GET", wrong)
        assert (answer.status, answer.json()["errorCode"]) == (400, "invalid_query_string")


def test_every_change_is_in_the_audit_log(site: harness.Site, manager: Manager) -> None:
    """Who did what to which application, and no value."""
    made = make(manager)
    manager.call("PATCH", "/" + made["client_id"], {"name": "Other"})
    manager.call("POST", f"/{made['client_id']}/rotate-secret", {})
    manager.call("DELETE", "/" + made["client_id"])
    entries = site.read(audit.page, site.client("web").tenant_id, audit.LAST, 50)
    found = [entry for entry in entries if entry.resource == "clients/" + made["client_id"]]
    assert {entry.action for entry in found} == {"client.create", "client.update", "client.secret", "client.delete"}
    assert {entry.principal for entry in found} == {"client:machine"}
    assert "Other" not in str([entry.detail for entry in found])
