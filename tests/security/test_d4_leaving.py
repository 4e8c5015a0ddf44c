"""Rows 35, 43 and 44 once more: what is under way when somebody leaves, who can tell, and whom a name means."""

from __future__ import annotations

import re

import pytest

from intaglio.dialects import registry
from intaglio.errors import Misconfigured
from intaglio.server.admin import exports, leaving
from intaglio.server.devmode import seeds
from intaglio.server.model import tenants, users
from intaglio.server.registry.deeds import Actor
from tests import upstreams
from tests.harness import Answer, App, Browser, Site
from tests.server.provider import test_device
from tests.server.provider.test_five_dialects import Door

NAMED = {"user": (seeds.TENANT_ID, "alice"), "client": (seeds.TENANT_ID, "web"), "tenant": ("default",)}


def gone(site: Site, whom: str, verb: str = "disable") -> None:
    """Let somebody leave; a second later every node knows."""
    act = getattr(leaving, f"{verb}_{whom}")
    site.run(act(site.store, Actor("operator:root", site.clock.now()), *NAMED[whom]))
    site.settle()


def gives_nothing(answer: Answer) -> bool:
    """Tell whether an answer holds neither code nor token."""
    told = answer.params | answer.fragment
    return not {"code", "access_token", "id_token"} & set(told)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("whom", ["user", "client", "tenant"])
@pytest.mark.parametrize("at", ["login", "consent"])
def test_d4_35_a_sign_in_under_way_ends(site: Site, at: str, whom: str, again: bool) -> None:
    """A page that was open when somebody left leads to no code; nor, once it asked for consent, when they are back."""
    browser = Browser(site)
    page = browser.follow(App(site).authorize(browser))
    if at == "consent":
        page = browser.sign_in(page)
        assert 'id="consent-form"' in page.text
    gone(site, whom)
    if again:
        gone(site, whom, "enable")
    if at == "login":
        answer = browser.sign_in(page)
        # A person who is back may sign in on the page that waited: nothing of what they had is needed for that.
        if whom == "user" and again:
            assert 'id="consent-form"' in answer.text
            return
    else:
        answer = browser.consent(page)
    assert gives_nothing(answer)
    assert 'id="consent-form"' not in answer.text


@pytest.mark.parametrize("whom", ["user", "client", "tenant"])
def test_d4_35_a_device_under_way_ends(site: Site, whom: str) -> None:
    """A device that its person is about to let in is let in by nobody who left, and into nothing that is gone."""
    device, browser = test_device.start(site), Browser(site)
    page = test_device.log_in(browser, test_device.enter(browser, device["user_code"]))
    assert 'id="device-decision"' in page.text
    if whom == "client":
        actor = Actor("operator:root", site.clock.now())
        site.run(leaving.disable_client(site.store, actor, seeds.TENANT_ID, "tv"))
        site.settle()
    else:
        gone(site, whom)
    assert "Your device is connected" not in test_device.decide(browser, page).text
    site.clock.advance(10)
    assert test_device.poll(site, device["device_code"]).status != 200


@pytest.mark.parametrize("whom", ["user", "client", "tenant"])
def test_d4_35_a_way_back_from_another_provider_ends(site: Site, whom: str) -> None:
    """Whoever comes back from another provider after the user, client or tenant was disabled gets no code."""
    liar = upstreams.Liar(site)
    liar.connect()
    liar.sign_in(Browser(site))
    known = upstreams.identity(site, upstreams.OP, "u1")
    assert known is not None
    browser = Browser(site)
    liar.leave(browser)
    if whom == "user":
        actor = Actor("operator:root", site.clock.now())
        site.run(leaving.disable_user(site.store, actor, seeds.TENANT_ID, known.user_id))
        site.settle()
    else:
        gone(site, whom)
    assert gives_nothing(browser.follow(liar.back(browser)))


@pytest.mark.parametrize("name", registry.DIALECTS)
def test_d4_35_sessions_of_every_dialect_end(site: Site, name: str) -> None:
    """A person who is disabled is signed in nowhere, whichever dialect was spoken, and stays so when they are back."""
    door, browser = Door(site, name), Browser(site)
    door.sign_in(browser)
    assert door.is_signed_in(browser)
    gone(site, "user")
    assert not door.is_signed_in(browser)
    gone(site, "user", "enable")
    assert not door.is_signed_in(browser)


def test_d4_43_who_left_is_as_unknown_as_anybody(site: Site) -> None:
    """The right password of a disabled or deleted user gets the page, and the work, of a wrong one of nobody."""
    counted = 0
    verify = site.passwords.verify

    async def counting(encoded: str, password: str) -> bool:
        nonlocal counted
        counted += 1
        return await verify(encoded, password)

    site.house.passwords.verify = counting  # type: ignore[method-assign]
    actor = Actor("operator:root", site.clock.now())
    site.run(leaving.disable_user(site.store, actor, seeds.TENANT_ID, "alice"))
    site.run(leaving.delete_user(site.store, actor, seeds.TENANT_ID, "bob"))
    site.settle()
    seen = set()
    for username in ("alice", "bob", "nobody"):
        browser = Browser(site)
        page = browser.follow(App(site).authorize(browser))
        fields = {"username": username, "password": f"{username}-password", "decision": "login"}
        answer = browser.submit(page, "login-form", **fields)
        text = re.sub(r'value="[^"]*"|/_intaglio/login/[\w-]+', "", answer.text)
        seen.add((answer.status, text, tuple(name for name, _ in answer.headers)))
    assert (len(seen), counted) == (1, 3)


@pytest.mark.parametrize("name", ["alice*", "ali%", "a_ice", "alice/", "alice,bob", "аlice", "{{alice}}", "", "*"])
def test_d4_44_nobody_leaves_by_a_pattern(site: Site, name: str) -> None:
    """Who disables, deletes, signs out or exports means one user by their own name, and by no look-alike."""
    tenant = site.read(tenants.by_id, seeds.TENANT_ID)
    actor = Actor("operator:root", site.clock.now())
    named = (site.store, actor, seeds.TENANT_ID, name)
    for deed in (leaving.disable_user(*named), leaving.delete_user(*named), leaving.sign_out(*named)):
        with pytest.raises(Misconfigured) as caught:
            site.run(deed)
        assert caught.value.code == "user-unknown"
    with pytest.raises(Misconfigured):
        site.run(exports.user(site.store, actor, tenant, name))
    assert site.user("alice").disabled_at is None


def test_d4_44_a_uuid_means_its_own_user(site: Site) -> None:
    """A person who took another's UUID for a name is not meant by it: the other one is."""
    victim = site.user("bob")
    usurper = site.user("alice")
    site.write(users.insert, type(usurper)(seeds.TENANT_ID, "u-x", victim.user_id, 0, 0))  # type: ignore[arg-type]
    actor = Actor("operator:root", site.clock.now())
    left = site.run(leaving.disable_user(site.store, actor, seeds.TENANT_ID, victim.user_id))
    assert left.user.username == "bob"


@pytest.mark.parametrize(
    ("email", "taken"),
    [("ALICE@example.com", True), ("alice@EXAMPLE.com", True), ("alice@example.com ", False), ("%@example.com", False)],
)
def test_d4_44_an_address_is_exact_where_it_opens_something(site: Site, email: str, taken: bool) -> None:
    """Whom a policy or a link means is found by the very address that was confirmed; taken it is in every spelling."""
    assert site.read(users.by_confirmed_email, seeds.TENANT_ID, email) == []
    assert site.read(users.has_email, seeds.TENANT_ID, email) is taken
