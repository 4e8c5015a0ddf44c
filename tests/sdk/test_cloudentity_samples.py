"""The samples of the how-to on Cloudentity's clients: each is taken from the page and run as it stands."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import live
from tests.capability import capability
from tests.sdk import cloudentity, official
from tests.sdk import secure as secures
from tests.sdk.cloudentity import CALLBACK, Somebody
from tests.sdk.secure import Secure

pytestmark = [pytest.mark.sdk, capability("howto-cloudentity-sdks", witness="acp-client-go, go-jose, Express")]
ROOT = pathlib.Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "howto" / "cloudentity-sdks.md").read_text(encoding="utf-8")
SAMPLES = {(language, way): text for language, way, text in re.findall(r"(?ms)^```(\w+) (\w+)\n(.*?)^```", PAGE)}
SECRET = "a-secret-of-the-app"
secure = secures.secure


@pytest.fixture(scope="module")
def folder(secure: Secure, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return a folder with the samples, told of the port at which the server is; the Go ones are built."""
    made = tmp_path_factory.mktemp("samples")
    (made / "node_modules").symlink_to(live.NODE_MODULES)
    port = secure.place("cloudentity").rsplit(":", 1)[1]
    for (language, way), text in SAMPLES.items():
        ending = {"js": "mjs"}.get(language, language)
        (made / f"{way}.{ending}").write_text(text.replace("8084", port), encoding="utf-8")
    return made


def _built(folder: pathlib.Path, sample: str) -> str:
    secures.go("acp")
    words = ["go", "build", "-mod=readonly", "-trimpath", "-o", str(folder / sample), str(folder / f"{sample}.go")]
    built = subprocess.run(words, cwd=official.HERE / "go", capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    return str(folder / sample)


def test_page_has_these_samples() -> None:
    """Each sample is run by a test of this module; the commands are run with those of the other pages."""
    assert set(SAMPLES) == {("go", "signin"), ("go", "decrypt"), ("js", "web"), ("sh", "run")}


def test_signing_in_with_go(secure: Secure, folder: pathlib.Path) -> None:
    """It says where the person is to go, is told where they ended up, and knows who they are."""
    secure.add_client("go-app", SECRET, redirect_uris=(CALLBACK,))
    pipe, environment = subprocess.PIPE, secure.environment(GO_APP_SECRET=SECRET)
    words = [_built(folder, "signin")]
    started = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)
    try:
        assert started.stdout is not None
        back = Somebody(secure).through(started.stdout.readline().strip())["url"]
        told, failed = started.communicate(back + "\n", timeout=20)
        assert told.strip() == "Alice Elizabeth Adams", failed
    finally:
        started.kill()
        started.communicate()


def _nested(secure: Secure, folder: pathlib.Path) -> str:
    """Register an application with a key, and return an ID token of its person's."""
    made = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(made.private_bytes(*form))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(made.public_key()))
    jwk = {name: public[name] for name in ("kty", "n", "e")} | {"use": "enc", "alg": "RSA-OAEP-256", "kid": "1"}
    told: dict[str, Any] = {"response_types": ("id_token",), "grant_types": ("implicit",)}
    told |= {"id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM"}
    secure.add_client("nested", jwks=json.dumps({"keys": [jwk]}), redirect_uris=(CALLBACK,), **told)
    asked = {"client_id": "nested", "response_type": "id_token", "scope": "openid profile", "nonce": "n"}
    request = requests.Request("GET", cloudentity.issuer(secure) + "/oauth2/authorize", params=asked | {"state": "s"})
    url = request.prepare().url + f"&redirect_uri={CALLBACK}"
    return Somebody(secure).comes_back(url)["id_token"]


def test_decrypting_with_go(secure: Secure, folder: pathlib.Path) -> None:
    """It opens the token and believes what is inside; a token in clear it refuses."""
    token = _nested(secure, folder)
    words, given = [_built(folder, "decrypt")], {"cwd": folder, "env": secure.environment()}
    done = subprocess.run([*words, token], capture_output=True, text=True, timeout=20, check=False, **given)
    assert done.stdout.strip() == "Alice Elizabeth Adams", done.stderr
    done = subprocess.run([*words, "a.b.c"], capture_output=True, text=True, timeout=20, check=False, **given)
    assert (done.returncode, done.stdout) == (1, "")


def test_web_application(secure: Secure, folder: pathlib.Path) -> None:
    """The settings of Cloudentity's sample application: it shows who came back with a code."""
    port = live.free_ports()
    at = f"http://localhost:{port}"
    sample = folder / "web.mjs"
    sample.write_text(sample.read_text().replace("3000", str(port)) + '\nconsole.log("ready");\n')
    secure.change_client("web", redirect_uris=(at + "/callback",))
    words = [live.need_node(), str(sample)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=secure.environment())
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        browser = requests.Session()
        browser.trust_env = False
        away = browser.get(at + "/profile", allow_redirects=False, timeout=10)
        back = Somebody(secure).through(away.headers["location"])["url"]
        assert dict(parse_qsl(urlsplit(back).query))["code"]
        shown = browser.get(back, timeout=10)
        assert shown.json()["email"] == "alice@example.com"
        browser.close()
    finally:
        started.kill()
        started.communicate()
