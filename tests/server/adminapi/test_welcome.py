"""The link of the first administrator: once, within an hour, by its own form."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from intaglio.errors import Misconfigured
from intaglio.names import ClientId
from intaglio.server.admin import bootstrap
from intaglio.server.adminapi.front import AdministrationFront
from intaglio.server.http.app import App
from intaglio.server.http.tenancy import Listener
from intaglio.server.model import administrators, clients, tenants, users
from tests import harness
from tests.capability import capability
from tests.server.adminapi.office import OPERATOR

FORM = "admin-welcome-form"
CHOSEN = {"username": "ada", "password": "a long sentence is good"}


@pytest.fixture
def fresh(site: harness.Site) -> tuple[harness.Site, str]:
    """A site without administrators, and the link of the first one."""
    return site, site.run(bootstrap.prepare(site.store, site.clock, OPERATOR)).path


@pytest.fixture
def site() -> Iterator[harness.Site]:
    """A server with everything that development mode seeds."""
    with harness.site() as opened:
        yield opened


def test_with_a_listener_of_its_own_people_sign_in_at_the_issuer(fresh: tuple[harness.Site, str]) -> None:
    """The page tells the issuer's address for signing in, and its own for administering."""
    site, link = fresh
    own = Listener(dialect=None, name="admin", base_url="http://localhost:8070")
    front = AdministrationFront(apart=True, sign_in_at="https://id.example.com")
    site.app = App(site.hall, {harness.STANDARD: site.listeners[0], 8070: own}, front)
    browser = harness.Browser(site)
    done = browser.submit(browser.get(f"http://localhost:8070{link}"), FORM, **CHOSEN)
    assert "intaglio login --issuer https://id.example.com/operators " in done.text
    assert "--server http://localhost:8070" in done.text


@capability("admin-bootstrap", witness="a browser's requests, and the token endpoint afterwards")
def test_the_first_administrator_chooses_a_name_and_administers(fresh: tuple[harness.Site, str]) -> None:
    """The page makes the account; signing in with the command line's client then opens the API."""
    site, link = fresh
    browser = harness.Browser(site)
    page = browser.get(link)
    assert page.status == 200
    assert page.header("cache-control") == "no-store"
    assert page.header("x-frame-options") == "DENY"
    done = browser.submit(page, FORM, **CHOSEN)
    assert 'id="admin-welcome-done"' in done.text
    assert "intaglio login --issuer http://localhost:8080/operators --client-id intaglio-cli" in done.text
    app = harness.App(
        site,
        "intaglio-cli",
        "",
        redirect_uri="http://127.0.0.1:5555/callback",
        issuer="http://localhost:8080/operators",
    )
    visit = browser.follow(app.authorize(browser, scope="openid intaglio.admin"))
    consent = browser.sign_in(visit, "ada", CHOSEN["password"])
    assert "Administer this service" in consent.text
    code = browser.consent(consent).params["code"]
    token = app.redeem(code).json()["access_token"]
    api = "/_intaglio/admin/v1"
    bearer = {"authorization": f"Bearer {token}"}
    listed = site.get(f"{api}/tenants", headers=bearer).json()["items"]
    assert {"default", "operators"} <= {one["slug"] for one in listed}
    actions = [one["action"] for one in site.get(f"{api}/tenants/operators/audit", headers=bearer).json()["items"]]
    assert {"tenant.create", "client.create", "administrator.invite", "administrator.add"} <= set(actions)


def test_a_link_works_once(fresh: tuple[harness.Site, str]) -> None:
    """Used, it is as unknown as any other, for whoever has the page open too."""
    site, link = fresh
    first, second = harness.Browser(site), harness.Browser(site)
    pages = first.get(link), second.get(link)
    assert 'id="admin-welcome-done"' in first.submit(pages[0], FORM, **CHOSEN).text
    late = second.submit(pages[1], FORM, username="eve", password=CHOSEN["password"])
    assert (late.status, late.error) == (404, "link-unknown")
    assert first.get(link).status == 404
    home = site.read(tenants.by_slug, "operators").tenant_id
    assert [one.username for one in site.read(users.page, home, "", 10)] == ["ada"]
    assert len(site.read(administrators.page, "", "", "", 10)) == 1


def test_a_link_is_good_for_an_hour(fresh: tuple[harness.Site, str]) -> None:
    """Then it opens nothing, and the form of a page that is open neither."""
    site, link = fresh
    browser = harness.Browser(site)
    page = browser.get(link)
    site.clock.advance(3600)
    assert browser.submit(page, FORM, **CHOSEN).status == 404
    assert browser.get(link).status == 404
    assert site.read(administrators.is_there) is False


