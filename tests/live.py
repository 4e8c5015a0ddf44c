"""What end-to-end tests share: development servers as processes, a browser, a relying party's callback.

A test folder takes the fixtures that it needs into its `conftest.py`: `dev = live.dev`.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import contextlib
import functools
import hashlib
import http.server
import os
import pathlib
import queue
import random
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import msgspec
import pytest

from intaglio import clock as clocks
from intaglio.names import ClientId
from intaglio.protocol.authorize import RESPONSE_TYPES
from intaglio.server import compose
from intaglio.server.devmode import seeds
from intaglio.server.model import clients
from intaglio.server.model.clients import Client

try:
    from playwright import sync_api
except ImportError:
    # There is no wheel for every machine; `need_browser` says so when a test asks for a browser.
    sync_api = None  # type: ignore[assignment]

NAMES = ("standard", "google", "microsoft", "auth0", "cloudentity")
READY = "Stop with Ctrl+C."
STEP = 10_000
"""Milliseconds that a page may take for a step."""
NODE_MODULES = pathlib.Path(__file__).parent / "sdk" / "node" / "node_modules"
SECRETS = ("alice-password", "bob-password", "web-secret", "machine-secret")
MASTER_KEY = base64.b64encode(hashlib.sha256(b"the master key of tests").digest()).decode()
"""A master key that settings accept: what counts up or repeats itself is refused."""
LOCAL = {"localhost", "127.0.0.1", "::1"}


def _absent(what: str, demanded_by: str) -> NoReturn:
    if os.environ.get(demanded_by) == "1":
        pytest.fail(f"{what}, and {demanded_by}=1 demands it")
    pytest.skip(what)


def need_browser() -> str:
    """Return the path of Chromium; without it skip, or fail where INTAGLIO_REQUIRE_BROWSER=1."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        _absent("Chromium is not installed", "INTAGLIO_REQUIRE_BROWSER")
    if sync_api is None:
        _absent("Playwright is not installed", "INTAGLIO_REQUIRE_BROWSER")
    return found


def need_node(*, clients: bool = True) -> str:
    """Return the path of Node, with the clients beside it; otherwise skip, or fail where INTAGLIO_REQUIRE_NODE=1."""
    found = shutil.which("node")
    if found is None:
        _absent("Node is not installed", "INTAGLIO_REQUIRE_NODE")
    if clients and not NODE_MODULES.is_dir():
        _absent("the Node clients are not installed (make sdk-node)", "INTAGLIO_REQUIRE_NODE")
    return found


# --- servers


def is_free(port: int) -> bool:
    """Tell whether nobody listens on the port of either loopback address."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.closing(socket.socket(family)) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError:
                return False
    return True


def free_ports() -> int:
    """Return the first of five free ports in a row, below those that the kernel hands out by itself."""
    # Two processes of tests look in two places.
    second = os.environ.get("PYTEST_XDIST_WORKER") == "gw1"
    for _ in range(200):
        first = random.randrange(22_000, 32_000, 5) if second else random.randrange(12_000, 22_000, 5)
        if all(is_free(first + offset) for offset in range(5)):
            return first
    raise AssertionError("no five free ports in a row")


class Dev(msgspec.Struct, frozen=True):
    """A running development server."""

    process: subprocess.Popen[bytes]
    port: int
    scheme: str
    directory: pathlib.Path
    log_file: pathlib.Path

    def at(self, name: str) -> str:
        """Return the base address of a dialect."""
        return f"{self.scheme}://localhost:{self.port + NAMES.index(name)}"

    @property
    def base(self) -> str:
        """The standard dialect's base address."""
        return self.at("standard")

    @property
    def issuer(self) -> str:
        """The seeded issuer."""
        return f"{self.base}/default"

    @property
    def log(self) -> str:
        """All that the server has printed and logged."""
        return self.log_file.read_text(encoding="utf-8")

    def stop(self) -> None:
        """Stop the server and wait for its end."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def command(*words: str) -> list[str]:
    """Return the command line of `intaglio`."""
    return [sys.executable, "-m", "intaglio", *words]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a program of the tests: no settings, no proxies."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INTAGLIO_") and "proxy" not in k.lower()}
    return kept | more


def start(directory: pathlib.Path, *options: str, port: int | None = None, env: dict[str, str] | None = None) -> Dev:
    """Start `intaglio dev` with a directory of its own, and return once it says that it is ready."""
    port = free_ports() if port is None else port
    directory.mkdir(parents=True, exist_ok=True)
    log_file = directory / "dev.log"
    words = command("dev", "--port", str(port), "--directory", str(directory / "var"), *options)
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, env=env or environment()
        )
    running = Dev(process, port, "https" if "--tls" in options else "http", directory, log_file)
    deadline = time.monotonic() + 15
    while READY not in running.log:
        if process.poll() is not None or time.monotonic() > deadline:
            running.stop()
            raise AssertionError(f"the server did not start:\n{running.log}")
        time.sleep(0.02)
    return running


def serve(directory: pathlib.Path, *options: str) -> Iterator[Dev]:
    """Start a server, give it, stop it; then hold its log against what may never be in one."""
    running = start(directory, *options)
    try:
        yield running
    finally:
        running.stop()
    told = running.log.split(READY, 1)[1]
    assert "Traceback" not in told, told
    assert "unexpected error" not in told, told
    assert [secret for secret in SECRETS if secret in told] == []
    assert "eyJ" not in told, "a token in the log"


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A development server in memory, shared by the tests of a folder."""
    yield from serve(tmp_path_factory.mktemp("dev"), "--memory")


