"""Applications that people of several tenants use, and what an administrator of a tenant decides for everybody."""

from __future__ import annotations

import msgspec
import pytest

from intaglio.errors import Misconfigured
from intaglio.names import ClientId, TenantId, UserId
from intaglio.server.admin import clients as admin
from intaglio.server.devmode import seeds
from intaglio.server.model import clients, users
from intaglio.server.model.assigned import ClaimRule
from intaglio.server.model.clients import Client
from tests import harness
from tests.capability import capability
from tests.dialects.microsoft.conftest import BASE, DAEMON, TENANT, WEB, Application
from tests.harness import Browser, Site, payload

ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
ZOE = "00000000-0000-4000-9000-0000000000ee"


@pytest.fixture(scope="module")
def other(site: Site) -> str:
    """A second tenant with a domain and a user `alice`."""
    return str(site.add_tenant("contoso", domains=("contoso.example",)).tenant_id)


@capability("microsoft-shared", witness="a scripted browser")
def test_one_key_ring_and_each_tenants_own_issuer(site: Site, other: str) -> None:
    """A person of another tenant signs in to a shared application: that tenant's issuer, and a record of it there."""
    app, browser = Application(site, word=other), Browser(site)
    answer = browser.through(app.authorize(browser), "alice", "other-password")
    claims = payload(app.redeem(answer.params["code"]).json()["id_token"])
    assert (claims["iss"], claims["tid"]) == (f"{BASE}/{other}/v2.0", other)
    assert claims["sub"] != payload(Application(site).tokens()["id_token"])["sub"]
    kept = site.client(WEB, other)
    assert (kept.home_tenant_id, kept.secrets, kept.redirect_uris) == (TENANT, (), ())


def test_a_foreign_application_always_asks(site: Site, other: str) -> None:
    """That its own tenant's people need not be asked counts for nobody else's."""
    site.change_client(WEB, consent="implicit")
    zoe = msgspec.structs.replace(site.user("alice", other), user_id=UserId(ZOE), username="zoe")
    site.write(users.insert, zoe)
    browser = Browser(site)
    page = browser.sign_in(browser.follow(Application(site, word=other).authorize(browser)), "zoe", "other-password")
    assert 'id="consent-form"' in page.text
    assert 'id="of-another">It belongs to another organisation: <strong>Default</strong>.' in page.text
    assert "code" in Application(site).callback(username="bob").params
    site.change_client(WEB, consent="ask")


def test_a_foreign_application_brings_no_claim_rules(site: Site, other: str) -> None:
    """The rules of an application's own tenant look at nobody else's people."""
    site.change_client(WEB, claim_rules=(ClaimRule("spy", template="{user.username}"),))
    app, browser = Application(site, word=other), Browser(site)
    answer = browser.through(app.authorize(browser), "alice", "other-password")
    assert "spy" not in payload(app.redeem(answer.params["code"]).json()["id_token"])
    site.change_client(WEB, claim_rules=())


def test_an_application_of_one_tenant_is_nobody_elses(site: Site, other: str) -> None:
    """AADSTS700016 at another tenant's address, AADSTS50194 where several are."""
    form = {"grant_type": "client_credentials", "scope": f"api://{DAEMON}/.default"}
    app = Application(site, DAEMON, "ms-daemon-secret", word=other)
    assert app.token(form).json()["error_codes"] == [700016]
    single = site.add_client("00000000-0000-4000-8000-0000000003aa", "single-secret", like="web")
    page = Application(site, single.client_id, "single-secret", word="common").authorize(Browser(site))
    assert (page.status, "AADSTS50194" in page.text) == (400, True)


def test_a_foreign_application_has_nothing_of_its_own(site: Site, other: str) -> None:
    """A program of another tenant gets a token in its own name only of what an administrator consented to."""
    scope = f"api://{DAEMON}/.default"
    form = {"grant_type": "client_credentials", "scope": scope}
    site.change_client(DAEMON, sign_in_audience="organizations")
    app = Application(site, DAEMON, "ms-daemon-secret", word=other)
    assert app.token(form).json()["error"] == "invalid_scope"
    kept = Client(TenantId(other), ClientId(DAEMON), "x", harness.NOW, home_tenant_id=TENANT, consented_scope=(scope,))
    site.write(clients.insert, kept)
    site.settle()
    assert "access_token" in app.token(form).json()
    site.change_client(DAEMON, sign_in_audience="tenant")


