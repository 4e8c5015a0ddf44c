"""One browser, several issuers of one host: no session knows of another, and none takes another's place."""

from __future__ import annotations

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"


@pytest.fixture(scope="module")
def second(filed: live.Dev) -> str:
    """A second tenant beside the seeded one, with a client and a person, made by the command line."""
    live.cli(filed, "tenant", "create", "second", "--name", "The Second")
    words = ["client", "create", "Second app", "--tenant", "second", "--client-id", "app", "--public", "--native"]
    words += ["--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid profile email"]
    words += ["--post-logout-redirect-uri", "http://127.0.0.1/callback"]
    live.cli(filed, *words)
    words = ["user", "create", "carol", "--tenant", "second", "--claim", "name=Carol", "--password-file", "-"]
    live.cli(filed, *words, stdin="carol-password")
    return f"{filed.base}/second"


@capability("cookies-apart", witness=CHROMIUM)
@capability("routing-table", witness=CHROMIUM)
@capability("cli-tenant", witness="Chromium")
@capability("cli-client", witness="Chromium")
@capability("cli-user", witness="Chromium")
def test_two_tenants_and_two_dialects_at_once(
    filed: live.Dev,
    second: str,
    visitor: live.Visitor,
    receiver: live.Receiver,
    loopback: live.Receiver,
) -> None:
    """Signed in at two tenants and at another dialect; each issuer goes on knowing its own person, each ends alone."""
    page = visitor.tab()
    callback = f"http://127.0.0.1:{loopback.port}/callback"
    rows = {
        filed.issuer: (filed.issuer + "/authorize", "web", live.WEB, "alice", receiver),
        second: (second + "/authorize", "app", callback, "carol", loopback),
        filed.at("auth0"): (filed.at("auth0") + "/authorize", "web", live.WEB, "bob", receiver),
    }
    for count, (endpoint, client, where, person, at) in enumerate(rows.values(), start=1):
        page.goto(live.authorization(endpoint, client, where, scope="openid profile").url)
        sync_api.expect(page.locator("#login-form")).to_be_visible()
        live.log_in(page, person)
        live.allow(page)
        at.next()
        assert len(visitor.cookies("session")) == count

    def subjects() -> dict[str, str]:
        found = {}
        for issuer, (endpoint, client, where, _, at) in rows.items():
            page.goto(live.authorization(endpoint, client, where, scope="openid profile", prompt="none").url)
            page.wait_for_selector("#rp-done")
            fields = at.next().fields
            assert fields["iss"].rstrip("/") == issuer
            # A native client is consented to each time; only who is signed in can be asked to.
            found[issuer] = fields.get("error", "signed in").replace("consent_required", "signed in")
        return found

    assert set(subjects().values()) == {"signed in"}
    page.goto(second + "/logout")
    sync_api.expect(page.locator("main")).to_contain_text("carol")
    page.click("#submit-logout")
    sync_api.expect(page.locator("#logged-out")).to_be_visible()
    told = subjects()
    assert told.pop(second) == "login_required"
    assert set(told.values()) == {"signed in"}
    assert len(visitor.cookies("session")) == 2


@capability("cookies-apart", witness=CHROMIUM)
def test_nothing_of_one_issuer_counts_at_another(
    filed: live.Dev, second: str, visitor: live.Visitor, receiver: live.Receiver
) -> None:
    """A code, a token, a session cookie and a person of one tenant are worth nothing at the other."""
    page = visitor.tab()
    begun = live.authorization(filed.issuer + "/authorize")
    live.sign_in(page, begun.url)
    code = receiver.next().fields["code"]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": live.WEB, "client_id": "app"}
    foreign = requests.post(second + "/token", data=body | {"code_verifier": begun.code_verifier})
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_grant")

    # Whoever brings another's code has it from somewhere: the code is used up by that.
    body["client_id"] = ""
    own = requests.post(
        filed.issuer + "/token", data=body | {"code_verifier": begun.code_verifier}, auth=("web", "web-secret")
    )
    assert (own.status_code, own.json()["error"]) == (400, "invalid_grant")

    begun = live.authorization(filed.issuer + "/authorize")
    page.goto(begun.url)
    page.wait_for_selector("#rp-done")
    told = live.redeem(filed.issuer, begun, receiver.next().fields["code"])
    bearer = {"authorization": "Bearer " + told["access_token"]}
    assert requests.get(filed.issuer + "/userinfo", headers=bearer).status_code == 200
    for other in (second, filed.at("auth0")):
        assert requests.get(other + "/userinfo", headers=bearer).status_code == 401
    page.goto(f"{second}/logout?id_token_hint={told['id_token']}")
    sync_api.expect(page.locator("#oauth-error")).to_be_visible()

    callback = "http://127.0.0.1:1/callback"
    page.goto(live.authorization(second + "/authorize", "app", callback).url)
    live.log_in(page, "alice")
    sync_api.expect(page.locator("#login-error")).to_be_visible()
    page.goto(live.authorization(second + "/authorize", "web").url)
    sync_api.expect(page.locator("#oauth-error")).to_be_visible()


@capability("subject-stable", witness=CHROMIUM)
def test_a_person_keeps_their_subject(filed: live.Dev, visitor: live.Visitor, receiver: live.Receiver) -> None:
    """Each dialect has its own subject for a person, the same at every sign-in."""
    page = visitor.tab()
    found: dict[str, set[str]] = {}
    for prompt in ("login", "login"):
        for base, endpoint in (
            (filed.issuer, "/token"),
            (filed.at("auth0"), "/oauth/token"),
        ):
            begun = live.authorization(base + "/authorize", prompt=prompt)
            live.sign_in(page, begun.url)
            fields = {
                "grant_type": "authorization_code",
                "code": receiver.next().fields["code"],
                "redirect_uri": live.WEB,
                "code_verifier": begun.code_verifier,
            }
            told = requests.post(base + endpoint, data=fields, auth=("web", "web-secret")).json()
            found.setdefault(base, set()).add(live.claims(told["id_token"])["sub"])
    assert all(len(subjects) == 1 for subjects in found.values())
    assert len(set.union(*found.values())) == 2
