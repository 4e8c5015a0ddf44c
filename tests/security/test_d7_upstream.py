"""Sign-ins at other providers and what programs administer, attacked: each test is a way in that is shut."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from intaglio.dialects.microsoft import account
from intaglio.errors import Misconfigured
from intaglio.names import UserId
from intaglio.protocol.circumstances import Circumstances
from intaglio.protocol.facts import Person
from intaglio.server.devmode import seeds
from intaglio.server.model import connections, identities, users
from intaglio.server.model.connections import Connection
from intaglio.server.model.plan import Conflict
from intaglio.server.model.users import User
from intaglio.server.provider.upstream import people
from intaglio.server.registry import connectionrules
from tests import harness, upstreams
from tests.dialects.microsoft import facts
from tests.upstreams import OP, Liar
from tests.web import markup

ISSUER = "http://localhost:8080/default"


@pytest.fixture
def liar(site: harness.Site) -> Liar:
    """A provider with a connection `op` to it, which tells the truth until a test changes what it says."""
    made = Liar(site)
    made.connect()
    return made


def _other(site: harness.Site) -> harness.App:
    site.add_client("hr", secret="hr-secret", consent="implicit")
    return harness.App(site, "hr", "hr-secret")


# --- a session that another connection began


def test_a_session_of_a_closed_connection_opens_no_other_application(site: harness.Site, liar: Liar) -> None:
    """A connection for one application alone lets its people in there; elsewhere they have to sign in another way."""
    upstreams.change(site, "op", clients=("web",))
    browser = harness.Browser(site)
    assert "code" in liar.sign_in(browser).params
    other = _other(site)
    silent = other.authorize(browser, prompt="none")
    assert silent.params.get("error") == "login_required"
    page = browser.follow(other.authorize(browser))
    assert markup.by_id(markup.read(page.body), "login-form").tag == "form"
    assert upstreams.links(page) == []
    # Where it may be used, the session still counts.
    assert "code" in harness.App(site).authorize(browser, prompt="none").params
    # Whoever signs in here is not asked twice.
    assert "code" in browser.through(other.authorize(browser)).params


@pytest.mark.parametrize("change", [{"disabled_at": harness.NOW}, {"clients": ("tv",)}], ids=["disabled", "elsewhere"])
def test_no_refresh_by_a_closed_connection(site: harness.Site, liar: Liar, change: dict[str, Any]) -> None:
    """A refresh token of somebody who came in by it brings nothing, and neither does what it gave before."""
    app = harness.App(site)
    done = liar.sign_in(harness.Browser(site), scope="openid offline_access")
    tokens = app.redeem(done.params["code"]).json()
    refreshed = app.refresh(tokens["refresh_token"]).json()
    assert "id_token" in refreshed
    upstreams.change(site, "op", **change)
    answer = app.refresh(refreshed.get("refresh_token", tokens["refresh_token"]))
    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert app.userinfo(refreshed["access_token"]).status == 401


@pytest.mark.parametrize("change", ["disabled", "gone"])
def test_a_session_ends_with_its_connection(site: harness.Site, liar: Liar, change: str) -> None:
    """Who came in by a connection that is switched off or removed is signed in no more."""
    browser = harness.Browser(site)
    assert "code" in liar.sign_in(browser).params
    if change == "disabled":
        upstreams.change(site, "op", disabled_at=harness.NOW)
    else:
        site.write(connections.delete, seeds.TENANT_ID, "con_op")
        site.settle()
    assert harness.App(site).authorize(browser, prompt="none").params.get("error") == "login_required"


def test_a_session_of_a_closed_connection_lets_no_device_in(site: harness.Site, liar: Liar) -> None:
    """The same at the page where a device's code is typed: the login page comes first."""
    upstreams.change(site, "op", clients=("web",))
    browser = harness.Browser(site)
    assert "code" in liar.sign_in(browser).params
    told = site.post("~/device_authorization", {"client_id": "tv", "scope": "openid profile"}).json()
    page = browser.get(told["verification_uri_complete"])
    page = browser.follow(browser.submit(page, "device-form"))
    assert 'id="device-decision"' not in page.text
    assert markup.by_id(markup.read(page.body), "login-form").tag == "form"


# --- whose word counts for an address


MANY = "https://login.example/{tenantid}/v2.0"


@pytest.mark.parametrize("loose", ["link_by_email", "trusts_email"])
def test_no_address_is_believed_of_an_issuer_that_anybody_is(loose: str) -> None:
    """Whoever makes a tenant of their own there says what they like: nothing can be linked by its addresses."""
    plain = Connection(seeds.TENANT_ID, "con_x", "x", 1, MANY, "c", rules="microsoft")
    assert connectionrules.check(plain) == plain
    with pytest.raises(Misconfigured) as caught:
        connectionrules.check(msgspec.structs.replace(plain, **{loose: True}))
    assert caught.value.code == "issuer-of-many"


