"""openid-client, oauth4webapi (npm) and Authlib (PyPI), unmodified: tokens through a browser, hashes and all."""

from __future__ import annotations

import json
import pathlib
import subprocess
import urllib.parse
from typing import Any

import pytest
import requests
from authlib.oidc.core import HybridIDToken, ImplicitIDToken
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = [pytest.mark.sdk, pytest.mark.browser]
NODE = pathlib.Path(__file__).parent / "node"
ALICE = "00000000-0000-4000-8000-000000000101"
AUTHLIB = "Authlib (PyPI)"
OPENID_CLIENT = "openid-client (npm)"
OAUTH4WEBAPI = "oauth4webapi (npm)"


@pytest.fixture(scope="module")
def hybrid(filed: live.Dev) -> live.Dev:
    """A development server with a client that may use every response type."""
    live.register(filed, "hybrid")
    return filed


def _landed(page: sync_api.Page, receiver: live.Receiver) -> dict[str, Any]:
    """Return where the browser ended up, as a page there would see it; the server behind it saw no fragment."""
    arrived = receiver.next()
    assert "#" not in arrived.url
    if arrived.method == "POST":
        return {"form": arrived.fields}
    assert arrived.fields == {}
    return {"url": page.url}


class Party:
    """A relying party in a process of Node's."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def said(self) -> Any:
        """Return what it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=5)[1]
        return json.loads(line)

    def tell(self, event: dict[str, Any]) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()


