"""What might be left behind when somebody goes: at other tenants, at the gate, in tokens that nobody keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from intaglio.server import compose
from intaglio.server.admin import auditlog, connections, identities, leaving
from intaglio.server.admin import users as people
from intaglio.server.devmode import seeds
from intaglio.server.model import administrators, clients, consents, sessions, signingkeys, tenants, users
from intaglio.server.model.administrators import Administrator
from intaglio.server.registry.connectionrules import Wanted
from intaglio.server.registry.deeds import Actor
from intaglio.wire.flow import Flow, Reply
from tests import gates, harness, upstreams, workloads
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, TENANT, WEB, Application
from tests.harness import App, Browser, Site
from tests.security.test_d7_management import Manager
from tests.server.gate import test_iap


@pytest.fixture
def site() -> Iterator[Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        opened.write(signingkeys.insert, harness._seeded_key(f"authority:{BASE}", "RS256", harness.NOW))
        yield opened


def actor(site: Site) -> Actor:
    """Return the operator at this instant."""
    return Actor("operator:root", site.clock.now())


def off_and_on(site: Site, kind: str, *named: str) -> None:
    """Disable somebody and enable them again, a second apart."""
    for verb in ("disable", "enable"):
        act = getattr(leaving, f"{verb}_{kind}")
        site.run(act(site.store, actor(site), *named))
        site.settle()


# --- names that are used again


def test_a_client_of_the_same_name_inherits_nothing(site: Site) -> None:
    """Neither consent nor administration, tokens, codes, or word of a sign-out: it is another program."""
    browser, app = Browser(site), App(site)
    site.change_client("web", backchannel_logout_uri="https://rp.example/logout")
    tokens, code = app.tokens(browser), app.code(browser)
    before, user_id = site.client("web"), site.user("alice").user_id
    site.write(administrators.put, Administrator(seeds.TENANT_ID, "client:web", "owner", 1))
    site.run(leaving.delete_client(site.store, actor(site), seeds.TENANT_ID, "web"))
    site.write(clients.insert, before)
    site.settle()
    assert site.read(consents.granted, seeds.TENANT_ID, user_id, "web") == frozenset()
    assert site.read(administrators.of, seeds.TENANT_ID, "client:web") == []
    assert app.userinfo(tokens["access_token"]).status == 401
    assert app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert app.redeem(code).error == "invalid_grant"
    ((session_id,),) = site.store._writing.execute("SELECT session_id FROM sessions").fetchall()
    assert site.write(sessions.end, session_id, site.clock.now()) == ()


def test_a_user_of_the_same_name_inherits_nothing(site: Site) -> None:
    """A person who comes later with the name of one who left is asked for consent, and administers nothing."""
    app, browser, before = App(site), Browser(site), site.user("alice")
    tokens = app.tokens(browser)
    site.write(administrators.put, Administrator(seeds.TENANT_ID, f"user:{before.user_id}", "owner", 1))
    site.run(leaving.delete_user(site.store, actor(site), seeds.TENANT_ID, "alice"))
    assert site.read(administrators.of, seeds.TENANT_ID, f"user:{before.user_id}") == []
    site.run(_make(site, before.password_hash))
    site.settle()
    assert app.authorize(browser, prompt="none").error == "login_required"
    assert app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    page = Browser(site)
    assert 'id="consent-form"' in page.sign_in(page.follow(app.authorize(page))).text


async def _make(site: Site, password_hash: str) -> None:
    made = await people.create(site.store, site.clock, site.passwords, seeds.TENANT_ID, username="alice", password=None)
    await site.store.write(users.replace, msgspec.structs.replace(made, password_hash=password_hash))


# --- applications that tenants share


@pytest.mark.parametrize("how", ["client", "client again", "tenant", "tenant again"])
def test_a_shared_application_ends_at_every_tenant(site: Site, how: str) -> None:
    """Who disables an application or its tenant ends what it got of other tenants' people, and it stays ended."""
    other = site.add_tenant("contoso", domains=("contoso.example",)).tenant_id
    app = Application(site, word=other)
    answer = Browser(site).through(app.authorize(Browser(site)), "alice", "other-password")
    browser = Browser(site)
    answer = browser.through(app.authorize(browser), "alice", "other-password")
    refresh = app.redeem(answer.params["code"]).json()["refresh_token"]
    kind, _, again = how.partition(" ")
    named = (TENANT, WEB) if kind == "client" else (TENANT,)
    if again:
        off_and_on(site, kind, *named)
    else:
        act = leaving.delete_client if kind == "client" else leaving.delete_tenant
        site.run(act(site.store, actor(site), *named))
        site.settle()
        assert site.read(clients.by_id, other, WEB) is None
    assert app.refresh(refresh).status in (400, 401)
    if again:
        assert app.refresh(refresh).json()["error"] == "invalid_grant"
        assert "code" in browser.through(app.authorize(browser), "alice", "other-password").params


