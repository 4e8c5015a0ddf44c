"""Request objects through a real browser and a real server, which fetches those that are named by address."""

from __future__ import annotations

import http.server
import json
import pathlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests import live
from tests.capability import capability
from tests.live import sync_api

pytestmark = pytest.mark.browser
CHROMIUM = "Chromium"
KEY = ec.generate_private_key(ec.SECP256R1())


class Shelf(http.server.ThreadingHTTPServer):
    """Gives `text` to whoever asks."""

    text = ""
    daemon_threads = True


class Handing(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Shelf

    def do_GET(self) -> None:
        """Answer a GET."""
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/oauth-authz-req+jwt")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    """Where the application puts its request objects."""
    made = Shelf(("127.0.0.1", 0), Handing)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture(scope="module")
def issuer(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Dev]:
    """A development server that may call this machine, with a client that signs."""
    directory: pathlib.Path = tmp_path_factory.mktemp("objects")
    running = live.start(directory, env=live.environment(INTAGLIO_OUTGOING__ALLOW="127.0.0.1"))
    members = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
    key = {"kid": "one", "use": "sig"} | {name: members[name] for name in ("kty", "crv", "x", "y")}
    live.register(
        running,
        "signing",
        jwks=json.dumps({"keys": [key]}),
        request_object_signing_alg="ES256",
        request_uris=(f"http://127.0.0.1:{shelf.server_address[1]}/object",),
    )
    try:
        yield running
    finally:
        running.stop()
    assert "eyJ" not in running.log
    assert "Traceback" not in running.log


def _object(issuer: live.Dev, loopback: live.Receiver, **changes: Any) -> str:
    """Return a signed request that names one claim."""
    given = {
        "iss": "signing",
        "aud": issuer.issuer,
        "exp": int(time.time()) + 60,
        "client_id": "signing",
        "response_type": "code",
        "redirect_uri": f"http://127.0.0.1:{loopback.port}/cb",
        "scope": "openid",
        "state": "signed-state",
        "claims": {"id_token": {"email": {"essential": True}}},
        **changes,
    }
    return jwt.encode(given, KEY, algorithm="ES256", headers={"kid": "one"})


def _begin(issuer: live.Dev, loopback: live.Receiver, **more: str) -> live.Started:
    redirect_uri = f"http://127.0.0.1:{loopback.port}/cb"
    return live.authorization(issuer.issuer + "/authorize", "signing", redirect_uri, scope="openid", state="", **more)


@capability("request-object-value", witness=CHROMIUM)
@capability("request-claims", witness=CHROMIUM)
def test_a_signed_request_names_a_claim(issuer: live.Dev, page: sync_api.Page, loopback: live.Receiver) -> None:
    """The person is asked for the e-mail address that the object names; the state inside comes back."""
    page.goto(_begin(issuer, loopback, request=_object(issuer, loopback)).url)
    live.log_in(page)
    page.wait_for_selector("#consent-form")
    assert "See your e-mail address" in page.inner_text("#consent-form")
    live.allow(page)
    arrived = loopback.next()
    assert arrived.fields["state"] == "signed-state"
    assert "code" in arrived.fields


@capability("request-object-reference", witness=CHROMIUM)
def test_a_request_that_lies_at_the_application(
    issuer: live.Dev, page: sync_api.Page, loopback: live.Receiver, shelf: Shelf
) -> None:
    """The server fetches it from the registered address; a forged one is told to the application at once."""
    uri = f"http://127.0.0.1:{shelf.server_address[1]}/object"
    shelf.text = _object(issuer, loopback)
    live.sign_in(page, _begin(issuer, loopback, request_uri=uri).url)
    assert loopback.next().fields["state"] == "signed-state"
    shelf.text = _object(issuer, loopback, aud="https://other.example")
    page.goto(_begin(issuer, loopback, request_uri=uri).url)
    assert loopback.next().fields["error"] == "invalid_request_object"
    page.goto(_begin(issuer, loopback, request_uri=uri + "/other").url)
    assert loopback.next().fields["error"] == "invalid_request_uri"
