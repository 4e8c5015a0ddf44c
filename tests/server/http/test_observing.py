"""What is told of each request: one line, and the meters; never what it says."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from intaglio.server.http.app import App, neutral_pattern
from intaglio.server.http.observing import Observer
from intaglio.server.telemetry import exposition
from intaglio.server.telemetry.board import Board
from intaglio.server.telemetry.lines import JSONLines
from intaglio.server.telemetry.meters import Meters
from intaglio.server.telemetry.requestlog import RequestLog
from tests import harness
from tests.capability import capability


class Observed:
    """A site that writes its lines into a pipe and counts on a board."""

    def __init__(self, site: harness.Site) -> None:
        self.site, self.board = site, Board()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.log = RequestLog(self._writing)
        observer = Observer(site.clock, Meters(self.board.take(0)), self.log)
        site.app = App(
            site.hall, {harness.STANDARD + i: one for i, one in enumerate(site.listeners)}, observer=observer
        )

    def text(self) -> str:
        """Return what was written since the last time."""
        self.log.flush()
        try:
            return os.read(self._reading, 1 << 20).decode()
        except BlockingIOError:
            return ""

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines since the last time."""
        return [json.loads(line) for line in self.text().splitlines()]

    def metrics(self) -> str:
        """Return what is counted."""
        return exposition.write(self.board, {}).decode()

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._reading)
        os.close(self._writing)


@pytest.fixture
def observed(site: harness.Site) -> Iterator[Observed]:
    """A site that is watched."""
    made = Observed(site)
    yield made
    made.close()


@capability("log-requests", witness="the lines of whole sign-ins, searched for everything secret")
def test_no_line_tells_a_secret(observed: Observed) -> None:
    """A sign-in, a refresh, introspection, revocation and failures: no code, token, password or path of a step."""
    app, browser = harness.App(observed.site), harness.Browser(observed.site)
    tokens = app.tokens(browser, scope="openid offline_access")
    again = app.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).json()
    app.token({"grant_type": "authorization_code", "code": "c-canary", "redirect_uri": "http://r-canary/"})
    observed.site.get("~/userinfo?access_token=q-canary", headers={"authorization": "Bearer h-canary"})
    observed.site.get("/_intaglio/login/l-canary")
    observed.site.get("/_intaglio/x-canary/y")
    observed.site.get("/t-canary/token")
    observed.site.get("~/p-canary")
    text = observed.text()
    secrets = [tokens[name] for name in ("access_token", "refresh_token", "id_token")]
    secrets += [again["access_token"], "alice-password", "web-secret", "canary", "code_", "?", "eyJ"]
    assert [secret for secret in secrets if secret in text or (len(secret) > 5 and secret in observed.metrics())] == []
    routes = {json.loads(line)["route"] for line in text.splitlines()}
    assert routes >= {"/authorize", "/token", "/userinfo", "/_intaglio/login/{…}", "/_intaglio/(none)", "(none)"}
    assert 'intaglio_sign_ins_total{outcome="ok"} 1' in observed.metrics()
    assert 'intaglio_tokens_issued_total{dialect="standard",grant="refresh_token"} 1' in observed.metrics()


def test_a_line_says_what_an_operator_looks_for(observed: Observed) -> None:
    """The line of a refused request has the `ref` that was told, the route, the tenant and why; nothing is left out."""
    answer = observed.site.post("~/token", {"grant_type": "nonsense"}, peer="203.0.113.9")
    (line,) = observed.lines()
    assert line.pop("ms") >= 0
    assert line == {
        "at": dt.datetime.fromtimestamp(harness.NOW, dt.UTC).isoformat().replace("+00:00", "Z"),
        "level": "info",
        "event": "request",
        "ref": answer.json()["ref"],
        "method": "POST",
        "route": "/token",
        "status": 400,
        "peer": "203.0.113.9",
        "dialect": "standard",
        "tenant": "default",
        "code": "unsupported_grant_type",
        "reason": "grant-unsupported",
    }
    assert 'code="unsupported_grant_type",reason="grant-unsupported"} 1' in observed.metrics()


