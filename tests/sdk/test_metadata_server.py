"""What official clients and curl find out about the machine: account, scopes, project, universe, access tokens."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import urllib.parse
from typing import Any

import pytest

from intaglio.server.devmode import seeds
from tests import live
from tests.capability import capability

pytestmark = pytest.mark.sdk
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
PYTHON = """
import json, google.auth, google.auth.transport.requests
from google.auth.compute_engine import _metadata
request = google.auth.transport.requests.Request()
credentials, project = google.auth.default()
credentials.refresh(request)
told = {"project": project, "email": credentials.service_account_email, "universe": credentials.universe_domain,
        "valid": credentials.valid, "token": credentials.token[:5],
        "whole": _metadata.get_service_account_info(request), "on": _metadata.ping(request)}
again, _ = google.auth.default()
again.refresh(request)
print(json.dumps({**told, "same": again.token == credentials.token}))
"""


def _asked(dev: live.Dev, home: pathlib.Path, *words: str) -> dict[str, Any]:
    host = urllib.parse.urlsplit(dev.at("google")).netloc
    given = live.environment(GCE_METADATA_HOST=host, GCE_METADATA_IP=host, HOME=str(home))
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env=given, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@capability("metadata-accounts", witness="google-auth (Python)")
@capability("metadata-token", witness="google-auth (Python)")
@capability("metadata-universe", witness="google-auth (Python)")
@capability("metadata-tree", witness="google-auth (Python)")
def test_python_finds_out(dev: live.Dev, tmp_path: pathlib.Path) -> None:
    """Default credentials: the attached account by its address, its project, a token that is good for a while."""
    told = _asked(dev, tmp_path, sys.executable, "-c", PYTHON)
    assert (told["email"], told["project"], told["universe"]) == (seeds.ACCOUNT, seeds.PROJECT, "googleapis.com")
    assert (told["valid"], told["token"], told["same"], told["on"]) == (True, "ya29.", True, True)
    assert told["whole"]["aliases"] == ["default"]
    assert CLOUD in told["whole"]["scopes"]


@capability("metadata-accounts", witness="gcp-metadata (npm)")
@capability("metadata-token", witness="google-auth-library (npm)")
@capability("metadata-universe", witness="gcp-metadata (npm)")
@capability("metadata-tree", witness="gcp-metadata (npm)")
def test_node_finds_out(dev: live.Dev, tmp_path: pathlib.Path) -> None:
    """The same by the other library, which refuses every answer without the flavor."""
    script = pathlib.Path(__file__).parent / "node" / "metadata.mjs"
    told = _asked(dev, tmp_path, live.need_node(), str(script))
    assert told["available"]
    assert (told["email"], told["project"], told["universe"]) == (seeds.ACCOUNT, seeds.PROJECT, "googleapis.com")
    assert CLOUD in told["scopes"]
    assert told["whole"]["default"]["email"] == seeds.ACCOUNT
    assert told["same"]
    assert 300 < told["left"] <= 3600


@capability("metadata-tree", witness="curl")
@capability("metadata-accounts", witness="curl")
@capability("metadata-refusals", witness="curl")
def test_curl_finds_out(dev: live.Dev) -> None:
    """A redirection is followed to the directory; a wrong one carries the flavor and the reason."""
    at = dev.at("google") + "/computeMetadata/v1/instance/service-accounts"
    curl = ("curl", "-sS", "-L", "-i", "-H", "Metadata-Flavor: Google")
    listed = subprocess.run([*curl, at], capture_output=True, text=True, timeout=10, check=True).stdout
    assert "301 Moved Permanently" in listed
    assert listed.endswith(f"default/\n{seeds.ACCOUNT}/\n")
    refused = subprocess.run(["curl", "-sS", "-i", at], capture_output=True, text=True, timeout=10, check=True).stdout
    assert refused.startswith("HTTP/1.1 403")
    assert "metadata-flavor: Google" in refused
    assert "Missing Metadata-Flavor:Google header." in refused
    without = subprocess.run([*curl, at + "/default/identity"], capture_output=True, text=True, timeout=10, check=True)
    assert without.stdout.endswith("\n\nnon-empty audience parameter required")
    assert "content-type: text/html\n" in without.stdout
