"""Canaries: secrets that are known, and looked for in everything that is written, shown or printed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import msgspec
import pytest

from intaglio.dialects import registry
from intaglio.ids import Secret
from intaglio.server.keyring import rotate
from intaglio.server.model import signingkeys
from tests import harness
from tests.capability import capability

PASSWORD = "canary-password-4711"
SECRET = "canary-secret-4711"
ISSUER = "http://localhost:8080/default"


class Witness(harness.Browser):
    """A browser that keeps every answer."""

    def __init__(self, site: harness.Site) -> None:
        super().__init__(site)
        self.seen: list[harness.Answer] = []

    def request(self, *args, **given):
        """Send, and keep the answer."""
        answer = super().request(*args, **given)
        self.seen.append(answer)
        return answer


def _private_texts(site: harness.Site) -> Iterator[str]:
    yield harness.MASTER_KEY.hex()
    yield base64.b64encode(harness.MASTER_KEY).decode()
    for record in site.read(signingkeys.of_ring, site.client("web").tenant_id):
        der = site.vault.open(record.sealed_private, rotate.PURPOSE + record.key_id)
        yield base64.b64encode(der).decode()[:60]
        yield base64.urlsafe_b64encode(der[-40:]).decode().rstrip("=")
        yield record.sealed_private


def _abuse(site: harness.Site, browser: harness.Browser, values: list[str]) -> list[harness.Answer]:
    """Send each secret to every place where it does not belong."""
    app = harness.App(site)
    found = []
    for value in values:
        bearer = {"authorization": f"Bearer {value}"}
        found += [
            site.get("~/userinfo", headers=bearer),
            site.post("~/token", {"grant_type": "authorization_code", "code": value}, headers=app.headers()),
            site.post("~/token", {"grant_type": "refresh_token", "refresh_token": value}, headers=app.headers()),
            site.post("~/token", {"grant_type": "refresh_token", "refresh_token": value, "x": "1"}, headers=bearer),
            site.post("~/token", {"client_id": "web", "client_secret": value, "grant_type": "client_credentials"}),
            site.post("~/token", {"grant_type": "client_credentials"}, headers={"authorization": f"Basic {value}"}),
            site.post("~/introspect", {"token": value}, headers=app.headers()),
            site.post("~/introspect", {"token": value, "client_id": "spa"}),
            site.post("~/revoke", {"token": value}),
            site.request("POST", "~/token", body=value.encode(), headers={"content-type": "text/plain"}),
            site.request("POST", "http://localhost:8083/oauth/token", payload={"code": [value]}),
            browser.get(f"~/logout?id_token_hint={value}"),
            browser.get(f"~/logout?id_token_hint={value}&id_token_hint={value}"),
            app.authorize(browser, id_token_hint=value, prompt="none"),
            app.authorize(browser, code_challenge=value),
            site.get(f"~/userinfo?access_token={value}"),
            site.get(f"~/token?code={value}"),
            site.get("~/userinfo", headers={"cookie": f"x={value}"}),
        ]
    return found


@capability("errors-no-secret", witness="canaries in every secret")
def test_no_secret_is_written_or_shown(site: harness.Site) -> None:
    """Passwords, client secrets, codes, tokens, cookies, verifiers and keys are in no log line and no other answer."""
    site.add_client("canary", SECRET)
    site.change_user("alice", password_hash=site.passwords.hash_now(PASSWORD))
    app, browser = harness.App(site, "canary", SECRET), Witness(site)
    with harness.logged() as log:
        login = browser.follow(app.authorize(browser))
        browser.submit(login, "login-form", username="alice", password=PASSWORD + "x", decision="login")
        browser.submit(login, "login-form", username=PASSWORD, password="mistyped", decision="login")
        consent = browser.sign_in(login, "alice", PASSWORD)
        code = browser.consent(consent).params["code"]
        tokens = app.redeem(code).json()
        again = app.refresh(tokens["refresh_token"]).json()
        values = [code, PASSWORD, SECRET, harness.VERIFIER, *browser.jar.values()]
        for held in (tokens, again):
            values += [held["access_token"], held["refresh_token"], held["id_token"]]
        shown = _abuse(site, browser, values)
        app.redeem(code)
    written = "\n".join(log.lines)
    secrets = [*values, *(value.rsplit(".", 1)[-1] for value in values if value.count(".") == 2), *_private_texts(site)]
    assert len(log.lines) > 100
    assert log.traces == []
    for value in secrets:
        assert value not in written
    for answer in shown:
        for value in secrets:
            assert value not in answer.text
            assert value not in answer.location
    pages = [answer for answer in browser.seen if answer.is_page]
    typed = {PASSWORD}
    for page in pages:
        shows_the_name = 'name="username"' in page.text
        for value in secrets:
            assert value not in page.text or (shows_the_name and value in typed)


def test_a_mistyped_name_is_not_written(site: harness.Site) -> None:
    """People type their password into the name's field: the name is in no line of the log."""
    browser = harness.Browser(site)
    page = browser.follow(harness.App(site).authorize(browser))
    with harness.logged() as log:
        for _ in range(12):
            browser.submit(page, "login-form", username=PASSWORD, password="x", decision="login")
    assert len(log.lines) == 12
    assert PASSWORD not in "\n".join(log.lines)


