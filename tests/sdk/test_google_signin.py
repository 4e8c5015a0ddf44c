"""People's sign-in with google-auth (PyPI) and google-auth-library (npm), unmodified, at the google port."""

from __future__ import annotations

import json
import pathlib
import subprocess
import urllib.parse

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport import requests as transport
from google.oauth2 import credentials, id_token

from tests import live
from tests.capability import capability
from tests.sdk.person import Person

pytestmark = pytest.mark.sdk
NODE = pathlib.Path(__file__).parent / "node"
CALLBACK = "http://127.0.0.1:9999/cb"
SCOPES = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
]


def _sign_in(google: str) -> dict[str, str]:
    begun = live.authorization(google + "/o/oauth2/v2/auth", scope=" ".join(SCOPES), access_type="offline")
    url = Person(google).through(begun.url)["url"]
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["code"]
    told: dict[str, str] = live.redeem(google, begun, code)
    return told


@capability("official-python-signin", witness="google-auth (Python)")
@capability("google-signin-refresh", witness="google-auth (Python)")
def test_python_refreshes_a_persons_credentials(dev: live.Dev) -> None:
    """`Credentials.refresh` brings both tokens and keeps its refresh token; `verify_token` believes the ID token."""
    google, request = dev.at("google"), transport.Request()
    given = _sign_in(google)
    held = credentials.Credentials(
        None,
        refresh_token=given["refresh_token"],
        token_uri=google + "/token",
        client_id="web",
        client_secret="web-secret",
        scopes=SCOPES,
    )
    for _ in range(2):
        held.refresh(request)
        assert held.valid
        assert held.refresh_token == given["refresh_token"]
        assert set(held.granted_scopes) == set(SCOPES)
        for keys in ("v1", "v3"):
            claims = id_token.verify_token(held.id_token, request, "web", f"{google}/oauth2/{keys}/certs")
            assert (claims["iss"], claims["email"]) == (google, "alice@example.com")
    answer = requests.get(google + "/v1/userinfo", headers={"authorization": f"Bearer {held.token}"}, timeout=10)
    assert answer.json()["sub"] == claims["sub"]


@capability("official-python-signin", witness="google-auth (Python)")
@capability("google-signin-revoke", witness="requests and google-auth (Python)")
def test_python_is_told_that_it_ended(dev: live.Dev) -> None:
    """After `/revoke`, which asks for no client, refresh is refused; a token that is none is a bad request."""
    google = dev.at("google")
    given = _sign_in(google)
    assert requests.post(google + "/revoke", data={"token": given["refresh_token"]}, timeout=10).json() == {}
    again = requests.post(google + "/revoke", data={"token": "nonsense"}, timeout=10)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    held = credentials.Credentials(
        None,
        refresh_token=given["refresh_token"],
        token_uri=google + "/token",
        client_id="web",
        client_secret="web-secret",
    )
    with pytest.raises(RefreshError, match="invalid_grant"):
        held.refresh(transport.Request())
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    assert requests.get(google + "/v1/userinfo", headers=bearer, timeout=10).status_code == 401


@capability("official-node-signin", witness="google-auth-library (npm)")
@capability("google-signin-code", witness="google-auth-library (npm)")
def test_node_signs_a_person_in(dev: live.Dev) -> None:
    """The whole way of an application: address, code, tokens, `verifyIdToken`, tokeninfo, refresh, userinfo, revoke."""
    google = dev.at("google")
    settings = {"issuer": google, "clientId": "web", "clientSecret": "web-secret", "redirectUri": CALLBACK}
    words = [live.need_node(), str(NODE / "googlesignin.mjs"), json.dumps(settings)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=live.environment()
    ) as process:
        assert process.stdout is not None
        url = Person(google).through(json.loads(process.stdout.readline())["url"])["url"]
        found = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert found["state"] == "a-state"
        out, errors = process.communicate(json.dumps({"code": found["code"]}) + "\n", timeout=30)
    assert process.returncode == 0, errors
    told = json.loads(out)
    assert (told["first"]["iss"], told["first"]["aud"], told["first"]["azp"]) == (google, "web", "web")
    assert told["again"]["sub"] == told["first"]["sub"] == told["userinfo"]["sub"]
    assert told["first"]["email"] == told["again"]["email"] == told["info"]["email"] == "alice@example.com"
    # It asks for what was granted before as well, which other tests may have done.
    assert set(told["scope"].split()) >= set(SCOPES)
    assert told["kept"] is True
    assert "audience" in told["refused"].lower() or "recipient" in told["refused"].lower()
    assert told["ended"] == "invalid_grant"
