"""Every way by which a client could get the scope of administration, or somebody more rights than they were given."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio.errors import Misconfigured, ProtocolFault
from intaglio.protocol.exchange import AttachedExchange
from intaglio.server.admin import administrators as appointing
from intaglio.server.admin import clients as client_admin
from intaglio.server.admin.administrators import Appointment
from intaglio.server.admin.clients import NewClient
from intaglio.server.http import scenes
from intaglio.server.model import administrators, clients, connections, tenants, users
from intaglio.server.model.administrators import SCOPE
from intaglio.server.model.connections import Connection
from intaglio.server.provider import consent
from intaglio.server.provider.authorize import everybody
from intaglio.server.provider.exchange import client_credentials
from intaglio.wire.message import Request
from tests import harness
from tests.capability import capability
from tests.server.adminapi.office import OPERATOR, TENANT_ID, Office

pytestmark = capability("admin-api-no-way-up", witness="one named attack after another, over HTTP")
HERE = "/tenants/operators"
CLI = f"{HERE}/clients/intaglio-cli"


def _denied(answer: harness.Answer) -> None:
    assert answer.status == 403, answer.text
    assert answer.json()["code"] == "right-missing"


# --- who may do less becomes who may do more


@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", f"{HERE}/users/root/password", {"password": "stolen-password"}),
        ("PATCH", f"{HERE}/users/root", {"claims": {"email": "thief@example.com", "email_verified": True}}),
        ("POST", f"{HERE}/users/root/enable", {}),
        ("POST", f"{HERE}/users/root/disable", {}),
        ("DELETE", f"{HERE}/users/root", None),
        ("POST", f"{HERE}/users", {"username": "root2", "password": "own-password"}),
        ("PATCH", CLI, {"redirect_uris": ["https://thief.example/cb"], "application_type": "web"}),
        ("PATCH", CLI, {"client_name": "Harmless"}),
        ("POST", f"{CLI}/secrets", {}),
        ("POST", f"{CLI}/disable", {}),
        ("DELETE", CLI, None),
        ("POST", f"{HERE}/clients", {"client_name": "x", "redirect_uris": ["https://thief.example/cb"]}),
        ("PATCH", HERE, {"sign_up": True, "registration": "open"}),
        ("PATCH", HERE, {"hosts": ["thief.example"]}),
        ("PATCH", HERE, {"name": "Other operators"}),
        ("POST", f"{HERE}/disable", {}),
        ("DELETE", HERE, None),
        ("POST", f"{HERE}/keys", {"alg": "RS256"}),
        ("POST", f"{HERE}/keys/none/disable", {}),
    ],
)
def test_no_way_up(office: Office, method: str, path: str, payload: Any) -> None:
    """A manager of everything changes nothing where an owner lives, whatever it is."""
    manager = office.token(office.user("mallory", "manager"))
    _denied(office.send(method, path, payload, token=manager))
    before = office.site.read(users.by_id, office.home.tenant_id, office.owner.user_id)
    assert before == office.owner


def test_a_manager_of_one_tenant_does_not_touch_who_administers_more(office: Office) -> None:
    """A person of a tenant who administers all tenants is out of reach of those who administer theirs alone."""
    manager = office.token(office.user("mallory", "manager", TENANT_ID))
    change = {"password": "stolen-password"}
    assert office.send("POST", "/tenants/default/users/alice/password", change, token=manager).status == 200
    office.appoint(office.site.user("alice"), "viewer")
    _denied(office.send("POST", "/tenants/default/users/alice/password", change, token=manager))


def test_who_covers_all_who_live_there_may_change_their_home(office: Office) -> None:
    """Managers of a tenant change it and each other; an owner changes everybody."""
    office.appoint(office.site.user("alice"), "manager", TENANT_ID)
    for who in (office.user("peer", "manager", TENANT_ID), office.user("above", "owner")):
        answer = office.send("PATCH", "/tenants/default", {"name": "Changed"}, token=office.token(who))
        assert answer.status == 200, answer.text
    for who in (office.user("below", "viewer", TENANT_ID), office.user("reader", "viewer")):
        _denied(office.send("PATCH", "/tenants/default", {"name": "No"}, token=office.token(who)))


def test_an_owner_of_one_tenant_appoints_for_it_alone(office: Office) -> None:
    """Neither everything, nor another tenant, nor a stranger: an owner of one tenant gives what they have."""
    site = office.site
    site.add_tenant("other")
    token = office.token(office.user("limited", "owner", TENANT_ID))
    ask: dict[str, Any] = {"tenant": "default", "kind": "user", "name": "alice", "role": "owner"}
    _denied(office.send("POST", "/administrators", ask, token=token))
    _denied(office.send("POST", "/administrators", ask | {"scope": "other"}, token=token))
    _denied(office.send("POST", "/administrators", ask | {"scope": "nowhere"}, token=token))
    away = office.send("POST", "/administrators", ask | {"tenant": "other", "scope": "default"}, token=token)
    assert (away.status, away.json()["code"]) == (422, "tenant-unknown")
    # Themselves, where an owner of everything lives, neither.
    own = ask | {"tenant": "operators", "name": "limited"}
    assert office.send("POST", "/administrators", own, token=token).json()["code"] == "tenant-unknown"
    assert office.send("POST", "/administrators", ask | {"scope": "default"}, token=token).status == 200
    alice = administrators.user(site.user("alice").user_id)
    assert [one.scope for one in site.read(administrators.of, TENANT_ID, alice)] == [TENANT_ID]


def test_a_manager_appoints_and_dismisses_nobody(office: Office) -> None:
    """Saying who administers is an owner's."""
    manager = office.token(office.user("mallory", "manager"))
    ask = {"tenant": "default", "kind": "user", "name": "alice", "role": "viewer"}
    _denied(office.send("POST", "/administrators", ask, token=manager))
    _denied(office.send("DELETE", f"/administrators/operators/user/{office.owner.user_id}", token=manager))