def test_two_applications_of_one_identifier_are_neither(site: Site, other: str) -> None:
    """Nobody takes another application's place by its name."""
    home = site.client(WEB)
    third = site.add_tenant("fabrikam", domains=("fabrikam.example",))
    mine = msgspec.structs.replace(home, tenant_id=third.tenant_id, home_tenant_id="")
    site.write(clients.insert, mine)
    site.settle()
    fresh = str(site.add_tenant("tailspin").tenant_id)
    assert Application(site, word=fresh).authorize(Browser(site)).status == 400
    # Whoever has a record of the application keeps the one that was meant.
    assert Application(site, word=other).authorize(Browser(site)).status == 303
    site.write(clients.delete, third.tenant_id, WEB)
    site.settle()


def test_what_a_tenant_decides_of_a_foreign_application(site: Site, other: str) -> None:
    """Whether it is disabled and whether people have to be assigned; all else is said where it is registered."""

    def update(**changes: object) -> Client:
        return site.run(admin.update(site.store, site.clock, site.house.secrets, TenantId(other), WEB, changes)).client

    assert update(assignment_required=True, disabled=True).disabled_at is not None
    assert update(assignment_required=False, disabled=False) == site.client(WEB, other)
    with pytest.raises(Misconfigured) as caught:
        update(client_name="Mine", redirect_uris=("https://evil.example/",))
    assert caught.value.code == "client-elsewhere"


def test_a_disabled_application_is_disabled_everywhere(site: Site, other: str) -> None:
    """Where it is registered for all, where it is used for the people of that tenant."""
    own = site.client(WEB, other)
    site.write(clients.replace, msgspec.structs.replace(own, disabled_at=harness.NOW))
    site.settle()
    assert Application(site, word=other).authorize(Browser(site)).status == 400
    assert Application(site).authorize(Browser(site)).status == 303
    site.write(clients.replace, own)
    site.settle()


def test_audiences(site: Site, other: str) -> None:
    """An application for organisations is for no personal account, and the other way about."""
    for audience, organisation, personal in (
        ("organizations", 303, 400),
        ("personal", 400, 303),
        ("everyone", 303, 303),
    ):
        site.change_client(WEB, sign_in_audience=audience)
        found = [Application(site, word=word).authorize(Browser(site)).status for word in (other, "consumers")]
        assert found == [organisation, personal], audience


@capability("microsoft-realm", witness="a scripted browser")
def test_the_realm_page_tells_nothing_of_people(site: Site) -> None:
    """Names that nobody has lead to the same page as the others; an unknown domain leads to personal accounts."""
    for name in ("alice@dev.intaglio.test", "nobody@dev.intaglio.test", "carol", "nobody", "x@unknown.example"):
        app, browser = Application(site, word="common"), Browser(site)
        page = browser.follow(app.authorize(browser))
        answer = browser.submit(page, "realm-form", username=name, decision="next")
        assert answer.status == 303
        assert answer.location.startswith("/_intaglio/login/")


def test_organizations_are_for_no_personal_account(site: Site) -> None:
    """There, a name without a known domain leads nowhere, and the page says so."""
    app, browser = Application(site, word="organizations"), Browser(site)
    page = browser.follow(app.authorize(browser))
    answer = browser.submit(page, "realm-form", username="carol", decision="next")
    assert 'id="realm-error"' in answer.text
    given = browser.submit(answer, "realm-form", username="carol", decision="cancel")
    assert given.params["error"] == "access_denied"


@capability("user-domain", witness="a scripted browser")
def test_hints_lead_to_the_tenant_at_once(site: Site, other: str) -> None:
    """A user name or a domain in the request spares the page that asks for it."""
    for hint in ({"login_hint": "alice@contoso.example"}, {"domain_hint": "contoso.example"}):
        app, browser = Application(site, word="common"), Browser(site)
        page = browser.follow(app.authorize(browser, **hint))
        assert 'id="login-form"' in page.text
        answer = browser.sign_in(page, "alice@contoso.example", "other-password")
        assert "code" in browser.through(answer).params


def test_an_id_token_leads_to_its_tenant(site: Site) -> None:
    """As a hint at the open address; a text that is none leads nowhere and is refused."""
    browser = Browser(site)
    token = Application(site).tokens(browser)["id_token"]
    app = Application(site, word="common")
    assert "code" in app.authorize(browser, id_token_hint=token, prompt="none").params
    assert app.authorize(Browser(site), id_token_hint="a.b.c").params["error"] == "invalid_request"
    assert app.authorize(Browser(site), id_token_hint=token, prompt="none").params["error"] == "login_required"


def test_a_silent_request_without_a_tenant(site: Site) -> None:
    """`prompt=none` shows no page: AADSTS50058."""
    answer = Application(site, word="common").authorize(Browser(site), prompt="none")
    assert answer.params["error"] == "login_required"
    assert answer.params["error_description"].startswith("AADSTS50058")


