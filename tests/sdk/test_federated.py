"""google-auth (PyPI), unmodified, with a token of another issuer: from a file, from a URL, from an executable.

The pool, its provider and the role are made by the command line; the foreign issuer is a small server of the test's own
whose tokens PyJWT signs. What comes in the end is an ID token of a service account, which google-auth verifies.
"""

from __future__ import annotations

import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import msgspec
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import authorities, live
from tests.capability import capability

pytestmark = pytest.mark.sdk

PROJECT, TARGET = "demo-project", "target@demo-project.iam.intaglio.test"
POOL, PROVIDER = "builders", "acme-ci"
AUDIENCE = "https://receiver.example.com/path"

CLIENT = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from google.auth import identity_pool, pluggable
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token
info, base, target, audience = json.loads(sys.argv[1]), *sys.argv[2:]
kind = pluggable if "executable" in info["credential_source"] else identity_pool
credentials = kind.Credentials.from_info(info).with_scopes(["https://www.googleapis.com/auth/cloud-platform"])
session = AuthorizedSession(credentials)
url = f"{base}/v1/projects/-/serviceAccounts/{target}:generateIdToken"
answer = session.post(url, json={"audience": audience, "includeEmail": True})
if not answer.ok:
    sys.exit(answer.text)
told = id_token.verify_token(answer.json()["token"], Request(), audience=audience, certs_url=base + "/oauth2/v1/certs")
print(json.dumps(told))
"""


class Issuer(msgspec.Struct, frozen=True):
    """The foreign issuer: where it is, and its key."""

    url: str
    key: Any
    asked: list[str]

    def token(self, audience: str, **changes: Any) -> str:
        """Return a token for an audience."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "pipeline:acme/app",
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "repository": "acme/app",
            "repository_id": "42",
        }
        return jwt.encode(claims | changes, self.key, "RS256", headers={"kid": "k1"})

    @property
    def jwks(self) -> dict[str, Any]:
        """The key set as it is published."""
        members = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [members | {"kid": "k1", "alg": "RS256", "use": "sig"}]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A server with a discovery document, a key set, and at /token a token for the audience in the query."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body: dict[str, Any] = made.jwks
            if self.path.startswith("/.well-known"):
                body = {"issuer": made.url, "jwks_uri": made.url + "/jwks"}
            elif self.path.startswith("/token?"):
                body = {"value": made.token(self.path.partition("?")[2])}
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        made = Issuer(url, rsa.generate_private_key(65537, 2048), asked)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def audience(filed: live.Dev, issuer: Issuer) -> str:
    """The name of a provider that the command line made, whose identities of one repository may become an account."""
    live.cli(filed, "federation", "pool", "create", POOL, "--project", PROJECT)
    made = live.cli(
        filed,
        *("federation", "provider", "create", PROVIDER, "--project", PROJECT, "--pool", POOL, "-o", "json"),
        *("--issuer", issuer.url, "--condition", "assertion.repository_id == '42'"),
        *("--map", "google.subject=assertion.sub", "--map", "attribute.repository_id=assertion.repository_id"),
    )
    name: str = json.loads(made)["audience"]
    pool = name.removeprefix("//").partition("/providers/")[0]
    member = f"principalSet://{pool}/attribute.repository_id/42"
    role = "roles/iam.workloadIdentityUser"
    live.cli(filed, "policy", "add", "--resource", TARGET, "--role", role, "--member", member)
    time.sleep(1.1)  # a change of a policy is in force within a second
    return name


def _info(filed: live.Dev, audience: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "external_account",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": filed.at("google") + "/v1/token",
        "credential_source": source,
    }


def _run(filed: live.Dev, info: dict[str, Any], home: pathlib.Path, **env: str) -> dict[str, Any]:
    words = [sys.executable, "-c", CLIENT, json.dumps(info), filed.at("google"), TARGET, AUDIENCE]
    environment = live.environment(HOME=str(home), **env)
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@capability("federated-file", witness="google-auth (Python)")
@capability("federated-keys", witness="an issuer of the test's own, PyJWT")
@capability("federated-audit", witness="google-auth (Python)")
def test_a_file(filed: live.Dev, issuer: Issuer, audience: str, tmp_path: pathlib.Path) -> None:
    """The token of a file becomes an ID token of the account; the keys were had by discovery, once."""
    file = tmp_path / "token"
    for _ in range(2):
        file.write_text(issuer.token("https:" + audience))
        told = _run(filed, _info(filed, audience, {"file": str(file)}), tmp_path)
        assert (told["email"], told["aud"], told["iss"]) == (TARGET, AUDIENCE, filed.at("google"))
    assert issuer.asked.count("/jwks") == 1
    (entry, *_) = json.loads(live.cli(filed, "audit", "list", "-o", "json"))
    assert entry["origin"]["iss"] == issuer.url
    assert entry["origin"]["sub"] == "pipeline:acme/app"


@capability("federated-url", witness="google-auth (Python)")
def test_a_url(filed: live.Dev, issuer: Issuer, audience: str, tmp_path: pathlib.Path) -> None:
    """The token comes from an address, as JSON, as GitHub's does."""
    form = {"type": "json", "subject_token_field_name": "value"}
    source = {"url": f"{issuer.url}/token?{audience}", "format": form}
    assert _run(filed, _info(filed, audience, source), tmp_path)["email"] == TARGET


