"""A serving process as its operator sees it: health, metrics, lines; and settings with which it does not start."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests import live
from tests.capability import capability
from tests.cli.test_serve import Serving

WORKERS = 2


class Watched(Serving):
    """Two workers behind a declared proxy, with a listener for operations; what they write is kept."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.operations = f"http://127.0.0.1:{self.port + 1}"
        self.environment |= {
            "INTAGLIO_OPERATIONS__LISTEN": f"127.0.0.1:{self.port + 1}",
            "INTAGLIO_SERVER__WORKERS": str(WORKERS),
            "INTAGLIO_SERVER__TRUSTED_PROXIES": "127.0.0.1",
            "INTAGLIO_STANDARD__BACKCHANNEL_BASE_URL": f"http://idp.localhost:{self.port}",
        }
        self.log = folder / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it, and wait until it says that it is ready."""
        with self.log.open("wb") as log:
            made = subprocess.Popen(live.command("serve"), cwd=self.folder, env=self.environment, stderr=log)
        self.process = made
        for _ in range(400):
            assert made.poll() is None, self.log.read_text()
            if "ready" in self.log.read_text():
                return made
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of requests."""
        time.sleep(0.1)
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == "request"]

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return the metrics as Prometheus's own reader finds them."""
        families = text_string_to_metric_families(requests.get(self.operations + "/metrics", timeout=5).text)
        return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server that is observed."""
    made = Watched(tmp_path_factory.mktemp("watched"))
    assert made.run("migrate", "up").returncode == 0
    assert made.run("tenant", "create", "acme").returncode == 0
    process = made.begin()
    yield made
    process.terminate()
    assert process.wait(20) == 0
    told = made.log.read_text()
    assert "Traceback" not in told
    assert all(json.loads(line)["event"] for line in told.splitlines())


@capability("operations-health", witness="curl")
@capability("operations-healthcheck", witness="the exit code")
def test_health_is_told_on_a_listener_of_its_own(watched: Watched) -> None:
    """Live, started and ready; nothing of it is on the public listener, nor anything public on it."""
    curl = shutil.which("curl")
    assert curl is not None
    for path in ("/healthz/live", "/healthz/startup", "/healthz/ready", "/version", "/metrics"):
        asked = [curl, "-sS", "-o", "/dev/null", "-w", "%{http_code}", watched.operations + path]
        assert subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout == "200"
        assert requests.get(watched.base_url + path, timeout=5).status_code == 404
    assert requests.get(watched.operations + "/acme/jwks", timeout=5).status_code == 404
    assert watched.run("healthcheck").returncode == 0
    nobody = watched.run("healthcheck", INTAGLIO_OPERATIONS__LISTEN="127.0.0.1:9")
    assert (nobody.returncode, "no-answer" in nobody.stderr) == (9, True)
    changed = dict(watched.environment)
    del changed["INTAGLIO_OPERATIONS__LISTEN"]
    done = subprocess.run(
        live.command("healthcheck"), cwd=watched.folder, env=changed, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "operations-missing" in done.stderr) == (2, True)


@capability("operations-metrics", witness="Prometheus's own reader, on two workers")
@capability("log-requests", witness="the lines of two workers")
def test_both_workers_are_counted_together_and_write_whole_lines(watched: Watched) -> None:
    """Sixty requests over many connections are sixty in the metrics and sixty lines, whichever worker answers."""
    labels = frozenset({"dialect": "standard", "route": "/jwks", "method": "GET", "status": "200"}.items())
    name = "intaglio_http_requests_total"
    before = watched.samples().get((name, labels), 0)
    lines = len([line for line in watched.lines() if line["route"] == "/jwks"])
    for _ in range(60):
        # A connection of its own each time: they are shared out between the workers.
        assert requests.get(watched.base_url + "/acme/jwks?token=canary", timeout=5).status_code == 200
    # Either worker tells of both.
    found, *others = [watched.samples() for _ in range(4)]
    assert {one[name, labels] for one in (found, *others)} == {before + 60}
    assert found["intaglio_ready", frozenset()] == 1
    assert sum(key[0] == "intaglio_worker_resident_octets" for key in found) == WORKERS
    assert found["intaglio_db_seconds_count", frozenset({("op", "read")})] > 0
    told = [line for line in watched.lines() if line["route"] == "/jwks"]
    assert len(told) == lines + 60
    assert len({line["ref"] for line in told}) == len(told)
    assert len({line["ref"][:12] for line in told}) == WORKERS, "one worker answered all"
    assert "canary" not in watched.log.read_text()


@capability("forwarded-headers", witness="the lines of a running server")
@capability("backchannel-base-url", witness="a running server")
def test_a_proxy_tells_the_address_and_a_host_the_second_name(watched: Watched) -> None:
    """What the declared proxy tells stands in the line; who asks by the second name is told its endpoints."""
    where = watched.base_url + "/acme/.well-known/openid-configuration"
    public = requests.get(where, headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.77"}, timeout=5).json()
    assert "203.0.113.77" in {line["peer"] for line in watched.lines()}
    assert "1.2.3.4" not in {line["peer"] for line in watched.lines()}
    inside = requests.get(where, headers={"Host": f"idp.localhost:{watched.port}"}, timeout=5).json()
    assert inside["issuer"] == public["issuer"] == watched.base_url + "/acme"
    assert inside["token_endpoint"] == f"http://idp.localhost:{watched.port}/acme/token"
    assert inside["authorization_endpoint"] == public["authorization_endpoint"]


@capability("operations-metrics", witness="a worker that was killed")
def test_a_worker_that_dies_takes_no_count_with_it(watched: Watched) -> None:
    """When a worker is killed, what it counted stays, and its successor counts on."""
    found = watched.samples()
    total = sum(value for (name, _), value in found.items() if name == "intaglio_http_requests_total")
    assert total > 0
    assert watched.process is not None
    parent = watched.process.pid
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    before = set(children.read_text().split())
    assert len(before) == WORKERS
    killed = min(before)
    os.kill(int(killed), signal.SIGKILL)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        now = set(children.read_text().split())
        found = watched.samples() if len(now) == WORKERS and killed not in now else {}
        if sum(key[0] == "intaglio_worker_resident_octets" for key in found) == WORKERS:
            again = sum(value for (name, _), value in found.items() if name == "intaglio_http_requests_total")
            assert again >= total
            return
        time.sleep(0.05)
    raise AssertionError("no second worker")


@capability("settings-refusals", witness="the exit codes and words of `config check` and `serve`")
def test_it_does_not_start_with_what_is_wrong(tmp_path: pathlib.Path) -> None:
    """Six faults in a file: both commands end with 2 and tell all six, with lines and what to do, and no secret."""
    (tmp_path / "open.pin").write_text("canary", encoding="utf-8")
    (tmp_path / "open.pin").chmod(0o644)
    (tmp_path / "intaglio.toml").write_text(
        """[database]