def test_another_link_ends_the_one_before(fresh: tuple[harness.Site, str]) -> None:
    """A link that was lost is made worthless by the next."""
    site, link = fresh
    again = site.run(bootstrap.prepare(site.store, site.clock, OPERATOR)).path
    assert (site.get(link).status, site.get(again).status) == (404, 200)


@pytest.mark.parametrize("how", ["no cookie", "no token", "another token", "another origin", "by GET"])
def test_the_form_needs_its_page(fresh: tuple[harness.Site, str], how: str) -> None:
    """A page of somebody else sends nothing that is taken, and the link stays good."""
    site, link = fresh
    browser = harness.Browser(site)
    page = browser.get(link)
    if how == "no cookie":
        browser.jar.clear()
        answer = browser.submit(page, FORM, **CHOSEN)
    elif how == "no token":
        answer = browser.submit(page, FORM, csrf=None, **CHOSEN)
    elif how == "another token":
        answer = browser.submit(page, FORM, csrf="x" * 43, **CHOSEN)
    elif how == "another origin":
        answer = browser.submit(page, FORM, origin="https://thief.example", **CHOSEN)
    else:
        answer = browser.get(f"{link}?username=ada&password=another-password")
    assert answer.status == (200 if how == "by GET" else 400)
    assert 'id="admin-welcome-done"' not in answer.text
    assert site.read(administrators.is_there) is False
    assert browser.get(link).status == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "short"}, "password"),
        ({"username": ""}, "user name"),
        ({"username": "a\u202eb"}, "user name"),
        ({"username": "x" * 300}, "user name"),
    ],
)
def test_what_the_person_can_put_right_is_said_on_the_page(
    fresh: tuple[harness.Site, str], changes: dict[str, str], said: str
) -> None:
    """The page comes again with a sentence, without what was typed as password, and the link stays good."""
    site, link = fresh
    browser = harness.Browser(site)
    again = browser.submit(browser.get(link), FORM, **(CHOSEN | changes))
    assert again.status == 200
    assert said in again.text.lower()
    assert 'role="alert"' in again.text
    assert (CHOSEN | changes)["password"] not in again.text
    assert 'id="admin-welcome-done"' in browser.submit(again, FORM, **CHOSEN).text


@pytest.mark.parametrize("left", ["", "csrf", "csrf username", "csrf password"])
def test_d4_37_no_account_comes_of_an_empty_form(fresh: tuple[harness.Site, str], left: str) -> None:
    """Whatever is left out of the form, nobody becomes an administrator, and the link stays good."""
    site, link = fresh
    browser = harness.Browser(site)
    kept = {name: None for name in ("csrf", "username", "password") if name not in left.split()}
    answer = browser.submit(browser.get(link), FORM, **kept)
    assert 'id="admin-welcome-done"' not in answer.text
    assert site.read(administrators.is_there) is False
    assert browser.get(link).status == 200


def test_a_guess_is_as_unknown_as_anything(site: harness.Site) -> None:
    """No link is told from another that was never made, whatever stands in it, and by which method it is asked."""
    for path in ("x", "", "a/b", "%00", "A" * 43, "A" * 5000):
        assert site.get(f"/_intaglio/admin/welcome/{path}").status == 404
        assert site.post(f"/_intaglio/admin/welcome/{path}", CHOSEN).status == 404
    answer = site.request("PUT", "/_intaglio/admin/welcome/x")
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, POST")


def test_the_secret_of_a_link_is_not_in_the_log(
    fresh: tuple[harness.Site, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither of one that works nor of one that does not."""
    site, link = fresh
    secret = link.rpartition("/")[2]
    site.get(link + "x")
    site.post(link, CHOSEN)
    assert "/_intaglio/admin/welcome/\\u2026" in caplog.text
    assert secret not in caplog.text


def test_operators_move_in_with_nobody(site: harness.Site) -> None:
    """A tenant where others live is not made one of operators."""
    with pytest.raises(Misconfigured) as caught:
        site.run(bootstrap.prepare(site.store, site.clock, OPERATOR, "default"))
    assert caught.value.code == "tenant-occupied"
    assert site.read(administrators.is_there) is False


def test_a_client_that_is_called_like_ours_is_not_taken_for_it(site: harness.Site) -> None:
    """A client of that name that was there before, with redirect URIs of somebody, is not given the scope."""
    home = site.run(bootstrap.prepare(site.store, site.clock, OPERATOR)).tenant.tenant_id
    other = msgspec.structs.replace(site.client("web"), tenant_id=home, client_id=ClientId("intaglio-cli"))
    assert site.write(clients.replace, other)
    with pytest.raises(Misconfigured) as caught:
        site.run(bootstrap.prepare(site.store, site.clock, OPERATOR))
    assert caught.value.code == "client-exists"
