"""What people and applications do is in the audit log, in the transaction in which it is done."""

from __future__ import annotations

from typing import Any

import pytest

from intaglio import ids
from intaglio.server.devmode import seeds
from intaglio.server.model import audit, grants
from intaglio.server.model.audit import Entry
from intaglio.server.model.plan import Ask
from tests import harness
from tests.capability import capability
from tests.harness import App, Browser, Site
from tests.server.provider import test_account as accounts
from tests.server.provider import test_device as devices

ALICE = "users/00000000-0000-4000-8000-000000000101"
SECRETS = ("web-secret", "alice-password", "wrong-password", "ig_at_", "ig_rt_", harness.VERIFIER)


def log(site: Site, action: str = "", **filters: str) -> list[Entry]:
    """Return the entries of the log, the oldest first."""
    found: list[Entry] = site.read(audit.page, seeds.TENANT_ID, audit.LAST, 1000, action)
    return [one for one in reversed(found) if all(getattr(one, name) == told for name, told in filters.items())]


def since(site: Site, known: list[Entry]) -> list[Entry]:
    """Return the entries that came since."""
    return log(site)[len(known) :]


def issued(site: Site, known: list[Entry]) -> list[tuple[str, str, str]]:
    """Return the grant, the client and whose they are of tokens that were given since."""
    return [
        (one.detail["grant"], one.principal, one.resource) for one in since(site, known) if one.action == audit.ISSUE
    ]


@capability("audit-issuance", witness="the stored records")
def test_every_grant_has_its_entry(site: Site) -> None:
    """A code, a refresh and a client's own grant: who got what for whom, from where, by which request."""
    app, before = App(site), log(site)
    tokens = app.tokens()
    assert issued(site, before) == [("authorization_code", "client:web", ALICE)]
    entry = log(site, audit.ISSUE)[-1]
    assert entry.detail["scope"] == "openid profile email offline_access"
    assert entry.detail["dialect"] == "standard"
    assert (entry.outcome, entry.peer, entry.at) == ("allowed", "192.0.2.1", harness.NOW)
    assert entry.ref.startswith("ref_")
    refreshed = app.refresh(tokens["refresh_token"], scope="openid")
    assert refreshed.status == 200
    again = log(site, audit.ISSUE)[-1]
    assert (again.detail["grant"], again.detail["scope"]) == ("refresh_token", "openid")
    assert again.detail["grant_id"] == entry.detail["grant_id"]
    assert again.ref != entry.ref
    before = log(site)
    machine = App(site, "machine", "machine-secret")
    assert machine.token({"grant_type": "client_credentials"}).status == 200
    assert issued(site, before) == [("client_credentials", "client:machine", "clients/machine")]


@capability("audit-issuance", witness="the stored records")
def test_tokens_through_the_browser_have_their_entry(site: Site) -> None:
    """Whatever of tokens goes through the browser is one entry; a code alone is none until it is redeemed."""
    site.change_client(
        "web",
        response_types=("code", "id_token", "id_token token", "code id_token", "code token"),
        grant_types=("authorization_code", "implicit"),
        redirect_uris=("https://web.example/cb",),
    )
    app, browser = App(site, redirect_uri="https://web.example/cb"), Browser(site)
    app.callback(browser, scope="openid")
    for response_type, entries in {
        "id_token": 1,
        "id_token token": 1,
        "code id_token": 1,
        "code token": 1,
        "code": 0,
    }.items():
        before = log(site)
        answer = app.callback(browser, scope="openid", response_type=response_type)
        assert answer.fragment or answer.params, answer.text
        assert issued(site, before) == [("implicit", "client:web", ALICE)] * entries, response_type


@capability("audit-issuance", witness="the stored records")
def test_a_device_has_its_entries(site: Site) -> None:
    """That a person let a device in, and that it got tokens; turning one away is told as well."""
    before, told = log(site), devices.start(site)
    browser = Browser(site)
    devices.decide(browser, devices.log_in(browser, devices.enter(browser, told["user_code"])))
    site.clock.advance(10)
    assert devices.poll(site, told["device_code"]).status == 200
    new = since(site, before)
    assert [one.action for one in new] == ["user.sign-in", "user.consent", audit.ISSUE]
    assert (new[1].principal, new[1].detail["client"]) == ("user:alice", "tv")
    assert new[2].detail["grant"] == devices.GRANT
    assert devices.poll(site, told["device_code"]).status == 400
    assert [(one.outcome, one.resource) for one in log(site, "token.refuse")] == [("device-used", ALICE)]


@capability("audit-sign-ins", witness="the stored records")
def test_signing_in_and_out_is_told(site: Site) -> None:
    """Who signed in by what, at which address, and that they signed out, here and on the page of their sessions."""
    browser = Browser(site, peer="198.51.100.9")
    tokens = App(site).tokens(browser)
    (entry,) = log(site, "user.sign-in")
    assert (entry.principal, entry.resource, entry.outcome, entry.peer) == (
        "user:alice",
        ALICE,
        "allowed",
        "198.51.100.9",
    )
    assert entry.detail["amr"] == "pwd"
    browser.get(f"~/logout?id_token_hint={tokens['id_token']}")
    (out,) = log(site, "user.sign-out")
    assert (out.principal, out.resource) == ("user:alice", ALICE)
    assert out.detail["session_id"] == entry.detail["session_id"]


