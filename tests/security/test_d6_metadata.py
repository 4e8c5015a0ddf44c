"""The metadata endpoint: rows 54 and 55 of our list of published faults, and that users never get a token there.

Reached through a proxy, a page, a name that was bound anew, or from another machine: each has given a cloud's tokens
away. The endpoints are those of the server in development and of the one beside a workload; both read their requests
with the same functions.
"""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
import requests

from intaglio.errors import Misconfigured
from intaglio.net.guard import Guard, Limits
from intaglio.net.pooled import PooledDriver
from intaglio.protocol.principals import Bearing, Principal
from intaglio.server.agent import serving
from intaglio.server.devmode import seeds
from intaglio.server.model import policies, resources, serviceaccounts
from intaglio.server.model.policies import Binding, Policy
from intaglio.server.run import dev
from tests import harness, live
from tests.capability import capability

pytestmark = capability("security-d6", witness="requests and tokens that an attacker would make")

ROOT = "http://localhost:8081"
ACCOUNTS = ROOT + "/computeMetadata/v1/instance/service-accounts"
FLAVOR = {"metadata-flavor": "Google"}
TARGET = "target@demo-project.iam.intaglio.test"
PATHS = (
    "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https://app",
    "/computeMetadata/v1/instance/service-accounts/default/token",
    "/computeMetadata/v1/instance/service-accounts/default/email",
    "/computeMetadata/v1/instance/service-accounts/?recursive=true",
    "/computeMetadata/v1/?recursive=true",
    "/computeMetadata/v1/instance",
    "/computeMetadata/",
)


# --- 54


@capability("metadata-refusals", witness="requests as pages and proxies send them")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"metadata-flavor": "google"},
        {"metadata-flavor": "Google,Google"},
        {"metadata": "true"},
        {"x-google-metadata-request": "True"},
        FLAVOR | {"x-forwarded-for": "203.0.113.9"},
        FLAVOR | {"x-forwarded-for": ""},
        FLAVOR | {"forwarded": "for=203.0.113.9"},
        FLAVOR | {"origin": "https://evil.example"},
        FLAVOR | {"origin": "null"},
        FLAVOR | {"origin": ROOT},
        FLAVOR | {"host": "evil.example"},
        FLAVOR | {"host": "localhost.evil.example:8081"},
        FLAVOR | {"host": "metadata.google.internal.evil.example"},
        FLAVOR | {"host": "localhost@evil.example"},
        FLAVOR | {"host": "evil.example#localhost"},
        FLAVOR | {"host": "0x7f.1"},
    ],
)
def test_d6_54_header_proxy_origin_and_name(site: harness.Site, path: str, headers: dict[str, str]) -> None:
    """403 without the header, behind a proxy, from a page, by a name that is not its own; and nothing is told."""
    answer = site.get(ROOT + path, headers=headers)
    assert answer.status == 403
    assert "eyJ" not in answer.text
    assert seeds.ACCOUNT not in answer.text
    assert answer.header("access-control-allow-origin") is None


def test_d6_54_no_page_may_ask_by_preflight(site: harness.Site) -> None:
    """The header makes a browser ask first, and the answer allows nothing."""
    for path in PATHS:
        headers = {
            "origin": "https://evil.example",
            "access-control-request-method": "GET",
            "access-control-request-headers": "metadata-flavor",
        }
        answer = site.request("OPTIONS", ROOT + path, headers=headers)
        assert [name for name, _ in answer.headers if name.startswith("access-control-allow")] == []


@capability("metadata-refusals", witness="Chromium")
@pytest.mark.browser
def test_d6_54_a_rebound_name_in_a_browser(tmp_path: pathlib.Path) -> None:
    """A page of a name that leads here is of one origin with us, sends the header, and is refused all the same."""
    path = live.need_browser()
    for running in live.serve(tmp_path, "--memory"):
        port = running.port + 1
        with live.sync_api.sync_playwright() as playwright:
            rules = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", rules])
            page = browser.new_page()
            page.goto(f"http://rebound.example:{port}/computeMetadata/v1/")
            asked = """path => fetch(path, {headers: {'Metadata-Flavor': 'Google'}}).then(r => r.status)"""
            assert {page.evaluate(asked, one) for one in PATHS} == {403}
            page.goto(f"http://localhost:{port}/computeMetadata/v1/")
            assert page.evaluate(asked, PATHS[2]) == 200, "the check itself can succeed"
            browser.close()


