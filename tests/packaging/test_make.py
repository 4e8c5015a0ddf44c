"""`make setup` and `make run` in an empty copy of the project, as a newcomer runs them."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests import live
from tests.capability import capability
from tests.packaging.conftest import OFFLINE, ROOT

pytestmark = pytest.mark.slow

PARTS = ("src", "requirements", "scripts", "pyproject.toml", "Makefile", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Copy what `make setup` needs, and run it."""
    folder = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, folder / part)
    done = make(folder, "setup")
    if done.returncode and OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("the package index cannot be reached, and pip's cache does not hold everything")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def environment() -> dict[str, str]:
    """Return the environment without what a surrounding make or an active environment left in it."""
    left_out = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"PYTHON": str(pathlib.Path(sys.base_prefix) / "bin" / "python3")}


def make(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the copy."""
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment(), capture_output=True, text=True, timeout=400, check=False
    )


@capability("make-setup", witness="make in an empty copy")
def test_setup_is_quick_the_second_time(copy: pathlib.Path) -> None:
    """The command is there, and a second `make setup` does nothing."""
    assert (copy / ".venv" / "bin" / "intaglio").is_file()
    began = time.monotonic()
    assert make(copy, "setup").returncode == 0
    assert time.monotonic() - began < 2


def test_make_alone_prints_help(copy: pathlib.Path) -> None:
    """`make` without a target lists the targets and changes nothing."""
    printed = make(copy).stdout
    for target in ("setup", "run", "test", "check", "bench", "screenshots", "docs", "clean"):
        assert f"make {target} " in printed


@capability("make-run", witness="make in an empty copy")
def test_run_starts_the_server(copy: pathlib.Path) -> None:
    """`make run` ends in a server that says it is ready."""
    port = live.free_ports()
    command = ["make", "run", f"ARGS=--memory --port {port}"]
    log = copy / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=copy, env=environment(), stdout=out, stderr=out, start_new_session=True)
    try:
        for _ in range(300):
            if f"http://localhost:{port}/demo" in log.read_text(encoding="utf-8"):
                break
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        else:
            raise AssertionError(log.read_text(encoding="utf-8"))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


@capability("make-test", witness="make in an empty copy")
def test_make_test_runs_tests(copy: pathlib.Path) -> None:
    """`make test` installs what the tests need from wheels, runs them, and tells what has a witness.

    The copy runs a few tests; that all of them pass is told by the run that this test is part of.
    """
    for part in ("tests", "docs"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    done = make(copy, "test", "ARGS=tests/wire tests/protocol")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "Not there (no passing witness)" in done.stdout


def test_half_made_environment_is_made_again(tmp_path: pathlib.Path) -> None:
    """A folder whose interpreter is the system's is made anew, so that nothing is installed into the system."""
    python = environment()["PYTHON"]
    folder = tmp_path / "half"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    done = subprocess.run(
        ["sh", str(ROOT / "scripts" / "venv.sh"), python, str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    prefix = subprocess.run(
        [folder / "bin" / "python", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert pathlib.Path(prefix.stdout.strip()) == folder


def test_pip_is_told_to_leave_the_system_alone() -> None:
    """Every call of pip in the Makefile refuses to work outside an environment."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert text.count("-m pip") == text.count("PIP_REQUIRE_VIRTUALENV=1 $(BIN)/python -m pip") == 1
