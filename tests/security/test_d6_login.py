"""Rows 47 and 48 of our list of published faults, at a terminal: what an issuer's document names is a stranger's."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from intaglio.cli import credentials, faults, login, logout, token_sources
from intaglio.dialects.google.calls import Usable
from intaglio.errors import Misconfigured, Unavailable
from intaglio.net.guard import Guard
from intaglio.net.sync import SyncDriver
from intaglio.relying.party import RelyingParty
from intaglio.relying.records import Provider
from intaglio.tokens.jwk import KeySet
from intaglio.validate.discovery import Metadata
from tests.capability import capability

ISSUER = "https://accounts.example.com"


@capability("cli-login-browser", witness="documents of a hostile issuer")
@pytest.mark.parametrize(
    "endpoint",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "vscode://x/y",
        "smb://evil.example/share",
        "--version",
        "http://accounts.example.com/authorize",
        "https://user@accounts.example.com/authorize",
        "https://accounts.example.com/\x1b]0;owned\x07",
        "https://accounts.example.com/$(id) x",
    ],
)
def test_d6_54_an_issuer_opens_nothing_but_a_page(endpoint: str) -> None:
    """No other program is started, nothing goes on without TLS, and no terminal obeys it: the sign-in ends there."""
    party = RelyingParty(issuer=ISSUER, client_id="intaglio-cli", redirect_uri="")
    members = {"issuer": ISSUER, "authorization_endpoint": endpoint}
    provider = Provider(Metadata(ISSUER, ISSUER + "/keys", members), KeySet(()))
    with pytest.raises(Unavailable) as caught:
        login._by_browser(party, provider, SyncDriver(Guard()), opens=False)
    assert caught.value.code == "address-refused"


@pytest.fixture
def neighbour() -> Iterator[tuple[str, list[str]]]:
    """A program of this machine that no stranger may have called: its address, and what was asked of it."""
    seen: list[str] = []

    class Neighbour(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Remember, and answer well."""
            seen.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Neighbour)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/revoke", seen
    server.shutdown()
    thread.join()
    server.server_close()


@capability("cli-logout", witness="a program on this machine")
def test_d6_47_what_a_document_named_is_trusted_at_no_later_time(
    neighbour: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """An address that an issuer's document named leads to no private place, when it is used from the file either."""
    where, seen = neighbour
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    account = credentials.Account(ISSUER, "intaglio-cli", "alice", "secret", where, 1, revocation_endpoint=where)
    with credentials.changing() as held:
        held[0] = held[0].using(account)
    with pytest.raises(Unavailable) as caught:
        token_sources.get(token_sources.Wanted(), "", "")
    assert caught.value.code == "destination-refused"
    assert not logout._end(account)
    assert seen == []
    assert credentials.read().accounts == ()


def test_d6_48_no_terminal_obeys_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    """Accounts that a server lists are shown without what a terminal would obey."""
    account = credentials.Account(ISSUER, "intaglio-cli", "alice", "secret", ISSUER + "/token", 1)
    listed = tuple(Usable(f"{name}\x1b]0;owned\x07@p.iam.x", "1") for name in "ab")
    with pytest.raises(Misconfigured) as caught:
        token_sources._only(listed, account)
    faults.tell(caught.value)
    told = capsys.readouterr().err
    assert "owned" in told
    assert "\x1b" not in told
    assert "\x07" not in told