url_file = "open.pin"
[keys]
master_key = "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E="
[standard]
listen = "127.0.0.1:1"
base_url = "http://id.example.com"
[server]
trusted_proxies = ["0.0.0.0/0"]
worker = 2
drain_seconds = "five"
"""
    )
    (tmp_path / "intaglio.toml").chmod(0o600)
    expected = {
        "intaglio.toml:2: database.url_file: expected a file that only its owner can read": "chmod 600",
        "intaglio.toml:4: keys.master_key: expected 32 random octets": "openssl rand -base64 32",
        "intaglio.toml:7: standard.base_url: expected https": "put TLS in front",
        "intaglio.toml:9: server.trusted_proxies: expected addresses": "name the proxies",
        "intaglio.toml:10: server.worker: expected a known key": "did you mean workers?",
        "intaglio.toml:11: server.drain_seconds: expected a whole number": "received a text",
    }
    for words in (("config", "check"), ("serve",)):
        done = subprocess.run(
            live.command(*words), cwd=tmp_path, env=live.environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("  - ") == len(expected), done.stderr
        for fault, fix in expected.items():
            assert any(fault in line and fix in line for line in done.stderr.splitlines()), (fault, done.stderr)
        assert "canary" not in done.stderr
        assert "Y2Fu" not in done.stderr
