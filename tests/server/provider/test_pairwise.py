"""Pairwise subjects through whole sign-ins: one subject per sector, told alike everywhere, and compared as told."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import harness
from tests.capability import capability

pytestmark = capability("subjects-pairwise", witness="a person's browser, in process")
PLACES = {"id_token", "userinfo", "introspection", "refreshed"}


def app(site: harness.Site, client_id: str, sector: str) -> harness.App:
    """Register a client with pairwise subjects."""
    secret = f"{client_id}-secret"
    site.add_client(client_id, secret, subject_type="pairwise", sector_identifier=sector)
    return harness.App(site, client_id, secret)


def told(of: harness.App, browser: harness.Browser | None = None, username: str = "alice") -> dict[str, str]:
    """Return the subject of a person as a client is told it at each place."""
    first = of.tokens(browser, username)
    second = of.refresh(first["refresh_token"]).json()
    return {
        "id_token": harness.payload(first["id_token"])["sub"],
        "userinfo": of.userinfo(first["access_token"]).json()["sub"],
        "introspection": of.introspect(second["access_token"])["sub"],
        "refreshed": harness.payload(second["id_token"])["sub"],
    }


def test_a_subject_is_the_same_wherever_it_is_told(site: harness.Site) -> None:
    """OpenID Connect Core 8.1, 5.3.2: ID token, UserInfo, introspection and a refreshed ID token agree."""
    found = told(app(site, "one", "one.example"))
    assert set(found) == PLACES
    assert len(set(found.values())) == 1
    assert site.user("alice").user_id not in found.values()


def test_two_sectors_cannot_tell_that_it_is_one_person(site: harness.Site) -> None:
    """No claim of their ID tokens has a value in common but those that everybody's have: not the sub, not the sid."""
    browser = harness.Browser(site)
    one, two = app(site, "one", "one.example"), app(site, "two", "two.example")
    tokens = [harness.payload(of.tokens(browser, scope="openid")["id_token"]) for of in (one, two)]
    public = harness.payload(harness.App(site).tokens(browser, scope="openid")["id_token"])
    for name in ("sub", "sid", "aud", "at_hash"):
        assert len({told_to[name] for told_to in (*tokens, public)}) == 3, name


def test_one_sector_knows_its_person(site: harness.Site) -> None:
    """OpenID Connect Core 8.1: clients of one sector are told one subject and one session."""
    browser = harness.Browser(site)
    one, two = app(site, "one", "shared.example"), app(site, "two", "shared.example")
    first, second = (harness.payload(of.tokens(browser)["id_token"]) for of in (one, two))
    assert (first["sub"], first["sid"]) == (second["sub"], second["sid"])


def test_two_people_have_two_subjects(site: harness.Site) -> None:
    """Whatever the sector, nobody is told another's subject."""
    of = app(site, "one", "one.example")
    assert told(of)["id_token"] != told(of, username="bob")["id_token"]


def test_another_client_is_told_the_holders_subject(site: harness.Site) -> None:
    """RFC 7662 2.2: the subject of a token is who the person is to the client that holds it, never the public one."""
    of = app(site, "one", "one.example")
    answer = of.tokens()
    told_to_web = harness.App(site).introspect(answer["access_token"])["sub"]
    assert told_to_web == harness.payload(answer["id_token"])["sub"]


@pytest.mark.parametrize("prompt", ["none", None])
def test_the_clients_own_hint_names_its_person(site: harness.Site, prompt: str | None) -> None:
    """OpenID Connect Core 3.1.2.1: with the person signed in whom the hint names, nobody is asked."""
    of, browser = app(site, "one", "one.example"), harness.Browser(site)
    hint = of.tokens(browser)["id_token"]
    assert "code" in of.authorize(browser, prompt=prompt, id_token_hint=hint).params


@pytest.mark.parametrize("other", ["two", "web"])
def test_a_hint_of_another_sector_names_nobody(site: harness.Site, other: str) -> None:
    """Else a client could try which of another's subjects is its own person: same answer as for a stranger's hint."""
    browser = harness.Browser(site)
    one = app(site, "one", "one.example")
    two = app(site, "two", "two.example") if other == "two" else harness.App(site)
    one.tokens(browser)
    same_person, stranger = two.tokens(browser)["id_token"], two.tokens(username="bob")["id_token"]
    errors = {one.authorize(browser, prompt="none", id_token_hint=hint).error for hint in (same_person, stranger)}
    assert errors == {"login_required"}
    # And the other way round: a pairwise hint does not tell a client with public subjects anything.
    own = one.tokens(browser)["id_token"]
    assert two.authorize(browser, prompt="none", id_token_hint=own).error == "login_required"


def test_a_sub_value_is_the_clients_own(site: harness.Site) -> None:
    """OpenID Connect Core 5.5.1: a request for another `sub` gets no answer for this person; the UUID is another's."""
    of, browser = app(site, "one", "one.example"), harness.Browser(site)
    own = harness.payload(of.tokens(browser)["id_token"])["sub"]

    def asked(place: str, **request: Any) -> harness.Answer:
        return of.authorize(browser, prompt="none", claims=json.dumps({place: {"sub": request}}))

    for place in ("id_token", "userinfo"):
        assert "code" in asked(place, value=own).params
        assert "code" in asked(place, values=["x", own]).params
        assert asked(place, value=site.user("alice").user_id).error == "login_required"
        assert asked(place, values=["x"]).error == "login_required"


def test_logout_knows_the_hints_subject_and_session(site: harness.Site) -> None:
    """RP-Initiated Logout 2: a hint of this very session signs out at once, though its sub and sid are pairwise."""
    of, browser = app(site, "one", "one.example"), harness.Browser(site)
    hint = of.tokens(browser)["id_token"]
    assert browser.session_of(of.issuer)
    browser.get(f"{of.base}/logout?{urlencode({'id_token_hint': hint})}")
    assert browser.session_of(of.issuer) == ""


def test_a_hint_of_another_session_asks(site: harness.Site) -> None:
    """RP-Initiated Logout 2: the same person's hint of another browser ends nothing by itself."""
    of, browser = app(site, "one", "one.example"), harness.Browser(site)
    of.tokens(browser)
    hint = of.tokens()["id_token"]
    page = browser.get(f"{of.base}/logout?{urlencode({'id_token_hint': hint})}")
    assert 'id="logout-form"' in page.text
    assert browser.session_of(of.issuer)


def test_other_tokens_of_ours_are_no_hints(site: harness.Site) -> None:
    """It is our own, with issuer, audience and subject, and still no ID token."""
    of, browser = app(site, "one", "one.example"), harness.Browser(site)
    site.change_client("one", userinfo_signed_response_alg="RS256")
    answer = of.tokens(browser)
    text = of.userinfo(answer["access_token"]).text
    assert harness.payload(text)["sub"] == harness.payload(answer["id_token"])["sub"]
    assert of.authorize(browser, id_token_hint=text).error == "invalid_request"


def test_other_dialects_tell_no_public_subject(site: harness.Site) -> None:
    """A pairwise client that signs in at another dialect's endpoints is not told by it who the person is elsewhere."""
    site.change_client("web", subject_type="pairwise", sector_identifier="app.example")
    answer = harness.auth0_app(site).tokens(scope="openid")
    public = site.listeners[3].dialect
    assert public is not None
    found = harness.payload(answer["id_token"])["sub"]
    assert found.startswith("auth0|")
    assert found != public.subject(site.user("alice").user_id)
    assert harness.auth0_app(site).userinfo(answer["access_token"]).json()["sub"] == found
