"""Every route of the API refuses whoever may not: by token, by tenant, by role."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio import ids
from intaglio.server.admin import leaving
from intaglio.server.admin.acts import table
from intaglio.server.admin.acts.act import Act
from intaglio.server.adminapi.front import AdministrationFront
from intaglio.server.http.app import App
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import administrators, clients, grants, tenants, users
from tests import harness
from tests.capability import capability
from tests.server.adminapi import office as offices
from tests.server.adminapi.office import TENANT_ID, Office

EACH = pytest.mark.parametrize("act", table.ACTS, ids=lambda act: act.name)


FULL: dict[str, dict[str, Any]] = {
    "tenant.create": {"slug": "new"},
    "client.create": {"client_name": "New", "redirect_uris": ["https://new.example/cb"]},
    "user.create": {"username": "new"},
    "user.password": {"password": "another-password"},
    "key.update": {"active_at": harness.NOW + 7 * 86_400},
    "administrator.add": {"tenant": "operators", "kind": "user", "name": "root", "role": "viewer"},
}


def _send(office: Office, act: Act, token: str, **given: Any) -> harness.Answer:
    payload = FULL.get(act.name, {}) if act.method in ("POST", "PATCH") else None
    return office.send(act.method, offices.words(act.path), payload, token=token, **given)


def _refused(answer: harness.Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.text
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("cache-control") == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["ref"].startswith("ref_")
    return problem


@pytest.fixture(scope="module")
def id_token() -> str:
    """An ID token of the seeded tenant."""
    with harness.site() as site:
        return str(harness.App(site, "web").tokens(harness.Browser(site))["id_token"])


@capability("admin-api-doors", witness="a walk over every route with ten kinds of bad token")
@EACH
def test_every_route_refuses_a_bad_token(shared: Office, act: Act, id_token: str) -> None:
    """401 with a challenge for no token and a dead one, 403 for one without the scope; 400 for two at once."""
    site, good = shared.site, shared.token(shared.owner)
    revoked = shared.token(shared.owner)
    with_grant = site.read(grants.access_with_grant, ids.digest(revoked), harness.NOW)
    site.write(grants.grant_revoke, with_grant[1].grant_id, harness.NOW)
    short = shared.token(shared.owner, scope="openid profile")
    other = shared.token(shared.owner, audience="https://api.example.com/")
    for text in ("garbage", good[:-1], good + "A", revoked, id_token, other):
        answer = _send(shared, act, text)
        problem = _refused(answer, 401)
        assert problem["code"] == "invalid_token"
        assert text not in answer.text
        assert (answer.header("www-authenticate") or "").startswith('Bearer realm="intaglio", error="invalid_token"')
    missing = _send(shared, act, "")
    assert _refused(missing, 401)["code"] == "token-missing"
    assert missing.header("www-authenticate") == 'Bearer realm="intaglio"'
    short_of = _send(shared, act, short)
    assert _refused(short_of, 403)["code"] == "insufficient_scope"
    assert 'scope="intaglio.admin"' in (short_of.header("www-authenticate") or "")
    basic = _send(shared, act, "", authorization="Basic cm9vdDpyb290")
    assert _refused(basic, 400)["code"] == "invalid_request"
    site.clock.advance(3601)
    try:
        assert _refused(_send(shared, act, good), 401)["code"] == "invalid_token"
    finally:
        site.clock.advance(-3601)


@capability("admin-api-doors", witness="a walk over every route with administrators of another tenant and role")
@EACH
def test_every_route_refuses_who_may_not(office: Office, act: Act) -> None:
    """Who administers another tenant does not find this one; a viewer changes nothing, a manager appoints nobody."""
    other = office.site.add_tenant("other")
    stranger = office.token(office.user("stranger", "owner", other.tenant_id))
    answer = _send(office, act, stranger)
    if "tenant" in act.words:
        assert _refused(answer, 404)["code"] == "tenant-unknown"
    elif act.name == "tenant.list":
        assert [one["slug"] for one in answer.json()["items"]] == ["other"]
    elif act.name == "administrator.list":
        assert [one["scope"] for one in answer.json()["items"]] == [other.tenant_id]
    elif act.name == "administrator.add":
        assert _refused(answer, 422)["code"] == "tenant-unknown"
    else:
        assert _refused(answer, 403)["code"] == "right-missing"
    nobody = office.token(office.user("nobody"))
    assert _refused(_send(office, act, nobody), 403)["code"] == "right-missing"
    viewer, manager = (office.token(office.user(role, role)) for role in ("viewer", "manager"))
    if act.right != "read":
        assert _refused(_send(office, act, viewer), 403)["code"] == "right-missing"
    if act.right == "own":
        assert _refused(_send(office, act, manager), 403)["code"] == "right-missing"


def test_the_walk_is_not_refused_for_another_reason(office: Office) -> None:
    """What a viewer is refused, the owner may: the walk above looks at rights and at nothing else."""
    refused = {}
    for act in table.ACTS:
        with harness.site() as site:
            fresh = Office(site)
            answer = _send(fresh, act, fresh.token(fresh.owner))
        if answer.status >= 400:
            refused[act.name] = (answer.status, answer.json()["code"])
    assert refused == {
        "client.secret.delete": (404, "secret-unknown"),
        "key.show": (404, "key-unknown"),
        "key.disable": (404, "key-unknown"),
        "administrator.add": (409, "last-owner"),
        "administrator.remove": (404, "administrator-unknown"),
    } | {name: (404, "key-unknown") for name in ("key.update", "key.delete") if name in table.BY_NAME}


def test_a_tenant_out_of_reach_is_unknown(office: Office) -> None:
    """The answer about a tenant that is out of reach is that about one which is not there."""
    other = office.site.add_tenant("other")
    token = office.token(office.user("limited", "owner", other.tenant_id))
    for name in ("default", TENANT_ID, "nowhere"):
        answer = office.send("GET", f"/tenants/{name}/users", token=token)
        problem = _refused(answer, 404)
        problem.pop("ref")
        assert problem.pop("received") == name
        assert problem == {
            "type": "urn:intaglio:error:tenant-unknown",
            "title": "There is no such tenant.",
            "status": 404,
            "code": "tenant-unknown",
            "expected": "the slug or UUID of a tenant",
            "hint": "List them with: intaglio tenant list",
        }
    assert office.send("GET", "/tenants/other/users", token=token).status == 200
    # The installation's own entries are for who may read everything.
    assert office.send("GET", "/tenants/-/audit", token=token).status == 403
    assert office.send("GET", "/tenants/-/audit").status == 200


def test_the_api_is_closed_until_there_is_an_administrator() -> None:
    """Without any administrator the addresses of the API are as unknown as any other."""
    with harness.site() as site:
        for path in ("/tenants", "/openapi.json", "/none"):
            answer = site.get(offices.API + path, headers={"authorization": "Bearer x"})
            assert answer.status == 404
            assert answer.is_page
        large = site.request("POST", f"{offices.API}/tenants", body=b" " * 70_000)
        elsewhere = site.request("POST", "/nowhere", body=b" " * 70_000)
        assert (large.status, large.header("content-type")) == (elsewhere.status, elsewhere.header("content-type"))
        office = Office(site)
        assert office.send("GET", "/tenants").status == 200
        assert office.send("GET", "/openapi.json", token="").status == 200


def test_whoever_was_dismissed_may_do_nothing_at_once(office: Office) -> None:
    """A token outlives the rights of its holder and opens nothing any more: no second of grace."""
    helper = office.user("helper", "manager")
    token = office.token(helper)
    assert office.send("GET", "/tenants", token=token).status == 200
    office.site.write(administrators.remove, helper.tenant_id, administrators.user(helper.user_id), "")
    assert _refused(office.send("GET", "/tenants", token=token), 403)["code"] == "right-missing"


@pytest.mark.parametrize("what", ["user disabled", "user gone", "client disabled", "client gone", "tenant disabled"])
def test_a_token_of_nobody_opens_nothing(office: Office, what: str) -> None:
    """Whoever was disabled or deleted, or whose client or tenant was, does not administer."""
    site, token, home = office.site, office.token(office.owner), office.home.tenant_id
    assert office.send("GET", "/tenants", token=token).status == 200
    if what == "user disabled":
        site.write(users.replace, msgspec.structs.replace(office.owner, disabled_at=harness.NOW))
    elif what == "user gone":
        # Without any administrator there would be no API.
        office.user("second", "owner")
        site.run(leaving.delete_user(site.store, offices.OPERATOR, home, office.owner.user_id))
    elif what.startswith("client"):
        cli = site.client("intaglio-cli", home)
        if what == "client gone":
            site.write(clients.delete, home, cli.client_id)
        else:
            site.write(clients.replace, msgspec.structs.replace(cli, disabled_at=harness.NOW))
    else:
        site.write(tenants.replace, msgspec.structs.replace(office.home, disabled_at=harness.NOW))
    assert _refused(office.send("GET", "/tenants", token=token), 401)["code"] == "invalid_token"


def test_a_client_that_lost_the_scope_opens_nothing(office: Office) -> None:
    """Tokens that a client has already lose what an operator takes from the client."""
    token = office.token(office.owner)
    cli = office.site.client("intaglio-cli", office.home.tenant_id)
    office.site.write(clients.replace, msgspec.structs.replace(cli, scope=("openid",)))
    assert _refused(office.send("GET", "/tenants", token=token), 403)["code"] == "insufficient_scope"


def test_no_foreign_application_administers(office: Office) -> None:
    """A record of another tenant's application brings no administrator in, whatever its scope."""
    cli = office.site.client("intaglio-cli", office.home.tenant_id)
    office.site.write(clients.replace, msgspec.structs.replace(cli, home_tenant_id=TENANT_ID))
    answer = office.send("GET", "/tenants")
    assert _refused(answer, 403)["code"] == "insufficient_scope"