def test_the_last_owner_stays(office: Office) -> None:
    """Nobody is locked out for good by a slip: the last owner of everything is neither dismissed nor made less."""
    who = f"/administrators/operators/user/{office.owner.user_id}"
    answer = office.send("DELETE", who)
    assert (answer.status, answer.json()["code"]) == (409, "last-owner")
    ask = {"tenant": "operators", "kind": "user", "name": "root", "role": "viewer"}
    assert office.send("POST", "/administrators", ask).json()["code"] == "last-owner"
    for method, path in (
        ("POST", f"{HERE}/users/root/disable"),
        ("DELETE", f"{HERE}/users/root"),
        ("POST", f"{HERE}/disable"),
        ("DELETE", HERE),
    ):
        answer = office.send(method, path)
        assert (answer.status, answer.json()["code"]) == (409, "last-owner")
    office.user("second", "owner")
    assert office.send("DELETE", HERE).json()["code"] == "last-owner"
    assert office.send("DELETE", who).status == 200


def test_names_are_given_by_who_has_all(office: Office) -> None:
    """Hosts and domains lead to a tenant and could be another's: who administers one tenant takes none."""
    token = office.token(office.user("limited", "owner", TENANT_ID))
    names: tuple[dict[str, list[str]], ...] = ({"hosts": ["a.example"]}, {"domains": ["a.example"]}, {"hosts": []})
    for change in names:
        _denied(office.send("PATCH", "/tenants/default", change, token=token))
    assert office.send("PATCH", "/tenants/default", {"sign_up": True}, token=token).status == 200
    assert office.send("PATCH", "/tenants/default", {"domains": ["example.com"]}).status == 200


def test_shared_keys_are_theirs_who_have_all(office: Office) -> None:
    """The keys of an authority sign for every tenant there: who administers one tenant has no hand in them."""
    token = office.token(office.user("limited", "owner", TENANT_ID))
    authority = "http://localhost:8082"
    _denied(office.send("GET", f"/tenants/default/keys?authority={authority}", token=token))
    _denied(office.send("POST", "/tenants/default/keys", {"authority": authority}, token=token))


