"""Administration under attack: what must not be had by another way than an owner's word."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import msgspec
import pytest

from intaglio.cli import output, remote
from intaglio.dialects import registry
from intaglio.errors import IntaglioError, Misconfigured
from intaglio.ids import Secret
from intaglio.server.admin import bootstrap
from intaglio.server.admin import users as people
from intaglio.server.admin.acts import clientrecords, table
from intaglio.server.admin.acts import clients as client_acts
from intaglio.server.admin.acts import users as user_acts
from intaglio.server.admin.acts.act import Act
from intaglio.server.admin.acts.desk import Desk
from intaglio.server.adminapi.office import Office as ServerOffice
from intaglio.server.credentials.passwords import Passwords
from intaglio.server.model import administrators, clients, tenants
from intaglio.server.model.administrators import SCOPE, Administrator, Role
from intaglio.server.model.clients import Client
from intaglio.server.model.plan import Store
from intaglio.server.provider import consent
from intaglio.server.registry import fields
from tests import harness
from tests.server.adminapi.office import API, OPERATOR, TENANT_ID, Office, words
from tests.server.adminapi.test_doors import FULL

HERE = "/tenants/default"
SERVER = "https://id.example.com"
BEARER = Secret("canary-bearer")


@pytest.fixture
def office() -> Iterator[Office]:
    """A site with an owner."""
    with harness.site() as opened:
        yield Office(opened)


def _denied(answer: harness.Answer) -> None:
    assert (answer.status, answer.json()["code"]) == (403, "right-missing"), answer.text


# --- who may do less

CHANGES = [act for act in table.ACTS if act.right != "read" and act.words]
LESS: list[tuple[Role, str]] = [("manager", ""), ("owner", "here"), ("manager", "here"), ("viewer", "")]


@pytest.mark.parametrize("act", CHANGES, ids=lambda act: act.name)
def test_no_act_reaches_the_home_of_who_may_do_more(office: Office, act: Act) -> None:
    """Whatever changes something in a tenant: not where somebody lives whose rights go further, by whichever role."""
    site = office.site
    office.app(TENANT_ID, "tool")
    office.appoint(site.user("bob"), "owner")
    for role, reach in LESS:
        token = office.token(office.user(f"{role}-{reach}", role, TENANT_ID if reach else ""))
        answer = office.send(act.method, words(act.path), _body(act), token=token)
        _denied(answer)
    # Whose rights go as far is let in: it is the rights that were refused above.
    answer = office.send(act.method, words(act.path), _body(act))
    assert answer.status != 403
    assert answer.status != 400, answer.text


def _body(act: Act) -> dict[str, Any] | None:
    return FULL.get(act.name, {}) if act.method in ("POST", "PATCH") else None


# --- what people are asked


def test_nobody_gives_administration_another_name(office: Office) -> None:
    """A tenant's own words for its scopes do not make the right to administer read as something harmless."""
    harmless = {"name": SCOPE, "display_name": "See your calendar", "description": "Free and busy times."}
    service = {"name": "Calendar", "description": "", "scopes": [harmless]}
    change = {"dialects": {"cloudentity": {"services": {"calendar": service}}}}
    manager = office.token(office.user("m", "manager", TENANT_ID))
    office.send("PATCH", HERE, change, token=manager)
    tenant = office.site.read(tenants.by_id, TENANT_ID)
    dialect = registry.DIALECTS["cloudentity"]
    groups = consent.groups_of(dialect, tenant)
    shown = {one.name: one for one in consent.choices(("openid", SCOPE), dialect, groups)}
    assert shown[SCOPE].title == "Administer this service"
    assert "calendar" not in shown[SCOPE].description


# --- a tenant that was switched off


