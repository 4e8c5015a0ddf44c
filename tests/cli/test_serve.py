"""`intaglio serve` as a process: nothing of development mode, and an orderly end."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability

ANOTHER_KEY = base64.b64encode(hashlib.sha256(b"another master key").digest()).decode()


class Serving:
    """A configured server in a folder of its own; `environment` names its settings."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.port = live.free_ports()
        self.base_url = f"http://localhost:{self.port}"
        self.environment = live.environment() | {
            "INTAGLIO_DATABASE__URL": f"sqlite:///{folder}/serve.db",
            "INTAGLIO_KEYS__MASTER_KEY": live.MASTER_KEY,
            "INTAGLIO_STANDARD__LISTEN": f"127.0.0.1:{self.port}",
            "INTAGLIO_STANDARD__BASE_URL": self.base_url,
        }

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            live.command(*arguments),
            cwd=self.folder,
            env=self.environment | changes,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers."""
        process = subprocess.Popen(
            live.command("serve"), cwd=self.folder, env=self.environment, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            assert process.poll() is None
            try:
                self.get("/")
            except OSError:
                time.sleep(0.03)
            else:
                return process
        raise AssertionError("it does not listen")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of an answer."""
        try:
            with urllib.request.urlopen(self.base_url + path, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def prepared(tmp_path: pathlib.Path) -> Serving:
    """Return a server with a migrated database and one tenant."""
    serving = Serving(tmp_path)
    assert serving.run("migrate", "up").returncode == 0
    assert serving.run("tenant", "create", "acme").returncode == 0
    return serving


@pytest.fixture
def started(prepared: Serving) -> Iterator[Serving]:
    """Return a server that runs."""
    process = prepared.start()
    yield prepared
    process.terminate()
    process.wait(20)


@capability("serve-refuses-dev", witness="HTTP")
def test_serve_has_nothing_of_development(started: Serving) -> None:
    """No start page, no demo, no other port, no seeded tenant."""
    for path in ("/", "/demo", "/demo/start", "/default/.well-known/openid-configuration"):
        status, body = started.get(path)
        assert status == 404, path
        assert "alice" not in body
    assert started.get("/acme/.well-known/openid-configuration")[0] == 200
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", started.port + 1), 1)


@pytest.mark.parametrize("option", ["--memory", "--tls", "--port=1"])
def test_serve_knows_no_option_of_development(prepared: Serving, option: str) -> None:
    """The options of `dev` are usage errors of `serve`."""
    assert prepared.run("serve", option).returncode == 2


def test_serve_needs_its_settings(prepared: Serving) -> None:
    """What is missing is listed, all of it."""
    done = prepared.run("serve", INTAGLIO_STANDARD__LISTEN="nowhere", INTAGLIO_SERVER__WORKERS="300")
    assert done.returncode == 2
    assert "standard.listen" in done.stderr
    assert "server.workers" in done.stderr


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"INTAGLIO_DATABASE__URL": "sqlite:////nowhere/at/all.db"}, "migrations-pending"),
        ({"INTAGLIO_KEYS__MASTER_KEY": ANOTHER_KEY}, "master-key-wrong"),
        ({"INTAGLIO_KEYS__MASTER_KEY": "c2hvcnQ="}, "settings-invalid"),
    ],
    ids=["no database", "another master key", "short master key"],
)
def test_serve_says_why_it_does_not_start(prepared: Serving, changes: dict[str, str], code: str) -> None:
    """Each reason has its code and its next step, and no stack trace."""
    done = prepared.run("serve", **changes)
    assert done.returncode == 2, done.stderr
    assert code in done.stderr
    assert "next step" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_says_that_its_port_is_taken(started: Serving) -> None:
    """A second server on the same port names it."""
    done = started.run("serve")
    assert done.returncode == 2
    assert str(started.port) in done.stderr


def test_serve_ends_in_order(prepared: Serving) -> None:
    """SIGTERM ends it within seconds with exit code 0; the database is left in order."""
    process = prepared.start()
    process.terminate()
    assert process.wait(15) == 0
    assert prepared.run("tenant", "show", "acme").returncode == 0


@capability("google-foreign-issuer", witness="stderr and the audit log")
def test_serving_as_google_is_confessed(prepared: Serving) -> None:
    """With the setting it starts, says so on stderr, and writes it into the audit log."""
    prepared.environment |= {
        "INTAGLIO_GOOGLE__LISTEN": f"127.0.0.1:{prepared.port + 1}",
        "INTAGLIO_GOOGLE__UNIVERSE_DOMAIN": "googleapis.com",
        "INTAGLIO_GOOGLE__TENANT": "acme",
    }
    refused = prepared.run("serve")
    assert refused.returncode == 2
    assert "google.allow_google_issuer" in refused.stderr
    prepared.environment["INTAGLIO_GOOGLE__ALLOW_GOOGLE_ISSUER"] = "true"
    words = live.command("serve")
    with subprocess.Popen(words, cwd=prepared.folder, env=prepared.environment, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = ""
        while "ready:" not in told:
            line = process.stderr.readline().decode()
            assert line, told
            told += line
        process.terminate()
    assert "warning: tokens are issued as https://accounts.google.com" in told
    with sqlite3.connect(prepared.folder / "serve.db") as database:
        (entry,) = list(database.execute("SELECT resource, outcome FROM audit_log WHERE action = 'issuer.foreign'"))
    assert entry == ("https://accounts.google.com", "allowed")
