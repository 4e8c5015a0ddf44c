"""The receiving side: a gate that takes the tokens of Google's clients, and assertions that their verifiers believe."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests import live
from tests.capability import capability
from tests.sdk import cells, installation, namespace, world
from tests.sdk.world import World, claims

pytestmark = pytest.mark.sdk
ECHO = pathlib.Path(__file__).parent / "echo.py"
RUN, IAP = "http://127.0.0.1:9100/", "http://localhost:9100/"
AUDIENCE = "https://hello.example.com"
CLIENT = "our-gate"
ASSERTED = f"/projects/{installation.NUMBER}/locations/global/services/app"
IDENTITY = "http://metadata/computeMetadata/v1/instance/service-accounts/default/identity?audience="
SERVERLESS = "X-Serverless-Authorization"
CONFIGURATION = f"""
[gate]
listen = "127.0.0.1:9100"

[[service]]
name = "hello"
mode = "run"
url = "http://127.0.0.1:9100"
upstream = "http://127.0.0.1:9101"
project = "{installation.PROJECT}"

[[service]]
name = "app"
mode = "iap"
url = "http://localhost:9100"
upstream = "http://127.0.0.1:9101"
project = "{installation.PROJECT}"
client_id = "{CLIENT}"
client_secret_file = "gate.secret"
"""


class Seen(msgspec.Struct, frozen=True):
    """What came of a request: the status, and the headers that reached the service behind the gate."""

    status: int
    headers: dict[str, str]


class Gate:
    """A gate in front of a service, in the namespace of the issuer."""

    def __init__(self, google: World) -> None:
        self.google = google

    def ask(self, url: str, **headers: str) -> Seen:
        """Ask through the gate; `_` in a name stands for a hyphen."""
        words = [word for name, value in headers.items() for word in ("-H", f"{name.replace('_', '-')}: {value}")]
        text, _, status = self.google.clients.curl(*words, "-w", "\n%{http_code}", url).rpartition("\n")
        return Seen(int(status), json.loads(text) if status == "200" else {})

    def token(self, audience: str) -> str:
        """Return a token of the attached account."""
        return self.google.clients.curl("-H", "Metadata-Flavor: Google", IDENTITY + audience)


def _fill(google: World) -> pathlib.Path:
    google.cli("service", "create", "hello", "--project", installation.PROJECT, "--audience", AUDIENCE)
    google.cli("service", "create", "app", "--project", installation.PROJECT, "--audience", IAP)
    redirect = IAP + "_intaglio/gate/callback"
    made = json.loads(
        google.cli("client", "create", "Gate", "--client-id", CLIENT, "--redirect-uri", redirect, "-o", "json")
    )
    folder = google.inside.folder
    (folder / "gate.secret").write_text(made["client_secret"], encoding="ascii")
    (folder / "gate.secret").chmod(0o600)
    granted = {
        AUDIENCE: "roles/run.invoker",
        f"projects/{installation.PROJECT}/services/app": "roles/iap.httpsResourceAccessor",
    }
    for resource, role in granted.items():
        google.cli(
            "policy", "add", "--resource", resource, "--role", role, "--member", f"serviceAccount:{google.worker}"
        )
    path = folder / "gate.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gate(google: World) -> Iterator[Gate]:
    """A gate for a service in mode run and one in mode iap."""
    with contextlib.ExitStack() as stack:
        words = live.command("gate", str(_fill(google)))
        stack.enter_context(world.running(google.inside, [sys.executable, str(ECHO), "9101"], "ready:"))
        stack.enter_context(world.running(google.inside, words, "ready", **google.settings))
        time.sleep(1.1)
        yield Gate(google)


@cells.cell("receiver")
@capability(
    "official-gate", witness="google-auth (Python), google-auth-library (npm, Java), the Go libraries, googleauth"
)
@pytest.mark.parametrize("client", ["Python", "Node", "Go", "Java", "Ruby", "gcloud"])
def test_the_gate_lets_each_clients_token_in(gate: Gate, client: str) -> None:
    """The service gets the request, and the token so that it can be read and not used again."""
    if client == "gcloud":
        token = gate.google.clients.gcloud("auth", "print-identity-token", f"--audiences={AUDIENCE}").stdout.strip()
    else:
        token = gate.google.clients.run(client, "identity", audience=AUDIENCE).token
    seen = gate.ask(RUN, Authorization=f"Bearer {token}")
    assert seen.status == 200
    assert seen.headers["authorization"].rpartition(".")[2] == "SIGNATURE_REMOVED_BY_GOOGLE"
    assert claims(seen.headers["authorization"])["email"] == gate.google.worker


@cells.cell("receiver")
@pytest.mark.parametrize("name", ["nobody", "another audience", "an access token", "not allowed", "no token at all"])
def test_the_gate_keeps_others_out(gate: Gate, name: str) -> None:
    """What is no token for this service is 401; who may not call it, or says nothing, gets 403."""
    google = gate.google
    if name == "not allowed":
        given = google.clients.run(
            "Go", "impersonate", target=google.target, audience=AUDIENCE, include_email=True
        ).token
    elif name == "an access token":
        given = google.clients.run("Go", "access").token
    else:
        given = gate.token(AUDIENCE + "/x") if name == "another audience" else "nonsense"
    seen = gate.ask(RUN) if name == "nobody" else gate.ask(RUN, Authorization=f"Bearer {given}")
    assert seen.status == (403 if name in ("nobody", "not allowed") else 401)


@cells.cell("receiver")
def test_the_header_of_its_own_comes_first(gate: Gate) -> None:
    """Beside the header that is meant for the gate, the other is the application's, and reaches it unchanged."""
    good = f"Bearer {gate.token(AUDIENCE)}"
    seen = gate.ask(RUN, X_Serverless_Authorization=good, Authorization="Bearer of-the-application")
    assert (seen.status, seen.headers["authorization"]) == (200, "Bearer of-the-application")
    assert seen.headers[SERVERLESS.lower()].endswith("SIGNATURE_REMOVED_BY_GOOGLE")
    assert gate.ask(RUN, X_Serverless_Authorization="Bearer nonsense", Authorization=good).status == 401


