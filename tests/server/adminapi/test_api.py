"""How the API speaks: strict requests, versions, pages, and refusals that say what was expected."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio import ids
from intaglio.errors import ProtocolFault
from intaglio.server.admin.acts import coding, table
from intaglio.server.admin.acts.act import Nothing
from intaglio.server.adminapi.routing import Routes
from intaglio.server.devmode import seeds
from intaglio.server.model import administrators, audit
from intaglio.server.model.audit import Entry
from tests import harness
from tests.capability import capability
from tests.server.adminapi import office as offices
from tests.server.adminapi.office import TENANT_ID, Office

ALICE = "/tenants/default/users/alice"
WEB = "/tenants/default/clients/web"


def _code(answer: harness.Answer) -> tuple[int, str]:
    assert answer.header("content-type") == "application/problem+json", answer.text
    return answer.status, answer.json()["code"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tenants", b""),
        ("POST", "/tenants", b"{"),
        ("POST", "/tenants", b"[]"),
        ("POST", "/tenants", b'{"slug": "a", "slug": "b"}'),
        ("POST", "/tenants", b'{"slug": "a", "unknown": 1}'),
        ("POST", "/tenants", b'{"slug": 1}'),
        ("POST", "/tenants", b'{"slug": null}'),
        ("POST", "/tenants", b'{"slug": "a", "etag": "x"}'),
        ("POST", "/tenants?slug=a", b'{"slug": "a"}'),
        ("PATCH", "/tenants/default", b'{"tenant": "other"}'),
        ("PATCH", "/tenants/default", b'{"etag": "x"}'),
        ("PATCH", "/tenants/default", b'{"lifetimes": {"unknown": 1}}'),
        ("PATCH", "/tenants/default", b'{"sign_up": "yes"}'),
        ("GET", "/tenants?limit=0", None),
        ("GET", "/tenants?limit=1001", None),
        ("GET", "/tenants?limit=many", None),
        ("GET", "/tenants?limit=1&limit=2", None),
        ("GET", "/tenants?unknown=1", None),
        ("GET", "/tenants?after=%ff", None),
        ("GET", "/tenants?after=%00", None),
        ("DELETE", "/tenants/other?unknown=1", None),
        ("DELETE", "/tenants/other", b"{}"),
    ],
)
def test_what_cannot_be_meant_is_refused(shared: Office, method: str, path: str, body: bytes | None) -> None:
    """Unknown and repeated members, wrong types, what stands twice: 400, and nothing happens."""
    answer = shared.send(method, path, body)
    assert _code(answer) == (400, "request-invalid")
    assert answer.json()["expected"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"sing_up": true}', ("a known member", "sing_up", "Did you mean sign_up?")),
        (b'{"lifetimes": {"sing_up": 1}}', ("a known member of $.lifetimes", "sing_up", None)),
        (b'{"sign_up": "yes"}', ("bool - at `$.sign_up`", "str", None)),
    ],
)
def test_a_refusal_says_what_was_meant(shared: Office, body: bytes, told: tuple[str, str, str | None]) -> None:
    """What was expected and what came stand apart; a member that is nearly known brings the one that is."""
    answer = shared.send("PATCH", "/tenants/default", body)
    assert _code(answer) == (400, "request-invalid")
    assert tuple(answer.json().get(name) for name in ("expected", "received", "hint")) == told


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_of_another_kind_is_refused(shared: Office, kind: str) -> None:
    """Only JSON is read: no form that a page of somebody else could send."""
    headers = {"authorization": f"Bearer {shared.token(shared.owner)}", **({"content-type": kind} if kind else {})}
    answer = shared.site.request("POST", offices.API + "/tenants", body=b'{"slug": "x"}', headers=headers)
    assert _code(answer) == (415, "media-type-unknown")


def test_a_large_body_is_refused_in_the_same_form(shared: Office) -> None:
    """413 as a problem, not as a page."""
    answer = shared.send("POST", "/tenants", b" " * 70_000)
    assert _code(answer) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/tenants", "GET, POST, HEAD"),
        ("OPTIONS", "/tenants", "GET, POST, HEAD"),
        ("DELETE", "/tenants", "GET, POST, HEAD"),
        ("GET", f"{ALICE}/password", "POST"),
    ],
)
def test_another_method_is_told_which_there_are(shared: Office, method: str, path: str, allowed: str) -> None:
    """405 with Allow."""
    answer = shared.send(method, path)
    assert _code(answer) == (405, "method_not_allowed")
    assert answer.header("allow") == allowed


@pytest.mark.parametrize(
    "path", ["/", "/none", "/tenants/", "/tenants//users", "/tenants/default/users/%ff", "/tenants/a/b/c/d/e"]
)
def test_another_path_is_not_there(shared: Office, path: str) -> None:
    """404 as a problem."""
    assert _code(shared.send("GET", path)) == (404, "not_found")


def test_no_other_origin_reads_anything(shared: Office) -> None:
    """The API is for programs: no page of another origin is let in, and none is told that it might be."""
    answer = shared.send("GET", "/tenants", origin="https://thief.example")
    assert answer.status == 200
    assert [name for name, _ in answer.headers if name.startswith("access-control")] == []


def test_head_is_get_without_a_body(shared: Office) -> None:
    """The same headers."""
    got, head = shared.send("GET", ALICE), shared.send("HEAD", ALICE)
    assert (head.status, head.body, head.header("etag")) == (200, b"", got.header("etag"))


# --- versions


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/tenants/default", {"name": "Changed"}),
        (WEB, {"client_name": "Changed"}),
        (ALICE, {"claims": {"name": "Changed"}}),
    ],
)
def test_nobody_overwrites_what_somebody_else_changed(office: Office, path: str, change: dict[str, Any]) -> None:
    """With If-Match a change needs the version that was seen; without, or with *, it is made."""
    seen = office.send("GET", path).header("etag") or ""
    assert office.send("GET", path, if_none_match=seen).status == 304
    assert office.send("GET", path, if_none_match=f'"x", W/{seen}').status == 304
    first = office.send("PATCH", path, change, if_match=seen)
    assert first.status == 200, first.text
    now = first.header("etag") or ""
    assert now != seen
    second = office.send("PATCH", path, change, if_match=seen)
    assert _code(second) == (412, "record-changed")
    assert office.send("PATCH", path, change, if_match=now).status == 200
    assert office.send("PATCH", path, change, if_match="*").status == 200
    assert office.send("PATCH", path, change).status == 200
    # The version alone, as a body tells it, does as well; a weak one never does (RFC 9110 13.1.1).
    assert office.send("PATCH", path, change, if_match=f'"{office.send("GET", path).json()["etag"]}"').status == 200
    for wrong in (f"W/{now}", "x", '""', '"a", "b"'):
        assert _code(office.send("PATCH", path, change, if_match=wrong)) == (400, "request-invalid")
    assert _code(office.send("DELETE", path, if_match=seen)) == (412, "record-changed")
    assert office.send("GET", path).status == 200


def test_an_act_without_versions_does_not_ignore_one(office: Office) -> None:
    """If-Match where nothing can be compared is refused, not passed over."""
    answer = office.send("POST", "/tenants", {"slug": "x"}, if_match='"x"')
    assert _code(answer) == (400, "request-invalid")


def test_what_changed_in_between_is_not_overwritten_by_a_secret(office: Office) -> None:
    """A version tells nothing of what it is of, and changes with a secret that nobody sees."""
    before = office.send("GET", WEB).json()
    office.send("POST", f"{WEB}/secrets", {})
    after = office.send("GET", WEB).json()
    assert before["etag"] != after["etag"]


# --- pages


def test_pages_lead_to_one_another(office: Office) -> None:
    """Every record once, in order, by Link and by `next`; the last page names no other."""
    for number in range(5):
        office.site.add_tenant(f"t{number}")
    found, path = [], "/tenants?limit=2"
    for _ in range(10):
        answer = office.send("GET", path)
        found += [one["slug"] for one in answer.json()["items"]]
        link = answer.header("link")
        assert (link is None) == (answer.json()["next"] == "")
        if link is None:
            break
        path = "/tenants" + link.removeprefix("<").partition(">")[0]
        assert link.endswith('; rel="next"')
        assert "limit=2" in path
    assert found == sorted({"default", "operators", "t0", "t1", "t2", "t3", "t4"} | set(found))
    assert len(found) == len(set(found))


@pytest.mark.parametrize("noun", ["users", "clients", "audit", "keys"])
def test_every_list_is_paged_alike(office: Office, noun: str) -> None:
    """`items` and `next`; a page of one leads through all of them."""
    for number in range(3):
        office.send("PATCH", "/tenants/default", {"name": f"Name {number}"})
    path = f"/tenants/default/{noun}"
    every = office.send("GET", path).json()
    assert every["next"] == ""
    if noun == "keys":
        return
    one_by_one, after = [], ""
    for _ in range(100):
        page = office.send("GET", f"{path}?limit=1&after={after}").json()
        one_by_one += page["items"]
        after = page["next"]
        if not after:
            break
    assert one_by_one == every["items"]


# --- what is told


SECRETS = ("web-secret", "machine-secret", "alice-password", "$argon2", "digest", "sealed", "password_hash")


def test_d4_36_no_answer_holds_a_secret(shared: Office) -> None:
    """Neither secrets nor hashes nor sealed keys, in no answer of any route that reads."""
    web, browser = shared.site.client("web"), harness.Browser(shared.site)
    tokens = harness.App(shared.site, "web").tokens(browser)
    texts = [*browser.jar.values(), tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]
    hidden = [*SECRETS, *(one.digest.hex() for one in web.secrets), shared.site.user("alice").password_hash, *texts]
    for text in texts:
        hidden += [ids.digest(text).hex(), base64.b64encode(ids.digest(text)).decode()]
    for act in table.ACTS:
        if act.method != "GET":
            continue
        answer = shared.send("GET", offices.words(act.path))
        assert [text for text in hidden if text and text in answer.text] == [], act.name


@capability("admin-api-acts", witness="requests over HTTP, and the token endpoint with what they made")
def test_a_client_secret_is_told_once_and_works(office: Office) -> None:
    """Made with the client or later, told in that very answer, and never again; it opens the token endpoint."""
    asked = {
        "client_name": "Robot",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": ["read:things"],
    }
    made = office.send("POST", "/tenants/default/clients", asked)
    assert made.status == 201, made.text
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]
    assert made.header("location") == f"{offices.API}/tenants/default/clients/{client_id}"
    there = f"/tenants/default/clients/{client_id}"
    assert office.send("GET", there).json().get("client_secret") is None
    more = office.send("POST", f"{there}/secrets", {"lifetime": 60}).json()["client_secret"]
    office.site.settle()

    def asks(with_secret: str) -> int:
        headers = {"authorization": harness.basic(client_id, with_secret)}
        return office.site.post("~/token", {"grant_type": "client_credentials"}, headers=headers).status

    assert (asks(secret), asks(more)) == (200, 200)
    names = [one["secret_id"] for one in office.send("GET", there).json()["secrets"]]
    assert office.send("DELETE", f"{there}/secrets/{names[0]}").status == 204
    office.site.settle()
    assert (asks(secret), asks(more)) == (401, 200)


def test_a_secret_that_was_brought_along_is_not_told_back(office: Office) -> None:
    """Whoever brings one has it."""
    asked = {"client_name": "x", "redirect_uris": ["https://x.example/cb"], "client_secret": "brought-along-secret"}
    answer = office.send("POST", "/tenants/default/clients", asked)
    assert answer.status == 201
    assert "brought-along-secret" not in answer.text


@capability("admin-api-acts", witness="requests over HTTP, and a sign-in with what they made")
def test_a_user_from_birth_to_end(office: Office) -> None:
    """Made, shown, changed, signed in, signed out, exported, disabled, enabled and deleted."""
    made = office.send("POST", "/tenants/default/users", {"username": "dora", "password": "dora-password"})
    assert made.status == 201, made.text
    there = "/tenants/default/users/" + made.json()["user_id"]
    assert made.header("location") == offices.API + there
    claims = {"claims": {"name": "Dora", "email": "dora@example.com"}, "metadata": {"colour": "red"}}
    assert office.send("PATCH", there, claims).json()["claims"]["name"] == "Dora"
    assert office.send("PATCH", there, {"claims": {"email": None}}).json()["claims"] == {"name": "Dora"}
    harness.App(office.site, "web").tokens(harness.Browser(office.site), "dora")
    assert len(office.send("GET", f"{there}/sessions").json()["items"]) == 1
    left = office.send("POST", f"{there}/sign-out", {"applications": True}).json()
    assert left["ended"]["sessions"] == 1
    assert office.send("GET", f"{there}/sessions").json()["items"] == []
    assert office.send("GET", f"{there}/export").json()["user"]["username"] == "dora"
    assert office.send("POST", f"{there}/disable").json()["user"]["disabled_at"] == harness.NOW
    assert office.send("POST", f"{there}/enable").json()["user"]["disabled_at"] is None
    assert office.send("DELETE", there).status == 200
    assert _code(office.send("GET", there)) == (404, "user-unknown")


@capability("admin-api-acts", witness="requests over HTTP, and discovery of what they made")
def test_a_tenant_from_birth_to_end(office: Office) -> None:
    """Made, changed, disabled, enabled and deleted; its discovery document comes and goes."""
    site = office.site
    made = office.send("POST", "/tenants", {"slug": "new", "lifetimes": {"id_token": 600}})
    assert made.status == 201, made.text
    assert made.json()["lifetimes"]["id_token"] == 600
    assert _code(office.send("POST", "/tenants", {"slug": "new"})) == (409, "tenant-exists")
    assert _code(office.send("POST", "/tenants", {"slug": "Not a slug"})) == (422, "slug-invalid")
    there, document = "/tenants/new", "/new/.well-known/openid-configuration"
    assert site.get(document).status == 200
    changed = office.send("PATCH", there, {"lifetimes": {"id_token": 0, "session": 60}}).json()["lifetimes"]
    assert (changed["id_token"], changed["session"]) == (None, 60)
    assert office.send("POST", f"{there}/disable").status == 200
    site.settle()
    assert site.get(document).status == 404
    assert office.send("POST", f"{there}/enable").status == 200
    site.settle()
    assert site.get(document).status == 200
    assert office.send("DELETE", there).status == 200
    assert _code(office.send("GET", there)) == (404, "tenant-unknown")


def test_a_machine_administers_with_its_own_token(office: Office) -> None:
    """A confidential client, appointed, with client credentials; the log says whose client it is."""
    site = office.site
    site.change_client("machine", scope=("intaglio.admin",))
    ask = {"tenant": "default", "kind": "client", "name": "machine", "role": "manager"}
    assert office.send("POST", "/administrators", ask).status == 200
    form = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
    token = site.post("~/token", form | {"scope": "intaglio.admin"}).json()["access_token"]
    assert office.send("POST", "/tenants", {"slug": "made"}, token=token).status == 201
    entry = office.send("GET", "/tenants/made/audit").json()["items"][-1]
    assert (entry["action"], entry["principal"]) == ("tenant.create", "client:machine@default")


def test_claim_sources_are_told_without_their_tokens(office: Office) -> None:
    """Tokens of other parties are told nobody."""
    sources = {"bank": {"claims": ["credit"], "endpoint": "https://bank.example/claims", "access_token": "bank-token"}}
    answer = office.send("PATCH", "/tenants/default", {"claim_sources": sources})
    assert answer.json()["claim_sources"] == {"bank": {"claims": ["credit"], "endpoint": "https://bank.example/claims"}}
    assert "bank-token" not in answer.text + office.send("GET", "/tenants/default").text


def test_an_error_says_what_was_expected_and_leads_to_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Code, what was expected and received, what to do, and the reference of the log's line."""
    answer = office.send("PATCH", WEB, {"redirect_uris": ["http://x.example/#f"]})
    problem = answer.json()
    assert (answer.status, problem["code"], problem["expected"]) == (422, "redirect-uri-invalid", "no fragment")
    assert problem["received"] == "http://x.example/#f"
    assert problem["ref"] in caplog.text


