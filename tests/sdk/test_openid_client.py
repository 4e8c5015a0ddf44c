"""openid-client (npm), unmodified, as relying party, with a person in Chromium."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests import live
from tests.capability import capability

pytestmark = [pytest.mark.sdk]
NODE = pathlib.Path(__file__).parent / "node"
WITNESS = "openid-client (npm)"
ALICE = "00000000-0000-4000-8000-000000000101"


class Party:
    """A relying party in a process of Node's, which tells its steps in lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate(timeout=5)[1]
        told: dict[str, Any] = json.loads(line)
        return told


@contextlib.contextmanager
def _party(settings: dict[str, Any]) -> Iterator[Party]:
    words = [live.need_node(), str(NODE / "party.mjs"), json.dumps(settings)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=live.environment()
    ) as process:
        try:
            yield Party(process)
            assert process.wait(5) == 0
        finally:
            process.kill()


CLIENTS = {
    "web, basic": {
        "client_id": "web",
        "client_secret": "web-secret",
        "auth_method": "client_secret_basic",
        "port": 9999,
        "path": "/cb",
        "after": "/",
        "pkce": False,
    },
    "web, post and PKCE": {
        "client_id": "web",
        "client_secret": "web-secret",
        "auth_method": "client_secret_post",
        "port": 9999,
        "path": "/cb",
        "after": "/",
        "pkce": True,
    },
    "native": {
        "client_id": "native",
        "auth_method": "none",
        "port": 0,
        "path": "/callback",
        "after": "/callback",
        "pkce": True,
    },
    "spa": {
        "client_id": "spa",
        "auth_method": "none",
        "host": "localhost",
        "port": 5173,
        "path": "/callback",
        "after": "/callback",
        "pkce": True,
    },
}


@pytest.mark.browser
@capability("rp-openid-client", witness=WITNESS)
@capability("code-flow", witness=WITNESS)
@capability("userinfo", witness=WITNESS)
@capability("revocation", witness=WITNESS)
@capability("grant-refresh-token", witness=WITNESS)
@capability("end-session", witness=WITNESS)
@capability("auth-none", witness=WITNESS)
@capability("seed-client-native", witness=WITNESS)
@capability("seed-client-spa", witness=WITNESS)
@pytest.mark.parametrize("name", CLIENTS)
def test_signs_in_refreshes_and_logs_out(dev: live.Dev, visitor: live.Visitor, name: str) -> None:
    """Discovery, sign-in, UserInfo, refresh, introspection, revocation and logout, as the client does them."""
    page = visitor.tab()
    with _party(CLIENTS[name] | {"issuer": dev.issuer}) as party:
        live.sign_in(page, party.said()["go"])
        told = party.said()
        claims, refreshed = told["claims"], told["refreshed"]
        assert claims["sub"] == refreshed["sub"] == told["person"]["sub"] == ALICE
        assert claims["aud"] == refreshed["aud"] == CLIENTS[name]["client_id"]
        assert claims["auth_time"] == refreshed["auth_time"]
        assert claims["nonce"]
        assert "nonce" not in refreshed
        assert told["person"]["email"] == "alice@example.com"
        assert told["rotated"]
        assert told["refused"] == "invalid_grant"
        if CLIENTS[name]["auth_method"] != "none":
            assert told["before"]["active"]
            assert told["before"]["sub"] == ALICE
            assert told["after"] == {"active": False}

        assert visitor.cookies("session")
        page.goto(party.said()["go"])
        page.wait_for_selector("#rp-done")
        assert party.said() == {"left": CLIENTS[name]["after"], "state": "bye"}
        assert visitor.cookies("session") == {}


@capability("grant-client-credentials", witness=WITNESS)
@capability("introspection", witness=WITNESS)
@capability("seed-client-machine", witness=WITNESS)
def test_machine_gets_a_token(dev: live.Dev) -> None:
    """A machine gets an access token for the scope that it asks for, and introspection tells the same."""
    words = [live.need_node(), str(NODE / "machine.mjs"), json.dumps({"issuer": dev.issuer})]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, env=live.environment(), check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["scope"] == "reports:read"
    assert told["told"]["active"]
    assert told["told"]["client_id"] == "machine"
    assert "username" not in told["told"]
