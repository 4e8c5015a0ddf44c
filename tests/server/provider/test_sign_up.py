"""Making an account of one's own: only where it is open, once, and without telling more than it must."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio.server.http import signup
from intaglio.server.model import users
from tests import harness
from tests.harness import Answer, App, Browser, Site, payload

NAME, PASSWORD = "carol", "a password of carol's"


@pytest.fixture
def opened(site: Site) -> Site:
    """A site whose tenant lets people make accounts."""
    site.change_tenant(sign_up=True)
    return site


def begin(site: Site, browser: Browser, **changes: str | None) -> Answer:
    """Ask for an account, and return the page that comes first."""
    return browser.follow(App(site).authorize(browser, **({"prompt": "create"} | changes)))


def fill(browser: Browser, page: Answer, username: str = NAME, password: str = PASSWORD, **changes: Any) -> Answer:
    """Send the form."""
    given = {"username": username, "password": password, "decision": "signup"} | changes
    return browser.submit(page, "signup-form", **given)


def test_account_is_made_and_signed_in(opened: Site) -> None:
    """prompt=create leads to the page, the page to consent and a code, and the code to a token about the new user."""
    browser, app = Browser(opened), App(opened)
    page = begin(opened, browser)
    assert page.status == 200
    answer = browser.consent(browser.follow(fill(browser, page)))
    tokens = app.redeem(answer.params["code"]).json()
    claims = payload(tokens["id_token"])
    made = opened.user(NAME)
    assert claims["sub"] == made.user_id
    assert claims["auth_time"] == opened.clock.now()
    assert made.claims == {}
    assert made.password_hash.startswith("$argon2id$")
    again = Browser(opened)
    assert "code" in again.through(app.authorize(again), NAME, PASSWORD).params


def test_page_is_linked_only_where_it_is_open(site: Site) -> None:
    """The login page offers an account where the tenant does, and the page can be left for the login again."""
    browser = Browser(site)
    closed = browser.follow(App(site).authorize(browser))
    assert 'id="sign-up"' not in closed.text
    name = closed.url.rsplit("/", 1)[1]
    assert 'id="signup-form"' not in browser.get(f"/_intaglio/signup/{name}").text
    site.change_tenant(sign_up=True)
    login = browser.follow(App(site).authorize(browser))
    link = harness.markup.by_id(harness.markup.read(login.body), "sign-up").attributes["href"]
    page = browser.get(link)
    assert 'id="signup-form"' in page.text
    back = harness.markup.by_id(harness.markup.read(page.body), "log-in").attributes["href"]
    assert 'id="login-form"' in browser.get(back).text
    assert 'id="consent-form"' in browser.follow(fill(browser, page)).text


def test_closed_sign_up_is_closed(site: Site) -> None:
    """Where nobody may sign up, prompt=create is `invalid_request`, and a form sent all the same makes nobody."""
    browser = Browser(site)
    answer = App(site).authorize(browser, prompt="create")
    assert answer.error == "invalid_request"
    site.change_tenant(sign_up=True)
    page = begin(site, browser)
    site.change_tenant(sign_up=False)
    assert fill(browser, page).status == 404
    assert site.read(users.by_name, harness.seeds.TENANT_ID, NAME) is None


def test_metadata_offers_it_where_it_is_open(site: Site) -> None:
    """`create` is among the prompt values of an open tenant alone (Initiating User Registration 1.0, section 4)."""
    where = "~/.well-known/openid-configuration"
    assert "create" not in site.get(where).json()["prompt_values_supported"]
    site.change_tenant(sign_up=True)
    assert "create" in site.get(where).json()["prompt_values_supported"]


def test_somebody_signed_in_is_asked_all_the_same(opened: Site) -> None:
    """prompt=create begins with the page though alice is signed in, and ends as the new person."""
    browser = Browser(opened)
    App(opened).callback(browser)
    before = browser.session_of("http://localhost:8080/default")
    page = begin(opened, browser)
    assert 'id="signup-form"' in page.text
    answer = browser.consent(browser.follow(fill(browser, page)))
    claims = payload(App(opened).redeem(answer.params["code"]).json()["id_token"])
    assert claims["sub"] == opened.user(NAME).user_id
    assert browser.session_of("http://localhost:8080/default") != before


def test_an_account_that_is_there_may_be_used(opened: Site) -> None:
    """Whoever has an account after all signs in with it instead, and the request goes on."""
    browser = Browser(opened)
    page = begin(opened, browser)
    login = browser.get(harness.markup.by_id(harness.markup.read(page.body), "log-in").attributes["href"])
    assert "code" in browser.through(login).params


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("alice", PASSWORD, "is taken"),
        (" ALICE ", PASSWORD, "is taken"),
        ("", PASSWORD, "user name cannot be used"),
        ("a" * 201, PASSWORD, "user name cannot be used"),
        ("car\u202eol", PASSWORD, "user name cannot be used"),
        (NAME, "short", "password cannot be used"),
        (NAME, "x" * 1025, "password cannot be used"),
        ("carol-of-the-bells", "Carol-of-the-Bells", "must not be the user name"),
        ("alice@example.com", PASSWORD, "looks like something else"),
        ("alice\uff20example.com", PASSWORD, "looks like something else"),
        ("\u0430lice", PASSWORD, "looks like something else"),
        ("\uff41lice", PASSWORD, "looks like something else"),
    ],
)
def test_what_is_refused(opened: Site, username: str, password: str, sentence: str) -> None:
    """A taken name, an unusable one and a weak password get a sentence; the name is kept, the password is not."""
    browser = Browser(opened)
    answer = fill(browser, begin(opened, browser), username, password)
    assert answer.status == 200
    assert sentence in harness.markup.by_id(harness.markup.read(answer.body), "signup-error").text
    assert "value" not in harness.markup.by_id(harness.markup.read(answer.body), "signup-password").attributes
    assert password not in answer.text
    assert opened.store._writing.execute("SELECT count(*) FROM users").fetchone()[0] == 3
    assert browser.session_of("http://localhost:8080/default") == ""


@pytest.mark.parametrize("name", ["Zoë", "Ольга", "Ωmega"[1:], "太郎 Yamada", "O'Neil", "jean-luc 2", "محمد"])
def test_names_of_the_world_are_taken(opened: Site, name: str) -> None:
    """Names in one alphabet each, with blanks, hyphens and figures, are names."""
    browser = Browser(opened)
    assert fill(browser, begin(opened, browser), name).status == 303
    assert opened.user(name).username == name


def test_control_characters_are_refused(opened: Site) -> None:
    """A name with a line break gets no further than the form's reader."""
    browser = Browser(opened)
    assert fill(browser, begin(opened, browser), "car\nol").status == 400


