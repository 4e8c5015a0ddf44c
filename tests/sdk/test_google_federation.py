"""Tokens of another issuer exchanged by Google's own clients: from a file, an address, a program; and refusals."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.capability import capability
from tests.sdk import cells, installation, world
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
STS = "https://sts.googleapis.com/v1/token"
IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
# Debian's Ruby library knows no external accounts.
CLIENTS = ["Python", "Node", "Go", "Go old", "Java"]


def _from_file(google: World) -> dict[str, Any]:
    return {"file": str(google.file("subject.jwt", google.foreign.token()))}


def _from_json(google: World) -> dict[str, Any]:
    path = google.file("subject.json", {"jwt": google.foreign.token()})
    return {"file": str(path), "format": {"type": "json", "subject_token_field_name": "jwt"}}


def _from_address(google: World) -> dict[str, Any]:
    (google.inside.folder / "site" / "subject.jwt").write_text(google.foreign.token(), encoding="ascii")
    return {"url": f"http://127.0.0.1:{world.SITE}/subject.jwt", "headers": {"X-Wanted": "yes"}}


def _from_program(google: World) -> dict[str, Any]:
    said = {"version": 1, "success": True, "token_type": JWT, "id_token": google.foreign.token()}
    said["expiration_time"] = int(time.time()) + 600
    program = google.file("program.sh", f"#!/bin/sh\necho {shlex.quote(json.dumps(said))}\n")
    program.chmod(0o755)
    return {"executable": {"command": str(program), "timeout_millis": 10000}}


SOURCES = {"file": _from_file, "json": _from_json, "url": _from_address, "executable": _from_program}


def _credentials(google: World, source: str, *, impersonate: str = "") -> dict[str, str]:
    """Write the configuration that a client is given, and return the environment that leads to it."""
    told = {
        "type": "external_account",
        "audience": installation.AUDIENCE,
        "subject_token_type": JWT,
        "token_url": STS,
        "credential_source": SOURCES[source](google),
    }
    if impersonate:
        told["service_account_impersonation_url"] = f"{IAM}{impersonate}:generateAccessToken"
    path = google.file("external.json", told)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}


def _access(google: World, client: str, env: dict[str, str]) -> str:
    language, _, old = client.partition(" ")
    return google.clients.run(language, "old_access" if old else "access", env=env).token


@cells.cell("sts")
@capability("official-python-federation", witness="google-auth (Python)")
@capability("official-node-federation", witness="google-auth-library (npm)")
@capability("official-go-federation", witness="cloud.google.com/go/auth, golang.org/x/oauth2")
@capability("official-java-federation", witness="google-auth-library-oauth2-http (Java)")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_foreign_token_becomes_an_account(google: World, client: str, source: str) -> None:
    """A client takes the other issuer's token from where it is told to, and ends as the account that the job may be."""
    token = _access(google, client, _credentials(google, source, impersonate=google.target))
    told = json.loads(google.clients.curl(f"https://oauth2.googleapis.com/tokeninfo?access_token={token}"))
    assert told["sub"] == google.number(google.target)


@cells.cell("sts")
@pytest.mark.parametrize("client", CLIENTS)
def test_the_federated_token_gets_an_id_token(google: World, client: str) -> None:
    """The way of Google's page: the exchanged token itself asks `generateIdToken`."""
    token = _access(google, client, _credentials(google, "file"))
    words = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"]
    answer = google.clients.curl(
        *words, "-d", '{"audience": "https://x.example"}', f"{IAM}{google.target}:generateIdToken"
    )
    assert claims(json.loads(answer)["token"])["sub"] == google.number(google.target)


def _exchange(google: World, **changes: Any) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": EXCHANGE,
        "audience": installation.AUDIENCE,
        "scope": PLATFORM,
        "requested_token_type": ACCESS,
        "subject_token": google.foreign.token(),
        "subject_token_type": JWT,
    } | changes
    words = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}") if value != ""]
    text, _, code = google.clients.curl(*words, "-w", "\n%{http_code}", STS).rpartition("\n")
    return int(code), json.loads(text)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such pool": ({"audience": installation.AUDIENCE.replace(installation.POOL, "no-such-pool")}, "invalid_target"),
    "no such provider": ({"audience": installation.AUDIENCE + "x"}, "invalid_target"),
    "malformed audience": ({"audience": "//iam.googleapis.com/pools/x"}, "invalid_request"),
    "no audience": ({"audience": ""}, "invalid_request"),
    "wrong iss": ({"iss": "https://other.example.com"}, "invalid_grant"),
    "wrong aud": ({"aud": "https://other.example.com"}, "invalid_grant"),
    "no aud": ({"aud": None}, "invalid_grant"),
    "expired": ({"iat": 1_700_000_000, "exp": 1_700_000_600}, "invalid_grant"),
    "of tomorrow": ({"iat": 4_000_000_000, "exp": 4_000_000_600}, "invalid_grant"),
    "without exp": ({"exp": None}, "invalid_grant"),
    "unknown kid": ({"kid": "foreign-2"}, "invalid_grant"),
    "another's signature": ({}, "invalid_grant"),
    "condition": ({"ref": "other"}, "unauthorized_client"),
    "subject too long": ({"sub": "x" * 128}, "invalid_request"),
    "not a token": ({"subject_token": "abc"}, "invalid_request"),
    "wrong grant": ({"grant_type": "urn:example"}, "unsupported_grant_type"),
}
FIELDS = {"audience", "subject_token", "grant_type"}


@cells.cell("sts")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(google: World, name: str) -> None:
    """A refusal has the error that clients know, a description, and no token."""
    changes, error = REFUSED[name]
    if changes.keys() & FIELDS:
        code, told = _exchange(google, **changes)
    else:
        key = rsa.generate_private_key(65537, 2048) if name == "another's signature" else None
        code, told = _exchange(google, subject_token=google.foreign.token(key=key, **changes))
    assert (code, told["error"]) == (400, error)
    assert told["error_description"]
    assert "access_token" not in told


@cells.cell("sts")
def test_a_json_body_is_read(google: World) -> None:
    """The official schema is JSON with names in camel case."""
    body = {
        "grantType": EXCHANGE,
        "audience": installation.AUDIENCE,
        "scope": PLATFORM,
        "requestedTokenType": ACCESS,
        "subjectToken": google.foreign.token(),
        "subjectTokenType": JWT,
    }
    told = json.loads(google.clients.curl("-H", "Content-Type: application/json", "-d", json.dumps(body), STS))
    assert (told["token_type"], told["issued_token_type"]) == ("Bearer", ACCESS)
    assert 0 < told["expires_in"] <= 600


@cells.cell("sts")
@pytest.mark.parametrize("times", [0, 1], ids=["once", "twice"])
def test_options_are_read_however_often_they_are_encoded(google: World, times: int) -> None:
    """Some libraries percent-encode the options once more than the form does."""
    options = json.dumps({"userProject": str(installation.NUMBER)})
    code, told = _exchange(google, options=quote(options) if times else options)
    assert code == 200, told
