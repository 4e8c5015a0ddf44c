"""google-auth (PyPI) and google-auth-library (npm), unmodified, against the google port."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import urllib.parse

import pytest
import requests
from cryptography import x509

from tests import live
from tests.capability import capability

pytestmark = pytest.mark.sdk
NODE = pathlib.Path(__file__).parent / "node"
AUDIENCE = "https://receiver.example.com/a?c=d&e=ü&f=%2B"

WORKLOAD = """
import json, sys
from google.auth.transport import requests
from google.oauth2 import id_token
audience, v1, v3 = sys.argv[1:]
request = requests.Request()
token = id_token.fetch_id_token(request, audience)
believed = [id_token.verify_token(token, request, audience=audience, certs_url=url) for url in (v1, v3)]
try:
    id_token.verify_token(token, request, audience="https://another.example.com", certs_url=v1)
except ValueError as error:
    refused = str(error)
print(json.dumps({"v1": believed[0], "v3": believed[1], "refused": refused}))
"""


def _environment(dev: live.Dev, home: pathlib.Path) -> dict[str, str]:
    host = urllib.parse.urlsplit(dev.at("google")).netloc
    return live.environment(GCE_METADATA_HOST=host, GCE_METADATA_IP=host, HOME=str(home))


@capability("google-identity", witness="google-auth (Python)")
@capability("google-certs-v1", witness="google-auth (Python)")
@capability("google-certs-v3", witness="google-auth (Python)")
@capability("google-auth-fetch", witness="google-auth (Python)")
@capability("google-auth-verify", witness="google-auth (Python)")
def test_python_gets_and_believes_a_token(dev: live.Dev, tmp_path: pathlib.Path) -> None:
    """`fetch_id_token` finds the metadata server by the printed variables; `verify_token` believes both key forms."""
    google = dev.at("google")
    words = [sys.executable, "-c", WORKLOAD, AUDIENCE, google + "/oauth2/v1/certs", google + "/oauth2/v3/certs"]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=30, env=_environment(dev, tmp_path), check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["v1"] == told["v3"]
    assert told["v1"]["iss"] == google
    assert told["v1"]["aud"] == AUDIENCE
    assert told["v1"]["email"].endswith(".iam.intaglio.test")
    assert told["v1"]["sub"] == told["v1"]["azp"]
    assert "another" in told["refused"]


@capability("google-auth-fetch", witness="google-auth-library (npm)")
@capability("google-auth-verify", witness="google-auth-library (npm)")
def test_node_gets_and_believes_a_token(dev: live.Dev, tmp_path: pathlib.Path) -> None:
    """The Node library, which sends the audience bare, does the same from its own reading of the metadata server."""
    google, audience = dev.at("google"), "https://receiver.example.com/a?c=d"
    settings = {"audience": audience, "certificates": google + "/oauth2/v1/certs", "issuer": google}
    words = [live.need_node(), str(NODE / "workload.mjs"), json.dumps(settings)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=30, env=_environment(dev, tmp_path), check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["iss"], told["aud"]) == (google, audience)


@capability("google-identity", witness="requests")
def test_without_the_flavor_nothing_is_told(dev: live.Dev) -> None:
    """A request without the header, or from a browser's page, gets 403; the flavor is on the refusal too."""
    at = dev.at("google") + "/computeMetadata/v1/instance/service-accounts/default/identity?audience=x"
    flavor = {"metadata-flavor": "Google"}
    for headers in ({}, {"metadata-flavor": "google"}, flavor | {"x-forwarded-for": "1.2.3.4"}):
        answer = requests.get(at, headers=headers)
        assert answer.status_code == 403
        assert answer.headers["metadata-flavor"] == "Google"
        assert "eyJ" not in answer.text
    assert requests.get(at, headers=flavor).text.startswith("eyJ")


@capability("google-certs-v1", witness="cryptography")
def test_certificates_hold_the_published_keys(dev: live.Dev) -> None:
    """Each certificate of v1 stands under the kid under which v3 publishes its key."""
    certificates = requests.get(dev.at("google") + "/oauth2/v1/certs").json()
    keys = {key["kid"]: key for key in requests.get(dev.at("google") + "/oauth2/v3/certs").json()["keys"]}
    assert certificates.keys() == keys.keys()
    assert certificates
    for pem in certificates.values():
        x509.load_pem_x509_certificate(pem.encode())