def test_another_tenants_application_ends_here_alone(site: Site) -> None:
    """Who switches another's application off for their own people ends what it has here, and nothing elsewhere."""
    other = site.add_tenant("contoso", domains=("contoso.example",)).tenant_id
    browsers = {word: Browser(site) for word in (TENANT, other)}
    refresh = {}
    for word, browser in browsers.items():
        app = Application(site, word=word)
        answer = browser.through(
            app.authorize(browser), "alice", "alice-password" if word == TENANT else "other-password"
        )
        refresh[word] = app.redeem(answer.params["code"]).json()["refresh_token"]
    off_and_on(site, "client", other, WEB)
    assert Application(site, word=other).refresh(refresh[other]).json()["error"] == "invalid_grant"
    assert Application(site, word=TENANT).refresh(refresh[TENANT]).status == 200


# --- tokens that are not kept


@pytest.mark.parametrize("who", ["tenant", "user"])
def test_tokens_of_workloads_end_with_tenant_and_person(site: Site, who: str) -> None:
    """A sealed token opens nothing after its tenant, or the person it came of, was disabled and enabled again."""
    account = workloads.account(site, "builder")
    target = workloads.seeded(site)
    workloads.allow(site, target, account)
    lineage = (f"user:{seeds.ALICE_ID}",) if who == "user" else ()
    token = workloads.token(site, account, lineage=lineage)
    assert workloads.id_token(site, target, token).status == 200
    if who == "tenant":
        off_and_on(site, "tenant", "default")
    else:
        off_and_on(site, "user", seeds.TENANT_ID, "alice")
    assert workloads.id_token(site, target, token).status == 401
    assert workloads.id_token(site, target, workloads.token(site, account, lineage=lineage)).status == 200


def test_a_metadata_server_hands_out_no_dead_token(site: Site) -> None:
    """What it keeps for the workload is made anew when the tenant has been disabled meanwhile."""
    where = "http://localhost:8081/computeMetadata/v1/instance/service-accounts/default/token"
    headers = {"metadata-flavor": "Google"}
    first = site.get(where, headers=headers).json()["access_token"]
    site.settle()
    assert site.get(where, headers=headers).json()["access_token"] == first
    off_and_on(site, "tenant", "default")
    assert site.get(where, headers=headers).json()["access_token"] != first


def test_tokens_for_administration_end_with_their_client(site: Site) -> None:
    """A Management API token of a client that was disabled, or disabled and enabled again, opens nothing."""
    manager = Manager(site, "read:clients")
    assert manager.call("GET").status == 200
    off_and_on(site, "client", seeds.TENANT_ID, "machine")
    assert manager.call("GET").status == 401


@capability("leaving-gate", witness="the gate's application")
@pytest.mark.parametrize("who", ["user", "client", "tenant", "sign-out"])
def test_a_session_of_the_gate_ends_with_all_others(who: str) -> None:
    """Its cookie opens nothing a second after its person, client or tenant was disabled, nor when they come back."""
    with gates.gate(gates.IAP) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        jar, token = test_iap.signed_in(opened), opened.of_user("gate")
        opened.site.settle()
        for headers in (jar.header, [gates.bearer(token)]):
            assert opened.knock(test_iap.HERE, headers=headers).status == 200
        named = {"user": (seeds.TENANT_ID, "alice"), "client": (seeds.TENANT_ID, "gate"), "tenant": ("default",)}
        if who == "sign-out":
            site = opened.site
            site.run(leaving.sign_out(site.store, actor(site), seeds.TENANT_ID, "alice"))
            site.settle()
        else:
            off_and_on(opened.site, who, *named[who])
        assert opened.knock(test_iap.HERE, headers=jar.header).status in (401, 403)
        assert opened.knock(test_iap.HERE, headers=[*test_iap.PAGE, *jar.header]).status == 303
        if who != "client":
            assert opened.knock(test_iap.HERE, headers=[gates.bearer(token)]).status == 403
        assert opened.knock(test_iap.HERE, headers=test_iap.signed_in(opened).header).status == 200


@capability("leaving-gate", witness="the gate's application")
@pytest.mark.parametrize("dialect", ["standard", "google"])
def test_signing_out_at_the_issuer_ends_the_gates_session(dialect: str) -> None:
    """Whoever ends the session at the issuer is a stranger at the gate a second later; nobody else is."""
    with gates.gate(gates.IAP | {"sign_in": dialect}) as opened:
        opened.grant("roles/iap.httpsResourceAccessor", "user:alice@example.com")
        jars = [test_iap.signed_in(opened) for _ in range(2)]
        (first, *_) = opened.site.store._writing.execute("SELECT session_id FROM sessions ORDER BY rowid").fetchall()
        opened.site.write(sessions.end, first[0], opened.site.clock.now())
        opened.site.settle()
        answers = [opened.knock(test_iap.HERE, headers=jar.header).status for jar in jars]
        assert answers == [401, 200]


