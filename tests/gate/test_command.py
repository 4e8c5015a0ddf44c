"""`intaglio gate` and `intaglio service` as commands: what they refuse, and how they end."""

from __future__ import annotations

import pathlib
import signal
import subprocess

import pytest

from tests import live
from tests.capability import capability
from tests.gate import conftest

PLAIN = """
[gate]
listen = "127.0.0.1:1"

[[service]]
name = "a"
mode = "plain"
issuer = "https://i.example"
audience = ["a"]
upstream = "http://u:secret@h/x"
"""


def run(folder: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own."""
    return subprocess.run(
        live.command(*words),
        cwd=folder,
        env=live.environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "gate-invalid"),
        ("[gate", "gate-invalid"),
        ('[gate]\nlisten = "127.0.0.1:1"\n[[service]]\nname = "a"\nmode = "open"\n', "gate-invalid"),
        (
            '[gate]\nlisten = "127.0.0.1:1"\n[[service]]\nname = "a"\nmode = "run"\nproject = "p"\nupstream = "http://h"\n',
            "database-missing",
        ),
        (PLAIN, "upstream-unusable"),
    ],
)
def test_a_gate_that_does_not_start(tmp_path: pathlib.Path, text: str, code: str) -> None:
    """Exit code 2, the code of the error and a next step; never a stack trace."""
    (tmp_path / "gate.toml").write_text(text, encoding="utf-8")
    done = run(tmp_path, "gate", "gate.toml")
    assert done.returncode == 2
    assert code in done.stderr
    assert "next step" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_options_for_one_service(tmp_path: pathlib.Path) -> None:
    """Without a file a mode has to be named, and what that mode needs."""
    assert "Name the gate's configuration file" in run(tmp_path, "gate").stderr
    assert run(tmp_path, "gate", "--mode", "plain", "--listen", "127.0.0.1:1").returncode == 2


def test_it_stops_in_order(tmp_path: pathlib.Path) -> None:
    """SIGTERM ends it with 0."""
    port = conftest.free_port()
    words = ["gate", "--mode", "plain", "--issuer", "https://i.example", "--audience", "a"]
    words += ["--listen", f"127.0.0.1:{port}", "--upstream", "http://127.0.0.1:1"]
    process = subprocess.Popen(
        live.command(*words), cwd=tmp_path, env=live.environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready: service\n"
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=10)[1]
        assert (process.returncode, "Traceback" in rest) == (0, False)
    finally:
        process.kill()
        process.wait(10)


@capability("gate-services", witness="the command line")
def test_services_on_the_command_line(filed: live.Dev) -> None:
    """Create, list, show, change, delete; each does what it says."""
    project = ("--project", "demo-project")
    live.cli(
        filed, "service", "create", "orders", *project, "--audience", "https://o.example", "--no-development-tokens"
    )
    assert live.cli(filed, "service", "list", *project, "-o", "value").splitlines() == ["demo-service", "orders"]
    assert '"development_tokens": false' in live.cli(filed, "service", "show", "orders", *project, "-o", "json")
    changed = live.cli(
        filed, "service", "update", "orders", *project, "--audience", "b", "--audience", "c", "-o", "json"
    )
    assert '"c"' in changed
    live.cli(filed, "service", "delete", "orders", *project, "--yes")
    assert live.cli(filed, "service", "list", *project, "-o", "value") == "demo-service"