def _proxy(target: str) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Pass the request on, as proxies do."""
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            sent["X-Forwarded-For"] = self.client_address[0]
            answer = requests.get(target + self.path, headers=sent, timeout=5)
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    return Proxy


@capability("metadata-refusals", witness="a proxy that says whom it asks for")
def test_d6_54_a_proxy_in_front_gets_nothing(tmp_path: pathlib.Path) -> None:
    """One that was led here passes on what it was sent and adds where it came from."""
    for running in live.serve(tmp_path, "--memory"):
        server = HTTPServer(("127.0.0.1", 0), _proxy(running.at("google")))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for path in PATHS:
                answer = requests.get(f"http://127.0.0.1:{server.server_port}{path}", headers=FLAVOR, timeout=5)
                assert answer.status_code == 403
                assert "eyJ" not in answer.text
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@capability("agent-binding", witness="addresses of every kind")
@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "203.0.113.1", "fd20:ce::254", "2001:db8::1", "::ffff:10.0.0.1",  # noqa: S104
     "metadata", "localhost.", "", "127.1", "2130706433"],
)  # fmt: skip
def test_d6_54_only_loopback_and_link_local(host: str) -> None:
    """Whoever reaches the address gets the tokens, so others must not; unless the operator says so."""
    with pytest.raises(Misconfigured) as caught:
        serving.check_address(host, allow_other=False)
    assert caught.value.code == "address-open"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "169.254.169.254", "fe80::1"])
def test_d6_54_where_it_may_listen(host: str) -> None:
    """This machine alone, or its own link."""
    serving.check_address(host, allow_other=False)


def test_d6_54_another_address_is_a_decision() -> None:
    """Said by name, and still an address."""
    serving.check_address("10.0.0.1", allow_other=True)
    with pytest.raises(Misconfigured):
        serving.check_address("metadata", allow_other=True)


def test_d6_54_an_issuer_on_the_network_gives_nothing() -> None:
    """`serve` attaches no account to any listener: whoever asks from anywhere is told that there is none."""
    bare = tuple(msgspec.structs.replace(one, account="") for one in dev.development_listeners(8080, "http"))
    with contextlib.closing(harness.Site(listeners=bare)) as site:
        for path in (*PATHS, "/computeMetadata/v1/instance/service-accounts/default/", "/"):
            for headers in (FLAVOR, FLAVOR | {"host": "127.0.0.1"}):
                answer = site.get(ROOT + path, headers=headers)
                assert (path, answer.status) == (path, 404)
                assert seeds.ACCOUNT not in answer.text


# --- 55


@pytest.mark.parametrize(
    "audience", ["https://app", "https://app/", "HTTPS://APP", "32555940559.apps", "https://app?a=b"]
)
def test_d6_55_the_token_is_for_the_audience_to_the_letter(site: harness.Site, audience: str) -> None:
    """Nothing is completed, folded or added: `aud` is one text."""
    token = site.get(f"{ACCOUNTS}/default/identity?audience={audience}", headers=FLAVOR).text
    assert harness.payload(token)["aud"] == audience


def test_d6_55_tokens_are_not_kept_by_anything_between(site: harness.Site) -> None:
    """`no-store`, for a token that lies in a cache is a token that was given away."""
    for path in ("identity?audience=a", "token"):
        answer = site.get(f"{ACCOUNTS}/default/{path}", headers=FLAVOR)
        assert answer.header("cache-control") == "no-store"


async def test_d6_55_no_redirection_is_followed_with_the_proof(tmp_path: pathlib.Path) -> None:
    """A server that sends the agent elsewhere gets no further: the other place is never called."""
    seen: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Send the caller on."""
            seen.append(self.path)
            self.send_response(307)
            self.send_header("location", f"http://127.0.0.1:{self.server.server_port}/stolen")  # type: ignore[attr-defined]
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    token_file = tmp_path / "token"
    token_file.write_text("s.u.b", encoding="utf-8")
    wanted = serving.Wanted(base, kubernetes_token=token_file, provider="//p", account="a@p.iam.x")
    driver = PooledDriver(Guard((base,)), limits=Limits(seconds=2))
    try:
        from intaglio.clock import SystemClock
        from intaglio.errors import Denied

        source, _ = serving.source(wanted, driver, SystemClock())
        with pytest.raises(Denied):
            await source.id_token("a@p.iam.x", "https://app")
    finally:
        await driver.aclose()
        server.shutdown()
        thread.join()
        server.server_close()
    assert seen == ["/v1/token"]