def test_a_tenant_is_made_and_removed_by_who_has_all(office: Office) -> None:
    """Whoever administers one tenant makes no other, and does not remove their own."""
    token = office.token(office.user("limited", "owner", TENANT_ID))
    _denied(office.send("POST", "/tenants", {"slug": "mine"}, token=token))
    _denied(office.send("DELETE", "/tenants/default", token=token))


# --- a client gets the scope


def test_a_manager_gives_no_client_the_scope(office: Office) -> None:
    """Neither to a new client nor to one that is there; an owner may."""
    manager = office.token(office.user("mallory", "manager"))
    new = {"client_name": "x", "redirect_uris": ["https://x.example/cb"], "scope": ["openid", SCOPE]}
    _denied(office.send("POST", "/tenants/default/clients", new, token=manager))
    _denied(office.send("PATCH", "/tenants/default/clients/web", {"scope": ["openid", SCOPE]}, token=manager))
    assert SCOPE not in office.site.client("web").scope
    assert office.send("POST", "/tenants/default/clients", new).status == 201


def test_a_manager_changes_no_client_with_the_scope(office: Office) -> None:
    """A client with which people administer is an owner's to change, in whatever tenant."""
    office.app(TENANT_ID, "console")
    manager = office.token(office.user("mallory", "manager"))
    there = "/tenants/default/clients/console"
    _denied(office.send("PATCH", there, {"redirect_uris": ["https://thief.example/cb"]}, token=manager))
    _denied(office.send("PATCH", there, {"scope": ["openid"]}, token=manager))
    _denied(office.send("POST", f"{there}/secrets", {}, token=manager))
    _denied(office.send("DELETE", f"{there}/secrets/none", token=manager))
    _denied(office.send("DELETE", there, token=manager))
    _denied(office.send("POST", f"{there}/enable", {}, token=manager))


@pytest.mark.parametrize("scope", [SCOPE, f"openid {SCOPE}"])
def test_no_registration_over_the_network_brings_the_scope(office: Office, scope: str) -> None:
    """Dynamic registration refuses it, at first and as an update."""
    office.site.change_tenant(registration="open")
    metadata: dict[str, Any] = {"redirect_uris": ["https://x.example/cb"], "scope": scope}
    refused = office.site.post("~/register", payload=metadata)
    assert (refused.status, refused.error) == (400, "invalid_client_metadata")
    made = office.site.post("~/register", payload={"redirect_uris": ["https://x.example/cb"]}).json()
    bearer = {"authorization": f"Bearer {made['registration_access_token']}"}
    again = office.site.request(
        "PUT",
        made["registration_client_uri"],
        payload=metadata | {"client_id": made["client_id"]},
        headers=bearer,
    )
    assert again.status == 400, again.text
    assert SCOPE not in office.site.client(made["client_id"]).scope


def test_a_client_that_registered_itself_does_not_administer(office: Office) -> None:
    """Whoever registered it still has the token that manages it: not even an owner gives it the scope."""
    office.site.change_tenant(registration="open")
    made = office.site.post("~/register", payload={"redirect_uris": ["https://x.example/cb"]}).json()
    change = {"scope": ["openid", SCOPE]}
    answer = office.send("PATCH", f"/tenants/default/clients/{made['client_id']}", change)
    assert (answer.status, answer.json()["code"]) == (422, "scope-invalid")


MANAGEMENT = "http://localhost:8083/api/v2/"


