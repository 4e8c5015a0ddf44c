"""Attacks that a reading of the whole server brought up, each held off by a test of its own."""

from __future__ import annotations

import json

import msgspec

from intaglio import ids
from intaglio.server.http import cookies, dispatch
from intaglio.server.model import sessions, throttles
from intaglio.server.provider.signin import throttle
from intaglio.wire import addresses
from intaglio.wire.message import Request
from tests import harness

ISSUER = "http://localhost:8080/default"


def test_a_code_dies_with_the_session_it_came_of(site: harness.Site) -> None:
    """Who signs out ends what was not redeemed yet as well."""
    browser, app = harness.Browser(site), harness.App(site)
    code = app.code(browser, scope="openid")
    browser.submit(browser.get("~/logout"), "logout-form", decision="logout")
    assert app.redeem(code).error == "invalid_grant"


def test_a_second_sign_in_ends_the_first_cookie(site: harness.Site) -> None:
    """After the same person signed in once more, the secret from before opens nothing, and one session is left."""
    browser, app = harness.Browser(site), harness.App(site)
    app.code(browser)
    early = browser.session_of(ISSUER)
    app.code(browser, prompt="login")
    assert early != browser.session_of(ISSUER)
    assert site.read(sessions.with_user, ids.digest(early), ISSUER, site.clock.now()) is None


def test_a_fresh_sign_in_is_of_who_is_there(site: harness.Site) -> None:
    """Bob's password does not make Alice's old session fresh, whatever cookie comes with the consent form."""
    alice, bob, app = harness.Browser(site), harness.Browser(site), harness.App(site)
    app.code(alice)
    site.clock.advance(3600)
    page = bob.follow(app.authorize(bob, prompt="login", max_age="60"))
    page = bob.follow(bob.sign_in(page, "bob"))
    name = cookies.name("session", ISSUER, secure=False)
    bob.jar[name] = alice.session_of(ISSUER)
    answer = bob.consent(page)
    assert "code" not in answer.params
    assert "code" not in bob.follow(answer).params


def test_native_programs_are_consented_to_each_time(site: harness.Site) -> None:
    """Anything on a machine can use a native client's name: no code without the person's click."""
    app = harness.App(site, "native", "", redirect_uri="http://127.0.0.1:45678/callback")
    browser = harness.Browser(site)
    app.code(browser)
    assert "error" in app.authorize(browser, prompt="none").params
    assert browser.follow(app.authorize(browser)).is_page


def test_public_clients_rotate_in_every_dialect(site: harness.Site) -> None:
    """A public client's refresh token is rotated and its late replay ends the family, where others keep theirs too."""
    app = harness.App(
        site,
        "spa",
        "",
        redirect_uri="http://localhost:3000/callback",
        issuer="http://localhost:8083/",
        token="/oauth/token",
    )
    first = app.tokens()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    assert second != first
    site.clock.advance(61)
    assert app.refresh(first).error == "invalid_grant"
    assert app.refresh(second).error == "invalid_grant"


def test_unknown_parameters_are_not_kept(site: harness.Site) -> None:
    """A waiting request holds what is read of it, and nothing that a stranger added."""
    browser, app = harness.Browser(site), harness.App(site)
    answer = app.authorize(browser, junk="x" * 8000, another="y")
    transaction = answer.location.rsplit("/", 1)[1]
    found = site.read(sessions.transaction_by_digest, ids.digest(transaction), site.clock.now())
    names = {name for name, _ in found.parameters}
    assert {"junk", "another"} & names == set()
    assert len(msgspec.json.encode(found)) < 2000
    assert "code" in browser.through(answer).params


def test_one_customer_counts_as_one_address() -> None:
    """Addresses of one IPv6 /64 share a counter; an IPv4 address has its own however it is written."""
    assert addresses.customer("2001:db8::1") == addresses.customer("2001:db8::ffff:2")
    assert addresses.customer("2001:db8::1") != addresses.customer("2001:db8:0:1::1")
    assert addresses.customer("::ffff:192.0.2.1") == addresses.customer("192.0.2.1")
    assert addresses.customer("192.0.2.1") != addresses.customer("192.0.2.2")
    assert addresses.customer("a socket") == "a socket"


def test_good_sign_ins_do_not_use_an_address_up(site: harness.Site) -> None:
    """An office behind one address is not locked out by people who know their passwords."""
    app = harness.App(site)
    for _ in range(3):
        app.code(harness.Browser(site))
    key = throttle._keys("alice", _scene(site), site.house)[1]
    assert site.read(throttles.failures, key, 0) == 0


def _scene(site: harness.Site):
    tenant = site.run(site.hall.tenants.by_slug("default", site.clock.now()))
    listener = site.listeners[0]
    return dispatch.scene_of(listener, tenant, Request("GET", "/", peer="192.0.2.1"), site.clock.now(), "ref")


def test_logs_hold_no_terminal_commands(site: harness.Site) -> None:
    """What a stranger sends is written into the log as ASCII: no control sequence and no line of its own."""
    with harness.logged() as log:
        site.get("~/authorize?client_id=%E2%80%A8%E2%80%AE" + "x")
        site.get("~/authorize?client_id=%C2%9B2J")
    assert log.lines
    for line in log.lines:
        assert line.isascii(), line
        json.loads(line[line.index("{") :])