@pytest.fixture
def fresh(tmp_path: pathlib.Path) -> Iterator[Dev]:
    """A development server in memory that nobody has used yet."""
    yield from serve(tmp_path, "--memory")


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A development server that speaks https, in a folder whose name a shell would take apart."""
    yield from serve(tmp_path_factory.mktemp("tls it's here"), "--memory", "--tls")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A development server with a database file beside it, which the command line can change."""
    yield from serve(tmp_path_factory.mktemp("filed"))


def cli(running: Dev, *words: str, stdin: str = "") -> str:
    """Run a command on the database of a running server and return what it wrote; it has to succeed."""
    done = subprocess.run(
        command(*words),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20,
        cwd=running.directory,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def register(running: Dev, client_id: str, **members: Any) -> None:
    """Register a public client of the seeded tenant in the database of a running server (the fixture `filed`).

    Its redirect URI is http://127.0.0.1/cb with any port, its scope all that there is.
    """
    usual: dict[str, Any] = {
        "application_type": "native",
        "token_endpoint_auth_methods": ("none",),
        "grant_types": ("authorization_code", "implicit", "refresh_token"),
        "response_types": RESPONSE_TYPES,
        "scope": seeds.SCOPE,
        "redirect_uris": ("http://127.0.0.1/cb",),
        "development": True,
    }
    made = Client(seeds.TENANT_ID, ClientId(client_id), client_id, int(time.time()), **(usual | members))
    path = running.directory / "var" / "intaglio.db"

    async def write() -> None:
        store = await compose.open_store(f"sqlite:///{path}", clocks.SystemClock(), create=False)
        await store.write(clients.insert, made)
        await store.close()

    # A thread has no event loop yet; the browser's is in this one.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, write()).result(20)


# --- a relying party's callback


class Arrival(msgspec.Struct, frozen=True):
    """A request that reached the relying party."""

    method: str
    path: str
    fields: dict[str, str]
    url: str


def _listening(port: int, handler: type[http.server.BaseHTTPRequestHandler]) -> http.server.ThreadingHTTPServer:
    """Listen on a port of 127.0.0.1, waiting a while for another run of the tests to let go of it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Receiver:
    """A relying party's address on 127.0.0.1: remembers what arrives and answers with a page that says so."""

    def __init__(self, port: int) -> None:
        arrivals: queue.Queue[Arrival] = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def _arrived(self) -> None:
                parts = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                if parts.path != "/favicon.ico":
                    fields = dict(urllib.parse.parse_qsl(body or parts.query, keep_blank_values=True))
                    at = f"http://{self.headers['host']}{self.path}"
                    arrivals.put(Arrival(self.command, parts.path, fields, at))
                page = b'<!doctype html><title>application</title><link rel="icon" href="data:,"><p id="rp-done">Here.'
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            do_GET = do_POST = _arrived  # noqa: N815 - the names are the library's

            def log_message(self, *_: object) -> None:
                pass

        self.arrivals = arrivals
        self._server = _listening(port, Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=functools.partial(self._server.serve_forever, poll_interval=0.02))
        self._thread.start()

    def next(self) -> Arrival:
        """Return the next request that arrived, waiting a few seconds for it."""
        return self.arrivals.get(timeout=5)

    def nothing_arrived(self) -> bool:
        """Tell whether no request is waiting to be looked at."""
        return self.arrivals.empty()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The callback of the seeded client `web`, http://127.0.0.1:9999/cb."""
    listening = Receiver(9999)
    yield listening
    listening.close()


@pytest.fixture
def loopback() -> Iterator[Receiver]:
    """The callback of the seeded client `native`, on a port that the kernel chose."""
    listening = Receiver(0)
    yield listening
    listening.close()


# --- authorization requests


class Started(msgspec.Struct, frozen=True):
    """An authorization request: its address, and what its relying party keeps."""

    url: str
    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str


WEB = "http://127.0.0.1:9999/cb"


def authorization(endpoint: str, client_id: str = "web", redirect_uri: str = WEB, **more: str) -> Started:
    """Return a request with state, nonce and PKCE; `more` are further parameters, empty ones leave theirs out."""
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    fields = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    } | more
    query = urllib.parse.urlencode({name: value for name, value in fields.items() if value})
    return Started(f"{endpoint}?{query}", redirect_uri, state, nonce, verifier)


