"""What the operator reads: every refusal by its reference, and nothing that anybody could use."""

from __future__ import annotations

import json

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.live import sync_api

MARK = "Zx9MarkThatMustNotBeLogged"


@capability("errors-no-secret", witness="the log file")
@capability("errors-reference", witness="the log file")
@capability("errors-oauth", witness="requests")
def test_refusals_are_told_without_what_was_presented(fresh: live.Dev) -> None:
    """Codes, tokens, secrets and passwords that were refused are in no answer and no log; their references are."""
    web, form = ("web", "web-secret"), {"code": MARK, "redirect_uri": live.WEB}
    issuer, auth0 = fresh.issuer, fresh.at("auth0")
    bearer = {"authorization": f"Bearer {MARK}"}
    answers = [
        requests.post(issuer + "/token", data={"grant_type": "authorization_code"} | form, auth=web),
        requests.post(issuer + "/token", data={"grant_type": "authorization_code"} | form, auth=("web", MARK)),
        requests.post(issuer + "/token", data={"grant_type": "refresh_token", "refresh_token": MARK}, auth=web),
        requests.post(issuer + "/token", data={"grant_type": "client_credentials", "client_secret": MARK}),
        requests.post(issuer + "/token", data=f"grant_type=%00&code={MARK}"),
        requests.post(issuer + "/introspect", data={"token": MARK}),
        requests.post(issuer + "/revoke", data={"token": MARK}, auth=("web", MARK)),
        requests.post(auth0 + "/oauth/token", json={"grant_type": "authorization_code", "client_id": "web"} | form),
        requests.post(auth0 + "/oauth/token", data='{"code": "' + MARK, headers={"content-type": "application/json"}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert body["error"]
        assert MARK not in answer.text
        line = next(line for line in fresh.log.splitlines() if body["ref"] in line)
        assert {"expected", "received"} <= json.loads(line[line.index("{") :])["detail"].keys(), line
    pages = [
        requests.get(issuer + "/logout", params={"id_token_hint": MARK}),
        requests.get(issuer + "/authorize", params={"client_id": "nobody", "id_token_hint": MARK}),
        requests.get(issuer + "/userinfo", headers=bearer),
        requests.get(issuer + "/userinfo", params={"access_token": MARK}),
    ]
    assert [page.status_code for page in pages] == [400, 400, 401, 401]
    assert MARK not in fresh.log


@pytest.mark.browser
@capability("errors-no-secret", witness="Chromium")
def test_a_password_is_never_told(fresh: live.Dev, page: sync_api.Page) -> None:
    """A wrong password stands neither in the page that refuses it, nor in the address, nor in the log."""
    page.goto(live.authorization(fresh.issuer + "/authorize").url)
    live.log_in(page, "alice", MARK)
    page.wait_for_selector("#login-error")
    assert MARK not in page.content()
    assert MARK not in page.url
    assert MARK not in fresh.log


@capability("seed-tenant", witness="the command line")
@capability("cli-tenant", witness="the command line")
def test_the_seeded_tenant_is_always_the_same(filed: live.Dev) -> None:
    """Owner and slug are `default`, the UUID is fixed."""
    told = json.loads(live.cli(filed, "tenant", "show", "default", "-o", "json"))
    assert (told["slug"], told["owner"]) == ("default", "default")
    assert told["tenant_id"] == "00000000-0000-4000-8000-000000000001"
