"""`intaglio work` as a process: it needs a database and a master key, no dialect, and ends in order."""

from __future__ import annotations

import pathlib
import signal
import socket
import subprocess

import pytest

from tests import live
from tests.capability import capability
from tests.cli import test_serve


@pytest.fixture
def settings(tmp_path: pathlib.Path) -> test_serve.Serving:
    """A configured server in a folder of its own, with a database that is up to date."""
    made = test_serve.Serving(tmp_path)
    assert made.run("migrate", "up").returncode == 0
    return made


@capability("outbox-work", witness="the process and its exit code")
@capability("systemd-notify", witness="a socket of the kernel")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_stops(settings: test_serve.Serving, number: signal.Signals) -> None:
    """It says that it is ready, to systemd as well, works without any dialect, and ends with 0 when asked to."""
    for name in ("INTAGLIO_STANDARD__LISTEN", "INTAGLIO_STANDARD__BASE_URL"):
        del settings.environment[name]
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(settings.folder / "notify"))
    told.settimeout(5)
    environment = settings.environment | {"NOTIFY_SOCKET": str(settings.folder / "notify")}
    process = subprocess.Popen(
        live.command("work"), cwd=settings.folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("ready")
        assert told.recv(64) == b"READY=1"
        process.send_signal(number)
        rest = process.communicate(timeout=10)[1]
        assert process.returncode == 0
        assert told.recv(64) == b"STOPPING=1"
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait(10)
        told.close()


def test_it_says_what_is_missing(settings: test_serve.Serving) -> None:
    """Without a master key, or with another one than the database's, it does not start."""
    del settings.environment["INTAGLIO_KEYS__MASTER_KEY"]
    done = settings.run("work")
    assert done.returncode != 0
    assert "keys.master_key" in done.stderr
    assert "standard" not in done.stderr


def test_it_needs_the_databases_own_key(settings: test_serve.Serving) -> None:
    """Another master key could sign nothing that anybody believes."""
    assert settings.run("tenant", "create", "acme").returncode == 0
    assert settings.run("key", "list", "--tenant", "acme").returncode == 0
    done = settings.run("work", INTAGLIO_KEYS__MASTER_KEY=test_serve.ANOTHER_KEY)
    assert done.returncode != 0
    assert "master-key-wrong" in done.stderr
