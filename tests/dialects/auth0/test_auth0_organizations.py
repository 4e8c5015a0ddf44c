"""Signing in for an organization: named or chosen, and only by its members."""

from __future__ import annotations

import pytest

from intaglio.server.admin import organizations
from intaglio.server.model.organizations import Organization
from intaglio.server.registry.deeds import Actor
from tests import harness
from tests.capability import capability
from tests.web import markup

ROOT = "http://localhost:8083"


def make(site: harness.Site, name: str, *members: str) -> Organization:
    """Make an organization of the default tenant."""
    tenant_id, actor = site.user("alice").tenant_id, Actor("test", site.clock.now())
    made = site.run(organizations.create(site.store, actor, tenant_id, name, display_name=name.title()))
    for username in members:
        site.run(organizations.add(site.store, actor, tenant_id, name, site.user(username)))
    return made


@pytest.fixture
def app(site: harness.Site) -> harness.App:
    """Return an application that may be used for organizations."""
    site.change_client("web", organization_usage="allow")
    return harness.auth0_app(site)


@capability("auth0-organizations", witness="the ID tokens")
@capability("auth0-traps", witness="the ID tokens")
def test_trap_the_name_is_told_in_lower_case(site: harness.Site, app: harness.App) -> None:
    """By identifier or by name in any case, the ID token has both; a refreshed one as well."""
    made = make(site, "hay", "alice")
    for named in (made.organization_id, "hay", "HaY"):
        tokens = app.tokens(organization=named)
        for token in (tokens["id_token"], app.refresh(tokens["refresh_token"]).json()["id_token"]):
            claims = harness.payload(token)
            assert (claims["org_id"], claims["org_name"]) == (made.organization_id, "hay")
    assert "org_id" not in harness.payload(app.tokens()["id_token"])


def test_a_stranger_is_turned_away(site: harness.Site, app: harness.App) -> None:
    """Whoever does not belong to it, signed in already or just now, gets an error and no code."""
    made = make(site, "hay", "bob")
    browser = harness.Browser(site)
    first = app.callback(browser, organization="hay")
    assert first.params["error"] == "access_denied"
    assert first.params["error_description"] == f"user is not part of the {made.organization_id} organization"
    second = app.authorize(browser, organization="hay", prompt="none")
    assert (second.params["error"], "code" in second.params) == ("access_denied", False)
    assert "code" in app.callback(username="bob", organization="hay").params


def test_an_organization_that_is_not_there(site: harness.Site, app: harness.App) -> None:
    """The application is told before anybody signs in."""
    answer = app.authorize(harness.Browser(site), organization="org_nothing")
    assert answer.params["error"] == "invalid_request"
    assert answer.params["error_description"] == "the specified organization does not exist: org_nothing"


def test_one_of_another_tenant_is_none(site: harness.Site, app: harness.App) -> None:
    """Identifiers mean nothing beyond their tenant."""
    other = site.add_tenant("other")
    actor = Actor("test", site.clock.now())
    made = site.run(organizations.create(site.store, actor, other.tenant_id, "hay"))
    assert app.authorize(harness.Browser(site), organization=made.organization_id).params["error"] == "invalid_request"


def test_an_application_without_organizations(site: harness.Site) -> None:
    """It is told that it may not name one."""
    make(site, "hay", "alice")
    answer = harness.auth0_app(site).authorize(harness.Browser(site), organization="hay")
    assert answer.params["error_description"] == "parameter organization is not allowed for this client"


def test_a_switch_that_was_turned_meanwhile(site: harness.Site, app: harness.App) -> None:
    """What the application may do counts when the code is given, not when the request came."""
    make(site, "hay", "alice")
    browser = harness.Browser(site)
    page = browser.follow(app.authorize(browser, organization="hay"))
    site.change_client("web", organization_usage="deny")
    site.clock.advance(1)
    answer = browser.through(page)
    assert (answer.params["error"], "code" in answer.params) == ("invalid_request", False)


def test_where_one_is_required_the_only_one_counts(site: harness.Site) -> None:
    """Nobody is asked who belongs to one; who belongs to none does not get in."""
    site.change_client("web", organization_usage="require")
    app = harness.auth0_app(site)
    made = make(site, "hay", "alice")
    assert harness.payload(app.tokens()["id_token"])["org_id"] == made.organization_id
    assert app.callback(username="bob").params["error"] == "access_denied"


@capability("auth0-organizations", witness="the page and the ID token")
def test_who_belongs_to_several_chooses(site: harness.Site) -> None:
    """On a page that offers those and no others; silently it cannot be done."""
    site.change_client("web", organization_usage="require")
    app, browser = harness.auth0_app(site), harness.Browser(site)
    hay, oat, rye = make(site, "hay", "alice"), make(site, "oat", "alice"), make(site, "rye", "bob")
    page = browser.follow(browser.sign_in(browser.follow(app.authorize(browser))))
    choices = [e.attributes["value"] for e in markup.read(page.body) if e.attributes.get("name") == "organization"]
    assert choices == [hay.organization_id, oat.organization_id]
    assert app.authorize(browser, prompt="none").params["error"] == "interaction_required"
    again = browser.submit(page, "organization-form", organization=rye.organization_id)
    assert "/_intaglio/organization/" in again.location
    page = browser.follow(again)
    answer = browser.through(browser.submit(page, "organization-form", organization=oat.organization_id))
    claims = harness.payload(app.redeem(answer.params["code"]).json()["id_token"])
    assert (claims["org_id"], claims["org_name"]) == (oat.organization_id, "oat")


def test_the_choice_is_its_persons(site: harness.Site) -> None:
    """The form is bound to who was shown it: without its token, or as somebody else, it does nothing."""
    site.change_client("web", organization_usage="require")
    app, browser = harness.auth0_app(site), harness.Browser(site)
    hay, _ = make(site, "hay", "alice", "bob"), make(site, "oat", "alice", "bob")
    page = browser.follow(browser.sign_in(browser.follow(app.authorize(browser))))
    assert browser.submit(page, "organization-form", organization=hay.organization_id, csrf="x").status >= 400
    other = browser.follow(app.authorize(browser, prompt="login"))
    browser.follow(browser.sign_in(other, "bob"))
    assert browser.submit(page, "organization-form", organization=hay.organization_id).status >= 400


def test_who_was_removed_gets_no_more(site: harness.Site, app: harness.App) -> None:
    """The next refresh fails and ends the family; so does a silent renewal."""
    made, browser = make(site, "hay", "alice"), harness.Browser(site)
    tokens = app.tokens(browser, organization="hay")
    alice, actor = site.user("alice"), Actor("test", site.clock.now())
    site.run(organizations.remove(site.store, actor, alice.tenant_id, "hay", alice))
    refused = app.refresh(tokens["refresh_token"])
    assert (refused.status, refused.error) == (403, "invalid_grant")
    assert refused.json()["error_description"] == f"user is not part of the {made.organization_id} organization"
    site.run(organizations.add(site.store, actor, alice.tenant_id, "hay", alice))
    assert app.refresh(tokens["refresh_token"]).status == 403
    site.run(organizations.remove(site.store, actor, alice.tenant_id, "hay", alice))
    assert app.authorize(browser, organization="hay", prompt="none").params["error"] == "access_denied"


def test_other_dialects_know_no_organizations(site: harness.Site) -> None:
    """There the application is used as ever."""
    site.change_client("web", organization_usage="require")
    assert harness.App(site).tokens()["id_token"]
