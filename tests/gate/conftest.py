"""A development server, a service that says what reached it, a gate before it, and the proxies that ask the gate."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests

from tests import live

ROOT = pathlib.Path(__file__).parent.parent.parent
HOWTO = (ROOT / "docs" / "howto" / "gate.md").read_text(encoding="utf-8")
TARGET = "target@demo-project.iam.intaglio.test"
AUDIENCE = "http://localhost:8081/demo-service"

filed = live.filed
chromium = live.chromium


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers with what reached it; `/redirect` sends elsewhere, `/events` sends three pieces, each when it may."""

    protocol_version = "HTTP/1.1"
    echo: Echo

    def _answer(self) -> None:
        self.echo.paths.append(self.path)
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        if self.path.startswith("/events"):
            self._events()
            return
        if self.path.startswith("/unchanged"):
            self.send_response(304)
            self.send_header("content-length", "1000")
            self.end_headers()
            return
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        told = {"method": self.command, "path": self.path, "length": len(body), "headers": headers}
        octets = json.dumps(told).encode()
        self.send_response(302 if self.path.startswith("/redirect") else 200)
        if self.path.startswith("/redirect"):
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(octets)

    def _chunks(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return b""
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        try:
            for number in range(3):
                self.echo.go_on.wait(5)
                self.echo.go_on.clear()
                self.wfile.write(f"data: {number}\n\n".encode())
                self.wfile.flush()
        except OSError:
            self.echo.broken.set()

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Echo:
    """A service on a port of its own, and what happened there."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.go_on = threading.Event()
        self.broken = threading.Event()
        handler = type("Handler", (Answering,), {"echo": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=functools.partial(self._server.serve_forever, poll_interval=0.02))
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class World(msgspec.Struct, frozen=True):
    """Everything that runs."""

    dev: live.Dev
    echo: Echo
    folder: pathlib.Path
    listen: int
    questions: int

    @property
    def google(self) -> str:
        """Where the google dialect answers."""
        return f"http://localhost:{self.dev.port + 1}"

    def token(self, audience: str = AUDIENCE, account: str = TARGET) -> str:
        """Return an ID token of a service account, by way of the machine's own."""
        tree = f"{self.google}/computeMetadata/v1/instance/service-accounts/default"
        flavor = {"Metadata-Flavor": "Google"}
        if account == "default":
            asked = requests.get(f"{tree}/identity", params={"audience": audience}, headers=flavor, timeout=10)
            return asked.text
        access = requests.get(f"{tree}/token", headers=flavor, timeout=10).json()["access_token"]
        answer = requests.post(
            f"{self.google}/v1/projects/-/serviceAccounts/{account}:generateIdToken",
            json={"audience": audience, "includeEmail": True},
            headers={"Authorization": f"Bearer {access}"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])


def adapted(text: str, world: World, own: int) -> str:
    """Return a configuration of the how-to with the ports of this run."""
    for written, real in ((8443, own), (8091, world.questions), (8090, world.listen), (9000, world.echo.port)):
        text = re.sub(rf"\b{written}\b", str(real), text)
    return text


def blocks(language: str) -> list[str]:
    """Return the how-to's configurations in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", HOWTO, re.MULTILINE | re.DOTALL)


CONFIG = """
[gate]
listen = "127.0.0.1:{listen}"
forward_auth = "127.0.0.1:{questions}"
trusted_proxies = ["127.0.0.1"]

[[service]]
name = "hello"
mode = "run"
url = "http://hello.example.com"
upstream = "http://127.0.0.1:{echo}"
project = "demo-project"
service = "demo-service"

[[service]]
name = "app"
mode = "iap"
url = "http://localhost:{browsers}"
project = "demo-project"
service = "demo-service"
client_id = "gate"
sign_in = "standard"

[[service]]
name = "direct"
mode = "iap"
url = "http://localhost:{listen}"
upstream = "http://127.0.0.1:{echo}"
project = "demo-project"
service = "demo-service"
client_id = "gate"
sign_in = "standard"
"""


@contextlib.contextmanager
def running(words: list[str], folder: pathlib.Path, name: str, is_up: Callable[[str], bool]) -> Iterator[pathlib.Path]:
    """Run a program until the end of the block; it has to be up within some seconds. Gives its log."""
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=folder, env=live.environment()
        )
    try:
        deadline = time.monotonic() + 20
        while not is_up(log.read_text("utf-8", "replace")):
            assert process.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(0.05)
        yield log
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def listens(port: int) -> Callable[[str], bool]:
    """Return what tells whether somebody listens on a port."""

    def is_up(_: str) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return is_up


BROWSERS = free_port()
"""Where nginx listens for browsers: the gate has to know it before nginx runs."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Open everything but the proxies."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "dev").mkdir()
    echo = Echo()
    with contextlib.ExitStack() as stack:
        stack.callback(echo.close)
        dev = stack.enter_context(contextlib.contextmanager(live.serve)(folder / "dev"))
        listen, questions = free_port(), free_port()
        prepare(dev, listen)
        made = World(dev, echo, dev.directory, listen, questions)
        text = CONFIG.format(listen=listen, questions=questions, echo=echo.port, browsers=BROWSERS)
        (dev.directory / "gate.toml").write_text(text, encoding="utf-8")
        words = live.command("gate", "gate.toml", "--development-port", str(dev.port))
        log = stack.enter_context(running(words, dev.directory, "gate", lambda told: "ready:" in told))
        yield made
        told = log.read_text("utf-8", "replace")
        assert "Traceback" not in told, told
        assert "eyJ" not in told, "a token in the log"


def prepare(dev: live.Dev, listen: int) -> None:
    """Register the gate's client, and let alice and the target account through it."""
    callbacks = [f"http://localhost:{port}/_intaglio/gate/callback" for port in (listen, BROWSERS)]
    redirects = [word for uri in callbacks for word in ("--redirect-uri", uri)]
    live.cli(dev, "client", "create", "Gate", "--client-id", "gate", "--public", *redirects)
    members = ("--member", "user:alice@example.com", "--member", f"serviceAccount:{TARGET}")
    resource = ("--resource", "projects/demo-project/services/demo-service")
    live.cli(dev, "policy", "add", *resource, "--role", "roles/iap.httpsResourceAccessor", *members)


def need(program: str) -> str:
    """Return the path of a program, or skip the test with the reason."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def headers(answer: requests.Response) -> dict[str, list[str]]:
    """Return the headers that reached the service."""
    found: dict[str, list[str]] = {}
    told: Any = answer.json()
    for name, value in told["headers"]:
        found.setdefault(name, []).append(value)
    return found