def test_nobody_switches_their_own_tenant_on_again(office: Office) -> None:
    """Whom those who have all tenants switched off does not come back by the word of who administers it alone."""
    manager = office.token(office.user("m", "manager", TENANT_ID))
    owner = office.token(office.user("o", "owner", TENANT_ID))
    assert office.send("POST", f"{HERE}/disable").status == 200
    for token in (manager, owner):
        _denied(office.send("POST", f"{HERE}/enable", token=token))
    assert office.site.get("~/.well-known/openid-configuration").status == 404
    everywhere = office.token(office.user("all", "manager"))
    assert office.send("POST", f"{HERE}/enable", token=everywhere).status == 200


# --- versions


@pytest.mark.parametrize("seen", ['"*"', '"*.abc"'])
def test_a_star_in_quotation_marks_is_a_version_that_nobody_has(office: Office, seen: str) -> None:
    """RFC 9110 13.1.1: the star stands for any version only where it stands alone."""
    answer = office.send("PATCH", HERE, {"name": "Changed"}, if_match=seen)
    assert (answer.status, answer.json()["code"]) == (412, "record-changed")


class _Slow:
    """Hashes as the site does, but for what happens meanwhile."""

    def __init__(self, real: Passwords, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._real = real
        self._meanwhile = meanwhile

    async def hash(self, password: str) -> str:
        """Return the hash, after what happens meanwhile."""
        await self._meanwhile()
        return await self._real.hash(password)


def test_a_password_that_was_on_its_way_overwrites_no_later_one(office: Office) -> None:
    """A manager fills the queue of hashes, an owner appoints somebody and gives them a new password: it stays."""
    site = office.site
    asked = user_acts.UserPassword(tenant="default", user="alice", password=Secret("the managers password"))
    manager, alice = office.user("m", "manager", TENANT_ID), site.user("alice")
    rights = tuple(site.read(administrators.of, manager.tenant_id, administrators.user(manager.user_id)))
    appointed = Administrator(alice.tenant_id, administrators.user(alice.user_id), "owner", harness.NOW)

    async def meanwhile() -> None:
        await site.store.write(administrators.put, appointed)
        given = Secret("the owners password")
        await people.set_password(site.store, site.passwords, alice.tenant_id, "alice", given, OPERATOR)

    desk = Desk(ServerOffice(site.house), OPERATOR, rights)
    desk.passwords = cast(Passwords, _Slow(site.passwords, meanwhile))
    with pytest.raises(Misconfigured) as refused:
        site.run(user_acts.set_password(asked, desk))
    assert refused.value.code == "record-changed"
    assert site.run(site.passwords.verify(site.user("alice").password_hash, "the owners password"))


def test_a_change_that_was_on_its_way_misses_the_scope(office: Office) -> None:
    """A manager's change of a client, allowed a moment before an owner gave it the scope, comes too late."""
    site = office.site
    manager = office.user("m", "manager", TENANT_ID)
    rights = tuple(site.read(administrators.of, manager.tenant_id, administrators.user(manager.user_id)))
    stolen = ("https://thief.example/callback",)
    asked = clientrecords.ClientUpdate(tenant="default", client_id="web", redirect_uris=stolen)
    desk = Desk(ServerOffice(site.house), OPERATOR, rights)
    reading, reads = site.store.read, 0

    async def read(plan: Any, *args: Any) -> Any:
        nonlocal reads
        found = await reading(plan, *args)
        if isinstance(found, Client):
            reads += 1
            if reads == 1:
                before = msgspec.structs.replace(found, scope=("openid", SCOPE))
                assert await site.store.write(clients.exchange, found, before)
        return found

    desk.store = cast(Store, _Between(site.store, read))
    with pytest.raises(Misconfigured) as refused:
        site.run(client_acts.update(asked, desk))
    assert refused.value.code == "record-changed"
    assert stolen[0] not in site.client("web").redirect_uris


class _Between:
    """A store behind which something happens after a reading."""

    def __init__(self, store: Store, read: Callable[..., Awaitable[Any]]) -> None:
        self.read = read
        self.write = store.write


# --- names in paths


@pytest.mark.parametrize("act", ["user.disable", "client.disable", "key.disable", "user.delete", "tenant.show"])
@pytest.mark.parametrize("word", [".", "..", ""])
def test_no_word_of_a_command_climbs_in_the_path(act: str, word: str) -> None:
    """Somebody may be called `..`: between here and there that must not become the path of another act.

    POST …/tenants/acme/users/../disable is, to whoever tidies paths on the way, POST …/tenants/acme/disable.
    """
    one = table.BY_NAME[act]
    given = dict.fromkeys(one.words, "acme") | {one.words[-1]: word}
    with pytest.raises(IntaglioError) as refused:
        next(remote.asked(SERVER, BEARER, one, given))
    assert isinstance(refused.value, Misconfigured)
    assert "canary" not in str(refused.value.detail)


@pytest.mark.parametrize("name", [".", ".."])
def test_no_client_is_called_like_a_step_in_a_path(name: str) -> None:
    """Its own address would be another one's."""
    with pytest.raises(Misconfigured) as refused:
        fields.client_id(name)
    assert refused.value.code == "client-id-invalid"
    assert fields.client_id("a..b") == "a..b"


# --- what is handed out


def test_an_export_holds_nothing_of_those_who_were_administered(office: Office) -> None:
    """Whoever asks for their own data and administers gets what they did, and nobody else's data with it."""
    site = office.site
    office.appoint(site.user("alice"), "manager", TENANT_ID)
    office.app(TENANT_ID, "tool")
    token = office.token(site.user("alice"), client_id="tool")
    changes = {"claims": {"nickname": "canary-of-bob"}}
    assert office.send("PATCH", f"{HERE}/users/bob", changes, token=token).status == 200
    assert office.send("DELETE", f"{HERE}/users/bob", token=token).status == 200
    exported = office.send("GET", f"{HERE}/users/alice/export")
    assert "canary-of-bob" not in exported.text
    done = [one for one in exported.json()["audit"] if one["action"] in ("user.update", "user.delete")]
    assert [sorted({"before", "after", "detail"} & one.keys()) for one in done] == [[], []]
    # What was done to themselves is theirs.
    assert office.send("PATCH", f"{HERE}/users/alice", {"claims": {"nickname": "al"}}).status == 200
    told = office.send("GET", f"{HERE}/users/alice/export").json()["audit"]
    assert any(one["action"] == "user.update" and "al" in str(one.get("after")) for one in told)


# --- other doors


def test_no_other_listener_administers(office: Office) -> None:
    """The API is at one listener: the others know neither its paths nor the link of the first administrator."""
    bearer = {"authorization": f"Bearer {office.token(office.owner)}"}
    for port in (harness.GOOGLE, harness.MICROSOFT, harness.AUTH0, harness.CLOUDENTITY):
        for path in (f"{API}/tenants", f"{API}/openapi.json", office.link):
            answer = office.site.get(f"http://localhost:{port}{path}", headers=bearer)
            assert answer.status == 404, (port, path)
            assert "default" not in answer.text


@pytest.mark.parametrize("where", ["metadata", "managed identity"])
def test_no_workload_administers(office: Office, where: str) -> None:
    """A token that a machine is handed opens nothing, whatever scope was asked for."""
    site = office.site
    if where == "metadata":
        path = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" + SCOPE
        answer = site.get(f"http://localhost:{harness.GOOGLE}{path}", headers={"metadata-flavor": "Google"})
    else:
        path = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={SCOPE}"
        answer = site.get(f"http://localhost:{harness.MICROSOFT}{path}", headers={"metadata": "true"})
    token = answer.json().get("access_token", "none-was-given")
    refused = office.send("GET", "/tenants", token=token)
    assert (refused.status, refused.json()["code"]) in ((401, "invalid_token"), (403, "insufficient_scope"))


@pytest.mark.parametrize("form", ["json", "yaml", "table"])
@pytest.mark.parametrize("letters", ["\x9b31m", "\x1b]0;x\x07", "a\u202eb", "\x7f", "\U000e0041"])
def test_what_people_call_themselves_drives_no_terminal(
    form: str, letters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Claims are whatever somebody told: shown to an operator they are text, and read back they are the same."""
    record = {"claims": {"nickname": letters}, letters: ["x", letters]}
    output.write_one(record, form, value="claims")
    told = capsys.readouterr().out
    assert all(letter.isprintable() for letter in told if letter != "\n")
    if form == "json":
        assert json.loads(told) == record


# --- the first administrator


def _prepare(office: Office, slug: str) -> bootstrap.Bootstrapped:
    site = office.site
    made: bootstrap.Bootstrapped = site.run(bootstrap.prepare(site.store, site.clock, OPERATOR, slug))
    return made


def test_operators_do_not_move_in_with_somebodys_people(office: Office) -> None:
    """A tenant is no home of operators because one of its own people administers it, and it alone."""
    office.appoint(office.site.user("alice"), "owner", TENANT_ID)
    with pytest.raises(Misconfigured) as refused:
        _prepare(office, "default")
    assert refused.value.code == "tenant-occupied"


def test_nobody_prepares_the_client_of_operators(office: Office) -> None:
    """Who owns one tenant and puts a client there, with an address of theirs, gains nothing by the first sign-in."""
    site = office.site
    ops = office.send("POST", "/tenants", {"slug": "ops"}).json()["tenant_id"]
    owner = office.token(office.user("o", "owner", ops))
    ours = {name: getattr(bootstrap._wanted(), name) for name in ("application_type", "grant_types", "scope")}
    theirs = ours | {
        "client_id": bootstrap.CLIENT,
        "client_name": "Intaglio command line",
        "token_endpoint_auth_methods": ["none"],
        "redirect_uris": ["http://127.0.0.1/callback", "https://thief.example/callback"],
    }
    assert office.send("POST", "/tenants/ops/clients", theirs, token=owner).status == 201
    with pytest.raises(Misconfigured) as refused:
        _prepare(office, "ops")
    assert refused.value.code == "client-exists"
    # Nor while the link waits to be opened.
    there = f"/tenants/ops/clients/{bootstrap.CLIENT}"
    own = {"redirect_uris": ["http://127.0.0.1/callback"]}
    assert office.send("PATCH", there, own, token=owner).status == 200
    link = _prepare(office, "ops").path
    assert office.send("PATCH", there, {"redirect_uris": theirs["redirect_uris"]}, token=owner).status == 200
    browser = harness.Browser(site)
    chosen = {"username": "ada", "password": "a long sentence is good"}
    answer = browser.submit(browser.get(link), "admin-welcome-form", **chosen)
    assert (answer.status, answer.error) == (400, "client-exists")
    assert site.read(administrators.living_in, ops) == []
    assert office.send("PATCH", there, own, token=owner).status == 200
    assert 'id="admin-welcome-done"' in browser.submit(browser.get(link), "admin-welcome-form", **chosen).text


@pytest.mark.parametrize("before", ["", "/", "/auth", "/default"])
@pytest.mark.parametrize("port", [harness.STANDARD, harness.AUTH0])
def test_a_link_that_was_opened_at_the_wrong_place_is_not_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture, before: str, port: int
) -> None:
    """It is still good there where it leads, and whoever reads the log must not become the first administrator."""
    site, secret = office.site, office.link.rpartition("/")[2]
    caplog.set_level("DEBUG")
    answer = site.run(site.raw("GET", port, before + office.link))
    assert answer.status == (200 if (before, port) == ("", harness.STANDARD) else 404)
    assert secret not in caplog.text
    site.run(site.raw("POST", port, before + office.link, body=b"x" * 100_000))
    assert secret not in caplog.text