# --- routing


SHAPES = st.lists(st.text(max_size=6), max_size=8).map("/".join)


@given(SHAPES)
def test_any_path_is_found_or_not_there(path: str) -> None:
    """Whatever stands in the address, it leads to an act whose path has as many words, or to none."""
    routes = Routes(table.ACTS)
    for method in ("GET", "POST", "PATCH", "DELETE"):
        try:
            found = routes.find(method, "/_intaglio/admin/v1/" + path)
        except ProtocolFault:
            continue
        assert len(found.act.path.split("/")) == len(path.split("/")) + 1
        assert set(found.words) == set(found.act.words)


def test_the_table_is_sound() -> None:
    """Every word of a path is a field, every name is one act's, and what is told has a record of its own."""
    assert len({one.name for one in table.ACTS}) == len(table.ACTS)
    for act in table.ACTS:
        assert set(act.words) <= set(act.asked.__struct_fields__), act.name
        assert (act.method == "GET") <= (act.right == "read"), act.name
        assert (act.told is Nothing) == (act.status == 204), act.name
    for one, other in itertools.combinations(table.ACTS, 2):
        assert (one.method, one.path) != (other.method, other.path)


def test_records_print_no_secret() -> None:
    """A password or secret that was asked with is not in any repr."""
    asked = coding.decode(
        b'{"tenant": "t", "username": "u", "password": "hunter2-hunter2"}', table.BY_NAME["user.create"].asked
    )
    assert "hunter2" not in repr(asked)
    assert b"hunter2" in coding.encode(asked)


def test_the_seeded_site_has_no_administrator(shared: Office) -> None:
    """What development mode seeds administers nothing."""
    for one in seeds.ACCOUNTS:
        user = shared.site.user(one.username)
        assert shared.site.read(administrators.of, TENANT_ID, administrators.user(user.user_id)) == []


def test_a_page_of_long_entries_ends_early(office: Office) -> None:
    """However many are asked for, a page holds about a mebibyte; the pages together hold every entry once."""
    long = "x" * 20_000
    made = [
        Entry(
            TENANT_ID,
            ids.ordered(harness.NOW + number),
            harness.NOW + number,
            "long",
            "a",
            "b",
            "allowed",
            detail={"what": long},
        )
        for number in range(160)
    ]
    office.site.write(audit.insert, made)
    seen: list[str] = []
    after, pages = "", 0
    while pages == 0 or after:
        answer = office.send("GET", f"/tenants/default/audit?limit=1000&action=long&after={after}")
        assert len(answer.body) < 2_500_000
        seen += [one["entry_id"] for one in answer.json()["items"]]
        after, pages = answer.json()["next"], pages + 1
    assert pages > 1
    assert seen == [one.entry_id for one in reversed(made)]