def _through(
    dev: live.Dev, page: sync_api.Page, loopback: live.Receiver, settings: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sign in through a browser; return the claims that the party believed, and what became of spoilt answers."""
    at = {"issuer": dev.issuer, "client_id": "hybrid", "redirect_uri": f"http://127.0.0.1:{loopback.port}/cb"}
    words = [live.need_node(), str(NODE / "front.mjs"), json.dumps(at | settings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=live.environment()) as process:
        party = Party(process)
        try:
            live.sign_in(page, party.said()["go"])
            party.tell(_landed(page, loopback))
            told = party.said()
            assert process.wait(5) == 0
        finally:
            process.kill()
    assert "claims" in told["believed"], told
    return told["believed"]["claims"], told["wrong"]


@capability("response-types-code-id-token", witness=OPENID_CLIENT)
@capability("response-hashes", witness=OPENID_CLIENT)
@capability("response-modes", witness=OPENID_CLIENT)
@pytest.mark.parametrize("more", [{}, {"detached": True}, {"response_mode": "form_post"}], ids=str)
def test_openid_client_hybrid(
    hybrid: live.Dev, page: sync_api.Page, loopback: live.Receiver, more: dict[str, Any]
) -> None:
    """`code id_token`: believed with its c_hash (and s_hash), refused with another code, issuer, nonce or signature."""
    claims, wrong = _through(hybrid, page, loopback, {"library": "openid-client"} | more)
    assert (claims["sub"], claims["aud"], claims["person"]["email"]) == (ALICE, "hybrid", "alice@example.com")
    assert set(wrong) == (set() if "response_mode" in more else {"code", "iss", "id_token", "nonce"})
    assert [name for name, outcome in wrong.items() if "refused" not in outcome] == []
    if wrong:
        assert wrong["code"]["cause"] == "c_hash"


@capability("response-types-id-token", witness=OPENID_CLIENT)
@capability("response-modes", witness=OPENID_CLIENT)
@pytest.mark.parametrize("more", [{}, {"response_mode": "form_post"}], ids=str)
def test_openid_client_implicit(
    hybrid: live.Dev, page: sync_api.Page, loopback: live.Receiver, more: dict[str, Any]
) -> None:
    """`id_token`: the token with the scopes' claims, and nothing else."""
    claims, wrong = _through(hybrid, page, loopback, {"library": "openid-client", "implicit": True} | more)
    assert (claims["sub"], claims["aud"], claims["email"]) == (ALICE, "hybrid", "alice@example.com")
    assert [name for name, outcome in wrong.items() if "refused" not in outcome] == []


@capability("response-types-code-id-token", witness=OAUTH4WEBAPI)
@capability("response-hashes", witness=OAUTH4WEBAPI)
@pytest.mark.parametrize("detached", [False, True])
def test_oauth4webapi_hybrid(hybrid: live.Dev, page: sync_api.Page, loopback: live.Receiver, *, detached: bool) -> None:
    """`code id_token`, as OpenID Connect has it and as a detached signature over code and state."""
    claims, wrong = _through(hybrid, page, loopback, {"library": "oauth4webapi", "detached": detached})
    assert (claims["sub"], claims["aud"]) == (ALICE, "hybrid")
    assert set(wrong) == {"code", "iss", "state", "id_token"}
    assert [name for name, outcome in wrong.items() if "refused" not in outcome] == []
    assert wrong["code"]["cause"] == "c_hash"


def _believe(dev: live.Dev, token: str, kind: str, fields: dict[str, str], nonce: str) -> dict[str, Any]:
    """Return the claims of a token that Authlib believes for the response type."""
    keys = KeySet.import_key_set(requests.get(dev.issuer + "/jwks", timeout=5).json())
    cls = HybridIDToken if "code" in kind else ImplicitIDToken
    assert kind in cls.RESPONSE_TYPES
    given = {"nonce": nonce, "client_id": "hybrid"}
    given |= {name: fields[name] for name in ("code", "access_token") if name in fields}
    signed = joserfc_jwt.decode(token, keys, algorithms=["RS256"])
    claims = cls(signed.claims, signed.header, {"iss": {"value": dev.issuer}}, given)
    claims.validate(leeway=5)
    return dict(claims)


KINDS = {
    "id_token": capability("response-types-id-token", witness=AUTHLIB),
    "id_token token": capability("response-types-id-token-token", witness=AUTHLIB),
    "code id_token": capability("response-types-code-id-token", witness=AUTHLIB),
    "code token": capability("response-types-code-token", witness=AUTHLIB),
    "code id_token token": capability("response-types-code-id-token-token", witness=AUTHLIB),
}


@capability("response-hashes", witness=AUTHLIB)
@capability("response-types", witness=AUTHLIB)
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=mark) for kind, mark in KINDS.items()])
def test_authlib_believes_every_type(hybrid: live.Dev, page: sync_api.Page, loopback: live.Receiver, kind: str) -> None:
    """What comes in the fragment satisfies Authlib's rules for the type; the code and the access token are good."""
    redirect_uri = f"http://127.0.0.1:{loopback.port}/cb"
    begun = live.authorization(hybrid.issuer + "/authorize", "hybrid", redirect_uri, response_type=kind)
    live.sign_in(page, begun.url)
    fields = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(_landed(page, loopback)["url"]).fragment))
    assert (fields["state"], fields["iss"]) == (begun.state, hybrid.issuer)
    if "id_token" in fields:
        assert _believe(hybrid, fields["id_token"], kind, fields, begun.nonce)["sub"] == ALICE
        for name in ("code", "access_token"):
            if name in fields:
                with pytest.raises(Exception, match=r"c_hash|at_hash"):
                    _believe(hybrid, fields["id_token"], kind, fields | {name: fields[name] + "x"}, begun.nonce)
    if "access_token" in fields:
        header = {"authorization": f"Bearer {fields['access_token']}"}
        assert requests.get(hybrid.issuer + "/userinfo", headers=header, timeout=5).json()["sub"] == ALICE
    if "code" in fields:
        told = _redeem(hybrid, begun, fields["code"])
        assert _believe(hybrid, told["id_token"], kind, _second(told), begun.nonce)


def _second(told: dict[str, Any]) -> dict[str, str]:
    """Return what the token endpoint's ID token is held against: its own access token."""
    return {"access_token": told["access_token"]}


def _redeem(dev: live.Dev, begun: live.Started, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "client_id": "hybrid",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.code_verifier,
    }
    answer = requests.post(dev.issuer + "/token", data=form, timeout=5)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told