@pytest.mark.parametrize("call", ["change", "rotate", "remove"])
def test_no_program_changes_the_client_of_administrators(office: Office, call: str) -> None:
    """Programs that administer applications neither change such a client, nor give it a secret, nor remove it."""
    site = office.site
    site.change_client("web", scope=("openid", SCOPE))
    scope = ("read:clients", "update:clients", "update:client_keys", "delete:clients", "create:clients")
    site.change_client("machine", audiences=(MANAGEMENT,), scope=scope)
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    told = site.post("http://localhost:8083/oauth/token", form | {"audience": MANAGEMENT}).json()
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    before = site.client("web")
    there = f"{MANAGEMENT}clients/web"
    if call == "change":
        answer = site.request("PATCH", there, payload={"callbacks": ["https://thief.example/cb"]}, headers=bearer)
    elif call == "rotate":
        answer = site.request("POST", f"{there}/rotate-secret", headers=bearer)
    else:
        answer = site.request("DELETE", there, headers=bearer)
    assert answer.status == (204 if call == "remove" else 404), answer.text
    assert site.client("web") == before


def test_no_program_gives_an_application_the_scope(office: Office) -> None:
    """The Management API knows no field for it: what is not known is refused, and nothing is kept."""
    site = office.site
    site.change_client("machine", audiences=(MANAGEMENT,), scope=("update:clients", "create:clients"))
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    told = site.post("http://localhost:8083/oauth/token", form | {"audience": MANAGEMENT}).json()
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    site.request("PATCH", f"{MANAGEMENT}clients/web", payload={"scope": f"openid {SCOPE}"}, headers=bearer)
    made = site.request("POST", f"{MANAGEMENT}clients", payload={"name": "x", "scope": SCOPE}, headers=bearer)
    assert SCOPE not in site.client("web").scope
    assert made.status == 400 or SCOPE not in site.client(made.json()["client_id"]).scope


@pytest.mark.parametrize(
    "change",
    [
        {"grant_types": ("authorization_code", "implicit")},
        {"consent": "implicit"},
        {"sign_in_audience": "organizations"},
        {"sign_in_audience": "everyone"},
    ],
)
def test_a_client_of_administrators_is_narrow(office: Office, change: dict[str, Any]) -> None:
    """No tokens by the address bar, none without being asked, none for other tenants' people."""
    site = office.site
    wanted = NewClient(client_name="x", redirect_uris=("https://x.example/cb",), scope=("openid", SCOPE), **change)
    with pytest.raises(Misconfigured) as caught:
        site.run(client_admin.create(site.store, site.clock, site.house.secrets, TENANT_ID, wanted))
    assert caught.value.code == "scope-invalid"


# --- a token gets the scope


def test_the_scope_of_administration_is_given_by_name_alone(office: Office) -> None:
    """A machine that asks for no scope gets all but this one; asked for by name, it is given."""
    office.site.change_client("machine", scope=("read:things", SCOPE))
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    assert office.site.post("~/token", form).json()["scope"] == "read:things"
    assert office.site.post("~/token", form | {"scope": SCOPE}).json()["scope"] == SCOPE


def test_an_attached_application_does_not_administer(office: Office) -> None:
    """Where tokens are given for being on a machine, this scope is none of them, neither by name nor without."""
    site = office.site
    attached = next(one.account for one in site.listeners if one.name == "microsoft")
    site.change_client(attached, scope=("read:things", SCOPE))
    scene = scenes.scene_of(
        site.listeners[2], site.read(tenants.by_id, TENANT_ID), Request("GET", "/"), site.clock.now(), "ref_x"
    )
    query = AttachedExchange(client_id="", scope=())
    assert SCOPE not in site.run(client_credentials.attached(query, scene, site.house)).scope
    with pytest.raises(ProtocolFault) as caught:
        site.run(client_credentials.attached(msgspec.structs.replace(query, scope=(SCOPE,)), scene, site.house))
    assert caught.value.code == "invalid_scope"


def test_administration_is_not_granted_along(office: Office) -> None:
    """What somebody granted earlier is taken along where a request asks for that, and this scope is not."""
    site = office.site
    site.add_client("admin-web", "web-secret", scope=("openid", "email", SCOPE))
    browser, app = harness.Browser(site), harness.App(site, "admin-web")
    app.tokens(browser, scope=f"openid email {SCOPE}")
    client, alice = site.client("admin-web"), site.user("alice")
    scene = scenes.scene_of(
        site.listeners[0], site.read(tenants.by_id, TENANT_ID), Request("GET", "/"), site.clock.now(), "ref_x"
    )
    assert site.run(consent.before(client, alice, ("openid",), scene, site.house)) == ("email",)


