"""Modes plain and endpoints as processes of their own: no database, keys fetched from an issuer over HTTP."""

from __future__ import annotations

import base64
import json
import pathlib
from collections.abc import Iterator

import pytest
import requests

from tests import live
from tests.capability import capability
from tests.gate import conftest
from tests.gate.conftest import World


def started(world: World, folder: pathlib.Path, *words: str) -> Iterator[str]:
    """Run a gate with options alone."""
    port = conftest.free_port()
    more = ("--listen", f"127.0.0.1:{port}", "--upstream", f"http://127.0.0.1:{world.echo.port}")
    with conftest.running(live.command("gate", *words, *more), folder, "gate", lambda told: "ready:" in told):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def plain(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gate for tokens of the development server, for the audience `reports`."""
    words = ("--mode", "plain", "--issuer", world.google, "--audience", "reports")
    yield from started(world, tmp_path_factory.mktemp("plain"), *words)


@pytest.fixture(scope="module")
def endpoints(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gate for an API whose orders want a token, and whose health wants none."""
    folder = tmp_path_factory.mktemp("endpoints")
    document = {
        "swagger": "2.0",
        "host": "api.example.com",
        "paths": {"/orders": {"get": {"security": [{"machines": []}]}}, "/health": {"get": {}}},
        "securityDefinitions": {
            "machines": {
                "type": "oauth2",
                "x-google-issuer": world.google,
                "x-google-jwks_uri": f"{world.google}/oauth2/v3/certs",
                "x-google-audiences": "orders-api",
            }
        },
    }
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    yield from started(world, folder, "--mode", "endpoints", "--openapi", "openapi.json")


@capability("gate-plain", witness="requests")
def test_plain(world: World, plain: str) -> None:
    """401 for nobody and for another audience; the claims in their headers for the right one."""
    assert requests.get(plain, timeout=10).status_code == 401
    other = {"Authorization": f"Bearer {world.token('other')}"}
    assert requests.get(plain, headers=other, timeout=10).status_code == 401
    good = {"Authorization": f"Bearer {world.token('reports')}", "X-Auth-Subject": "root"}
    passed = requests.get(plain, headers=good, timeout=10)
    assert passed.status_code == 200, passed.text
    seen = conftest.headers(passed)
    assert seen["x-auth-email"] == [conftest.TARGET]
    assert seen["x-auth-subject"] == ["100000000000000000002"]
    assert "authorization" not in seen


@capability("gate-endpoints", witness="requests")
def test_endpoints(world: World, endpoints: str) -> None:
    """The route decides; the verified claims travel on, and a client's own do not."""
    assert requests.get(f"{endpoints}/health", timeout=10).status_code == 200
    refused = requests.get(f"{endpoints}/orders", timeout=10)
    assert (refused.status_code, refused.json()["message"]) == (401, "Jwt is missing")
    other = {"Authorization": f"Bearer {world.token('other')}"}
    assert requests.get(f"{endpoints}/orders", headers=other, timeout=10).status_code == 403
    forged = {"X-Apigateway-Api-Userinfo": "e30", "X_Apigateway_Api_Userinfo": "e30"}
    good = {"Authorization": f"Bearer {world.token('orders-api')}"} | forged
    passed = requests.get(f"{endpoints}/orders", headers=good, timeout=10)
    assert passed.status_code == 200, passed.text
    (told,) = conftest.headers(passed)["x-apigateway-api-userinfo"]
    claims = json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))
    assert (claims["aud"], claims["email"]) == ("orders-api", conftest.TARGET)


def test_an_issuer_that_does_not_answer(world: World, tmp_path: pathlib.Path) -> None:
    """503 and nobody passes."""
    words = ("--mode", "plain", "--issuer", f"http://127.0.0.1:{conftest.free_port()}", "--audience", "reports")
    for where in started(world, tmp_path, *words):
        told = {"Authorization": f"Bearer {world.token('reports')}"}
        assert requests.get(where, headers=told, timeout=20).status_code == 503