def test_a_token_in_two_hands_is_counted(observed: Observed) -> None:
    """A refresh token that is used again long after is a refusal with its reason, in the line and in the metrics."""
    app = harness.App(observed.site)
    first = app.tokens(scope="openid offline_access")["refresh_token"]
    assert app.refresh(first).status == 200
    observed.site.clock.advance(600)
    assert app.refresh(first).error == "invalid_grant"
    assert observed.lines()[-1]["reason"] == "refresh-reused"
    assert 'code="invalid_grant",reason="refresh-reused"} 1' in observed.metrics()


def test_every_request_has_a_ref_of_its_own(observed: Observed) -> None:
    """Good and bad requests, pages and files: each is one line, with a reference that no other has."""
    for where in (
        "~/.well-known/openid-configuration",
        "~/jwks",
        "/favicon.ico",
        "/_intaglio/static/x",
        "/",
        "~/nothing",
    ):
        observed.site.get(where)
    lines = observed.lines()
    assert len({line["ref"] for line in lines}) == len(lines) == 6


def test_a_failed_sign_in_is_counted(observed: Observed) -> None:
    """A wrong password is counted as failed, and the refusal's line names the same route."""
    app, browser = harness.App(observed.site), harness.Browser(observed.site)
    browser.sign_in(browser.follow(app.authorize(browser)), password="wrong")
    assert 'intaglio_sign_ins_total{outcome="failed"} 1' in observed.metrics()
    for _ in range(20):
        browser.sign_in(browser.follow(app.authorize(browser)), password="wrong")
    assert 'intaglio_sign_ins_total{outcome="limited"}' in observed.metrics()


def test_methods_that_clients_make_up_are_one(observed: Observed) -> None:
    """A method that is none makes no series of its own."""
    for method in ("BREW", "PROPFIND"):
        observed.site.request(method, "~/token")
    assert [line["method"] for line in observed.lines()] == ["other", "other"]
    assert observed.metrics().count('method="other"') == 1


def test_whoever_goes_away_is_told_too(observed: Observed) -> None:
    """A client that leaves before its body is complete is a line with 499."""
    scope = {
        "type": "http", "method": "POST", "path": "/default/token", "raw_path": b"/default/token",
        "query_string": b"", "headers": [(b"content-length", b"9")], "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", harness.STANDARD), "scheme": "http",
    }  # fmt: skip

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    observed.site.run(observed.site.app(scope, gone, send))
    (line,) = observed.lines()
    assert (line["status"], line["method"]) == (499, "POST")


def test_a_log_that_nobody_reads_stops_nobody(site: harness.Site) -> None:
    """With the other end gone, requests are answered on."""
    observed = Observed(site)
    os.close(observed._reading)
    assert site.get("~/.well-known/openid-configuration").status == 200
    os.close(observed._writing)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/_intaglio/login/SECRET", "/_intaglio/login/{…}"),
        ("/_intaglio/upstream/go/SECRET/x", "/_intaglio/upstream/{…}"),
        ("/_intaglio/account", "/_intaglio/account"),
        ("/_intaglio/SECRET", "/_intaglio/(none)"),
        ("/_intaglio/", "/_intaglio/(none)"),
        ("/login/callback", "/login/callback"),
    ],
)
def test_steps_are_told_by_their_word(path: str, pattern: str) -> None:
    """What stands behind the word is half of what opens a sign-in, and is not told."""
    assert neutral_pattern(path) == pattern


@capability("log-requests", witness="messages of the program, read as JSON")
def test_messages_are_lines_of_json() -> None:
    """A message, a refusal with its parts and a trace are one line each, whatever is in them."""
    form = JSONLines()

    def written(message: str, *args: object, **more: Any) -> dict[str, Any]:
        record = logging.LogRecord("intaglio.x", logging.WARNING, "x.py", 1, message, args, more.get("exc_info"))
        record.__dict__.update({key: value for key, value in more.items() if key != "exc_info"})
        line = form.format(record)
        assert "\n" not in line
        told: dict[str, Any] = json.loads(line)
        return told

    plain = written("two\nlines of %s", "text")
    assert (plain["message"], plain["level"], plain["event"]) == ("two\nlines of text", "warning", "log")
    refused = written("refused %s", "{}", told={"ref": "ref_1", "detail": {"received": {1, 2}}})
    assert (refused["event"], refused["ref"]) == ("refused", "ref_1")
    assert "message" not in refused
    trace = written("unexpected", exc_info=(ValueError, ValueError("x"), None))
    assert "ValueError: x" in trace["trace"]