def test_a_client_without_the_scope_gets_no_token_with_it(office: Office) -> None:
    """Asked for by a client that does not have it, the scope is left out or refused, in every dialect and grant."""
    site = office.site
    app = harness.App(site, "web")
    tokens = app.tokens(harness.Browser(site), scope=f"openid {SCOPE}")
    assert SCOPE not in str(tokens.get("scope", "openid"))
    for where in ("~/token", "http://localhost:8083/oauth/token", "http://localhost:8084/default/default/oauth2/token"):
        form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
        answer = site.post(where, form | {"scope": SCOPE})
        assert answer.status == 400 or SCOPE not in answer.json().get("scope", ""), answer.text
    device = site.post("~/device_authorization", {"client_id": "cli", "scope": f"openid {SCOPE}"})
    assert device.status in (200, 400, 401)


def test_a_stranger_who_signs_in_to_the_client_of_operators_administers_nothing(office: Office) -> None:
    """The scope opens the door, and rights are behind it: somebody without them gets 403 everywhere."""
    nobody = office.token(office.user("somebody"))
    _denied(office.send("GET", "/tenants", token=nobody))


def test_no_group_makes_an_administrator(office: Office) -> None:
    """Being in every group, or having every role in the client, gives no right."""
    member = office.user("member")
    office.site.write(users.replace, msgspec.structs.replace(member, groups=("administrators", "owners")))
    cli = office.site.client("intaglio-cli", office.home.tenant_id)
    office.site.write(clients.replace, msgspec.structs.replace(cli, roles={"owner": (member.user_id,)}))
    _denied(office.send("GET", "/tenants", token=office.token(member)))


def test_nobody_consents_to_administration_for_everybody(office: Office) -> None:
    """What an administrator of a tenant consents to for all leaves this scope out, and it is asked for all the same."""
    site = office.site
    site.add_client("admin-web", "web-secret", scope=("openid", "email", SCOPE))
    site.write(everybody._keep, site.client("admin-web"), ("openid", "email", SCOPE), OPERATOR)
    assert site.client("admin-web").consented_scope == ("openid", "email")
    # Even if it were there, the person is asked.
    site.change_client("admin-web", consented_scope=("openid", "email", SCOPE))
    browser, app = harness.Browser(site), harness.App(site, "admin-web")
    page = browser.sign_in(browser.follow(app.authorize(browser, scope=f"openid email {SCOPE}")))
    assert 'id="consent-form"' in page.text
    assert SCOPE in page.text


# --- somebody becomes a user who administers


@pytest.mark.parametrize("linked", [True, False])
def test_no_connection_links_itself_to_an_administrator(office: Office, linked: bool) -> None:
    """A provider's word for an e-mail address makes nobody an administrator, though it may make them somebody else."""
    from intaglio.server.provider.upstream import people
    from intaglio.server.provider.upstream.people import Stranger

    site = office.site
    site.change_user("alice", claims={"email": "alice@example.com", "email_verified": True})
    if linked:
        office.appoint(site.user("alice"), "viewer", TENANT_ID)
    connection = Connection(
        tenant_id=TENANT_ID,
        connection_id="c1",
        name="elsewhere",
        issuer="https://op.example",
        client_id="x",
        created_at=harness.NOW,
        link_by_email=True,
    )
    site.write(connections.insert, connection)
    claims = {"email": "alice@example.com", "email_verified": True}
    stranger = Stranger(connection, "https://op.example", "sub-1", claims)
    tenant = site.read(tenants.by_id, TENANT_ID)
    found = site.write(people._arrive, stranger, tenant, OPERATOR, "elsewhere|sub-1")
    if linked:
        assert found == "email-taken"
    else:
        assert found.username == "alice"