def test_with_a_listener_of_its_own_it_answers_there_alone(office: Office) -> None:
    """`admin.listen`: neither the API nor the welcome page is at the issuer's address, and nothing else is there."""
    site, token = office.site, office.token(office.owner)
    own = Listener(dialect=None, name="admin", base_url="https://admin.internal.example")
    doors = {harness.STANDARD + number: one for number, one in enumerate(site.listeners)}
    site.app = App(site.hall, {**doors, 8070: own}, AdministrationFront(apart=True))
    bearer = {"authorization": f"Bearer {token}"}

    def get(port: int, path: str) -> int:
        return site.get(f"http://localhost:{port}{path}", headers=bearer).status

    for path in (f"{offices.API}/tenants", f"{offices.API}/openapi.json", office.link):
        assert (get(8080, path), get(8070, path)) == (404, 200)
    assert (get(8080, "/default/jwks"), get(8070, "/default/jwks")) == (200, 404)
    large = site.request("POST", f"http://localhost:8070{offices.API}/tenants", payload=b" " * 70_000, headers=bearer)
    assert _refused(large, 413)


@pytest.mark.parametrize("apart", [False, True])
def test_without_the_database_it_says_so(office: Office, apart: bool) -> None:
    """503, and nothing that breaks while it is being said."""
    site = office.site
    own = Listener(dialect=None, name="admin", base_url="https://admin.internal.example")
    doors = {harness.STANDARD: site.listeners[0], 8070: own}
    app = App(site.hall, doors, AdministrationFront(apart=apart))
    site.run(site.store.close())
    site.app = app
    port = 8070 if apart else harness.STANDARD
    for method in ("GET", "POST"):
        answer = site.request(
            method, f"http://localhost:{port}{offices.API}/tenants", headers={"authorization": "Bearer x"}
        )
        assert answer.status == 503, answer.text
