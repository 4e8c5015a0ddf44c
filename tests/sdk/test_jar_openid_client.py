"""openid-client (npm), unmodified, signs request objects."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
from typing import Any

import pytest

from intaglio.protocol import pkce
from tests import harness, live
from tests.capability import capability

pytestmark = [pytest.mark.sdk]
NODE = pathlib.Path(__file__).parent / "node"


def _made(site: harness.Site, alg: str, **parameters: Any) -> dict[str, Any]:
    """Return what openid-client makes of the server's own metadata: an address and the public key."""
    settings = {
        "metadata": site.get("~/.well-known/openid-configuration").json(),
        "client_id": "web",
        "alg": alg,
        "skew": site.clock.now() - int(time.time()),
        "parameters": {
            "redirect_uri": "http://127.0.0.1:9999/cb",
            "scope": "openid",
            "response_type": "code",
            "state": "signed",
            "nonce": "n-1",
            "max_age": "600",
            "code_challenge": pkce.challenge(harness.VERIFIER),
            "code_challenge_method": "S256",
            **parameters,
        },
    }
    words = [live.need_node(), str(NODE / "jar.mjs"), json.dumps(settings)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=live.environment())
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@capability("request-object-value", witness="openid-client (npm)")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
def test_a_request_that_openid_client_signed(alg: str) -> None:
    """RFC 9101: `client_id` and `request` in the address, everything else inside, `claims` and `max_age` too."""
    with harness.site() as site:
        made = _made(site, alg, claims='{"id_token":{"email":{"essential":true}}}')
        browser, app = harness.Browser(site), harness.App(site)
        assert browser.get(made["url"]).error == "invalid_request_object"
        site.change_client("web", jwks=json.dumps({"keys": [made["key"]]}))
        answer = browser.through(browser.get(made["url"]))
        assert answer.params["state"] == "signed"
        token = harness.payload(app.redeem(answer.params["code"]).json()["id_token"])
        assert (token["nonce"], token["email"]) == ("n-1", "alice@example.com")
        other = _made(site, alg)
        assert browser.get(other["url"]).error == "invalid_request_object"