@capability("errors-reference", witness="the captured log")
def test_a_reference_leads_to_expected_and_received(site: harness.Site) -> None:
    """The operator sees what was expected and what came; the requester sees the reference alone."""
    app = harness.App(site)
    with harness.logged() as log:
        answers = [
            (app.redeem(app.code(), code_verifier="a" * 43), "does not answer the challenge"),
            (app.redeem("x"), "unknown code"),
            (app.redeem(app.code(), redirect_uri="https://other.example/"), "another redirect_uri"),
            (app.refresh("x"), "unknown token"),
            (site.post("~/token", {"grant_type": "client_credentials", "client_id": "nobody"}), "nobody"),
            (site.post("~/token", {"grant_type": "password", "client_id": "web"}), "password"),
            (site.get("~/authorize?client_id=nobody"), "nobody"),
            (site.get("http://localhost:8080/nobody/jwks"), "nobody"),
        ]
    for answer, word in answers:
        ref = re.search(r"ref_[0-9a-f]+", answer.text)
        assert ref is not None
        entry = log.of(ref.group())
        assert word in json.dumps(entry["detail"])
        assert answer.is_page or word not in answer.text


def test_production_shows_no_detail_on_pages() -> None:
    """Expected and received are on the page in development alone."""
    for development in (True, False):
        with harness.site(development=development) as site:
            query = "client_id=web&redirect_uri=https://evil.example/"
            page = site.get(f"~/authorize?{query}", headers={"accept": "text/html"})
            assert ("What differs" in page.text) == development
            assert ("localhost:3000" in page.text) == development


def test_nothing_that_works_prints_a_secret(site: harness.Site) -> None:
    """The server's own parts have text forms without keys, hashes and tokens."""
    parts = [site.house, site.vault, site.hall, site.house.keyring, site.passwords, site.house.secrets, site.hall.forms]
    printed = "".join(f"{part!r}{part}" for part in parts)
    for value in [*_private_texts(site), "web-secret"]:
        assert value not in printed
    assert "canary" not in f"{Secret('canary')!r}{Secret('canary')}{[Secret('canary')]}"
    for record in site.read(signingkeys.of_ring, site.client("web").tenant_id):
        assert record.sealed_private not in f"{record!r}{record}"
    assert site.user("alice").password_hash not in repr(site.user("alice"))
    assert all(dialect.name for dialect in registry.DIALECTS.values())


def test_a_fault_nobody_foresaw_is_told_by_its_reference(site: harness.Site) -> None:
    """An error inside is a 500 with a reference and nothing else; its trace is in the log alone."""

    class Sabotaged(msgspec.Struct):
        """A clock that breaks."""

        def now(self) -> int:
            """Break."""
            raise RuntimeError("canary-inside")

    site.house.keyring._clock = Sabotaged()
    with harness.logged() as log:
        answer = site.get("~/jwks")
        page = site.get("~/jwks", headers={"accept": "text/html"})
    assert (answer.status, answer.error) == (500, "server_error")
    for one in (answer, page):
        assert "canary-inside" not in one.text
        assert "Traceback" not in one.text
        assert "ref_" in one.text
    assert len(log.traces) == 2


@pytest.mark.parametrize("where", ["~/authorize", "~/token", "~/userinfo", "http://localhost:8080/_intaglio/login/x"])
def test_errors_show_no_inside(site: harness.Site, where: str) -> None:
    """No path, module or line number of the server is in an answer."""
    for answer in (site.get(where), site.post(where, {"x": "y"}), site.request("PUT", where)):
        assert not re.search(r"Traceback|File \"|\.py\b|intaglio\.server|sqlite|argon2", answer.text)