def redeem(issuer: str, begun: Started, code: str, client: tuple[str, str] = ("web", "web-secret")) -> dict[str, Any]:
    """Exchange a code at the issuer's token endpoint and return the answer; it has to succeed."""
    import requests

    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.code_verifier,
    }
    answer = requests.post(issuer + "/token", data=fields, auth=client, timeout=10)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def claims(id_token: str) -> dict[str, Any]:
    """Return what a token says, unverified: who wrote it is known."""
    middle = id_token.split(".")[1]
    told: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return told


# --- the browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    """One headless Chromium for a module: its loop must be gone before anybody else's asynchronous tests."""
    path = need_browser()
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=arguments)
        yield opened
        opened.close()


class Visitor:
    """A browser with a jar of its own, and what it asked for and complained about."""

    def __init__(self, browser: sync_api.Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(STEP)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", lambda message: self._said(message.type, message.text))
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _said(self, kind: str, text: str) -> None:
        # Chromium reports every page that is answered with 4xx; the pages of refused requests are.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def tab(self) -> sync_api.Page:
        """Open a tab."""
        return self.context.new_page()

    def cookies(self, kind: str) -> dict[str, str]:
        """Return the cookies of a kind (`session`, `browser`, `demo`) by name."""
        kept = self.context.cookies()
        return {one["name"]: one["value"] for one in kept if f"intaglio-{kind}-" in one["name"]}

    def close(self) -> None:
        """Close the browser's window, and hold what it did against what no page may do."""
        self.context.close()
        hosts = {urllib.parse.urlsplit(url).hostname for url in self.requests if not url.startswith("data:")}
        assert hosts <= LOCAL, "third-party requests"
        assert self.complaints == []


@pytest.fixture
def visit(chromium: sync_api.Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens browsers with jars of their own; what they did is checked at the end."""
    opened: list[Visitor] = []

    def open_one(**options: Any) -> Visitor:
        opened.append(Visitor(chromium, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """One browser with an empty jar."""
    return visit()


@pytest.fixture
def page(visitor: Visitor) -> sync_api.Page:
    """A tab of a browser with an empty jar."""
    return visitor.tab()


def log_in(page: sync_api.Page, username: str = "alice", password: str = "") -> None:
    """Fill in the login form and send it."""
    page.wait_for_selector("#login-form")
    page.fill("#username", username)
    page.fill("#password", password or f"{username}-password")
    page.click("#submit-login")


def allow(page: sync_api.Page, *, done: str = "#rp-done") -> bool:
    """Consent if the person is asked, and wait for the end; tell whether there was a question."""
    page.wait_for_selector(f"#consent-form, {done}")
    asked = page.locator("#consent-form").count() > 0
    if asked:
        page.click("#submit-consent")
    page.wait_for_selector(done)
    return asked


def sign_in(page: sync_api.Page, url: str, username: str = "alice") -> None:
    """Go through an authorization request as a person who is not signed in."""
    page.goto(url)
    log_in(page, username)
    allow(page)