# --- users


def _everything_to(site: harness.Site, member: str) -> None:
    """Give a member every role on both accounts and on the project."""
    roles = ("roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountOpenIdTokenCreator", "roles/run.invoker")
    accounts = [site.read(serviceaccounts.by_email, seeds.TENANT_ID, email) for email in (seeds.ACCOUNT, TARGET)]
    names = [account.resource for account in accounts if account is not None] + [resources.project(seeds.PROJECT)]
    for name in names:
        known = site.read(policies.of_resource, seeds.TENANT_ID, name)
        bindings = tuple(Binding(role, (member, "allUsers")) for role in roles)
        made = Policy(seeds.TENANT_ID, name, bindings, "ETAG0001", harness.NOW)
        assert site.write(policies.write, made, known.etag if known is not None else "")
    site.hall.works.permits.forget()


@capability("metadata-no-users", witness="a policy that gives a user everything")
def test_users_never_get_a_token_here_whatever_the_policy_says(site: harness.Site) -> None:
    """With every role, a session, and an access token of their own: the attached account's token, or none."""
    _everything_to(site, "user:alice@example.com")
    app, browser = harness.App(site), harness.Browser(site)
    app.tokens(browser)
    alice = site.user("alice")
    principal = Principal("user", alice.user_id, "alice@example.com")
    scope = ("https://www.googleapis.com/auth/cloud-platform",)
    bearing = Bearing(principal, scope, harness.NOW, harness.NOW + 3600, "t")
    token = site.hall.works.tokens.issue(bearing, seeds.TENANT_ID, ROOT, "ya29.")
    proofs: tuple[dict[str, str], ...] = (
        {},
        {"authorization": f"Bearer {token}"},
        {"authorization": f"Bearer {app.tokens()['access_token']}"},
        {"cookie": "; ".join(f"{name}={value}" for name, value in browser.jar.items())},
    )
    names = ("alice@example.com", "user:alice@example.com", "alice", alice.user_id, TARGET, "allUsers", "..")
    for proof in proofs:
        for name in names:
            for path in ("identity?audience=a", "token", "email", ""):
                assert site.get(f"{ACCOUNTS}/{name}/{path}", headers=FLAVOR | proof).status == 404, (name, path)
        told = harness.payload(site.get(f"{ACCOUNTS}/default/identity?audience=a", headers=FLAVOR | proof).text)
        assert (told["email"], told["sub"]) == (seeds.ACCOUNT, "100000000000000000001")
        given = site.get(f"{ACCOUNTS}/default/token", headers=FLAVOR | proof).json()["access_token"]
        read = site.hall.works.tokens.read(given, seeds.TENANT_ID, ROOT, "ya29.", site.clock.now())
        assert read is not None
        assert read.principal.kind == "service_account"
    assert "alice" not in site.get(ROOT + "/computeMetadata/v1/?recursive=true", headers=FLAVOR).text


@capability("metadata-no-users", witness="the command's exit code")
def test_d6_54_a_persons_credentials_are_refused_by_the_agent(tmp_path: pathlib.Path) -> None:
    """A file of `authorized_user`, as a person's sign-in leaves it, proves no machine."""
    file = tmp_path / "adc.json"
    file.write_text('{"type": "authorized_user", "client_id": "x", "refresh_token": "y"}', encoding="utf-8")
    words = live.command("metadata", "serve", "--server", "http://localhost:1", "--key-file", str(file))
    done = subprocess.run(words, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 2
    assert "not one of a service account" in done.stderr