@capability("federated-executable", witness="google-auth (Python)")
def test_an_executable(filed: live.Dev, issuer: Issuer, audience: str, tmp_path: pathlib.Path) -> None:
    """The token comes from a program's output."""
    answer = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:id_token",
        "id_token": issuer.token(audience),
        "expiration_time": int(time.time()) + 300,
    }
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    source = {"executable": {"command": f"/bin/cat {tmp_path}/answer.json", "timeout_millis": 5000}}
    info = _info(filed, audience, source) | {"subject_token_type": answer["token_type"]}
    told = _run(filed, info, tmp_path, GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES="1")
    assert told["email"] == TARGET


@capability("federated-mapping", witness="requests")
@capability("federated-faces", witness="requests")
def test_a_stranger(filed: live.Dev, issuer: Issuer, audience: str) -> None:
    """Another repository's token is kept out by the condition, whoever the issuer is."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": audience,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": issuer.token(audience, repository_id="43"),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    answer = requests.post(filed.at("google") + "/v1/token", data=form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@capability("federated-pools-cli", witness="the command line as a process")
def test_the_commands(filed: live.Dev, audience: str, tmp_path: pathlib.Path) -> None:
    """Each of them, in the order of a provider's life."""
    pool = ("--project", PROJECT, "--pool", "second")
    first = ("federation", "pool")
    provider = ("federation", "provider")
    live.cli(filed, *first, "create", "second", "--project", PROJECT, "--display-name", "Second")
    anchors = tmp_path / "anchors.pem"
    anchors.write_text(authorities.ROOT.pem)
    live.cli(filed, *provider, "create", "machines", *pool, "--trust-anchors", str(anchors))
    shown = json.loads(live.cli(filed, *provider, "show", "machines", *pool, "-o", "json"))
    assert shown["attribute_mapping"] == {"google.subject": "assertion.subject.dn.cn"}
    live.cli(filed, *provider, "update", "machines", *pool, "--condition", "assertion.subject.dn.o == 'Acme'")
    for verb, member in (("disable", "disabled_at"), ("delete", "deleted_at")):
        assert json.loads(live.cli(filed, *provider, verb, "machines", *pool, "-o", "json"))[member] is not None
    live.cli(filed, *provider, "undelete", "machines", *pool)
    assert json.loads(live.cli(filed, *provider, "enable", "machines", *pool, "-o", "json"))["disabled_at"] is None
    (listed,) = json.loads(live.cli(filed, *provider, "list", *pool, "-o", "json"))
    assert listed["attribute_condition"] == "assertion.subject.dn.o == 'Acme'"
    assert live.cli(filed, *first, "list", "--project", PROJECT, "-o", "value").split() == [POOL, "second"]
    at = ("--project", PROJECT)
    live.cli(filed, *first, "update", "second", *at, "--description", "More")
    assert json.loads(live.cli(filed, *first, "show", "second", *at, "-o", "json"))["description"] == "More"
    for verb in ("disable", "enable", "delete", "undelete"):
        live.cli(filed, *first, verb, "second", *at)


def _refused(filed: live.Dev, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        live.command(*words),
        capture_output=True,
        text=True,
        timeout=20,
        cwd=filed.directory,
        env=live.environment(),
        check=False,
    )


@capability("federated-shared-issuers", witness="the command line as a process")
def test_an_issuer_that_serves_everybody(filed: live.Dev, audience: str) -> None:
    """Without a condition no provider is made; with one on a name alone it is, and the name is warned of."""
    named = ("federation", "provider", "create", "hub-ci", "--project", PROJECT, "--pool", POOL)
    words = (*named, "--issuer", "https://token.actions.githubusercontent.com")
    done = _refused(filed, *words)
    assert (done.returncode, "condition-missing" in done.stderr) == (2, True)
    done = _refused(filed, *words, "--condition", "assertion.ref == 'refs/heads/main'")
    assert (done.returncode, "condition-open" in done.stderr) == (2, True)
    done = _refused(filed, *words, "--condition", "assertion.repository == 'acme/app'")
    assert (done.returncode, "mutable-name" in done.stderr) == (0, True)


@capability("federated-trial", witness="the command line as a process")
def test_a_trial(filed: live.Dev, issuer: Issuer, audience: str, tmp_path: pathlib.Path) -> None:
    """What would come of a token: checks, mapping, the part of the condition that is false, and what it would open."""
    file = tmp_path / "token"
    words = ("federation", "test", "--token", str(file))
    file.write_text(issuer.token(audience))
    told = live.cli(filed, *words, "-o", "table")
    assert "ok   signature" in told
    assert "google.subject = assertion.sub  ->  pipeline:acme/app" in told
    assert f"{TARGET}  iam.serviceAccounts.getOpenIdToken  by roles/iam.workloadIdentityUser" in told
    assert told.endswith("accepted")
    record = json.loads(live.cli(filed, *words, "--provider", audience, "-o", "json"))
    assert (record["refused"], record["condition"]["holds"]) == ("", True)
    file.write_text(issuer.token(audience, repository_id="43"))
    done = _refused(filed, *words, "-o", "table")
    assert done.returncode == 3
    assert "false because of: assertion.repository_id == '42'" in done.stdout
    file.write_text(issuer.token("https://elsewhere.example"))
    done = _refused(filed, *words, "-o", "table")
    assert (done.returncode, "FAIL audience" in done.stdout) == (3, True)