@capability("audit-sign-ins", witness="the stored records")
def test_a_failed_sign_in_is_told(site: Site) -> None:
    """A wrong password, a disabled account and an unknown name are told apart in the log, and nowhere else."""
    app = App(site)
    site.change_user("bob", disabled_at=harness.NOW)
    wrong = {"alice": "wrong-password", "alice-password": "typed in the wrong field", "bob": "bob-password"}
    for username, password in wrong.items():
        browser = Browser(site)
        browser.sign_in(browser.follow(app.authorize(browser)), username, password)
    told = [(one.principal, one.resource, one.outcome, one.detail["cause"]) for one in log(site, "user.sign-in")]
    assert told[0] == ("user:alice", ALICE, "denied", "password-wrong")
    assert told[1] == ("user:-", "users/-", "denied", "unknown")
    assert told[2][0::2] == ("user:bob", "denied")
    assert told[2][3] == "disabled"


def test_what_was_typed_is_not_in_the_log(site: Site) -> None:
    """Neither a password, nor one that was typed as a name, nor a token, a code or a verifier is in any entry."""
    app, browser = App(site), Browser(site)
    browser.sign_in(browser.follow(app.authorize(browser)), "alice-password", "wrong-password")
    code = app.code(Browser(site))
    tokens = app.redeem(code).json()
    app.redeem(code)
    app.refresh(tokens["refresh_token"])
    app.revoke(tokens["access_token"])
    rows = str(site.run(_rows(site)))
    assert "user.sign-in" in rows
    for secret in (*SECRETS, code, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in rows, secret


async def _rows(site: Site) -> list[Any]:
    def every() -> Any:
        return (yield Ask("audit_of_seals", {"first": 0, "last": 99}))

    def seal() -> Any:
        return (yield Ask("audit_seal", {"number": 1, "limit": 10_000}))

    await site.store.write(seal)
    return list(await site.store.read(every))


@capability("audit-sign-ins", witness="the stored records")
def test_what_is_agreed_to_and_taken_back_is_told(site: Site) -> None:
    """A consent names the application and what it may have; taking it back is told too."""
    browser = Browser(site)
    App(site).tokens(browser)
    (given,) = log(site, "user.consent")
    assert (given.principal, given.detail["client"]) == ("user:alice", "web")
    assert given.detail["scope"] == "email offline_access openid profile"
    accounts._press(browser, browser.get("~/account"), {"client": "web"})
    assert [one.detail["client"] for one in log(site, "user.withdraw-consent")] == ["web"]


@capability("audit-sign-ins", witness="the stored records")
def test_refused_reuse_is_told(site: Site) -> None:
    """A code or refresh token that comes a second time, or from another client, is told with its family."""
    app = App(site)
    code = app.code()
    first = app.redeem(code).json()
    app.redeem(code)
    (reused,) = log(site, "token.refuse")
    assert (reused.outcome, reused.principal, reused.resource) == ("code-used", "client:web", ALICE)
    family = log(site, audit.ISSUE)[-1].detail["grant_id"]
    assert reused.detail["grant_id"] == family
    assert first["access_token"]
    stolen = app.code()
    site.add_client("thief", "thief-secret")
    assert App(site, "thief", "thief-secret").redeem(stolen).status == 400
    assert (log(site, "token.refuse")[-1].outcome, log(site, "token.refuse")[-1].principal) == (
        "code-other-client",
        "client:thief",
    )
    tokens = app.tokens()
    app.refresh(tokens["refresh_token"])
    site.clock.advance(100)
    assert app.refresh(tokens["refresh_token"]).status == 400
    assert log(site, "token.refuse")[-1].outcome == "refresh-reused"


@capability("audit-sign-ins", witness="the stored records")
def test_a_revocation_is_told_if_it_was_one(site: Site) -> None:
    """What was revoked, and of whom; a text that is no token revokes nothing and is not told."""
    app = App(site)
    tokens = app.tokens()
    app.revoke("nothing")
    assert log(site, "token.revoke") == []
    app.revoke(tokens["access_token"])
    app.revoke(tokens["refresh_token"])
    assert [(one.detail["token"], one.resource) for one in log(site, "token.revoke")] == [
        ("access_token", ALICE),
        ("refresh_token", ALICE),
    ]


def test_no_token_without_its_entry(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the entry cannot be written nothing is issued: code, grant and token stay as they were."""
    app = App(site)
    code, before = app.code(), log(site)
    monkeypatch.setattr(ids, "ordered", lambda now: before[-1].entry_id)
    answer = app.redeem(code)
    assert answer.status >= 500
    monkeypatch.undo()
    assert site.read(grants.code_by_digest, ids.digest(code)).used_at is None
    assert app.redeem(code).status == 200