def test_the_tenant_cookie_opens_nothing(site: Site) -> None:
    """A browser that brings the name of a tenant and no session is signed in nowhere."""
    browser, other = Browser(site), Browser(site)
    Application(site, word="common").callback(browser, login_hint="alice@dev.intaglio.test")
    other.jar = {name: value for name, value in browser.jar.items() if "-tenant-" in name}
    assert other.jar
    assert Application(site, word="common").authorize(other, prompt="none").params["error"] == "login_required"


def test_choosing_another_account_at_common(site: Site) -> None:
    """`select_account` asks for the user name again; whoever else is signed in there has to give way."""
    app, browser = Application(site, word="common"), Browser(site)
    app.callback(browser, login_hint="alice@dev.intaglio.test")
    page = browser.follow(app.authorize(browser, prompt="select_account"))
    page = browser.follow(browser.submit(page, "realm-form", username="bob@dev.intaglio.test", decision="next"))
    answer = browser.through(browser.sign_in(page, "bob@dev.intaglio.test", "bob-password"))
    assert payload(app.redeem(answer.params["code"]).json()["id_token"])["name"] == "Bob Baker"


# --- administrators


def _admin(site: Site, username: str, word: str = TENANT, **more: str) -> harness.Answer:
    browser = Browser(site)
    query = f"client_id={WEB}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9999%2Fcb&state=s"
    page = browser.follow(browser.get(f"{BASE}/{word}/adminconsent?{query}"))
    if 'id="realm-form"' in page.text:
        page = browser.follow(
            browser.submit(page, "realm-form", username=f"{username}@dev.intaglio.test", decision="next")
        )
    page = browser.sign_in(page, username)
    if 'id="consent-form"' in page.text:
        assert 'id="for-everybody"' in page.text
        page = browser.follow(browser.submit(page, "consent-form", decision="allow"))
    return page


def test_nobody_else_consents_for_everybody(site: Site) -> None:
    """Whoever is no administrator is shown no page and gets AADSTS90094."""
    answer = _admin(site, "bob")
    assert answer.params["error"] == "access_denied"
    assert answer.params["error_description"].startswith("AADSTS90094")
    assert site.client(WEB).consented_scope == ()


@capability("microsoft-admin-consent", witness="a scripted browser")
@pytest.mark.parametrize("word", [TENANT, "common", "organizations"])
def test_an_administrator_consents_for_everybody(site: Site, word: str) -> None:
    """The application is told so and for which tenant; nobody there is asked again; the audit log has it."""
    site.change_user("alice", groups=(ADMINISTRATOR,))
    answer = _admin(site, "alice", word)
    assert answer.params == {"admin_consent": "True", "tenant": TENANT, "state": "s"}
    assert set(site.client(WEB).consented_scope) == set(seeds.MS_SCOPE)
    site.settle()
    app, browser = Application(site), Browser(site)
    page = browser.follow(app.authorize(browser, scope="openid email User.Read"))
    given = browser.submit(page, "login-form", username="bob", password="bob-password", decision="login")
    assert "code" in given.params
    # What was consented to for everybody can be taken back: then people are asked, and all else is as it was.
    before, withdrawn = site.client(WEB), {"withdrawn": True}
    site.run(admin.update(site.store, site.clock, site.house.secrets, TenantId(TENANT), WEB, withdrawn))
    assert site.client(WEB) == msgspec.structs.replace(before, consented_scope=())
    site.settle()
    browser = Browser(site)
    page = browser.follow(app.authorize(browser, scope="openid email User.Read"))
    page = browser.submit(page, "login-form", username="bob", password="bob-password", decision="login")
    assert 'id="consent-form"' in browser.follow(page).text
    site.change_user("alice", groups=())


@capability("application-roles", witness="a scripted browser")
def test_assignment(site: Site) -> None:
    """An application for assigned people turns the others away: AADSTS50105, also where they refresh."""
    app, alice = Application(site), site.user("alice")
    refresh = app.tokens()["refresh_token"]
    site.change_client(WEB, assignment_required=True, roles={"": (alice.user_id,)})
    assert "roles" not in payload(app.tokens()["id_token"])
    refused = app.callback(username="bob")
    assert refused.params["error"] == "access_denied"
    assert refused.params["error_description"].startswith("AADSTS50105")
    site.change_client(WEB, roles={"Writer": ("a-group",)})
    assert app.refresh(refresh).json()["error_codes"] == [50105]
    site.change_user("alice", groups=("a-group",))
    assert payload(app.refresh(refresh).json()["id_token"])["roles"] == ["Writer"]
    site.change_user("alice", groups=())
    site.change_client(WEB, assignment_required=False, roles={})