# --- who somebody is elsewhere


def test_a_forgotten_identity_ends_what_came_of_it(site: Site) -> None:
    """The sessions and grants that began there end, with offline access; those that began with a password stay."""
    liar = upstreams.Liar(site)
    liar.connect(trusts_email=True)
    there = Browser(site)
    tokens = App(site).redeem(liar.sign_in(there).params["code"]).json()
    known = upstreams.identity(site, upstreams.OP, "u1")
    assert known is not None
    user = site.read(users.by_id, seeds.TENANT_ID, known.user_id)
    site.settle()
    site.run(identities.unlink(site.store, actor(site), user, upstreams.OP, "u1"))
    site.settle()
    assert App(site).userinfo(tokens["access_token"]).status == 401
    assert App(site).refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert App(site).authorize(there, prompt="none").error == "login_required"
    (entry,) = site.run(auditlog.page(site.store, seeds.TENANT_ID, action="identity.unlink"))
    assert (entry.detail["sessions"], entry.detail["grants"]) == ("1", "1")


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_connection_takes_along_what_its_people_have(site: Site, how: str) -> None:
    """Access, refresh and session end at once, and no connection of the same name brings them back; alice stays."""
    liar = upstreams.Liar(site)
    made = liar.connect()
    there, here = Browser(site), Browser(site)
    tokens, alices = App(site).redeem(liar.sign_in(there).params["code"]).json(), App(site).tokens(here)
    tenant = site.read(tenants.by_id, seeds.TENANT_ID)
    if how == "disabled":
        for disabled in (True, False):
            wanted = Wanted(disabled=disabled)
            site.run(connections.update(site.store, site.vault, actor(site), tenant, "op", wanted))
    else:
        site.run(connections.delete(site.store, actor(site), tenant, "op"))
        liar.connect(issuer="https://another.example")
    site.settle()
    assert made.name == "op"
    assert App(site).userinfo(tokens["access_token"]).status == 401
    assert App(site).refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert App(site).authorize(there, prompt="none").error == "login_required"
    assert App(site).userinfo(alices["access_token"]).status == 200
    assert "code" in App(site).authorize(here, prompt="none").params


# --- who is told


class Receiver:
    """An application's back channel, which says that all is well."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def run(self, flow: Flow[Any]) -> Any:
        """Answer every call with 200, and keep what the logout token says."""
        reply: Reply | None = None
        while True:
            try:
                call = next(flow) if reply is None else flow.send(reply)
            except StopIteration as stop:
                return stop.value
            self.told.append(harness.payload(parse_qs(call.body.decode())["logout_token"][0]))
            reply = Reply(200, (), b"", call.url)


@pytest.mark.parametrize("how", ["disable_user", "delete_user", "sign_out", "disable_tenant"])
def test_applications_are_told_of_who_left(site: Site, how: str) -> None:
    """The back channel brings a logout token of that very session, though its user or tenant is gone or off by then."""
    site.change_client("web", backchannel_logout_uri="https://rp.example/logout")
    tokens = App(site).tokens()
    known = harness.payload(tokens["id_token"])
    named = ("default",) if how == "disable_tenant" else (seeds.TENANT_ID, "alice")
    site.run(getattr(leaving, how)(site.store, actor(site), *named))
    site.settle()
    site.house.outgoing = receiver = Receiver()
    site.run(compose.engine(site.house).drain())
    (told,) = receiver.told
    assert (told["iss"], told["aud"], told["sub"], told["sid"]) == (known["iss"], "web", known["sub"], known["sid"])


# --- what is written down


def test_the_log_tells_who_left_and_what_ended(site: Site) -> None:
    """Who did it, to whom, and how much ended; of a user who is gone the name alone."""
    App(site).tokens()
    site.run(leaving.disable_user(site.store, actor(site), seeds.TENANT_ID, "alice"))
    site.run(leaving.delete_user(site.store, actor(site), seeds.TENANT_ID, "alice"))
    site.run(leaving.delete_client(site.store, actor(site), seeds.TENANT_ID, "web"))
    site.run(leaving.disable_tenant(site.store, actor(site), "default"))
    found = {one.action: one for one in site.run(auditlog.page(site.store, seeds.TENANT_ID))}
    disabled, deleted = found["user.disable"], found["user.delete"]
    assert (disabled.principal, disabled.resource) == ("operator:root", f"users/{seeds.ALICE_ID}")
    assert disabled.detail == {"sessions": "1", "grants": "1"}
    assert (disabled.before["disabled_at"], disabled.after["disabled_at"]) == (None, harness.NOW)
    assert (deleted.detail, deleted.before, deleted.after) == ({"username": "alice"}, {}, {})
    assert found["client.delete"].before["client_name"] == "Example web app"
    assert found["tenant.disable"].resource == "tenants/default"
