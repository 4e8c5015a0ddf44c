"""oauth2c, unmodified, over https, wherever it is installed: the flows and client authentications of its README."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import live
from tests.capability import capability
from tests.sdk import cloudentity
from tests.sdk import secure as secures
from tests.sdk.cloudentity import Somebody

pytestmark = [pytest.mark.sdk, capability("official-oauth2c", witness="oauth2c")]
secure = secures.secure
SECRET = "a-secret-of-the-client-that-is-long-enough"
SCOPES = "openid,email,offline_access"
CODE = ("--response-types", "code", "--response-mode", "query", "--grant-type", "authorization_code")


class Oauth2c:
    """The program, the applications that it speaks for, and the person at whom its addresses are aimed."""

    def __init__(self, site: secures.Secure, folder: pathlib.Path) -> None:
        found = shutil.which("oauth2c")
        if found is None:
            pytest.skip("oauth2c is not installed; neither Debian nor PyPI has it")
        self.site = site
        self.callback = f"http://localhost:{live.free_ports()}/callback"
        self.key = folder / "key.json"
        made = rsa.generate_private_key(65537, 2048)
        private = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made)) | {"use": "sig", "alg": "RS256", "kid": "own"}
        private.pop("key_ops", None)
        self.key.write_text(json.dumps({"keys": [private]}))
        self.public = json.dumps({"keys": [{name: private[name] for name in ("kty", "n", "e", "use", "alg", "kid")}]})
        self._words = [found, cloudentity.issuer(site), "--no-browser", "--no-prompt", "--tls-root-ca", site.ca]
        self._words += ["--redirect-url", self.callback, "--http-timeout", "10s", "--browser-timeout", "10s"]

    def run(self, client_id: str, *words: str, method: str = "client_secret_basic") -> dict[str, Any]:
        """Run a flow, with the person's part in it, and return what the program prints at its end."""
        proof = ["--client-id", client_id, "--auth-method", method]
        proof += ["--client-secret", SECRET] if method.startswith("client_secret") else []
        proof += ["--signing-key", str(self.key)] if method == "private_key_jwt" else []
        command, pipe = [*self._words, *proof, *words], subprocess.PIPE
        environment = self.site.environment(NO_COLOR="1")
        started = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
        try:
            said = self._accompanied(started)
            out, rest = started.communicate(timeout=20)
        finally:
            started.kill()
            started.communicate()
        assert started.returncode == 0, (said + rest)[-3000:]
        # Above the answer the program tells what it was given.
        told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return told

    def _accompanied(self, started: subprocess.Popen[str]) -> str:
        assert started.stderr is not None
        said, expected = "", False
        for line in started.stderr:
            said += line
            expected = expected or "Go to the following URL" in line
            found = re.match(r"https://\S+", line.strip())
            if expected and found:
                self._go(found[0])
                break
        return said

    def _go(self, url: str) -> None:
        somebody = Somebody(self.site)
        if "user_code=" in url:
            at, code = url.split("?user_code=")
            somebody.approve(at, code)
            return
        given = somebody.through(url)
        if "form" in given:
            requests.post(self.callback, data=given["form"], timeout=10)
        else:
            requests.get(given["url"], timeout=10)


@pytest.fixture(scope="module")
def oauth2c(secure: secures.Secure, tmp_path_factory: pytest.TempPathFactory) -> Oauth2c:
    """The program, with an application of each kind."""
    program = Oauth2c(secure, tmp_path_factory.mktemp("oauth2c"))
    given: dict[str, Any] = {
        "redirect_uris": (program.callback,),
        "grant_types": ("authorization_code", "implicit", "refresh_token", "client_credentials"),
        "response_types": cloudentity.RESPONSE_TYPES,
        "consent": "implicit",
    }
    kept = (secure.house.secrets.keep(SECRET, secure.clock.now(), sealed=True),)
    secrets = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
    secure.add_client("confidential", **given, token_endpoint_auth_methods=secrets, secrets=kept)
    methods = ("private_key_jwt",)
    secure.add_client("proof", **given, token_endpoint_auth_methods=methods, secrets=(), jwks=program.public)
    secure.add_client("open", **given, like="native", allowed_origins=(program.callback.removesuffix("/callback"),))
    return program


@pytest.mark.parametrize(
    ("client_id", "method", "more"),
    [
        ("confidential", "client_secret_basic", ()),
        ("confidential", "client_secret_post", ()),
        ("confidential", "client_secret_jwt", ("--pkce",)),
        ("proof", "private_key_jwt", ("--pkce",)),
        ("open", "none", ("--pkce",)),
        ("confidential", "client_secret_basic", ("--par", "--pkce")),
        ("proof", "private_key_jwt", ("--pkce", "--request-object")),
        ("proof", "private_key_jwt", ("--pkce", "--encrypted-request-object")),
        ("confidential", "client_secret_basic", ("--claims", '{"id_token":{"given_name":null}}', "--max-age", "600")),
    ],
)
def test_authorization_code(
    oauth2c: Oauth2c, secure: secures.Secure, client_id: str, method: str, more: tuple[str, ...]
) -> None:
    """A code, for each way in which an application proves itself, with PKCE, pushed, and in a request object."""
    told = oauth2c.run(client_id, *CODE, "--scopes", SCOPES, *more, method=method)
    claims = live.claims(told["id_token"])
    assert (claims["aud"], claims["iss"]) == (client_id, cloudentity.issuer(secure))
    assert set(claims["scp"]) == set(SCOPES.split(","))
    assert told["refresh_token"]


def test_hybrid_and_implicit(oauth2c: Oauth2c) -> None:
    """An ID token with the code, posted by the browser; ID token and access token without a code."""
    hybrid = ("--response-types", "code,id_token", "--response-mode", "form_post", "--grant-type", "authorization_code")
    told = oauth2c.run("confidential", *hybrid, "--scopes", SCOPES)
    assert live.claims(told["id_token"])["email"] == "alice@example.com"
    implicit = ("--response-types", "token,id_token", "--response-mode", "form_post", "--grant-type", "implicit")
    told = oauth2c.run("confidential", *implicit, "--scopes", "openid,email")
    assert told["access_token"]
    assert "at_hash" in live.claims(told["id_token"])


def test_without_a_browser(oauth2c: Oauth2c) -> None:
    """Client credentials, a refresh, and a device."""
    told = oauth2c.run("confidential", "--grant-type", "client_credentials")
    assert (told["token_type"].lower(), "id_token" in told) == ("bearer", False)
    told = oauth2c.run("confidential", *CODE, "--scopes", SCOPES)
    again = oauth2c.run("confidential", "--grant-type", "refresh_token", "--refresh-token", told["refresh_token"])
    assert live.claims(again["id_token"])["sub"] == live.claims(told["id_token"])["sub"]
    device = ("--grant-type", "urn:ietf:params:oauth:grant-type:device_code", "--scopes", "openid")
    told = oauth2c.run("tv", *device, method="none")
    assert live.claims(told["id_token"])["aud"] == "tv"