def test_a_domain_is_nobodys_at_an_issuer_that_anybody_is(site: harness.Site, liar: Liar) -> None:
    """An address in the connection's own domain is not confirmed by whichever tenant says so."""
    tenant = "11111111-2222-3333-4444-555555555555"
    template = OP + "/{tenantid}/v2.0"
    issuer = template.replace("{tenantid}", tenant)
    liar.paths = {"/common/v2.0/.well-known/openid-configuration": {"issuer": template}}
    upstreams.change(site, "op", issuer=template, rules="microsoft", domains=("corp.example",))
    liar.alg = "RS256"
    liar.metadata = {"authorization_response_iss_parameter_supported": False}
    liar.claims |= {"iss": issuer, "tid": tenant, "ver": "2.0", "oid": "o1", "email": "boss@corp.example"}
    liar.leave(browser := harness.Browser(site))
    assert "code" in browser.through(liar.back(browser, iss=None)).params
    found = site.read(identities.by_subject, seeds.TENANT_ID, issuer, "u1")
    assert found.claims["email_verified"] is False


# --- how old a sign-in may be


def test_a_registered_age_counts_there_too(site: harness.Site, liar: Liar) -> None:
    """`default_max_age` is asked for at the other provider, and a sign-in that is older is none."""
    site.change_client("web", default_max_age=300)
    liar.leave(browser := harness.Browser(site))
    assert liar.asked.get("max_age") == "300"
    liar.claims["auth_time"] = site.clock.now() - 3600
    assert "did not succeed" in liar.back(browser).text
    assert browser.session_of(ISSUER) == ""


def test_an_age_that_is_not_told_is_too_old(site: harness.Site, liar: Liar) -> None:
    """Who takes `max_age` off the way there gets an old session vouched for, without its age: that is no sign-in."""
    liar.leave(browser := harness.Browser(site), max_age="300")
    assert liar.asked["max_age"] == "300"
    assert "did not succeed" in liar.back(browser).text
    assert browser.session_of(ISSUER) == ""


@pytest.mark.parametrize("name", ["code_verifier", "provider", "self", "nonce", "response_mode"])
def test_a_parameter_that_the_sign_in_sets_itself(name: str) -> None:
    """No connection has a parameter that stands in the way of every sign-in."""
    made = Connection(seeds.TENANT_ID, "con_x", "x", 1, OP, "c", parameters={name: "v"})
    with pytest.raises(Misconfigured) as caught:
        connectionrules.check(made)
    assert caught.value.code == "parameter-invalid"


# --- what a guest is called


@pytest.mark.parametrize("name", ["alice@dev.intaglio.test", "ALICE@Dev.Intaglio.Test", "alice@dev.intaglio.test."])
@pytest.mark.parametrize("claim", ["preferred_username", "unique_name", "upn"])
def test_a_guest_does_not_bear_a_members_name(claim: str, name: str) -> None:
    """Whoever vouches for guests calls them nothing in this tenant's own domains: members are called so."""
    came = Circumstances(idp=OP, idp_subject="u1", connection="op", told={claim: name}, dialect="standard")
    person = Person("user-1", "op|u1", {}, updated_at=1)
    guest = facts.of(person=person, circumstances=came, tenant_domains=("dev.intaglio.test",))
    assert account.sign_in_name(guest) == "op|u1"
    home = msgspec.structs.replace(came, told={claim: "alice@op.example"})
    assert account.sign_in_name(facts.of(guest, circumstances=home)) == "alice@op.example"


# --- whose password is asked for


@pytest.mark.parametrize("username", ["bob@sso.example", " BOB@SSO.example ", "bob@\u017fso.example"])
@pytest.mark.parametrize("page", ["login", "device", "account"])
def test_a_domain_leads_away_from_every_password(site: harness.Site, liar: Liar, page: str, username: str) -> None:
    """Who belongs to another provider by their user name signs in there, whichever page takes passwords."""
    password = site.run(site.house.passwords.hash("bobs-old-password"))
    bob = User(seeds.TENANT_ID, UserId("bob-1"), "bob@sso.example", 1, 1, password_hash=password)
    site.write(users.insert, bob)
    upstreams.change(site, "op", domains=("sso.example",))
    browser = harness.Browser(site)
    if page == "login":
        shown = browser.follow(harness.App(site).authorize(browser))
    elif page == "device":
        told = site.post("~/device_authorization", {"client_id": "tv", "scope": "openid"}).json()
        shown = browser.follow(browser.submit(browser.get(told["verification_uri_complete"]), "device-form"))
    else:
        shown = browser.get(ISSUER + "/account")
    answer = browser.submit(shown, "login-form", username=username, password="bobs-old-password", decision="login")
    assert browser.session_of(ISSUER) == ""
    assert browser.follow(answer).location.startswith(OP + "/authorize")


# --- what happens at once


def test_who_is_disabled_meanwhile_stays_so(site: harness.Site, liar: Liar) -> None:
    """Claims that follow from there never put back what an operator took away while somebody signed in."""
    assert "code" in liar.sign_in(harness.Browser(site)).params
    found = upstreams.identity(site, OP, "u1")
    assert found is not None
    before = site.read(users.by_id, seeds.TENANT_ID, found.user_id)
    made = site.read(connections.of_tenant, seeds.TENANT_ID)[0]
    stranger = people.Stranger(made, OP, "u1", {"name": "Una the Second"})
    site.write(users.replace, msgspec.structs.replace(before, disabled_at=harness.NOW))
    with pytest.raises(Conflict):
        site.write(people._refreshed, before, found, stranger, harness.NOW)
    assert site.read(users.by_id, seeds.TENANT_ID, found.user_id).disabled_at == harness.NOW
