"""Leaving: what a user, a client or a tenant has ends at once on every node, and stays ended when they come back."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from intaglio.protocol.device import GRANT
from intaglio.server.admin import leaving
from intaglio.server.devmode import seeds
from intaglio.server.model import outbox
from intaglio.server.model.plan import decode
from tests.capability import capability
from tests.harness import App, Browser
from tests.nodes import Two
from tests.server.provider import test_device

BACKCHANNEL = "https://rp.example/logout"


@pytest.fixture
def two(tmp_path: pathlib.Path) -> Iterator[Two]:
    """Two nodes on one database."""
    opened = Two(tmp_path)
    yield opened
    opened.close()


class Held:
    """All that alice and the client `web` have, with a code and a device that nobody redeemed yet."""

    def __init__(self, two: Two) -> None:
        self.two = two
        self.browser = Browser(two.one)
        app = App(two.one)
        self.tokens = app.tokens(self.browser)
        self.code = app.code(self.browser)
        self.device = test_device.start(two.one)
        test_device.approve(two.one, self.device["user_code"], self.browser)
        self.waiting = test_device.start(two.one)
        self.own = App(two.one, "machine", "machine-secret").token({"grant_type": "client_credentials"}).json()

    def remember(self) -> None:
        """Let both nodes read all of it in this second, and see that it lives."""
        for node in self.two.nodes:
            app = App(node)
            assert app.userinfo(self.tokens["access_token"]).status == 200
            assert app.introspect(self.tokens["access_token"])["active"]
            assert app.introspect(self.tokens["refresh_token"])["active"]
            assert app.introspect(self.own["access_token"])["active"]
        assert "code" in App(self.two.other).authorize(self.two.elsewhere(self.browser), prompt="none").params

    def are_dead(self) -> None:
        """See that none of alice's tokens at `web` is good for anything at either node."""
        for node in self.two.nodes:
            app = App(node)
            assert app.userinfo(self.tokens["access_token"]).status in (401, 404)
            for kind in ("access_token", "refresh_token"):
                answer = node.post("~/introspect", {"token": self.tokens[kind]}, headers=App(node).headers())
                assert answer.status != 200 or answer.json() == {"active": False}
            assert app.refresh(self.tokens["refresh_token"]).status != 200
        assert App(self.two.other).redeem(self.code).status != 200

    def is_signed_out(self) -> None:
        """See that the browser's session is over at either node."""
        for node in self.two.nodes:
            browser = Browser(node)
            browser.jar = dict(self.browser.jar)
            answer = App(node).authorize(browser, prompt="none")
            assert answer.params.get("error") == "login_required" or answer.status == 404


@pytest.fixture
def held(two: Two) -> Held:
    """What alice and her applications have, remembered by both nodes, one of which is told of logouts."""
    two.one.change_client("web", backchannel_logout_uri=BACKCHANNEL)
    two.other.settle()
    made = Held(two)
    made.remember()
    return made


def notices(two: Two) -> list[str]:
    """Return whom the outbox is to tell of whose end."""
    now = two.one.clock.now()
    found = two.one.write(outbox.claim, "test", now, now, 100, 100)
    return [decode(entry.record, dict)["client_id"] for entry in found]


def device_error(two: Two, device: dict[str, Any]) -> str:
    """Return what the other node tells a device that asks for its tokens."""
    form = {"grant_type": GRANT, "device_code": device["device_code"], "client_id": "tv"}
    return two.other.post("~/token", form).error