@pytest.fixture(scope="module")
def asserted(gate: Gate) -> Seen:
    """What reaches a service in mode iap from a program with a token for the gate."""
    forged = {"X_Goog_IAP_JWT_Assertion": "forged", "X_Goog_Authenticated_User_Email": "forged"}
    return gate.ask(IAP, Proxy_Authorization=f"Bearer {gate.token(CLIENT)}", **forged)


@cells.cell("receiver")
def test_the_service_is_told_who_asks(gate: Gate, asserted: Seen) -> None:
    """The gate's own assertion and headers stand where a caller's forged ones stood."""
    assert asserted.status == 200
    told = claims(asserted.headers["x-goog-iap-jwt-assertion"])
    assert (told["iss"], told["aud"], told["email"]) == ("https://cloud.google.com/iap", ASSERTED, gate.google.worker)
    assert told["exp"] - told["iat"] == 600
    assert asserted.headers["x-goog-authenticated-user-email"] == f"accounts.google.com:{gate.google.worker}"
    assert "proxy-authorization" not in asserted.headers
    assert gate.ask(IAP).status in (302, 401)


# Debian's Ruby library makes its keys of key sets, which does not work with OpenSSL 3.
@cells.cell("receiver")
@capability(
    "official-assertion", witness="google-auth (Python), google-auth-library (npm, Java), cloud.google.com/go/auth"
)
@pytest.mark.parametrize("verifier", ["Python", "Node", "Go", "Java"])
def test_a_verifier_believes_the_assertion(gate: Gate, asserted: Seen, verifier: str) -> None:
    """Each library's verifier for the proxy's assertions believes ours, and no ID token in its place."""
    assertion = asserted.headers["x-goog-iap-jwt-assertion"]
    wanted: list[Any] = [(assertion, ASSERTED), (assertion, ASSERTED + "x"), (gate.token(ASSERTED), ASSERTED)]
    answers = gate.google.clients.verify(verifier, "iap", *wanted)
    assert answers[0]["claims"]["email"] == gate.google.worker
    assert "refused" in answers[1]
    # The library for Go has one function for both, and leaves the issuer to its caller.
    assert "refused" in answers[2] or answers[2]["claims"]["iss"] == namespace.ISSUER
