"""How soon development mode answers, where it listens, and what it leaves behind."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
import requests

from tests import live
from tests.capability import capability

LIMIT = 1.5
RUNS = 5
CLOCK = "a stopwatch outside the process"
KERNEL = "the kernel"


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("localhost", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"accept": "text/html"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _started(directory: pathlib.Path, *options: str, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = live.free_ports()
    process = subprocess.Popen(
        live.command("dev", "--port", str(port), *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory,
        env=live.environment(**env),
    )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(10)


def _seconds_until_ready(directory: pathlib.Path, *options: str, **env: str) -> float:
    """Return the seconds from process start until all five ports have answered 200."""
    began = time.monotonic()
    with _started(directory, *options, **env) as (process, port):
        waiting = list(range(port, port + 5))
        while waiting:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() - began < 15, f"no answer from {waiting}"
            if _answers(waiting[0]):
                waiting.pop(0)
            else:
                time.sleep(0.005)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def library_bytecode(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A cache with the bytecode of the standard library alone: what a machine has before anything is installed."""
    cache = tmp_path_factory.mktemp("bytecode")
    listing = "import sys, intaglio.server.run.dev\nfor name in sys.modules:\n"
    listing += "    if name.partition('.')[0] in sys.stdlib_module_names: print(name)"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True, env=live.environment()
    ).stdout.split()
    # In the order in which they are loaded; a private part that cannot be loaded by itself comes with its whole.
    wanted = "import contextlib, importlib\nfor name in " + repr(loaded)
    wanted += ":\n    with contextlib.suppress(Exception): importlib.import_module(name)"
    environment = live.environment(PYTHONPYCACHEPREFIX=str(cache))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-S", "-c", wanted], check=True, env=environment)
    return cache


CASES = {
    "file": pytest.param((), id="file", marks=capability("dev-ready", witness=CLOCK)),
    "memory": pytest.param(("--memory",), id="memory", marks=capability("dev-ready-memory", witness=CLOCK)),
    "no bytecode": pytest.param((), id="no-bytecode", marks=capability("dev-ready-no-bytecode", witness=CLOCK)),
}


@pytest.mark.slow
@pytest.mark.parametrize("options", list(CASES.values()))
def test_ready_in_time(
    tmp_path: pathlib.Path,
    options: tuple[str, ...],
    library_bytecode: pathlib.Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """All five ports answer within 1.5 s of process start, on an empty directory (median of five)."""
    bare = "no-bytecode" in request.node.name
    more = {"PYTHONPYCACHEPREFIX": str(library_bytecode), "PYTHONDONTWRITEBYTECODE": "1"} if bare else {}
    figures = []
    for run in range(RUNS):
        directory = tmp_path / str(run)
        directory.mkdir()
        figures.append(_seconds_until_ready(directory, *options, **more))
    told = f"{' '.join(f'{one:.2f}' for one in figures)} s, median {statistics.median(figures):.2f} s"
    record_property("ready", told)
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f" ready after {told}")
    assert statistics.median(figures) < LIMIT, told


@capability("dev-ports", witness=KERNEL)
@capability("dev-port-option", witness=KERNEL)
@capability("dev-loopback", witness=KERNEL)
def test_listens_on_loopback_alone(dev: live.Dev) -> None:
    """The process listens on five ports in a row, on 127.0.0.1 and ::1 and on nothing else."""
    listening = {
        (one.laddr.ip, one.laddr.port)
        for one in psutil.Process(dev.process.pid).net_connections(kind="inet")
        if one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM
    }
    ports = range(dev.port, dev.port + 5)
    assert listening == {(host, port) for host in ("127.0.0.1", "::1") for port in ports}
    for port in ports:
        for host in ("127.0.0.1", "[::1]", "localhost"):
            assert requests.get(f"http://{host}:{port}/", headers={"accept": "text/html"}).status_code == 200


@capability("dev-port-taken", witness=KERNEL)
@pytest.mark.parametrize(
    ("family", "host", "offset"),
    [
        (socket.AF_INET, "127.0.0.1", 0),
        (socket.AF_INET, "127.0.0.1", 3),
        (socket.AF_INET6, "::1", 4),
    ],
)
def test_a_taken_port_is_named(tmp_path: pathlib.Path, family: int, host: str, offset: int) -> None:
    """The port is named on stderr, the exit code is not 0, nothing listens and nothing is left behind."""
    port = live.free_ports()
    with contextlib.closing(socket.socket(family)) as taken:
        taken.bind((host, port + offset))
        taken.listen()
        done = subprocess.run(
            live.command("dev", "--port", str(port)),
            capture_output=True,
            text=True,
            timeout=10,
            cwd=tmp_path,
            env=live.environment(),
            check=False,
        )
    assert done.returncode not in (0, 1)
    assert str(port + offset) in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert live.is_free(port)


@capability("dev-sqlite", witness="the file system")
def test_the_database_stays_under_var(tmp_path: pathlib.Path) -> None:
    """Without options everything is kept in ./var, readable by its owner alone, and found again at the next start."""
    found = []
    for _ in range(2):
        with _started(tmp_path) as (_, port):
            deadline = time.monotonic() + 10
            while not _answers(port):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            found.append(requests.get(f"http://localhost:{port}/default/jwks").json()["keys"])
        assert [path.name for path in tmp_path.iterdir()] == ["var"]
        assert (tmp_path / "var" / "intaglio.db").is_file()
        for path in (tmp_path / "var", *(tmp_path / "var").iterdir()):
            assert path.stat().st_mode & 0o077 == 0, path
    assert found[0]
    assert found[0] == found[1]


@capability("dev-memory", witness="the file system")
def test_memory_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    """With `--memory` the folder is as empty after the end as it was before; Ctrl+C ends it with 0 or 130."""
    with _started(tmp_path, "--memory") as (process, port):
        deadline = time.monotonic() + 10
        while not _answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        machine = {"grant_type": "client_credentials"}
        at = f"http://localhost:{port}/default/token"
        assert requests.post(at, data=machine, auth=("machine", "machine-secret")).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(5) in (0, 130)
    assert list(tmp_path.iterdir()) == []