@capability("leaving-user", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("act", [leaving.disable_user, leaving.delete_user])
def test_a_user_ends_everywhere_within_a_second(two: Two, held: Held, act: Callable[..., Any]) -> None:
    """Session, code, device, access and refresh tokens die; `web` is told; nobody signs in; others notice nothing."""
    bobs = App(two.other).tokens(username="bob")
    ended = two.does(act, seeds.TENANT_ID, "alice").ended
    assert (ended.sessions, ended.grants) == (1, 1)
    two.settle()
    held.are_dead()
    held.is_signed_out()
    assert device_error(two, held.device) == "access_denied"
    assert notices(two) == ["web"]
    assert "login-form" in App(two.other).callback(Browser(two.other)).text
    assert App(two.other).userinfo(bobs["access_token"]).status == 200
    assert App(two.one).introspect(held.own["access_token"])["active"]


@capability("leaving-client", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("act", [leaving.disable_client, leaving.delete_client])
def test_a_client_ends_everywhere_within_a_second(two: Two, held: Held, act: Callable[..., Any]) -> None:
    """Its tokens, codes and waiting requests die; its people stay signed in, and other clients notice nothing."""
    waiting = Browser(two.one)
    page = waiting.follow(App(two.one).authorize(waiting))
    assert two.does(act, seeds.TENANT_ID, "web").ended.grants == 1
    two.settle()
    held.are_dead()
    assert App(two.other).token({"grant_type": "client_credentials"}).error == "invalid_client"
    assert waiting.submit(page, "login-form", username="alice", password="alice-password").status == 400
    assert test_device.poll(two.other, held.device["device_code"]).status == 200
    assert notices(two) == []
    spa = App(two.other, "spa", "", redirect_uri="http://localhost:3000/callback")
    assert "error" not in two.elsewhere(held.browser).follow(spa.authorize(two.elsewhere(held.browser))).params


@capability("leaving-client", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("act", [leaving.disable_client, leaving.delete_client])
def test_a_clients_own_tokens_end_with_it(two: Two, held: Held, act: Callable[..., Any]) -> None:
    """Row 35: a client that is gone cannot use client credentials, and what it got for itself is dead."""
    two.does(act, seeds.TENANT_ID, "machine")
    two.settle()
    for node in two.nodes:
        assert App(node).introspect(held.own["access_token"]) == {"active": False}
        app = App(node, "machine", "machine-secret")
        assert app.token({"grant_type": "client_credentials"}).error == "invalid_client"


@capability("leaving-client", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("act", [leaving.disable_client, leaving.delete_client])
def test_devices_of_a_client_are_turned_away(two: Two, held: Held, act: Callable[..., Any]) -> None:
    """A device that waits for its person, or was let in and has not asked yet, gets nothing."""
    two.does(act, seeds.TENANT_ID, "tv")
    two.settle()
    for device in (held.device, held.waiting):
        assert device_error(two, device) == "invalid_client"


@capability("leaving-tenant", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("act", [leaving.disable_tenant, leaving.delete_tenant])
def test_a_tenant_ends_everywhere_within_a_second(two: Two, held: Held, act: Callable[..., Any]) -> None:
    """Nothing of it is found any more, and what its applications wait for is sent if the keys are still there."""
    two.does(act, "default")
    two.settle()
    held.are_dead()
    held.is_signed_out()
    for node in two.nodes:
        for path in ("/.well-known/openid-configuration", "/jwks", "/authorize", "/account"):
            assert node.get("~" + path).status == 404
    assert notices(two) == (["web"] if act is leaving.disable_tenant else [])


@capability("leaving-stays", witness="the endpoints of two nodes on one database")
@pytest.mark.parametrize("whom", ["user", "client", "tenant"])
def test_what_was_ended_stays_ended(two: Two, held: Held, whom: str) -> None:
    """Row 35: who is enabled again begins anew; even what a node gave in the second of its memory is dead."""
    named = {"user": (seeds.TENANT_ID, "alice"), "client": (seeds.TENANT_ID, "web"), "tenant": ("default",)}[whom]
    two.does(getattr(leaving, f"disable_{whom}"), *named)
    two.settle()
    two.does(getattr(leaving, f"enable_{whom}"), *named)
    two.settle()
    held.are_dead()
    if whom != "client":
        held.is_signed_out()
    assert device_error(two, held.device) == ("" if whom == "client" else "access_denied")
    fresh = App(two.other).tokens(Browser(two.other))
    assert App(two.one).userinfo(fresh["access_token"]).status == 200
    assert App(two.one).refresh(fresh["refresh_token"]).status == 200


def test_what_slips_through_ends_as_well(two: Two, held: Held) -> None:
    """A token that a node gave in the second in which it remembered the client is dead when the client is back."""
    held.remember()
    two.does(leaving.disable_client, seeds.TENANT_ID, "machine")
    late = App(two.other, "machine", "machine-secret").token({"grant_type": "client_credentials"})
    assert late.status == 200, "the other node goes by its memory of this second"
    two.settle()
    two.does(leaving.enable_client, seeds.TENANT_ID, "machine")
    two.settle()
    assert App(two.one).introspect(late.json()["access_token"]) == {"active": False}


def test_enabling_what_is_enabled_ends_nothing(two: Two, held: Held) -> None:
    """Whoever enables a user, client or tenant to be sure signs nobody out."""
    two.does(leaving.enable_user, seeds.TENANT_ID, "alice")
    two.does(leaving.enable_client, seeds.TENANT_ID, "web")
    two.does(leaving.enable_tenant, "default")
    two.settle()
    held.remember()


@capability("leaving-sign-out", witness="the endpoints of two nodes on one database")
def test_an_operator_signs_somebody_out(two: Two, held: Held) -> None:
    """Sessions end in every browser and applications are told; offline access stays unless it is to end as well."""
    online = App(two.one).tokens(held.browser, scope="openid")
    assert two.does(leaving.sign_out, seeds.TENANT_ID, "alice").ended.sessions == 1
    two.settle()
    held.is_signed_out()
    assert notices(two) == ["web"]
    assert App(two.other).userinfo(online["access_token"]).status == 401
    assert App(two.other).userinfo(held.tokens["access_token"]).status == 200
    assert App(two.other).redeem(held.code).error == "invalid_grant"
    two.does(leaving.sign_out, seeds.TENANT_ID, "alice", applications=True)
    two.settle()
    held.are_dead()
    assert App(two.other).tokens(Browser(two.other))["access_token"]