def test_whoever_signs_up_in_the_tenant_of_operators_administers_nothing(office: Office) -> None:
    """An account that somebody made for themselves has no rights, not even under the UUID of an owner as its name."""
    same = office.user(office.owner.user_id)
    assert office.site.read(administrators.of, same.tenant_id, administrators.user(same.user_id)) == []
    # Named by that text, it is the owner who is meant.
    who = Appointment("operators", "user", office.owner.user_id)
    assert office.site.read(appointing.found, who)[1] == administrators.user(office.owner.user_id)


def test_a_slug_is_no_other_tenants_uuid(office: Office) -> None:
    """A tenant that is called like another's UUID is not found by it."""
    assert office.send("POST", "/tenants", {"slug": office.home.tenant_id}).status == 201
    assert office.send("GET", f"/tenants/{office.home.tenant_id}").json()["slug"] == "operators"


def test_no_public_client_administers(office: Office) -> None:
    """Whoever knows a public client's name is that client."""
    ask = {"tenant": "operators", "kind": "client", "name": "intaglio-cli", "role": "viewer"}
    answer = office.send("POST", "/administrators", ask)
    assert (answer.status, answer.json()["code"]) == (422, "client-public")


def test_a_client_of_the_same_name_has_no_rights(office: Office) -> None:
    """With a client its rights go: who registers one of its name later administers nothing."""
    site = office.site
    made = site.add_client(
        "robot",
        "robot-secret",
        grant_types=("client_credentials",),
        response_types=(),
        scope=("openid", SCOPE),
    )
    office.appoint(made, "owner")
    token = office.token(made)
    assert office.send("GET", "/tenants", token=token).status == 200
    assert office.send("DELETE", "/tenants/default/clients/robot").status == 200
    site.write(clients.insert, made)
    assert site.read(administrators.of, TENANT_ID, administrators.client("robot")) == []
    _denied(office.send("GET", "/tenants", token=office.token(made)))


def test_with_a_user_or_a_tenant_its_rights_go(office: Office) -> None:
    """Rights of and over what was deleted are gone with it."""
    site = office.site
    other = site.add_tenant("other")
    office.user("over", "owner", other.tenant_id)
    office.appoint(site.user("alice", other.tenant_id), "owner", TENANT_ID)
    office.appoint(site.user("bob"), "owner", TENANT_ID)
    bob = administrators.user(site.user("bob").user_id)
    assert office.send("DELETE", "/tenants/default/users/bob").status == 200
    assert site.read(administrators.of, TENANT_ID, bob) == []
    assert office.send("DELETE", "/tenants/other").status == 200
    left = site.read(administrators.page, "", "", "", 100)
    assert [one.principal for one in left] == [administrators.user(office.owner.user_id)]


def test_another_password_ends_what_the_one_before_opened(office: Office) -> None:
    """Whoever knew the old password is out: sessions and refresh tokens end with it."""
    site = office.site
    browser, app = harness.Browser(site), harness.App(site, "web")
    tokens = app.tokens(browser)
    answer = office.send("POST", "/tenants/default/users/alice/password", {"password": "another-password"})
    assert answer.status == 200
    assert "another" not in answer.text
    site.settle()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert site.get("~/userinfo", headers=bearer).status == 401
    assert 'id="login-form"' in browser.follow(app.authorize(browser)).text


def test_appointments_and_acts_are_in_the_log(office: Office) -> None:
    """Who appointed whom, and who did what from where, under the reference of the answer."""
    ask = {"tenant": "default", "kind": "user", "name": "alice", "role": "manager", "scope": "default"}
    assert office.send("POST", "/administrators", ask).status == 200
    assert office.send("PATCH", "/tenants/default", {"name": "Changed"}).status == 200
    entries = office.send("GET", "/tenants/default/audit?limit=2").json()["items"]
    actor = administrators.user(office.owner.user_id)
    assert [(one["action"], one["principal"], one["peer"]) for one in entries] == [
        ("tenant.update", actor, "192.0.2.1"),
        ("administrator.add", actor, "192.0.2.1"),
    ]
    assert all(one["ref"].startswith("ref_") for one in entries)
    assert entries[1]["after"]["role"] == "manager"