def test_a_taken_name_costs_what_a_free_one_costs(opened: Site) -> None:
    """The password is hashed either way, so the time tells no more than the page does."""
    hashed = []
    hash_ = opened.passwords.hash

    async def counting(password: str) -> str:
        hashed.append(1)
        return await hash_(password)

    opened.passwords.hash = counting  # type: ignore[method-assign]
    for name in ("alice", NAME):
        browser = Browser(opened)
        fill(browser, begin(opened, browser), name)
    assert len(hashed) == 2


def test_sign_ups_are_slowed_down(opened: Site) -> None:
    """Twenty attempts of an address in a quarter of an hour, whatever came of them; another address goes on."""
    browser = Browser(opened)
    page = begin(opened, browser)
    for number in range(20):
        assert fill(browser, page, "alice", f"{PASSWORD}{number}").status == 200
    refused = fill(browser, page)
    assert refused.status == 429
    assert "Too many attempts" in refused.text
    other = Browser(opened, "203.0.113.5")
    assert fill(other, begin(opened, other)).status == 303


def test_sign_ups_altogether_are_bounded(opened: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many addresses together cannot fill the database with people."""
    monkeypatch.setattr(signup, "SIGN_UPS", signup.throttle.Allowance("sign-up", from_address=2, altogether=3))
    for number, status in enumerate((303, 303, 303, 429)):
        browser = Browser(opened, f"203.0.113.{number}")
        assert fill(browser, begin(opened, browser), f"person-{number}").status == status


def test_two_at_once_make_one(opened: Site) -> None:
    """Of two people who take the same name at once one gets it, and the other is told."""
    forms = []
    for _ in range(2):
        browser = Browser(opened)
        page = begin(opened, browser)
        action, fields = harness.read_form(page, "signup-form")
        kept = [(name, value) for name, value in fields if name == "csrf"]
        body = harness.urlencode([*kept, ("username", NAME), ("password", PASSWORD)]).encode()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
        headers = [("content-type", harness.FORM), ("cookie", cookie)]
        forms.append((harness.absolute(page.url, action), headers, body))

    async def race() -> list[Answer]:
        return await harness.together([opened.exchange("POST", w, headers=h, body=b) for w, h, b in forms])

    assert sorted(answer.status for answer in opened.run(race())) == [200, 303]


def test_form_needs_its_page(opened: Site) -> None:
    """Another's token, another site's page and another browser make no account."""
    browser = Browser(opened)
    page = begin(opened, browser)
    assert fill(browser, page, csrf="x").status == 400
    assert fill(browser, page, origin="https://evil.example").status == 400
    assert fill(Browser(opened), page).status == 400
    assert opened.store._writing.execute("SELECT count(*) FROM users").fetchone()[0] == 3


def test_cancel_tells_the_client(opened: Site) -> None:
    """Cancel sends `access_denied`, and nobody is made."""
    browser = Browser(opened)
    answer = browser.submit(begin(opened, browser), "signup-form", decision="cancel")
    assert answer.error == "access_denied"


def test_log_holds_no_name_and_no_password(opened: Site) -> None:
    """What was typed does not get into the log, for a name may be a password."""
    with harness.logged() as log:
        browser = Browser(opened)
        page = begin(opened, browser)
        fill(browser, page, "alice", PASSWORD)
        fill(browser, page, "typed-by-mistake", "short")
    text = "\n".join(log.lines)
    assert "user-exists" in text
    assert "password-invalid" in text
    for secret in (PASSWORD, "typed-by-mistake", '"alice"', page.url.rsplit("/", 1)[1]):
        assert secret not in text
